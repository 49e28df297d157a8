$MEDLEY extract plan --sotre store
