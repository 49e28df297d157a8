$MEDLEY compare --help
