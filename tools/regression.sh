#!/bin/sh
# Metrics of data set × split × model × task × seed, as CSV: what a change of code must not change.
# usage: tools/regression.sh PROGRAM DATA OUT.csv [--sets "ml-100k ..."] [--models "ease ..."]
#
# DATA holds folders named as those of configs/, which says how each is prepared and split. Models have their
# default settings; random splits are made with the seeds 0, 1, 2, and what nothing random enters with 0.
set -eu
configs=$(cd "$(dirname "$0")/../configs" && pwd)
[ $# -ge 3 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }
program=$1 data=$2 out=$3
shift 3
sets=$(cd "$configs" && for file in */prepare.yaml; do dirname "$file"; done)
models=$("$program" list models --tsv | awk -F '\t' 'NR > 1 { print $1 }')
while [ $# -ge 2 ]; do
    case $1 in
        --sets) sets=$2 ;;
        --models) models=$2 ;;
        *) echo "regression.sh: unknown option '$1' (--sets, --models)" >&2; exit 2 ;;
    esac
    shift 2
done
metrics=ndcg,recall,hr,mrr,map,item_coverage,novelty
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
store=$work/store

medley() { "$program" "$@" --quiet --tsv; }

# evaluate's table, a row a metric and a column a cutoff, as rows that begin with $1
rows() {
    awk -F '\t' -v start="$1" '
        $1 == "metric" { table = 1; for (i = 2; i <= NF; i++) cutoff[i] = substr($i, 2); next }
        table { for (i = 2; i <= NF; i++) printf "%s,%s,%s,%.6f\n", start, $1, cutoff[i], $i }'
}

run_model() { # set split model seed
    medley train --store "$store" --split "$2" --model "$3" --run "$work/run" --seed "$4" --force >"$work/log"
    for task in retrieval next_item; do
        [ $task = retrieval ] || grep -q '"ordered": *true' "$store/dataset.json" || continue
        medley evaluate --run "$work/run" --task $task --cutoffs 10,20 --metrics $metrics >"$work/report"
        rows "$1,$2,$3,$task,$4" <"$work/report" >>"$work/rows"
    done
}

echo dataset,split,model,task,seed,metric,cutoff,value >"$work/rows"
for set in $sets; do
    medley prepare --config "$configs/$set/prepare.yaml" --input "$data/$set" --store "$store" --force >"$work/log"
    for config in "$configs/$set"/*.yaml; do
        split=$(basename "$config" .yaml)
        [ "$split" != prepare ] || continue
        seeds=0
        ! grep -q '^strategy: random$' "$config" || seeds='0 1 2'
        for seed in $seeds; do
            medley split --config "$config" --store "$store" --seed "$seed" --force >"$work/log"
            for model in $models; do
                run_model "$set" "$split" "$model" "$seed"
            done
        done
    done
done
if [ "$out" = - ]; then
    cat "$work/rows"
else
    cp "$work/rows" "$out"
fi
