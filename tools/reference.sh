#!/bin/sh
# Writes docs/reference: one page for each member of each kind, made by the program from its tables.
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
for kind in $(names); do
    rm -rf "${target:?}/$kind"
    mkdir -p "$target/$kind"
    for name in $(names "$kind"); do
        "$program" help "$kind" "$name" --markdown >"$target/$kind/$name.md"
    done
done
if [ "$target" != "$folder" ]; then
    diff -ru "$folder" "$target" || { echo "docs/reference is stale: run make docs" >&2; exit 1; }
fi
