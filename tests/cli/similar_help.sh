$MEDLEY similar --help
