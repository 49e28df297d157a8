#include <medley/store.h>

#include "api/operation.h"
#include "data/features.h"

typedef struct list_params {
    const char *store;
} list_params;

static const medley_param table[] = {
    MEDLEY_TEXT(list_params, store, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH, .help = "the store"),
    MEDLEY_PARAMS_END,
};

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    return features_list_run(rt, ((const list_params *)s->values)->store, report, err);
}

const operation_class operation_features_list = {
    .name = "features_list",
    .summary = "the feature matrices of a store",
    .details = "By what their .json files say; features_show reads the matrix, too.",
    .table = table,
    .size = sizeof(list_params),
    .run = run,
};

medley_status medley_features_list(medley_runtime *rt, medley_config *config, medley_report **report,
                                   medley_error *err)
{
    return operation_run(&operation_features_list, rt, config, report, err);
}
