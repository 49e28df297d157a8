mkdir mirror
printf 'not MovieLens\n' >mirror/ml-1m.zip
$MEDLEY fetch ml-1m --out raw --url "file://$PWD/mirror"
code=$?
ls
exit $code
