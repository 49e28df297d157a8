$MEDLEY train --store store --split main --run run --model ease --set sead=5
