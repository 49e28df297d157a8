$MEDLEY list -x
