#!/bin/sh
# Writes docs/reference: one page for each member of each kind, made by the program from its tables, and an
# index.
# With --check, compares instead and fails when a page is stale.
# usage: tools/reference.sh PROGRAM FOLDER [--check]
set -eu
program=$1 folder=$2
target=$folder
if [ "${3:-}" = --check ]; then
    target=$(mktemp -d)
    trap 'rm -rf "$target"' EXIT
fi
names() { "$program" list "$@" --tsv | awk -F '\t' 'NR > 1 { print $1 }'; }
mkdir -p "$target"
{
    printf '# Reference\n\nMade by `make docs` from the tables of the program; `medley help KIND NAME` shows the same.\n'
    for kind in $(names); do
        printf '\n## %s\n\n' "$kind"
        if [ "$kind" = sets ]; then # a line each says all there is
            "$program" list sets --tsv | awk -F '\t' 'NR > 1 { printf "- %s: %s\n", $1, $2 }'
            continue
        fi
        rm -rf "${target:?}/$kind"
        mkdir "$target/$kind"
        for name in $(names "$kind"); do
            "$program" help "$kind" "$name" --markdown >"$target/$kind/$name.md"
        done
        "$program" list "$kind" --tsv | awk -F '\t' -v kind="$kind" 'NR > 1 { printf "- [%s](%s/%s.md): %s\n", $1, kind, $1, $2 }'
    done
} >"$target/README.md"
if [ "$target" != "$folder" ]; then
    diff -ru "$folder" "$target" || { echo "docs/reference is stale: run make docs" >&2; exit 1; }
fi
