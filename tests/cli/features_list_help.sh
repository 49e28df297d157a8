$MEDLEY features list --help
