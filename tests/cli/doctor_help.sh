$MEDLEY doctor --help
