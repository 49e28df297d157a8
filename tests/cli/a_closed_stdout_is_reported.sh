$MEDLEY list models >&-
