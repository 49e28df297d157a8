$MEDLEY help model itemknn --sweep
