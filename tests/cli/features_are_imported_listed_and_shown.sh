. "$CASES/whole_way.inc"
step prepare
printf 'id,v1,v2\n1,0.5,1\n2,0,0\n3,-1,2e3\nnobody,1,1\n' >vectors.csv
$MEDLEY features import -q --store store --name visual --input vectors.csv
$MEDLEY features list --store store --tsv
$MEDLEY features show --store store --name visual --tsv
