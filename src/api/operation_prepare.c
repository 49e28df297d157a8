#include <medley/store.h>

#include "api/job_cost.h"
#include "api/operation.h"
#include "data/append.h"
#include "data/clean.h"

static bool is_given(const void *context, const medley_param *param)
{
    return strcmp(settings_origin(context, param), "default") != 0;
}

/* Refuses what cannot fit, where that can be told: not of compressed files, nor of what is not there. */
static medley_status check_memory(const medley_runtime *rt, const bound_settings *s, medley_error *err)
{
    job_cost cost = {0};
    medley_error unknown;
    const medley_status status = job_counter_find("prepare")(rt, s, &cost, &unknown);
    if (status == MEDLEY_E_NOMEM)
        *err = unknown;
    if (status != MEDLEY_OK)
        return status == MEDLEY_E_NOMEM ? status : MEDLEY_OK;
    return runtime_memory_fits("prepare", cost.count, "rows", cost_bytes(&cost), cost.advice, err);
}

/* What is appended takes what is not said from the store. */
static medley_status check(const medley_runtime *rt, const bound_settings *s, medley_error *err)
{
    const prepare_params *p = s->values;
    (void)rt;
    return p->append ? MEDLEY_OK : clean_check(p, err);
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    const append_given given = {is_given, s};
    prepare_params *p = s->values;
    TRY(check_memory(rt, s, err));
    return p->append ? append_run(rt, p, reader_classes[s->member], s->member_values, &given, report, err)
                     : prepare_run(rt, p, reader_classes[s->member], s->member_values, report, err);
}

const operation_class operation_prepare = {
    .name = "prepare",
    .summary = "read a raw data set, clean it, and write a store",
    .details =
        "The store is whole or not there: an interrupted or failed run leaves what was there before. Cleaning runs in "
        "this order: items without image or text, ratings, times, repeated pairs, samples of users, items and "
        "interactions, one pass of activity, k-core until nothing changes; the report has a row for each. With append, "
        "what is new comes into a store that is there: known users and items keep their indexes, ratings, times and "
        "repeated pairs are cleaned as the store was, samples, activity and k-core are not done again, texts of items "
        "are brought up to date, feature matrices stay without rows for new items, and splits must be made again. Each format has settings of its own: medley help "
        "format NAME.",
    .table = prepare_table,
    .size = sizeof(prepare_params),
    .member_kind = "formats",
    .member_key = "format",
    .check = check,
    .run = run,
};

medley_status medley_prepare(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_prepare, rt, config, report, err);
}
