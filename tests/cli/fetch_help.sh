$MEDLEY fetch --help
