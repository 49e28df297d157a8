$MEDLEY train --help
