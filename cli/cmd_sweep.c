#include "command.h"

const command cmd_sweep = {
    .name = "sweep",
    .operation = medley_sweep,
    .example = "medley sweep --store store --split main --models popularity,ease --trials 4 --out search",
};
