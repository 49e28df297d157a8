. "$CASES/whole_way.inc"
step train
$MEDLEY evaluate -q --run run --cutoffs 5,x
