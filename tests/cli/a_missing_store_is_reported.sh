$MEDLEY stats --store nowhere
