$MEDLEY extract --help
