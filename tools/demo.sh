#!/bin/sh
# The main job end to end on made-up data, into ./demo: make, prepare, split, train (one model by gradients), evaluate,
# recommend.
# usage: tools/demo.sh PROGRAM [FOLDER]
set -eu
program=$(realpath "$1")
folder=${2:-demo}
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"

medley() { "$program" -q "$@"; }
# Shows a command before it runs.
say() {
    printf '\n$ medley %s\n' "$*"
    medley "$@"
}
# The same with its progress.
watch() {
    printf '\n$ medley %s\n' "$*"
    "$program" "$@"
}

printf 'Two thousand made-up people with tastes, a thousand films in series. Everything lands in %s/.\n' "$folder"
say synth --out raw
say prepare --format movielens --input raw --store store
say stats --store store --plot store.svg
say split --store store --name last --strategy leave_one_out

models="popularity itemknn ease bprmf"
watch train --store store --split last --model bprmf --run runs/bprmf --factors 64 --learning-rate 0.003 \
    --regularization 0.1 --epochs 60 --validate-every 2 --patience 4
printf '\nIts learning curve: %s/runs/bprmf/curves.svg\n' "$folder"

for model in $models; do
    [ -d "runs/$model" ] ||
        medley train --store store --split last --model "$model" --run "runs/$model" >"train-$model.txt"
    medley evaluate --run "runs/$model" --intervals 0 --tsv >"evaluate-$model.tsv"
done

printf '\n$ medley train … --model popularity|itemknn|ease|bprmf, then medley evaluate … on the test part\n'
grep -E '^(candidates|masked|ties|users)	' evaluate-ease.tsv | sed 's/^/  /' | tr '\t' ' '
printf '\n  %-12s%12s%12s%12s%12s%12s\n' model 'hr@10' 'ndcg@10' 'mrr@10' 'coverage@10' 'novelty@10'
for model in $models; do
    awk -F '\t' -v model="$model" '
        $1 == "metric" { for (i = 2; i <= NF; i++) if ($i == "@10") column = i }
        column > 0 { value[$1] = $column }
        END { printf "  %-12s%12.4f%12.4f%12.4f%12.4f%12.4f\n", model, value["hr"], value["ndcg"], value["mrr"],
                     value["item_coverage"], value["novelty"] }' "evaluate-$model.tsv"
done

say recommend --run runs/ease --users 1,2,3 --top-k 5
printf '\nNext: the tour in README.md, or build/release/medley help\n'
