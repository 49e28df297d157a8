printf 'users: 10\nitems: 30\n' >exp.yaml
MEDLEY_USERS=20 $MEDLEY synth --out raw --set users=40 --config exp.yaml --print-config --tsv
ls
