. "$CASES/whole_way.inc"
step synth
$MEDLEY prepare -q --json --format movielens --input raw --store store >/dev/full
echo "exit code $?"
$MEDLEY stats -q --store store >/dev/null
