$MEDLEY train --model ease --neighbours 5
