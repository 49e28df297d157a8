#include "command.h"

const command cmd_embed = {
    .name = "embed",
    .operation = medley_embed,
    .example = "medley train --store store --split main --model ials --factors 8 --run factors\n"
               "  medley embed --run factors --out vectors",
};
