/* From a raw data set to a store. */
#ifndef DATA_PREPARE_H
#define DATA_PREPARE_H

#include "base/report.h"
#include "data/reader.h"

typedef struct prepare_params {
    const char *format, *input, *store;
    double rating_threshold, rating_ceiling, rating_min, rating_max;
    const char *time_from, *time_until;
    int duplicates, catalogue, on_error, without_image, without_text;
    double sample_users, sample_items, sample_interactions;
    int64_t sample_seed;
    int64_t min_user_activity, max_user_activity, min_item_activity, max_item_activity;
    int64_t min_user_interactions, min_item_interactions;
    bool clean_text, lower_case, append, force;
} prepare_params;

enum { CATALOGUE_ALL, CATALOGUE_INTERACTED };
enum { WITHOUT_KEEP, WITHOUT_DROP };

extern const medley_param prepare_table[];

/* Reads with `reader`, cleans, and writes the store whole or not at all. report: sections "counts", "filters",
 * "sources" are added. */
MEDLEY_MUST_USE medley_status prepare_run(const medley_runtime *rt, const prepare_params *p,
                                          const reader_class *reader, const void *reader_values,
                                          medley_report *report, medley_error *err);

/* What a store is made of, for those who make one from another: the data set as it is read; columns and catalogue, whose fingerprint goes to hex
 * [FINGERPRINT_SIZE]; the members "sources" and "bad_rows" of dataset.json; the section "sources". */
MEDLEY_MUST_USE medley_status prepare_read(const medley_runtime *rt, const prepare_params *p,
                                           const reader_class *reader, const void *reader_values, dataset *out,
                                           medley_error *err);
MEDLEY_MUST_USE medley_status prepare_write_data(const dataset *d, const char *folder, char *hex,
                                                 medley_error *err);
void prepare_add_sources(const dataset *d, json *sources, json *bad_rows);
void prepare_tell_sources(const dataset *d, medley_report *report);

#endif
