$MEDLEY estimate --help
