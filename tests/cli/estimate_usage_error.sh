$MEDLEY estimate train --store s --split m --modle ease
