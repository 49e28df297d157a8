$MEDLEY train --mod ease
