$MEDLEY doctor --print-config
