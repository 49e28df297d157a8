# Progress proves that the work has begun; SIGTERM then stops it as Ctrl-C does.
$MEDLEY synth --out raw --users 3000000 --items 50000 --progress always >printed 2>log &
until [ -s log ]; do sleep 0.02; done
kill -TERM $!
wait $!
echo "exit code $?"
tr '\r' '\n' <log | tail -n 1 | sed 's/.*medley: \([a-z]*\).*/\1/'
ls
