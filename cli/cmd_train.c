#include "command.h"

const command cmd_train = {
    .name = "train",
    .operation = medley_train,
    .example = "medley train --store store --split main --model ease --run run",
};
