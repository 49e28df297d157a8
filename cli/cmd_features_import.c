#include "command.h"

const command cmd_features_import = {
    .name = "features import",
    .operation_name = "features_import",
    .operation = medley_features_import,
    .example = "medley features import --store store --name factors --input vectors/items.csv",
};
