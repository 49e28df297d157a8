$MEDLEY stats --help
