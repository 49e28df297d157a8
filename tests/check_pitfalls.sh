#!/bin/sh
# Every row of docs/pitfalls.md says what holds it: tests that there are, or a sentence.
# sh tests/check_pitfalls.sh SOURCE_FOLDER
set -eu
cd "$1"
bad=0
for name in $(grep -o '`test_[a-z0-9_]*`' docs/pitfalls.md | tr -d '`' | sort -u); do
    grep -rqE "\b$name\b" --include='*_test.c' src tests || { echo "docs/pitfalls.md names $name, which is no test"; bad=1; }
done
# Rows: a line that begins with "| ", is no head and no rule; the last cell must say something.
awk -F'|' '/^\| / && $2 !~ /^ trap $/ { rows++; if (NF != 5 || $4 ~ /^ *$/) { print "row without a holder: " $0; bad = 1 } }
           END { if (rows < 40) { print rows " rows: the list has lost some"; bad = 1 } exit bad }' docs/pitfalls.md || bad=1
exit $bad
