#include "command.h"

const command cmd_fetch = {
    .name = "fetch",
    .arguments = "NAME",
    .most_arguments = 1,
    .argument_key = "name",
    .operation = medley_fetch,
    .example = "medley fetch ml-1m --out raw/ml-1m",
};
