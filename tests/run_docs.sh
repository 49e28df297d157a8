#!/bin/sh
# Runs what documents show: run_docs.sh PROGRAM FILE.md...
#
# In every ```console block a line '$ command' is run by sh, in one scratch folder a file, in order; a
# line that ends with '\' goes on in the next. The lines below it are what the command prints, where
# '...' stands for any lines; with none, anything may be printed. A command must succeed, unless an
# error ("medley: ...") is shown. Blocks marked ```console norun are skipped. A document that says
# <!-- needs: NAME --> finds the data set NAME in its folder, or is skipped (exit code 77 if all are).
set -u
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 2 ] || { echo "usage: run_docs.sh PROGRAM FILE.md..." >&2; exit 2; }
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
[ -x "$program" ] || { echo "$1: not a program" >&2; exit 2; }
shift
data=${MEDLEY_TEST_DATA:-$here/../../shared/data}
unset $(env | sed -n 's/^\(MEDLEY_[A-Z0-9_]*\)=.*/\1/p') NO_COLOR
export TERM=dumb LC_ALL=C.UTF-8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$program" "$work/bin/medley"
PATH=$work/bin:$PATH
passed=0 failed=0 skipped=0

# Writes the commands of a document to $work/steps: N.sh, N.line (where), N.out (if output is shown).
read_steps() {
    rm -rf "$work/steps" "$work/scratch"
    mkdir "$work/steps" "$work/scratch"
    awk -v folder="$work/steps" '
        !block && /^```console *$/  { block = 1; continued = shown = 0; next }
        !block && /^```/            { block = 2; next }
        block && /^``` *$/          { block = 0; next }
        block != 1                  { next }
        continued                   { print > script; continued = /\\$/; next }
        /^\$ /                      { step = sprintf("%s/%04d", folder, ++count); script = step ".sh"
                                      print substr($0, 3) > script; print FNR > (step ".line")
                                      continued = /\\$/; shown = 1; next }
        shown                       { print > (step ".out") }
    ' "$1"
}

# Links what the document needs into its scratch folder; false when something is not there.
bring_data() {
    for name in $(sed -n 's/^<!-- needs: \([A-Za-z0-9_-]*\) -->$/\1/p' "$1"); do
        [ -d "$data/$name" ] || { echo "SKIPPED: $1 needs the data set $name (set MEDLEY_TEST_DATA)"; return 1; }
        ln -s "$(cd "$data/$name" && pwd)" "$work/scratch/$name"
    done
}

run_step() { # document, step
    (cd "$work/scratch" && HOME=$work/scratch sh "$2.sh") >"$work/printed" 2>&1 </dev/null
    code=$? why=
    if [ $code != 0 ] && ! grep -qs '^medley: ' "$2.out"; then
        why="exit code $code"
    elif [ -f "$2.out" ] && ! awk -f "$here/cli/match.awk" "$2.out" "$work/printed"; then
        why="prints something else"
    fi
    if [ -z "$why" ]; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "$1:$(cat "$2.line"): $(head -n 1 "$2.sh"): $why"
    if [ -f "$2.out" ]; then diff -u -L expected -L printed "$2.out" "$work/printed"; else cat "$work/printed"; fi | sed 's/^/    /'
}

for document in "$@"; do
    [ -r "$document" ] || { echo "$document: cannot be read"; failed=$((failed + 1)); continue; }
    read_steps "$document"
    bring_data "$document" || { skipped=$((skipped + 1)); continue; }
    for script in "$work"/steps/*.sh; do
        [ ! -f "$script" ] || run_step "$document" "${script%.sh}"
    done
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed != 0 ] || [ $passed != 0 ] || [ $skipped = 0 ] || exit 77
[ $failed = 0 ]
