#include "command.h"

const command cmd_stats = {
    .name = "stats",
    .operation = medley_stats,
    .example = "medley stats --store store",
};
