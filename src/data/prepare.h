/* From a raw data set to a store. */
#ifndef DATA_PREPARE_H
#define DATA_PREPARE_H

#include "base/report.h"
#include "data/reader.h"

typedef struct prepare_params {
    const char *format, *input, *store;
    double rating_threshold, rating_min, rating_max;
    int duplicates, catalogue, on_error;
    int64_t min_user_interactions, min_item_interactions;
    bool force;
} prepare_params;

extern const medley_param prepare_table[];

/* Reads with `reader`, cleans, and writes the store whole or not at all. report: sections "counts", "filters",
 * "sources" are added. */
MEDLEY_MUST_USE medley_status prepare_run(const medley_runtime *rt, const prepare_params *p,
                                          const reader_class *reader, const void *reader_values,
                                          medley_report *report, medley_error *err);

#endif
