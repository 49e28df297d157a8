$MEDLEY recommend --help
