$MEDLEY recommend --run run --topk 5
