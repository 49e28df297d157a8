$MEDLEY features import --help
