/* Cleaning a data set in memory. Each step says what it removed. */
#ifndef DATA_FILTER_H
#define DATA_FILTER_H

#include "data/ingest.h"

typedef enum duplicate_rule { DUPLICATES_ALL, DUPLICATES_LAST, DUPLICATES_FIRST, DUPLICATES_MAX } duplicate_rule;

/* Every filter leaves the order of what it keeps, and numbers users and items anew only where it says so. */

/* Keeps ratings of lowest..highest. A data set without ratings is refused: E_CONFIG. */
MEDLEY_MUST_USE medley_status filter_rating(dataset *d, double lowest, double highest, int64_t *removed,
                                            medley_error *err);

/* Keeps times from `from` on and before `until`. A data set without times is refused: E_CONFIG. */
MEDLEY_MUST_USE medley_status filter_time(dataset *d, int64_t from, int64_t until, int64_t *removed,
                                          medley_error *err);

/* Of a user's interactions with one item keeps all, the last, the first, or the highest rated (the
 * earliest of them). *repeated: pairs' further rows, removed or (ALL) only counted. */
MEDLEY_MUST_USE medley_status filter_duplicates(dataset *d, duplicate_rule rule, int64_t *repeated,
                                                medley_error *err);

/* Removes items without a modality from the catalogue, which is renumbered, with their interactions. A title is
 * text too. A data set in which no item has the modality is refused: E_CONFIG. */
MEDLEY_MUST_USE medley_status filter_modality(dataset *d, bool need_image, bool need_text, int64_t *items_removed,
                                              medley_error *err);

/* What is drawn by filter_sample, and removed by its opposite. */
typedef enum sample_kind { SAMPLE_USERS, SAMPLE_ITEMS, SAMPLE_INTERACTIONS } sample_kind;

/* Keeps a random `amount` of those that have interactions: a share below 1, or a number. */
MEDLEY_MUST_USE medley_status filter_sample(dataset *d, sample_kind kind, double amount, uint64_t seed,
                                            int64_t *removed, medley_error *err);

/* Accepted numbers of interactions; a `most` of 0 is no bound. */
typedef struct activity_bounds {
    int64_t user_least, user_most, item_least, item_most;
} activity_bounds;

/* Removes users and items outside the bounds, once: all are counted before any goes. */
MEDLEY_MUST_USE medley_status filter_activity(dataset *d, const activity_bounds *bounds, int64_t *removed,
                                              medley_error *err);

/* Users and items that have interactions. */
MEDLEY_MUST_USE medley_status filter_count(const dataset *d, int64_t *users, int64_t *items, medley_error *err);

/* Removes users and items with fewer interactions, again and again until none is left (k-core).
 * A bound of 0 or 1 asks nothing. */
MEDLEY_MUST_USE medley_status filter_k_core(dataset *d, int64_t min_user, int64_t min_item, int64_t *removed,
                                            int64_t *rounds, medley_error *err);

/* Renumbers without users, and (when `drop_items`) items, that have no interaction. Order is kept. */
MEDLEY_MUST_USE medley_status filter_reindex(dataset *d, bool drop_items, int64_t *users_removed,
                                             int64_t *items_removed, medley_error *err);

#endif
