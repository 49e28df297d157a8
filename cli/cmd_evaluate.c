#include "command.h"

const command cmd_evaluate = {
    .name = "evaluate",
    .operation = medley_evaluate,
    .example = "medley evaluate --run run --task retrieval --cutoffs 5,10,20",
};
