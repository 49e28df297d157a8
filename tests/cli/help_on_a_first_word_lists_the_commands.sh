$MEDLEY help features
