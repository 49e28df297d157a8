$MEDLEY help model eaze
