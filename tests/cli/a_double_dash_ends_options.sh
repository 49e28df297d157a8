$MEDLEY list -- --json
