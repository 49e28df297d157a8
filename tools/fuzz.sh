#!/bin/sh
# Runs every fuzz target for some seconds, starting from its corpus; new inputs and what crashes are
# left in BUILD/found/<target>.
# usage: tools/fuzz.sh BUILD SECONDS
set -eu
build=$1 seconds=$2
failed=0
for source in tests/fuzz/fuzz_*.c; do
    target=$(basename "$source" .c)
    found=$build/found/$target
    mkdir -p "$found"
    echo "== $target"
    corpus=tests/fuzz/corpus/$target
    [ -d "$corpus" ] || corpus=tests/fuzz/corpus/${target#fuzz_}
    [ -d "$corpus" ] || corpus=
    # shellcheck disable=SC2086 # no corpus is no argument
    "$build/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$found/" "$found" $corpus 2>"$found.log" || {
        tail -40 "$found.log"
        failed=1
    }
    grep -E 'number_of_executed_units|peak_rss' "$found.log" || true
done
exit $failed
