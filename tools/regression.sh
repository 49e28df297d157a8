#!/bin/sh
# Metrics of data set × split × model × task × seed, as CSV: what a change of code must not change.
# usage: tools/regression.sh PROGRAM DATA OUT.csv [--sets "ml-100k ..."] [--models "ease ..."]
#
# DATA holds folders named as those of configs/, which says how each is prepared and split. Models have their
# default settings (but few epochs); random splits are made with the seeds 0, 1, 2, and what nothing random enters with 0. A model
# that needs what a set does not have, such as texts, has no rows there, and stderr says why. Besides: errors of
# predicted ratings, on random splits and on the fold u1 of ml-100k, and every metric once, of itemknn on ml-100k.
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
metrics=ndcg,recall,hr,mrr,map,auc,item_coverage,gini,novelty,popreo
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
store=$work/store

medley() { "$program" "$@" --quiet --tsv; }

is_among() { case " $(echo $2) " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# evaluate's tables, a row a metric and a column a cutoff or one for all, as rows that begin with $1
rows() {
    awk -F '\t' -v start="$1" '
        $1 == "metric" { table = 1; for (i = 2; i <= NF; i++) cutoff[i] = $i == "value" ? "-" : substr($i, 2); next }
        table && $2 ~ /^-?[0-9]/ { for (i = 2; i <= NF; i++) printf "%s,%s,%s,%.6f\n", start, $1, cutoff[i], $i }'
}

# What is learnt by gradients is learnt for a while, which says as much of the code as a long one.
settings() { # model
    ! "$program" help model "$1" | grep -q -- ' --validate-every ' || echo --epochs 5 --validate-every 0 --learning-rate 0.01
}

# Fails where the data has not what the model needs; anything else that goes wrong ends it all.
train() { # set split model seed
    status=0
    # shellcheck disable=SC2046 # one word a setting
    medley train --store "$store" --split "$2" --model "$3" --run "$work/run" --seed "$4" --force $(settings "$3") \
        >"$work/log" 2>"$work/why" || status=$?
    [ $status -ne 0 ] || return 0
    echo "$1 $2 $3: no rows: $(cat "$work/why")" >&2
    [ $status -eq 2 ] || exit 1
    return 1
}

judge() { # set split model task seed settings...
    labels=$1,$2,$3,$4,$5 task=$4
    shift 5
    medley evaluate --run "$work/run" --task "$task" --cutoffs 10 --intervals 0 "$@" >"$work/report" || exit 1
    rows "$labels" <"$work/report" >>"$work/rows"
}

run_model() { # set split model seed
    train "$@" || return 0
    judge "$1" "$2" "$3" retrieval "$4" --metrics $metrics
    ! grep -q '"ordered": *true' "$store/dataset.json" || judge "$1" "$2" "$3" next_item "$4" --metrics $metrics
    case $1/$2/$3 in
        ml-100k/*/itemknn) judge "$1" "$2" "$3" beyond_accuracy "$4" --space attribute:genres --attribute genres ;;
        */random/baseline | */u1/baseline | */random/mf | */u1/mf) judge "$1" "$2" "$3" rating "$4" ;;
    esac
}

run_split() { # set split models
    seeds=0
    ! grep -q '"strategy": *"random"' "$store/splits/$2/split.json" || seeds='0 1 2'
    for seed in $seeds; do
        [ "$seed" = 0 ] || medley split --config "$configs/$1/$2.yaml" --store "$store" --seed "$seed" --force >"$work/log"
        for model in $3; do
            run_model "$1" "$2" "$model" "$seed"
        done
    done
}

echo dataset,split,model,task,seed,metric,cutoff,value >"$work/rows"
for set in $sets; do
    medley prepare --config "$configs/$set/prepare.yaml" --input "$data/$set" --store "$store" --force >"$work/log"
    for config in "$configs/$set"/*.yaml; do
        split=$(basename "$config" .yaml)
        [ "$split" != prepare ] || continue
        medley split --config "$config" --store "$store" --seed 0 --force >"$work/log"
        run_split "$set" "$split" "$models"
    done
    [ "$set" = ml-100k ] && is_among baseline "$models" || continue
    medley prepare --config "$configs/$set/prepare.yaml" --input "$data/$set" --fold u1 --store "$store" --force >"$work/log"
    medley split --strategy fixed --name u1 --store "$store" --force >"$work/log"
    run_split "$set" u1 "baseline mf"
done
if [ "$out" = - ]; then
    cat "$work/rows"
else
    cp "$work/rows" "$out"
fi
