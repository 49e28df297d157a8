. "$CASES/whole_way.inc"
step train
$MEDLEY similar -q --run run --items 1,20 --top-k 3
