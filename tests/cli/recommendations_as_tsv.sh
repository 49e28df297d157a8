. "$CASES/whole_way.inc"
step train popularity
$MEDLEY recommend -q --tsv --run run --users 1,2 --top-k 3
