$MEDLEY experiment --stroe s
