printf 'model: ease\nrun: from_yaml\nseed: 1\nl2: 50\n' >exp.yaml
MEDLEY_SEED=2 MEDLEY_RUN=from_environment $MEDLEY train --store store --split main --config exp.yaml \
    --run from_flag --print-config --tsv
