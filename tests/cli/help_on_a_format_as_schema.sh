$MEDLEY help format delimited --schema
