#!/bin/sh
# Every op of src/autograd/ops.def must be a case of a gradient check: its name, quoted, stands in an
# src/autograd/op_<file>*_gradient_test.c.
# usage: tests/check_gradient_cases.sh ROOT
set -eu
cd "$1"
missing=0
for row in $(sed -n 's/^MEDLEY_OP(\([a-z0-9_]*\), *\([a-z0-9_]*\)).*/\1:\2/p' src/autograd/ops.def); do
    prefix=src/autograd/op_${row%%:*} name=${row#*:}
    grep -qsF "\"$name\"" "$prefix"*_gradient_test.c && continue
    echo "src/autograd/ops.def: the op '$name' has no gradient case (.op = \"$name\") in ${prefix}_gradient_test.c"
    missing=1
done
exit $missing
