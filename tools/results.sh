#!/bin/sh
# The results table of README.md, made from nothing: runs every experiment of configs/experiments on the data
# sets in DATA (a folder that holds them by name), keeps each report, with all its protocol, in docs/results, and puts
# the table between the marks in README.md. What is up to date in build/experiments is not made again.
# With ENCODERS, a folder with mobilenet-v2.onnx and all-minilm-l6-v2/, also the two of MovieLens 100K with posters and overviews.
#   tools/results.sh PROGRAM DATA [ENCODERS]
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 2 ] || [ $# -eq 3 ] || { echo "usage: tools/results.sh PROGRAM DATA [ENCODERS]" >&2; exit 2; }
case $1 in /*) program=$1 ;; *) program=$PWD/$1 ;; esac
data=$2
mkdir -p docs/results

# report EXPERIMENT SET [ARGUMENT...]
report() {
    name=$1 set=$2
    shift 2
    [ -d "$data/$set" ] || { echo "tools/results.sh: $data/$set is not there" >&2; exit 1; }
    # The second call makes nothing again: its report has the same numbers, and no progress or log between them.
    for quiet in "" --quiet; do
        "$program" experiment --config "configs/experiments/$name.yaml" --set "prepare.input=$data/$set" "$@" \
            --out "build/experiments/$name" $quiet >build/experiments/report.txt
    done
    sed -e "s|$data/||g" -e "s|$PWD/||g" -e '/^Steps$/,/^$/d' build/experiments/report.txt >"docs/results/$name.txt"
}

mkdir -p build/experiments
if [ $# -eq 3 ]; then
    for name in ml-100k-multimodal ml-100k-cold-items; do
        report "$name" ml-100k --set "extract.mobilenet.model=$3/mobilenet-v2.onnx" \
            --set "extract.minilm.model=$3/all-minilm-l6-v2"
    done
fi

columns=""
for set in ml-latest-small ml-100k ml-1m-sequences amazon-beauty-sequences amazon-office-elliot; do
    report "$set" "$set"
    columns="$columns build/experiments/$set/results.tsv"
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
