export TERM=xterm
script -qec "$MEDLEY help exit-codes" /dev/null | head -n 1 | cat -v
NO_COLOR=1 script -qec "$MEDLEY help exit-codes" /dev/null | head -n 1 | cat -v
TERM=dumb script -qec "$MEDLEY help exit-codes" /dev/null | head -n 1 | cat -v
