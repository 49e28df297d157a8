$MEDLEY train --store store --split main --run run --model eaze
