$MEDLEY -q synth --out raw --users 40 --items 12 --genres 3 --interactions-per-user 4 >/dev/null
$MEDLEY -q prepare --format movielens --input raw --store store >/dev/null
$MEDLEY -q split --store store --name main --strategy random >/dev/null
$MEDLEY -q split --store store --name other --strategy random --seed 8 >/dev/null
for model in popularity itemknn; do
    $MEDLEY -q train --store store --split main --model $model --run $model >/dev/null
    $MEDLEY -q evaluate --run $model --cutoffs 3 --metrics ndcg,item_coverage >/dev/null
done
$MEDLEY -q compare popularity itemknn --out out --tsv | cut -f1-4 | sed -n '/^metric.system/,$p'
head -1 out/values.csv
ls out
$MEDLEY -q train --store store --split other --model itemknn --run stranger >/dev/null
$MEDLEY -q evaluate --run stranger --cutoffs 3 --metrics ndcg >/dev/null
$MEDLEY -q compare popularity stranger 2>&1 | sed 's/[0-9a-f]\{32\}/X/g'
