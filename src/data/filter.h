/* Cleaning a data set in memory. Each step says what it removed. */
#ifndef DATA_FILTER_H
#define DATA_FILTER_H

#include "data/ingest.h"

typedef enum duplicate_rule { DUPLICATES_ALL, DUPLICATES_LAST, DUPLICATES_FIRST, DUPLICATES_MAX } duplicate_rule;

/* Removes ratings below the threshold. A data set without ratings is refused: E_CONFIG. */
MEDLEY_MUST_USE medley_status filter_rating(dataset *d, double threshold, int64_t *removed, medley_error *err);

/* Of a user's interactions with one item keeps all, the last, the first, or the highest rated (the
 * earliest of them). *repeated: pairs' further rows, removed or (ALL) only counted. */
MEDLEY_MUST_USE medley_status filter_duplicates(dataset *d, duplicate_rule rule, int64_t *repeated,
                                                medley_error *err);

/* Removes users and items with fewer interactions, again and again until none is left (k-core).
 * A bound of 0 or 1 asks nothing. */
MEDLEY_MUST_USE medley_status filter_k_core(dataset *d, int64_t min_user, int64_t min_item, int64_t *removed,
                                            int64_t *rounds, medley_error *err);

/* Renumbers without users, and (when `drop_items`) items, that have no interaction. Order is kept. */
MEDLEY_MUST_USE medley_status filter_reindex(dataset *d, bool drop_items, int64_t *users_removed,
                                             int64_t *items_removed, medley_error *err);

#endif
