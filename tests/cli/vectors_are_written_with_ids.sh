. "$CASES/whole_way.inc"
step split
$MEDLEY train -q --store store --split main --model ials --factors 2 --run run >/dev/null
$MEDLEY embed -q --run run --out vectors
head -n 1 vectors/users.csv
wc -l vectors/users.csv vectors/items.csv
