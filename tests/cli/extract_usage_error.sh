$MEDLEY extract --sotre store
