$MEDLEY list
