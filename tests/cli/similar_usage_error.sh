$MEDLEY similar --run run --topk 5
