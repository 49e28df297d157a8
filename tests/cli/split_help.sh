$MEDLEY split --help
