$MEDLEY extract plan --help
