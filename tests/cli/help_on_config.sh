$MEDLEY help config
