$MEDLEY help exit-codes
