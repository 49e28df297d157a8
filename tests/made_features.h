/* Feature matrices made for tests, in a store made for them, without the public API. */
#ifndef TESTS_MADE_FEATURES_H
#define TESTS_MADE_FEATURES_H

#include "made_store.h"

#include <math.h>

#include "base/base.h"
#include "data/features.h"

/* A store whose items are i0, i1, ... in that order. */
static inline void made_items(const medley_runtime *rt, const char *store, int items)
{
    text rows = {.rt = rt};
    text_add(&rows, "user,item,rating\n");
    for (int i = 0; i < items; i++)
        text_format(&rows, "u,i%d,3\n", i);
    assert_ok(text_status(&rows, err));
    assert_ok(made_store(rt, store, rows.bytes, NULL, err));
    text_release(&rows);
}

/* values: [items, length]; an item whose first is NaN lacks the modality. */
static inline void made_features(const medley_runtime *rt, const char *store, const char *name,
                                 const float *values, int items, int length)
{
    char input[4300];
    features_import job = {0};
    medley_report *report;
    text rows = {.rt = rt};
    for (int i = 0; i < items; i++) {
        if (isnan(values[i * length]))
            continue;
        text_format(&rows, "i%d", i);
        for (int j = 0; j < length; j++)
            text_format(&rows, ",%.9g", (double)values[i * length + j]);
        text_add(&rows, "\n");
    }
    assert_ok(text_status(&rows, err));
    snprintf(input, sizeof input, "%s.%s.csv", store, name);
    test_write_text(input, rows.bytes);
    text_release(&rows);
    medley_params_reset(features_import_table, &job);
    job.store = store;
    job.name = name;
    job.input = input;
    assert_ok(report_create(rt, &report, err));
    assert_ok(features_import_run(rt, &job, report, err));
    medley_report_free(report);
}

#endif
