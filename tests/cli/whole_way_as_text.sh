set -e
$MEDLEY synth -q --out raw --users 80 --items 50 --seed 7
$MEDLEY prepare -q --format movielens --input raw --store store
$MEDLEY stats -q --store store
$MEDLEY split -q --store store --name main --strategy random --seed 7
$MEDLEY train -q --store store --split main --model ease --run run
$MEDLEY evaluate -q --run run --task retrieval --cutoffs 5,10
$MEDLEY recommend -q --run run --users 1,2 --top-k 3
