$MEDLEY list --json --tsv
