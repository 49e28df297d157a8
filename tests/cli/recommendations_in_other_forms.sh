. "$CASES/whole_way.inc"
step train
$MEDLEY recommend -q --run run --users 1,2 --top-k 2 --out lists --out-format trec >printed
cat lists
$MEDLEY recommend -q --run run --sample 2 --top-k 1 --out lists --out-format jsonl
cat lists
