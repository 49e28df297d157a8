$MEDLEY help strategy random --schema
