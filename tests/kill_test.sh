#!/bin/sh
# kill_test.sh PROGRAM [POINTS]: SIGKILL at many points of prepare and train. After each the old output or the
# new one is there, whole, and the next try succeeds and leaves nothing partial. A sweep and an experiment
# go on where they were killed, and end with what they would have made in one go; so does a training with --resume.
set -eu

program=$1
case $program in /*) ;; *) program=$PWD/$program ;; esac
points=${2:-40}

base=${TMPDIR:-/tmp}
if [ -z "${TMPDIR:-}" ] && [ "$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')" -gt 1048576 ] 2>/dev/null; then
    base=/dev/shm
fi
folder=$(mktemp -d "$base/medley-kill-XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
cd "$folder"

fail() {
    echo "kill_test: $*" >&2
    exit 1
}

# Runs the program; its stderr is shown when it fails.
medley() {
    "$program" "$@" 2>stderr || fail "medley $*: $(cat stderr)"
}

now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

# Nothing of an unfinished output is left.
check_tidy() {
    left=$(find . -name '*.partial' -o -name '*.replaced')
    [ -z "$left" ] || fail "$1: left behind: $left"
}

# kill_after MS COMMAND...: starts the command and kills it, unless it was faster.
kill_after() {
    delay=$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))
    shift
    "$@" >/dev/null 2>&1 &
    pid=$!
    sleep "$delay"
    kill -KILL "$pid" 2>/dev/null || true
    if wait "$pid" 2>/dev/null; then
        finished=$((finished + 1))
    else
        killed=$((killed + 1))
    fi
}

# kill_everywhere WHAT: `make a` and `make b` make what `show` shows, one over the other; the one that
# is to come is killed at points all over its duration.
kill_everywhere() {
    what=$1 killed=0 finished=0 point=0 next=b
    make b
    shown_b=$(show) || fail "$what: $(cat stderr)"
    start=$(now_ms)
    make a
    duration=$(($(now_ms) - start + 2))
    shown_a=$(show) || fail "$what: $(cat stderr)"
    [ "$shown_a" != "$shown_b" ] || fail "$what: both look alike"
    while [ "$point" -lt "$points" ]; do
        kill_after $((duration * point / (points - 4))) start "$next"
        found=$(show) || fail "$what, killed after $delay s: cannot be opened: $(cat stderr)"
        [ "$found" = "$shown_a" ] || [ "$found" = "$shown_b" ] ||
            fail "$what, killed after $delay s: neither the old nor the new one"
        make "$next"
        found=$(show) || fail "$what, tried again: $(cat stderr)"
        case $next in
            a) [ "$found" = "$shown_a" ] || fail "$what, tried again: not the new one"; next=b ;;
            b) [ "$found" = "$shown_b" ] || fail "$what, tried again: not the new one"; next=a ;;
        esac
        check_tidy "$what, killed after $delay s"
        point=$((point + 1))
    done
    [ "$killed" -gt 0 ] || fail "$what: nothing was killed"
    echo "$what: killed $killed times, finished $finished times, over $duration ms"
}

medley synth -q --out a --users 900 --items 300 --seed 1 >/dev/null
medley synth -q --out b --users 1000 --items 300 --seed 2 >/dev/null

show() { "$program" stats -q --store store --tsv 2>stderr; }
make() { medley prepare -q --format movielens --input "$1" --store store --force >/dev/null; }
start() { exec "$program" prepare -q --format movielens --input "$1" --store store --force; }
kill_everywhere prepare

# Where there was nothing, there is nothing or the whole.
point=0
while [ "$point" -lt 10 ]; do
    rm -rf store
    kill_after $((duration * point / 8)) start a
    if [ -e store ]; then
        show >/dev/null || fail "prepare, killed after $delay s: half a store: $(cat stderr)"
    fi
    make a
    check_tidy "prepare of a first store"
    point=$((point + 1))
done

medley split -q --store store --name main --strategy random >/dev/null
model_of() { [ "$1" = a ] && echo ease || echo itemknn; }
show() { "$program" recommend -q --run run --users 1,2,3 --top-k 5 --tsv 2>stderr; }
make() { medley train -q --store store --split main --model "$(model_of "$1")" --run run --force >/dev/null; }
start() { exec "$program" train -q --store store --split main --model "$(model_of "$1")" --run run --force; }
kill_everywhere train

# A table without the columns of seconds.
timeless() {
    awk -F '\t' -v OFS='\t' '
        NR == 1 { for (i = 1; i <= NF; i++) timed[i] = $i ~ /second/ }
        { for (i = 1; i <= NF; i++) if (timed[i]) $i = "-"; print }' "$1"
}

# resume_everywhere WHAT: `start` makes the folder out, which `show` shows; killed once or twice on the way and
# started again, it shows the same.
resume_everywhere() {
    what=$1 killed=0 finished=0 point=0
    rm -rf out
    begin=$(now_ms)
    (start) >/dev/null 2>stderr || fail "$what: $(cat stderr)"
    duration=$(($(now_ms) - begin + 2))
    wanted=$(show) || fail "$what: $(cat stderr)"
    while [ "$point" -lt 20 ]; do
        rm -rf out
        kill_after $((duration * point / 18)) start
        [ $((point % 2)) -eq 0 ] || kill_after $((duration * (20 - point) / 36)) start
        (start) >/dev/null 2>stderr || fail "$what, killed after $delay s: $(cat stderr)"
        [ "$(show)" = "$wanted" ] || fail "$what, killed after $delay s: did not end with what it makes in one go"
        check_tidy "$what, killed after $delay s"
        point=$((point + 1))
    done
    [ "$killed" -gt 0 ] || fail "$what: nothing was killed"
    echo "$what: killed $killed times, finished $finished times, over $duration ms"
}

start() {
    exec "$program" sweep -q --store store --split main --out out --trials 5 --set models.ease.l2=log:1..1000 \
        --set models.itemknn.neighbours=5..50 --set models.popularity=default
}
show() { timeless out/trials.tsv && cksum out/*/model.safetensors; }
resume_everywhere sweep

start() {
    exec "$program" experiment -q --out out --set prepare.format=movielens --set prepare.input=a \
        --set split.name=last --set split.strategy=leave_one_out --set models.ease.l2=log:1..1000 \
        --set models.random=default --set sweep.trials=3 --set seeds=0,1 --set evaluate.intervals=50 \
        --set evaluate.metrics=ndcg,recall --set compare.resamples=50
}
show() { timeless out/results.tsv && timeless out/runs/trials.tsv && cksum out/runs/*/model.safetensors; }
resume_everywhere experiment

start() {
    exec "$program" train -q --resume --store store --split main --model bprmf --run out --epochs 12 --batch-size 256 \
        --learning-rate 0.01 --validate-every 4 --schedule plateau --schedule-patience 0
}
show() { cut -d, -f1-6 out/history.csv && cksum out/model.safetensors; }
resume_everywhere "training in epochs"
