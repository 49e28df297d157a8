. "$CASES/whole_way.inc"
step train popularity
$MEDLEY similar -q --run run --items 1
