#include "command.h"

const command cmd_features_show = {
    .name = "features show",
    .operation_name = "features_show",
    .operation = medley_features_show,
    .example = "medley features show --store store --name factors",
};
