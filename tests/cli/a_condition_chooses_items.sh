. "$CASES/whole_way.inc"
step train
$MEDLEY recommend -q --tsv --run run --users 1 --top-k 3 --where "genres has \"Comedy\" and popularity >= 15"
