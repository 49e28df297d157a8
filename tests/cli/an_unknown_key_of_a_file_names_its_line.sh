printf 'model: ease\nlamda: 5\n' >exp.yaml
$MEDLEY train --store store --split main --run run --config exp.yaml
