$MEDLEY features show --help
