#!/bin/sh
# What `make bench` runs: everything that has a bound, beside its peer, interleaved on this machine, now.
# usage: bench/run.sh BUILD [PART...]
#
# The parts, all unless some are named: prepare scans models factors steps ops encode. The ml-1m store that factors and steps
# read is made by models; it stays in BENCH_FOLDER.
# Environment: BENCH_USERS (162541) and BENCH_ITEMS (59047) of the generated ratings, about 154 a user; BENCH_RUNS (3)
# whose median counts; BENCH_THREADS (all); BENCH_FOLDER (BUILD/bench), kept between runs; BENCH_PYTHON, one that
# has the peers of requirements.txt (else a venv is made) and, for the learnt models, torch; MEDLEY_TEST_DATA for
# ml-1m-sequences, ml-latest-small and amazon-office-elliot; BENCH_REVIEWS_MIB (400) of generated reviews.
# libsimdjson-dev, where it is installed, is the peer for JSON.
# Exit code 1 when a bound is not met.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -ge 1 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }
build=$(cd "$1" && pwd)
shift
parts=${*:-prepare scans models factors steps ops encode}
work=${BENCH_FOLDER:-$build/bench}
runs=${BENCH_RUNS:-3} threads=${BENCH_THREADS:-$(nproc)}
data=${MEDLEY_TEST_DATA:-$root/../shared/data}
users=${BENCH_USERS:-162541} items=${BENCH_ITEMS:-59047}
raw=$work/raw-$users-$items
mkdir -p "$work"
times=$(mktemp) ratios=$(mktemp)
trap 'rm -f "$times" "$ratios"' EXIT

say() { echo "bench: $*" >&2; }

find_python() {
    python=${BENCH_PYTHON:-$work/venv/bin/python}
    has_peers && return
    say "installing bench/requirements.txt into $work/venv"
    python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet -r "$root/bench/requirements.txt" || true
    python=$work/venv/bin/python
    has_peers || { say "SKIPPED: the Python peers; they cannot be installed here"; python=; }
}
has_peers() { "$python" -c 'import implicit, irspack, numpy, pandas, polars, ranx, scipy' 2>/dev/null; }

# $times: name, seconds, peak MiB. $ratios: name, ours, peer, ratio, as the C benchmarks print them.
measure_prepare() {
    if [ ! -f "$raw/ratings.csv" ]; then
        say "making $users users of ratings"
        "$build/medley" synth --quiet --force --out "$raw" --users "$users" --items "$items" \
            --interactions-per-user 154 >/dev/null
    fi
    cat "$raw/ratings.csv" >/dev/null # into memory, for everyone
    for run in $(seq "$runs"); do
        say "prepare, run $run of $runs"
        "$build/bench_reader" "$raw/ratings.csv" "$threads" >>"$times"
        [ -z "$python" ] || "$python" "$root/bench/peer_prepare.py" "$raw/ratings.csv" "$threads" >>"$times"
        "$build/bench_command" 'medley prepare' "$build/medley" prepare --quiet --force --format movielens \
            --input "$raw" --store "$work/store" --threads "$threads" >>"$times"
    done
    output_mib=$(du -sk --apparent-size "$work/store" | awk '{ print $1 / 1024 }')
}

# Per core: one thread on both sides. The bare scan is simdjson's, of the same bytes.
measure_scans() {
    reviews=$work/reviews-${BENCH_REVIEWS_MIB:-400}.json
    [ -f "$reviews" ] || "$build/bench_reader_json" make "$reviews" "${BENCH_REVIEWS_MIB:-400}"
    cat "$reviews" >/dev/null
    if ! c++ -O3 -std=c++17 "$root/bench/peer_json.cpp" -lsimdjson -o "$work/peer_json" 2>/dev/null; then
        say "SKIPPED: simdjson, which needs a C++ compiler and libsimdjson-dev"
    fi
    for run in $(seq "$runs"); do
        say "scans, run $run of $runs"
        "$build/bench_reader_json" "$reviews" 1 >>"$times"
        [ ! -x "$work/peer_json" ] || "$work/peer_json" "$reviews" >>"$times"
        "$build/bench_reader" "$raw/ratings.csv" 1 | sed 's/^medley read/medley csv/' >>"$times"
        [ -z "$python" ] || "$python" "$root/bench/peer_prepare.py" "$raw/ratings.csv" 1 'polars read' |
            sed 's/^polars read/polars csv/' >>"$times"
    done
}

measure_models() {
    say ranking
    "$build/bench_ranking" "$threads" >>"$ratios"
    folder=
    if [ -d "$data/ml-1m-sequences" ]; then
        "$build/medley" prepare --quiet --force --config "$root/configs/ml-1m-sequences/prepare.yaml" \
            --input "$data/ml-1m-sequences" --store "$work/ml-1m" >/dev/null
        folder=$work/ml-1m/interactions
    else
        say "SKIPPED: ml-1m-sequences: $data/ml-1m-sequences is not there (set MEDLEY_TEST_DATA)"
    fi
    say EASE
    "$build/bench_ease" "$threads" $folder >>"$ratios"
    if [ -n "$python" ]; then
        say metrics
        "$python" "$root/bench/peer_metrics.py" "$build/bench_metrics" "$threads" >>"$ratios"
    fi
    [ -n "$folder" ] && [ -n "$python" ] || return 0
    say 'ItemKNN and RP3beta'
    "$python" "$root/bench/peer_itemknn.py" "$build/bench_itemknn" "$folder" "$threads" >>"$ratios"
    say iALS
    "$python" "$root/bench/peer_ials.py" "$build/bench_ials" "$folder" "$threads" >>"$ratios"
    "$python" "$root/bench/peer_rp3beta.py" "$build/bench_rp3beta" "$folder" "$threads" >>"$ratios"
}

# Epochs of factor models, from the store that measure_models made.
measure_factors() {
    [ -n "$python" ] || return 0
    if [ -d "$work/ml-1m" ]; then
        say BPR-MF
        "$build/medley" split --quiet --force --config "$root/configs/ml-1m-sequences/leave_one_out.yaml" \
            --store "$work/ml-1m" >/dev/null
        "$python" "$root/bench/peer_bprmf.py" "$build/bench_bprmf" "$work/ml-1m/splits/leave_one_out" "$threads" >>"$ratios"
    fi
    [ -d "$data/ml-latest-small" ] && "$python" -c 'import torch' 2>/dev/null || { say "SKIPPED: MF"; return 0; }
    say MF
    "$build/medley" prepare --quiet --force --format movielens --input "$data/ml-latest-small" \
        --store "$work/ml-small" >/dev/null
    "$python" "$root/bench/peer_mf.py" "$build/bench_mf" "$work/ml-small/interactions" "$threads" >>"$ratios"
}

# Steps of models that PyTorch is the peer of.
measure_steps() {
    [ -n "$python" ] && "$python" -c 'import torch' 2>/dev/null || { say "SKIPPED: the peers in PyTorch"; return 0; }
    if [ -d "$work/ml-1m" ]; then
        say LightGCN
        "$build/medley" split --quiet --force --config "$root/configs/ml-1m-sequences/leave_one_out.yaml" \
            --store "$work/ml-1m" >/dev/null
        for batch in 2048 8192; do
            "$python" "$root/bench/peer_lightgcn.py" "$build/bench_lightgcn" "$work/ml-1m/splits/leave_one_out" \
                "$threads" "$batch" >>"$ratios"
        done
    fi
    [ -d "$data/amazon-office-elliot" ] || return 0
    say VBPR
    "$build/medley" prepare --quiet --force --config "$root/configs/amazon-office-elliot/prepare.yaml" \
        --input "$data/amazon-office-elliot" --store "$work/office" >/dev/null
    "$build/medley" split --quiet --force --config "$root/configs/amazon-office-elliot/fixed.yaml" \
        --store "$work/office" >/dev/null
    "$python" "$root/bench/peer_vbpr.py" make "$data/amazon-office-elliot" "$work/random"
    "$build/medley" features import --quiet --force --store "$work/office" --name random \
        --input "$work/random.npy" --ids "$work/random.txt" >/dev/null
    "$python" "$root/bench/peer_vbpr.py" "$build/bench_vbpr" "$work/office/splits/fixed" random "$threads" >>"$ratios"
}

# A table of its own, $work/ops.md.
measure_ops() {
    if [ -z "$python" ] || ! "$python" -c 'import torch' 2>/dev/null; then
        say "SKIPPED: ops beside PyTorch, which needs torch"
        return 0
    fi
    say ops
    "$python" "$root/bench/peer_ops.py" "$build/bench_ops" "$threads" >"$work/ops.md" || ops_missed=1
    cat "$work/ops.md"
}

# What turns pictures and texts into vectors, a thread on both sides.
measure_encode() {
    if [ -z "$python" ] || ! "$python" -c 'import tokenizers' 2>/dev/null || [ ! -d "$data/tmdb-5000" ]; then
        say "SKIPPED: tokenizers, which need Hugging Face's and tmdb-5000"
    else
        say tokenizers
        "$python" "$root/bench/peer_tokenizers.py" "$build/bench_tokenizer" "$data" "$work/tokenizers" >>"$ratios"
    fi
    if [ -z "$python" ] || ! "$python" -c 'import torch, transformers' 2>/dev/null || [ ! -d "$data/encoders" ]; then
        say "SKIPPED: extraction, which needs torch, transformers and encoders"
    else
        say extraction
        "$python" "$root/bench/peer_extract.py" "$build/bench_extract" "$data" "${BENCH_ENCODERS:-$root/build/encoders}" \
            "$work/extract" "$threads" >>"$ratios"
    fi
}

median() { # name column
    awk -F '\t' -v name="$1" -v column="$2" '$1 == name { print $column }' "$times" | sort -g |
        awk '{ value[NR] = $1 } END { if (NR) print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

row() { # name ours peer bound
    [ -n "$2" ] && [ -n "$3" ] || return 0
    awk -v OFS='\t' -v name="$1" -v ours="$2" -v peer="$3" -v bound="${4:--}" 'BEGIN {
        met = bound == "-" ? "" : ours / peer <= bound ? "met" : "NOT MET"
        print name, sprintf("%.3f", ours), sprintf("%.3f", peer), sprintf("%.3f", ours / peer), bound, met }'
}

table() {
    printf 'what\tours\tpeer\tratio\tbound\t\n'
    row 'read, s (polars)' "$(median 'medley read' 2)" "$(median 'polars read' 2)" 1
    row 'read CSV, 1 core, s (polars)' "$(median 'medley csv' 2)" "$(median 'polars csv' 2)" 2
    row 'read JSON, 1 core, s (simdjson scan)' "$(median 'medley json' 2)" "$(median 'simdjson scan' 2)" 2
    row 'read JSON, 1 core, s (simdjson on demand)' "$(median 'medley json' 2)" "$(median 'simdjson on demand' 2)"
    row 'prepare, s (polars)' "$(median 'medley prepare' 2)" "$(median polars 2)" 1
    row 'prepare, s (pandas)' "$(median 'medley prepare' 2)" "$(median pandas 2)"
    row 'prepare, peak MiB (output)' "$(median 'medley prepare' 3)" "$output_mib" 3
    row 'prepare, peak MiB (polars)' "$(median 'medley prepare' 3)" "$(median polars 3)"
    row 'prepare, peak MiB (pandas)' "$(median 'medley prepare' 3)" "$(median pandas 3)"
    awk -F '  +' '!/^#/ { print $1 "\t" $2 "\t" $3 }' "$ratios" | while IFS="$(printf '\t')" read -r name ours peer; do
        case $name in
            ranking*) row "$name, s (GEMM)" "$ours" "$peer" 1.5 ;;
            metrics*ranx*) row "$name, s" "$ours" "$peer" 1 ;;
            metrics*) row "$name, s" "$ours" "$peer" 0.05 ;;
            ease*) row "$name, s (LAPACK)" "$ours" "$peer" 1.3 ;;
            itemknn* | rp3beta*) row "$name, s" "$ours" "$peer" 0.5 ;;
            ials*) row "$name, s an epoch" "$ours" "$peer" 0.667 ;;
            bprmf*) row "$name, s an epoch" "$ours" "$peer" 0.5 ;;
            mf*DataLoader) row "$name, s an epoch" "$ours" "$peer" 0.05 ;;
            mf*) row "$name, s an epoch" "$ours" "$peer" ;;
            lightgcn*) row "$name, s" "$ours" "$peer" 0.333 ;;
            'vbpr step in bfloat16'*) row "$name, s" "$ours" "$peer" 0.1 ;;
            vbpr*) row "$name, s" "$ours" "$peer" ;;
            tokenize*) row "$name, s" "$ours" "$peer" 1 ;;
            extract*ready*) row "$name, s" "$ours" "$peer" 1.053 ;;
            extract*) row "$name, s" "$ours" "$peer" 0.5 ;;
        esac
    done
}

output_mib= ops_missed=0
find_python
for part in $parts; do "measure_$part"; done
echo "$(uname -m), $threads threads, median of $runs runs, $(date -u +%F)"
table >"$work/table.tsv"
awk -F '\t' '{ printf "%-46s %10s %10s %8s %6s  %s\n", $1, $2, $3, $4, $5, $6 }' "$work/table.tsv"
! grep -q 'NOT MET' "$work/table.tsv" && [ "$ops_missed" = 0 ]
