$MEDLEY train --model ease
