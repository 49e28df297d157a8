#include "command.h"

const command cmd_split = {
    .name = "split",
    .operation = medley_split,
    .example = "medley split --store store --name main --strategy random --seed 7",
};
