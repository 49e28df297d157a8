$MEDLEY help modle ease
