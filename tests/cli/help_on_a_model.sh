$MEDLEY help model ease
$MEDLEY help ease >short
$MEDLEY help model ease | cmp - short
