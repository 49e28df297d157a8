#!/bin/sh
# Checks the shape of the tree and prints one line for each violation:
#   - src/: a file includes only its own layer and lower ones (tools/layers.txt, lowest first); tests those of tests/ too
#   - cli/ and server/ are customers: <medley/...> and their own headers
#   - a third-party header is included only by the files that the table below allows
#   - every row of a registry (tools/registries.txt) has its file and every such file its row
#   - no two sources of src/ share a name
# usage: tools/check_layers.sh [ROOT]
set -eu
cd "${1:-.}"

# header (the part before a '/', or whole), and the files that may include it
third_party='
cblas.h      src/tensor/(gemm_openblas|cholesky|gram)\.c
lapacke.h    src/tensor/(gemm_openblas|cholesky|gram)\.c
dnnl.h       src/tensor/gemm_(onednn|bf16)\.c
omp.h        src/(base/parallel|tensor/(gemm_(openblas|onednn|bf16)|cholesky|gram))\.c
yaml.h       src/io/yaml\.c
jansson.h    src/io/json\.c
sqlite3.h    src/io/catalog(_test)?\.c
zlib.h       src/io/stream\.c|src/.*_test\.c
zstd.h       src/io/stream\.c|src/.*_test\.c
xxhash.h     src/io/(fingerprint|stream)\.c
utf8proc.h   src/(io/utf8|data/text_clean)\.c
libxml/HTMLparser.h src/data/text_clean\.c
curl/curl.h  src/io/download\.c
openssl/evp.h    src/io/digest\.c
archive.h        src/io/archive\.c|src/.*_test\.c
archive_entry.h  src/io/archive\.c|src/.*_test\.c
cmocka.h     .*_test\.c
immintrin.h  src/(io/(delimited|json_lines)|tensor/.*)\.c
cpuid.h      src/tensor/matrix_tiles\.c
jpeglib.h    src/encode/image_jpeg\.c
jerror.h     src/encode/image_jpeg\.c
vips/vips.h  src/encode/image_vips\.c
'
# C11, then POSIX and Linux
system='
assert complex ctype errno fenv float inttypes limits locale math setjmp signal stdalign stdarg stdatomic stdbool
stddef stdint stdio stdlib stdnoreturn string time uchar wchar wctype
dirent dlfcn fcntl fnmatch glob libgen netinet/ poll pthread sched strings sys/ linux/ termios unistd
'

list() { find "$@" -type f 2>/dev/null | sort; }
folders() { for folder; do [ ! -d "$folder" ] || echo "$folder"; done; }

# shellcheck disable=SC2046 # one word a file
includes() {
    awk -v layers="$(grep '^[a-z]' tools/layers.txt)" -v third_party="$third_party" -v system_headers="$system" \
        -v test_headers=" $(list $(folders tests) -name '*.h' | sed 's|.*/||' | tr '\n' ' ')" '
    BEGIN {
        count = split(layers, names, /[ \n]+/)
        for (i = 1; i <= count; i++) rank[names[i]] = i
        count = split(third_party, rows, "\n")
        for (i = 1; i <= count; i++) if (split(rows[i], cell, " ") == 2) allowed[cell[1]] = cell[2]
        count = split(system_headers, names, /[ \n]+/)
        for (i = 1; i <= count; i++) known[names[i] ~ /\/$/ ? names[i] : names[i] ".h"] = 1
    }
    function complain(text) { print FILENAME ":" FNR ": " text; bad = 1 }
    FNR == 1 {
        split(FILENAME, part, "/")
        own = part[1] == "src" ? part[2] : part[1]
        is_test = FILENAME ~ /_test\.c$/
        if (part[1] == "src" && !(own in rank)) complain("src/" own "/ is no layer of tools/layers.txt")
    }
    !/^[ \t]*#[ \t]*include/ { next }
    {
        header = $0
        sub(/^[ \t]*#[ \t]*include[ \t]*/, "", header)
        quoted = header ~ /^"/
        sub(/^[<"]/, "", header)
        sub(/[>"].*/, "", header)
        folder = header ~ /\// ? header : ""
        sub(/\/.*/, "", folder)
    }
    !quoted && folder == "medley" { next }
    !quoted {
        if ((header in known) || ((folder "/") in known)) next
        if (!(header in allowed)) complain("<" header "> is not known: add it to a table of tools/check_layers.sh")
        else if (FILENAME !~ "^" allowed[header] "$")
            complain("<" header "> may only be included by " allowed[header])
        next
    }
    part[1] == "include" { complain("public headers include <medley/...> only, not \"" header "\""); next }
    part[1] != "src" {
        if (folder != "" && folder != own) complain(own "/ may include <medley/...> and its own headers, not \"" header "\"")
        next
    }
    is_test && index(test_headers, " " header " ") { next }
    !(folder in rank) { complain("\"" header "\": write \"<layer>/<file>.h\""); next }
    rank[folder] > rank[own] { complain(own "/ must not include " folder "/, which is above it (\"" header "\")") }
    END { exit bad }' $(list $(folders src include cli server) -name '*.[ch]') /dev/null
}

# One registry: rows against files.
registry() {
    def=$1 prefix=$2 shared=$3
    rows=" $(sed -n 's/^MEDLEY_[A-Z]*(\([a-z0-9_]*\).*/\1/p' "$def" | tr '\n' ' ')"
    for name in $rows; do
        [ -f "$prefix$name.c" ] || { echo "$def: the row '$name' has no file $prefix$name.c"; bad=1; }
    done
    for file in $(list "$(dirname "$def")" -name '*.c' | grep -Ev "/($shared|.*_test\.c)\$"); do
        name=${file#"$prefix"}
        case $file in "$prefix"*) ;; *) continue ;; esac
        case $rows in *" ${name%.c} "*) ;; *) echo "$file: has no row in $def"; bad=1 ;; esac
    done
}

bad=0
includes || bad=1
while read -r def prefix shared; do
    case $def in '#'* | '') continue ;; esac
    [ ! -f "$def" ] || registry "$def" "$prefix" "$shared"
done <tools/registries.txt
repeated=$(list src -name '*.[ch]' | sed 's|.*/||' | sort | uniq -d)
for name in $repeated; do
    echo "src/: more than one file is called $name:" $(list src -name "$name")
    bad=1
done
# clang 14 gives every clone of a function a global resolver of its name.
clones=$(list src -name '*.c' | xargs sed -nE 's/^MULTIVERSION static .*[ *]([a-z_0-9]+)\(.*/\1/p' | sort | uniq -d)
for name in $clones; do
    echo "src/: more than one MULTIVERSION function is called $name"
    bad=1
done
exit $bad
