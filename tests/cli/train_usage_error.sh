$MEDLEY train --modle ease
