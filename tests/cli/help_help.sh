$MEDLEY help
