$MEDLEY features show --store store
