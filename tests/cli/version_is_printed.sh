$MEDLEY --version
