. "$CASES/whole_way.inc"
step train
$MEDLEY recommend -q --run run --users 1 --top-k 4 --diversity 0.7 --space attribute:genres
