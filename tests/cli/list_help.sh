$MEDLEY list --help
