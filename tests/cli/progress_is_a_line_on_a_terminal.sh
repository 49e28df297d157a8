# The line is rewritten in place, and taken away before the results.
export TERM=xterm LC_ALL=C
make_data="$MEDLEY synth --users 2000 --force --out raw"
erase=$(printf '\r\033[K')
script -qec "$make_data" /dev/null >seen
grep -qa "$(printf '\r')[a-z ]*  *[0-9]*%" seen && echo "a percentage was shown"
grep -qaF "${erase}Synthetic data set" seen && echo "it was gone before the results"
script -qec "$make_data --progress never" /dev/null >seen
grep -qaF "$erase" seen || echo "never is never"
script -qec "$make_data -q" /dev/null >seen
grep -qaF "$erase" seen || echo "quiet is quiet"
TERM=dumb script -qec "$make_data" /dev/null >seen
grep -qaF "$erase" seen || echo "a terminal that cannot erase shows none"
