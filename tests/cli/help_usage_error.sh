$MEDLEY help tarin
