. "$CASES/whole_way.inc"
step train
printf "1\n\nnobody\n" >users
$MEDLEY recommend -q --run run --user-file users
