$MEDLEY help >/dev/full
