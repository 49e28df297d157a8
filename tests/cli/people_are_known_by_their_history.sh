. "$CASES/whole_way.inc"
step train
printf "ann\t1\nann\t20\nbob\t3\n" >people
$MEDLEY recommend -q --run run --history-file people --top-k 2
