$MEDLEY --json list strategies
