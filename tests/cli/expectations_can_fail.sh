# The matcher of run.sh itself: compare WANTED-EXIT GLOBS EXPECTED ACTUAL.
compare() {
    printf "$3" >expected
    printf "$4" >actual
    awk -v globs="$2" -f "$CASES/match.awk" expected actual
    [ $? = "$1" ] || echo "wrong: $*"
}
compare 0 0 '' ''
compare 1 0 '' 'a\n'
compare 0 0 'a\nb\n' 'a\nb\n'
compare 1 0 'a\nb\n' 'a\n'
compare 1 0 'a\n' 'a\nb\n'
compare 0 0 '...\n' ''
compare 0 0 'a\n...\n' 'a\n'
compare 0 0 'a\n...\nz\n' 'a\nb\nz\nz\n'
compare 1 0 'a\n...\nz\n' 'a\nb\n'
compare 1 0 'x=* s\n' 'x=1.2 s\n'
compare 0 1 'x=* s\n' 'x=1.2 s\n'
compare 1 1 'x=* s\n' 'x=1.2 m\n'
compare 0 1 '*[a]*b*\n' 'z[a]qqbb\n'
compare 1 1 'ab*ba\n' 'aba\n'
compare 0 1 '*\n' '\n'
compare 1 1 'a**c\n' 'ab\n'
compare 0 1 '...\nk=*\n...\nend\n' 'a\nk=5\nk=6\nmid\nend\n'
