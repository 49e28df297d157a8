$MEDLEY split --store store --name main --strategy randon
