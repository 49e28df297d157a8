. "$CASES/whole_way.inc"
step train
$MEDLEY recommend -q --run run --users 1 --where "genre has \"Comedy\""
