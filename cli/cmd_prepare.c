#include "command.h"

const command cmd_prepare = {
    .name = "prepare",
    .operation = medley_prepare,
    .example = "medley prepare --format movielens --input raw --store store",
};
