$MEDLEY features
