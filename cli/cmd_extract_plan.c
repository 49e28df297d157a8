#include "command.h"

const command cmd_extract_plan = {
    .name = "extract plan",
    .operation_name = "extract_plan",
    .operation = medley_extract_plan,
    .example = "medley extract plan --plan ducho.yml --models exports",
};
