#include <medley/store.h>

#include "api/operation.h"
#include "data/features.h"

typedef struct show_params {
    const char *store, *name;
} show_params;

static const medley_param table[] = {
    MEDLEY_TEXT(show_params, store, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH, .help = "the store"),
    MEDLEY_TEXT(show_params, name, NULL, .flags = MEDLEY_PARAM_REQUIRED, .help = "what the matrix is called"),
    MEDLEY_PARAMS_END,
};

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    const show_params *p = s->values;
    return features_show_run(rt, p->store, p->name, report, err);
}

const operation_class operation_features_show = {
    .name = "features_show",
    .summary = "what a feature matrix of a store holds",
    .details =
        "Reads the matrix whole and checks that it is the one that was imported, for these items; refuses it "
        "otherwise, as training would. zero_vectors are items whose numbers are all 0, mean_norm is the mean "
        "Euclidean length of the vectors.",
    .table = table,
    .size = sizeof(show_params),
    .run = run,
};

medley_status medley_features_show(medley_runtime *rt, medley_config *config, medley_report **report,
                                   medley_error *err)
{
    return operation_run(&operation_features_show, rt, config, report, err);
}
