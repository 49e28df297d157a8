$MEDLEY features list --store store visual
