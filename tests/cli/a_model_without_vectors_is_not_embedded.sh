. "$CASES/whole_way.inc"
step train
$MEDLEY embed -q --run run --out vectors
