#!/bin/sh
# Plants one violation at a time in a copy of the tree: tools/check_layers.sh must name each.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

fresh() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree"
    for part in src include cli server tools; do
        [ ! -d "$part" ] || cp -r "$part" "$scratch/tree/"
    done
}

# expects TEXT: the check fails and says TEXT
expects() {
    if said=$(sh tools/check_layers.sh "$scratch/tree" 2>&1); then
        echo "FAILED: not noticed: $1"
        failed=1
    elif ! printf '%s\n' "$said" | grep -qF "$1"; then
        printf 'FAILED: expected "%s", it said:\n%s\n' "$1" "$(printf '%s\n' "$said" | head -5)"
        failed=1
    fi
    fresh
}

cd "$(dirname "$0")/.."
fresh
tree=$scratch/tree

echo '#include "api/operation.h"' >>"$tree/src/base/error.c"
expects 'base/ must not include api/'
echo '#  include "tensor/gemm.h" /* as kernels */' >>"$tree/src/io/file.h"
expects 'io/ must not include tensor/'
echo '#include "error.h"' >>"$tree/src/base/error.c"
expects 'write "<layer>/<file>.h"'
mkdir "$tree/src/wrong" && echo >"$tree/src/wrong/thing.c"
expects 'src/wrong/ is no layer'
echo '#include "base/base.h"' >>"$tree/include/medley/status.h"
expects 'public headers include <medley/...> only'
mkdir -p "$tree/cli" && echo '#include "base/base.h"' >"$tree/cli/planted.c"
expects 'cli/ may include <medley/...>'
mkdir -p "$tree/server" && echo '#include "io/json.h"' >"$tree/server/planted.c"
expects 'server/ may include <medley/...>'
echo '#include <sqlite3.h>' >>"$tree/src/base/error.c"
expects '<sqlite3.h> may only be included by src/io/catalog'
echo '#include <openssl/ssl.h>' >>"$tree/src/base/error.c"
expects '<openssl/ssl.h> is not known'
echo '#include <omp.h>' >"$tree/cli/planted.c"
expects '<omp.h> may only be included by'
echo >"$tree/src/io/error.h"
expects 'more than one file is called error.h'
echo 'MEDLEY_METRIC(nowhere)' >>"$tree/src/eval/metrics.def"
expects "the row 'nowhere' has no file src/eval/metric_nowhere.c"
echo >"$tree/src/eval/metric_unlisted.c"
expects 'src/eval/metric_unlisted.c: has no row'
if [ -f "$tree/src/model/models.def" ]; then
    echo >"$tree/src/model/unlisted.c"
    expects 'src/model/unlisted.c: has no row'
fi

[ $failed = 0 ] && echo "every planted violation was named"
exit $failed
