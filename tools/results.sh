#!/bin/sh
# The results table of README.md, made from nothing: runs every experiment of configs/experiments on the data
# sets in DATA (a folder that holds them by name), keeps each report, with all its protocol, in docs/results, and puts
# the table between the marks in README.md. What is up to date in build/experiments is not made again.
#   tools/results.sh PROGRAM DATA
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 2 ] || { echo "usage: tools/results.sh PROGRAM DATA" >&2; exit 2; }
case $1 in /*) program=$1 ;; *) program=$PWD/$1 ;; esac
data=$2
mkdir -p docs/results
sets="ml-latest-small ml-100k ml-1m-sequences amazon-beauty-sequences amazon-office-elliot"
columns=""
for set in $sets; do
    [ -d "$data/$set" ] || { echo "tools/results.sh: $data/$set is not there" >&2; exit 1; }
    out=build/experiments/$set
    # The second call makes nothing again: its report has the same numbers, and no progress or log between them.
    "$program" experiment --config "configs/experiments/$set.yaml" --set "prepare.input=$data/$set" --out "$out"  >/dev/null
    "$program" experiment --config "configs/experiments/$set.yaml" --set "prepare.input=$data/$set" --out "$out" \
        --quiet | sed -e "s|$data/||g" -e "s|$PWD/||g" -e '/^Steps$/,/^$/d' >"docs/results/$set.txt"
    columns="$columns $out/results.tsv"
done

# ndcg@10 with half the width of its 95 % interval, a model a row, the best of each column in bold.
awk -F'\t' '
FNR == 1 { split("", at); for (i = 1; i <= NF; i++) at[$i] = i; file++; next }
$at["seed"] == 0 {
    if (!($1 in seen)) { seen[$1] = 1; order[++models] = $1 }
    value[$1, file] = $at["ndcg@10"]
    half[$1, file] = ($at["ndcg@10_high"] - $at["ndcg@10_low"]) / 2
    if (value[$1, file] > best[file]) best[file] = value[$1, file]
    sum[$1] += value[$1, file]; count[$1]++
}
END {
    print "| NDCG@10 | ml-latest-small | ml-100k | ml-1m-sequences | Amazon Beauty | Amazon Office |"
    print "|---|---|---|---|---|---|"
    for (n = 1; n <= models; n++) rank[n] = order[n]
    for (a = 1; a <= models; a++)
        for (b = a + 1; b <= models; b++)
            if (sum[rank[b]] / count[rank[b]] > sum[rank[a]] / count[rank[a]]) { t = rank[a]; rank[a] = rank[b]; rank[b] = t }
    for (n = 1; n <= models; n++) {
        line = "| " rank[n] " |"
        for (f = 1; f <= file; f++) {
            v = value[rank[n], f]
            if (v == "") cell = "–"
            else {
                cell = sprintf("%.4f ± %.4f", v, half[rank[n], f])
                if (v == best[f]) cell = "**" cell "**"
            }
            line = line " " cell " |"
        }
        print line
    }
}' $columns >build/experiments/table.md

awk 'FNR == NR { table = table $0 "\n"; next }
     /<!-- results -->/ { print; printf "%s", table; skip = 1; next }
     /<!-- end of results -->/ { skip = 0 }
     !skip { print }' build/experiments/table.md README.md >build/experiments/README.md
cp build/experiments/README.md README.md
cat build/experiments/table.md
