$MEDLEY synth --help
