#include <medley/store.h>

#include "api/operation.h"
#include "data/prepare.h"

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    return prepare_run(rt, s->values, reader_classes[s->member], s->member_values, report, err);
}

const operation_class operation_prepare = {
    .name = "prepare",
    .summary = "read a raw data set, clean it, and write a store",
    .details =
        "The store is whole or not there: an interrupted or failed run leaves what was there before. Each format "
        "has settings of its own: medley help format NAME.",
    .table = prepare_table,
    .size = sizeof(prepare_params),
    .member_kind = "formats",
    .member_key = "format",
    .run = run,
};

medley_status medley_prepare(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_prepare, rt, config, report, err);
}
