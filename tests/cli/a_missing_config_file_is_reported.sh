$MEDLEY train --config missing.yaml
