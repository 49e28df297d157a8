#include "command.h"

const command cmd_extract = {
    .name = "extract",
    .operation_name = "extract",
    .operation = medley_extract,
    .example = "medley extract --store store --encoder tfidf",
};
