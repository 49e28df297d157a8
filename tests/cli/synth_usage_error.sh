$MEDLEY synth --out raw --user 5
