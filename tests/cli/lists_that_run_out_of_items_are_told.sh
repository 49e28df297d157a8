. "$CASES/whole_way.inc"
step train
$MEDLEY recommend -q --run run --users 1 --top-k 3 --where "popularity < 0"
