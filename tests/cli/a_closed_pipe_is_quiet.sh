# Killed by SIGPIPE, or where that is ignored refused by write: silent both times.
{ sleep 0.2; $MEDLEY list models; } | true
{ trap '' PIPE; sleep 0.2; $MEDLEY list models; echo "exit code $?" >code; } | true
cat code
