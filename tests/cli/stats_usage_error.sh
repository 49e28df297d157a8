$MEDLEY stats store
