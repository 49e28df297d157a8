# In the order of `medley help`, which is the order of the way. What needs a network is left out.
PATH=$(dirname "$MEDLEY"):$PATH
$MEDLEY help | sed -n '/^Commands/,/^$/s/^  \([a-z ]*[a-z]\)  .*/\1/p' | while read -r name; do
    $MEDLEY help "$name" | sed -n '/^Example/,$s/^  medley/medley -q/p' | grep -v '^medley -q fetch'
done >examples
wc -l <examples
while read -r line; do
    sh -c "$line" >printed || echo "failed: $line"
    [ -s printed ] || echo "prints nothing: $line"
done <examples
