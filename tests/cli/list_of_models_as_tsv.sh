$MEDLEY list models --tsv
