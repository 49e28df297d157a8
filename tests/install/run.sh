#!/bin/sh
# Installs a build into a scratch prefix, moves the prefix, and builds and runs what a stranger
# would write against it: C through pkg-config, C through CMake, C++ through both.
# usage: tests/install/run.sh CMAKE BUILD_FOLDER CC
set -eu
cmake=$1 build=$2 cc=$3
cxx=${CXX:-c++}
here=$(cd "$(dirname "$0")" && pwd)
strict="-Wall -Wextra -Wpedantic -Werror"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
step() { echo "== $1"; }

step "install, then move: nothing may depend on the first place"
"$cmake" --install "$build" --prefix "$scratch/first" >/dev/null
mv "$scratch/first" "$scratch/prefix"
prefix=$scratch/prefix
[ ! -f "$build/medley" ] || "$prefix/bin/medley" --version
package=$(dirname "$(find "$prefix" -name medley.pc)")
PKG_CONFIG_PATH=$package
export PKG_CONFIG_PATH
LD_LIBRARY_PATH=$(dirname "$package")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

step "the installed headers are those of the tree"
diff -r "$here/../../include/medley" "$prefix/include/medley"

step "every header stands alone, in C and in C++"
for header in "$prefix"/include/medley/*.h; do
    name=medley/$(basename "$header")
    echo "#include <$name>" >"$scratch/alone.c"
    cp "$scratch/alone.c" "$scratch/alone.cc"
    # shellcheck disable=SC2046,SC2086 # flags are words
    "$cc" -std=c11 $strict -I"$prefix/include" -fsyntax-only "$scratch/alone.c"
    # shellcheck disable=SC2046,SC2086
    "$cxx" -std=c++17 $strict -I"$prefix/include" -fsyntax-only "$scratch/alone.cc"
done

step "C through pkg-config"
# shellcheck disable=SC2046,SC2086
"$cc" -std=c11 $strict $(pkg-config --cflags medley) "$here/consumer_pkgconfig/main.c" -o "$scratch/a" \
    $(pkg-config --libs medley)
"$scratch/a"

step "C++17 through pkg-config"
# shellcheck disable=SC2046,SC2086
"$cxx" -std=c++17 $strict $(pkg-config --cflags medley) "$here/consumer_cpp/main.cc" -o "$scratch/b" \
    $(pkg-config --libs medley)
"$scratch/b"

for consumer in consumer_cmake consumer_cpp; do
    step "$consumer through CMake"
    "$cmake" -S "$here/$consumer" -B "$scratch/$consumer" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" --no-warn-unused-cli >"$scratch/log" || { cat "$scratch/log"; exit 1; }
    "$cmake" --build "$scratch/$consumer" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
    "$scratch/$consumer/consumer"
done
