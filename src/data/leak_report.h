/* What a split's parts are made of, and what leaks from one into another. */
#ifndef DATA_LEAK_REPORT_H
#define DATA_LEAK_REPORT_H

#include "base/report.h"
#include "data/store.h"
#include "io/json.h"

/* Of the interactions of one judged part, validation or test. */
typedef struct part_leaks {
    int64_t before_train;           /* earlier than the latest training interaction of anybody */
    int64_t before_own_train;       /* ... than the latest training interaction of the same user */
    int64_t before_own_known;       /* ... than the latest interaction in the user's known part */
    int64_t in_train, in_known;     /* whose (user, item) is there too */
    int64_t cold_users, cold_items; /* users and items of the part that training does not have */
    int64_t cold_interactions;      /* with either */
} part_leaks;

typedef struct leak_report {
    bool timed;
    struct {
        int64_t interactions, users, items;
    } part[PART_COUNT];
    part_leaks val, test;
    int64_t repeated_pairs; /* (user, item) that are in more than one part */
} leak_report;

/* part [store->count]: a part_name for each interaction. */
MEDLEY_MUST_USE medley_status leak_report_find(const medley_store *store, const uint8_t *part, leak_report *out,
                                               medley_error *err);

/* The members "users", "items" and "leaks" of split.json. */
void leak_report_describe(const leak_report *l, json *root);
/* The sections "parts" and "leaks". */
void leak_report_tell(const leak_report *l, medley_report *report);

#endif
