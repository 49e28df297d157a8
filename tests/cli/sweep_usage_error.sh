$MEDLEY sweep --trails 5
