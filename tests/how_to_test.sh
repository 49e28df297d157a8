#!/bin/sh
# Follows a how-to in a copy of the tree: how_to_test.sh FILE.md
#
# A block ```c PATH becomes the file PATH, the lines of the blocks ```sh are run together, in order, in the copy. Then the new
# model must have learnt: its ndcg@10 is above that of popularity.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
document=$root/$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$root" && tar -cf - CMakeLists.txt CMakePresets.json cmake cli include src tests tools Makefile LICENSE README.md docs examples bench) |
    tar -xf - -C "$work"
cd "$work"
unset $(env | sed -n 's/^\(MEDLEY_[A-Z0-9_]*\)=.*/\1/p')
export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-1}" LC_ALL=C.UTF-8

awk '
    /^```c /  { file = $2; next }
    /^```sh$/ { file = "steps.sh"; print "set -eux" > file; next }
    /^```/    { file = ""; next }
    file != "" { print > file }
' "$document"
[ -s steps.sh ] || { echo "$1 has no commands"; exit 1; }
sh steps.sh >printed 2>&1 || { tail -n 30 printed; echo "$1: its commands fail"; exit 1; }

ndcg() { # run
    build/dev/medley -q evaluate --run "$1" --intervals 0 --tsv |
        awk -F '\t' '$1 == "metric" { for (i = 2; i <= NF; i++) if ($i == "@10") c = i } $1 == "ndcg" && c > 0 { print $c }'
}
build/dev/medley -q train --store tiny/store --split last --model popularity --run tiny/popularity >/dev/null
new=$(ndcg tiny/logistic) old=$(ndcg tiny/popularity)
echo "ndcg@10: $new, popularity $old"
awk -v new="$new" -v old="$old" 'BEGIN { exit !(new > 1.05 * old) }'
