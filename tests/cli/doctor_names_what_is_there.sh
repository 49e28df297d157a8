$MEDLEY doctor
