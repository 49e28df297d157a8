#include "command.h"

const command cmd_features_list = {
    .name = "features list",
    .operation_name = "features_list",
    .operation = medley_features_list,
    .example = "medley features list --store store",
};
