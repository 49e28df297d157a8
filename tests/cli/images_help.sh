$MEDLEY images --help
