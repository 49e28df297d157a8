#include <medley/store.h>

#include "api/operation.h"
#include "data/split.h"

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    const split_params *p = s->values;
    medley_store *store;
    TRY(store_open(rt, p->store, false, &store, err));
    const medley_status status = split_run(store, p, split_classes[s->member], s->member_values, report, err);
    store_free(store);
    return status;
}

const operation_class operation_split = {
    .name = "split",
    .summary = "divide a store's interactions into train, validation and test, with the leak report",
    .details =
        "The leak report counts test and validation interactions that precede training ones in time, pairs that are in "
        "several parts, and users and items that training never saw. Strategies that hold users out write what is known "
        "of those to val_known and test_known, which are never trained on. With folds, the splits NAME.1, NAME.2, ... "
        "are made, all or none. Each strategy has settings of its own: medley help "
        "strategy NAME.",
    .table = split_table,
    .size = sizeof(split_params),
    .member_kind = "strategies",
    .member_key = "strategy",
    .run = run,
};

medley_status medley_split(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_split, rt, config, report, err);
}
