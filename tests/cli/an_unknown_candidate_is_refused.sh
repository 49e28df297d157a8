. "$CASES/whole_way.inc"
step train
printf "1\t3\n1\tzz\n" >candidates
$MEDLEY recommend -q --run run --users 1 --candidates candidates
