/* The cleaning steps of a data set, in their fixed order, and what each removed. */
#ifndef DATA_CLEAN_H
#define DATA_CLEAN_H

#include "base/report.h"
#include "data/filter.h"
#include "data/prepare.h"

enum { CLEAN_STEPS_MOST = 16 };

typedef struct clean_step {
    char what[120];
    int64_t interactions, users, items; /* removed; users and items: that have no interaction any more */
    int64_t interactions_left, users_left, items_left; /* users and items: that have interactions */
} clean_step;

typedef struct clean_log {
    clean_step steps[CLEAN_STEPS_MOST];
    int64_t count;
    int64_t emptied; /* items of the catalogue that lost their last interaction */
} clean_log;

/* Refuses settings that contradict each other or are no moments, before anything is read: E_CONFIG. */
MEDLEY_MUST_USE medley_status clean_check(const prepare_params *p, medley_error *err);

/* Which steps run. */
typedef enum clean_scope {
    CLEAN_ALL,
    CLEAN_ROWS, /* those that look at one interaction at a time: what can be done to a part of the data */
} clean_scope;

/* Runs the steps that are asked for: modalities, ratings, times, repeated pairs, samples of users, items and
 * interactions, activity, k-core; then renumbers without users, and (not with ROWS) items as the settings say, that
 * have no interaction left. */
MEDLEY_MUST_USE medley_status clean_run(dataset *d, const prepare_params *p, clean_scope scope, clean_log *log,
                                        medley_error *err);

/* Whether items that nobody interacts with leave the catalogue. */
bool clean_drops_idle_items(const prepare_params *p);

/* The steps' names that ROWS leaves out though they are asked for, joined by commas; "" if none. */
void clean_left_out(const prepare_params *p, char *names, size_t size);

json *clean_describe(const clean_log *log);
/* The section "filters". */
void clean_tell(const clean_log *log, medley_report *report);

#endif
