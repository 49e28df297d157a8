$MEDLEY images --sotre store
