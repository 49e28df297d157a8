. "$CASES/whole_way.inc"
step prepare
$MEDLEY similar -q --tsv --store store --space attribute:genres --items 1 --top-k 3 --where "popularity > 20"
