$MEDLEY prepare --store
