for kind in $("$MEDLEY" list --tsv | cut -f 1 | tail -n +2); do
    "$MEDLEY" list "$kind" --tsv | cut -f 1 | tail -n +2 | sed "s/^/$kind /"
done >topics
"$MEDLEY" help | sed -n '/^Commands/,/^$/s/^  \([a-z ]*[a-z]\)  .*/\1/p' >>topics
[ "$(wc -l <topics)" -gt 100 ] || echo "few topics"
"$MEDLEY" help | awk 'length($0) > 100'
while read -r topic; do
    # shellcheck disable=SC2086 # a kind and a name, or a command of two words
    "$MEDLEY" help $topic
done <topics | awk 'length($0) > 100'
