mkdir mirror
printf 'reviews\n' >mirror/reviews_Beauty_5.json.gz
printf 'items\n' >mirror/meta_Beauty.json.gz
$MEDLEY fetch amazon-2014-beauty --out raw --url "file://$PWD/mirror"
ls
ls raw
