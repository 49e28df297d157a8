#!/bin/sh
# The library shows exactly the symbols of the list, all of them medley_*, and the headers declare
# exactly these. After a wanted change: tests/check_symbols.sh nm LIBRARY tests/symbols.txt --accept
# usage: tests/check_symbols.sh NM LIBRARY LIST [--accept]
set -eu
nm=$1 library=$2 list=$3
export LC_ALL=C

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$nm" -D --defined-only "$library" | awk '{ print $NF }' | sort >"$scratch/shown"
if [ "${4:-}" = --accept ]; then
    cp "$scratch/shown" "$list"
fi

failed=0
if grep -v '^medley_' "$scratch/shown"; then
    echo "these symbols are not medley_*"
    failed=1
fi
diff -u "$list" "$scratch/shown" || failed=1
sed -n '/MEDLEY_API/s/.*[ *]\(medley_[a-z0-9_]*\)[([].*/\1/p' include/medley/*.h | sort >"$scratch/declared"
diff -u "$scratch/declared" "$scratch/shown" || { echo "(-: declared in include/medley, +: in the library)"; failed=1; }
exit $failed
