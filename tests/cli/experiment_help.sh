$MEDLEY experiment --help
