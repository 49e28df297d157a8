$MEDLEY sweep --help
