#include "command.h"

const command cmd_estimate = {
    .name = "estimate",
    .arguments = "[job]",
    .most_arguments = 1,
    .argument_key = "job",
    .operation = medley_estimate,
    .example = "medley estimate train --store store --split main --model ease --run run",
};
