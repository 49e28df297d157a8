$MEDLEY help strategy
