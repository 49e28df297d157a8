. "$CASES/whole_way.inc"
step train popularity
$MEDLEY recommend -q --run run --all --top-k 2 --out lists.tsv >printed
head -n 3 lists.tsv
