. "$CASES/whole_way.inc"
step synth
$MEDLEY prepare --format movielens --input raw --store store 2>log >/dev/null
grep -q "$(printf '\r')" log || echo "none in a file"
$MEDLEY prepare --format movielens --input raw --store store --force --progress always 2>log >/dev/null
grep -q "$(printf '\r')" log && echo "always is always"
