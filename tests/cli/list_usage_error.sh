$MEDLEY list modles
