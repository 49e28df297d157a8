#!/bin/sh
# Installs the Debian packages of the groups given (see tools/packages.txt) that are missing, when it
# may; otherwise prints the one command that does. Says nothing when nothing is missing.
# usage: tools/install_deps.sh GROUP...
set -eu

list=$(dirname "$0")/packages.txt

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "install_deps: this is not a Debian system; the names of what is needed are in $list" >&2
    exit 0
fi

wanted=$(awk -v groups=" $* " '!/^#/ && index(groups, " " $1 " ") { print $2 }' "$list")
# shellcheck disable=SC2086 # one word a package
present=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $wanted 2>/dev/null | awk '$1 == "ii" { print $2 }') || true
missing=$(printf '%s\n' $wanted | awk -v present="$present" '
    BEGIN { count = split(present, names, "\n"); for (i = 1; i <= count; i++) have[names[i]] = 1 }
    !($0 in have)' | tr '\n' ' ')
missing=${missing% }
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "Missing packages. Please run, then try again:" >&2
    echo "    sudo apt-get install $missing" >&2
    exit 1
fi

echo "installing: $missing"
install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The package lists of a fresh machine are empty or old: the first try may fail for that alone.
if ! $install >"$log" 2>&1 </dev/null; then
    if ! { $as_root apt-get update -qq && $install; } >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        echo "install_deps: apt-get could not install: $missing" >&2
        exit 1
    fi
fi
