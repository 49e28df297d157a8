. "$CASES/whole_way.inc"
step synth
$MEDLEY synth -q --out raw --users 80 --items 50 --force >/dev/null || exit 99
$MEDLEY synth -q --out raw --users 80 --items 50 --no-force
