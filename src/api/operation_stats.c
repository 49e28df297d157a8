#include <medley/store.h>

#include "api/operation.h"
#include "data/store_stats.h"

typedef struct stats_params {
    const char *store, *plot;
} stats_params;

static const medley_param table[] = {
    MEDLEY_TEXT(stats_params, store, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "the store to describe"),
    MEDLEY_TEXT(stats_params, plot, "", .flags = MEDLEY_PARAM_PATH,
                .help = "SVG file to write: interactions per user and item by rank"),
    MEDLEY_PARAMS_END,
};

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    const stats_params *p = s->values;
    medley_store *store;
    TRY(store_open(rt, p->store, false, &store, err));
    const medley_status status = store_stats(store, p->plot, report, err);
    store_free(store);
    return status;
}

const operation_class operation_stats = {
    .name = "stats",
    .summary = "counts, density, long tail and time range of a store",
    .details = "gini is 0 when all have as many interactions and 1 when one has all.",
    .table = table,
    .size = sizeof(stats_params),
    .run = run,
};

medley_status medley_stats(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_stats, rt, config, report, err);
}
