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

# ---- pictures and texts ----

printf '\nNow films with covers and overviews: what they show and tell is half of what people like, and some are new.\n'
say synth --out seen/raw --images
say prepare --format movielens --input seen/raw --store seen/store >prepare-seen.txt
say split --store seen/store --name time --strategy temporal >split-seen.txt
say extract --store seen/store --encoder histogram --name visual
say extract --store seen/store --encoder tfidf --name textual

gradient='--factors 64 --batch-size 1024 --learning-rate 0.003 --regularization 0.05 --epochs 40 --validate-every 4 --patience 3'
models="popularity itemknn bprmf vbpr contentknn"
for model in $models; do
    case $model in
    bprmf) settings=$gradient ;;
    vbpr) settings="$gradient --features visual,textual" ;;
    contentknn) settings='--features visual,textual' ;;
    *) settings= ;;
    esac
    # shellcheck disable=SC2086
    medley train --store seen/store --split time --model "$model" --run "seen/runs/$model" $settings \
        >"seen/train-$model.txt"
    for task in retrieval cold_item; do
        medley evaluate --run "seen/runs/$model" --task "$task" --intervals 0 --tsv >"seen/$task-$model.tsv"
    done
done

# value FILE METRIC: at 10, or the only one
value() {
    awk -F '\t' -v metric="$2" '
        $1 == "metric" { column = 2; for (i = 2; i <= NF; i++) if ($i == "@10") column = i }
        $1 == metric && column > 0 { print $column }' "$1"
}
printf '\n$ medley train … --model %s, then medley evaluate … --task retrieval, and --task cold_item\n' \
    "$(echo $models | tr ' ' '|')"
awk -F '\t' '$1 == "candidates" || $1 == "users" { print "  cold " $1 ": " $2 }' seen/cold_item-vbpr.tsv
printf '\n  %-12s%16s%16s%12s%12s\n' model 'all: ndcg@10' 'cold: ndcg@10' 'recall@10' 'auc'
for model in $models; do
    case $model in
    vbpr | contentknn) note= ;;
    *) note='knows ids only' ;;
    esac
    printf '  %-12s%16.4f%16.4f%12.4f%12.4f  %s\n' "$model" "$(value "seen/retrieval-$model.tsv" ndcg)" \
        "$(value "seen/cold_item-$model.tsv" ndcg)" "$(value "seen/cold_item-$model.tsv" recall)" \
        "$(value "seen/cold_item-$model.tsv" auc)" "$note"
done

printf '\nChance has an AUC of 0.5. What VBPR would show of the films that nobody has rated in training:\n'
say recommend --run seen/runs/vbpr --users 1,2,3 --top-k 5 --where 'popularity = 0'

# A page of covers: what three users picked last, and what they are recommended of the new.
medley recommend --run seen/runs/vbpr --users 1,2,3 --top-k 8 --where 'popularity = 0' --out seen/new.tsv >/dev/null
{
    printf '<!doctype html><meta charset="utf-8"><title>Covers</title><style>img{width:90px;margin:2px}</style>\n'
    for user in 1 2 3; do
        printf '<h3>User %s liked</h3>\n' "$user"
        awk -F , -v user="$user" '$1 == user && $3 >= 4 { print $2 }' seen/raw/ratings.csv | tail -n 12 |
            sed 's/.*/<img src="raw\/posters\/&.jpg" alt="&">/'
        printf '<h3>and is shown</h3>\n'
        awk -F '\t' -v user="$user" '$1 == user { print $3 }' seen/new.tsv |
            sed 's/.*/<img src="raw\/posters\/&.jpg" alt="&">/'
    done
} >seen/covers.html
printf '\nIts covers beside those of the films they liked: %s/seen/covers.html\n' "$folder"
printf '\nNext: the tour in README.md, or build/release/medley help\n'
