$MEDLEY doctor --threads 5000
