set -e
$MEDLEY synth --json -q --out raw --users 80 --items 50 --seed 7
$MEDLEY prepare --json -q --format movielens --input raw --store store
$MEDLEY stats --json -q --store store
$MEDLEY split --json -q --store store --name main --strategy random --seed 7
$MEDLEY train --json -q --store store --split main --model popularity --run run
$MEDLEY evaluate --json -q --run run --task retrieval --cutoffs 5
$MEDLEY recommend --json -q --run run --users 1,2 --top-k 3
