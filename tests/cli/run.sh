#!/bin/sh
# Expectation tests of the program: run.sh PROGRAM [--accept] [name...]
#
# A test is <name>.sh, run by sh in an empty folder with $MEDLEY, the program, and $CASES, this folder.
# Beside it stand its exit code (<name>.exit; 0 when absent) and what it prints (<name>.stdout,
# <name>.stderr; nothing when absent), or <name>.stdout.glob, where '*' stands for any characters and a
# line '...' for any lines. --accept writes what was printed over the expectations that do not hold.
set -u
CASES=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { echo "usage: run.sh PROGRAM [--accept] [name...]" >&2; exit 2; }
MEDLEY=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
[ -x "$MEDLEY" ] || { echo "$1: not a program" >&2; exit 2; }
shift
accept=no
[ "${1:-}" != --accept ] || { accept=yes; shift; }
unset $(env | sed -n 's/^\(MEDLEY_[A-Z0-9_]*\)=.*/\1/p') NO_COLOR
export MEDLEY CASES TERM=dumb LC_ALL=C.UTF-8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

report() { # ok|FAIL what
    if [ "$1" = ok ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    echo "$1 $2"
}

# Holds when stream $2 (stdout, stderr) of test $1 is as expected; else says how it differs.
check_stream() {
    expected=$CASES/$1.$2 globs=0
    [ ! -f "$expected.glob" ] || { expected=$expected.glob globs=1; }
    [ -f "$expected" ] || expected=/dev/null
    if [ $globs = 1 ]; then
        awk -v globs=1 -f "$CASES/match.awk" "$expected" "$work/$2" && return 0
    else
        cmp -s "$expected" "$work/$2" && return 0
    fi
    if [ $accept = no ]; then
        diff -u -L expected -L printed "$expected" "$work/$2" | sed 's/^/    /'
        return 1
    elif [ -s "$work/$2" ]; then
        [ $expected != /dev/null ] || expected=$CASES/$1.$2
        cp "$work/$2" "$expected"
    else
        rm -f "$expected"
    fi
}

run_test() {
    rm -rf "$work/scratch"
    mkdir "$work/scratch"
    (cd "$work/scratch" && HOME=$work/scratch exec sh "$CASES/$1.sh") >"$work/stdout" 2>"$work/stderr" </dev/null
    code=$? wanted=0 result=ok
    [ ! -f "$CASES/$1.exit" ] || wanted=$(cat "$CASES/$1.exit")
    if [ $code != "$wanted" ] && [ $accept = yes ]; then
        echo $code >"$CASES/$1.exit"
        [ $code != 0 ] || rm -f "$CASES/$1.exit"
    elif [ $code != "$wanted" ]; then
        echo "    exit code $code, expected $wanted"
        result=FAIL
    fi
    check_stream "$1" stdout || result=FAIL
    check_stream "$1" stderr || result=FAIL
    report $result "$1"
}

# Every command has a test that prints its help and one that is refused with exit code 2.
check_coverage() {
    for command in $(sed -n 's/^MEDLEY_COMMAND(\([a-z0-9_]*\)).*/\1/p' "$CASES/../../cli/commands.def"); do
        [ -f "$CASES/${command}_help.sh" ] || report FAIL "$command: no test ${command}_help.sh"
        [ "$(cat "$CASES/${command}_usage_error.exit" 2>/dev/null)" = 2 ] ||
            report FAIL "$command: no test ${command}_usage_error.sh with exit code 2"
    done
}

if [ $# = 0 ]; then
    check_coverage
    for file in "$CASES"/*.sh; do
        name=$(basename "$file" .sh)
        [ "$name" = run ] || run_test "$name"
    done
else
    for name in "$@"; do
        run_test "$name"
    done
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
