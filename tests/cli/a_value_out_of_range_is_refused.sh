$MEDLEY synth --out raw --users 0
