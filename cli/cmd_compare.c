#include "command.h"

const command cmd_compare = {
    .name = "compare",
    .arguments = "[run...]",
    .most_arguments = 256,
    .argument_key = "runs",
    .operation = medley_compare,
    .example = "medley train --store store --split main --model popularity --run popular\n"
               "  medley evaluate --run popular --cutoffs 5,10,20\n"
               "  medley compare popular run --metrics ndcg,recall --out comparison",
};
