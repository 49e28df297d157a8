$MEDLEY synth --no-users
