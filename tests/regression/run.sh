#!/bin/sh
# The quick rows of results.csv, measured again: none may be missing, new or different. All rows, after a wanted
# change: tools/regression.sh PROGRAM DATA tests/regression/results.csv
# usage: tests/regression/run.sh PROGRAM
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=$1 data=${MEDLEY_TEST_DATA:-$here/../../../shared/data}
quick='ml-100k amazon-office-elliot'
for set in $quick; do
    [ -d "$data/$set" ] || { echo "SKIPPED: $data/$set is not there (set MEDLEY_TEST_DATA)"; exit 77; }
done
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
sh "$here/../../tools/regression.sh" "$program" "$data" "$rows" --sets "$quick"
# What was written down with 6 digits may be off by one in the last.
awk -F , -v sets="$quick" '
    FNR == 1 { file++; next }
    { key = $1; for (i = 2; i < NF; i++) key = key "," $i }
    file == 1 { if (index(" " sets " ", " " $1 " ")) wanted[key] = $NF; next }
    !(key in wanted) { print key ": measured, not in results.csv"; bad++; next }
    { off = $NF - wanted[key]; if (off < 0) off = -off }
    !(off <= 1.5e-6) { print key ": " $NF ", in results.csv " wanted[key]; bad++ }
    { seen++; delete wanted[key] }
    END {
        for (key in wanted) { print key ": in results.csv, not measured"; bad++ }
        print seen + 0 " rows compared, " bad + 0 " differ"
        exit bad > 0 || seen == 0
    }' "$here/results.csv" "$rows"
