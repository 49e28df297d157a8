# In the order of `medley help`, which is the order of the way. What needs a network is left out.
PATH=$(dirname "$MEDLEY"):$PATH
$MEDLEY help | sed -n '/^Commands/,/^$/s/^  \([a-z ]*[a-z]\)  .*/\1/p' | while read -r name; do
    $MEDLEY help "$name" | sed -n '/^Example/,$p' | sed -e :a -e '/\\$/N; s/ *\\\n */ /; ta' |
        sed -n 's/^  medley/medley -q/p' | grep -v '^medley -q fetch'
done >examples
wc -l <examples
mkdir words exports # what the example of extract plan reads
printf 'id\tabout\n1\ta red car\n2\ta blue car\n3\ta green field\n' >words/meta.tsv
printf '%s\n' 'dataset_path: words' 'textual:' '  items:' '    input_path: meta.tsv' '    item_column: id' \
    '    text_column: about' '    output_path: vectors' \
    '    model: [{model_name: tfidf, output_layers: 1, backend: medley, dimensions: 2}]' >ducho.yml
while read -r line; do
    sh -c "$line" >printed || echo "failed: $line"
    [ -s printed ] || echo "prints nothing: $line"
done <examples
