$MEDLEY evaluate --help
