$MEDLEY evaluate --run run --set cutoffs
