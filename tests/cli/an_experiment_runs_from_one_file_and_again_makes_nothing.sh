$MEDLEY -q synth --out raw --users 60 --items 30 --interactions-per-user 8 --genres 3 >/dev/null
cat >exp.yaml <<END
out: trial
metric: ndcg@5
prepare: {format: movielens, input: raw}
split: {name: main, strategy: random}
models:
  popularity: default
  ease: {l2: [10, 100]}
  itemknn: {neighbours: [5, 20]}
sweep: {search: grid, trials: 4}
evaluate: {cutoffs: [5], intervals: 0}
END
for round in first second; do
    $MEDLEY -q experiment --config exp.yaml --tsv >printed || exit
    grep -E '^(prepare|split|evaluate)	' printed | cut -f 1,2
    cut -f 1,2 trial/results.tsv >results
    cut -f 1-4,6 trial/runs/trials.tsv >trials
    [ $round = first ] && cp results results1 && cp trials trials1
done
cmp results results1
cmp trials trials1
sort results
$MEDLEY -q train --config trial/runs/ease/config.yaml --run again >/dev/null
cmp again/model.safetensors trial/runs/ease/model.safetensors
