# Every report and list, read by another program's parser.
. "$CASES/whole_way.inc"
step train
command -v python3 >/dev/null || exit 0
for command in "stats --store store" "evaluate --run run" "recommend --run run --all" "list models" "list" doctor \
    "help model ease --schema" "help train --schema" "train --store store --split main --model ease --run x --print-config"; do
    $MEDLEY $command --json -q | python3 -m json.tool >/dev/null || echo "no JSON: $command"
done
