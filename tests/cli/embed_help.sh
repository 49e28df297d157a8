$MEDLEY embed --help
