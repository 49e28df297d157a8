$MEDLEY prepare --help
