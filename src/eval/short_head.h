/* The few popular items that hold most of the interactions. */
#ifndef EVAL_SHORT_HEAD_H
#define EVAL_SHORT_HEAD_H

#include "base/base.h"

/* Marks the smallest set of most popular items that holds at least `share` (0.8: the "80/20" short head) of the
 * interactions that item_count counts. Items with equal counts are in or out together, so the set does not
 * depend on how items are numbered. head: [items] 1 or 0. Returns how many are marked in *count. Fails with
 * E_NOMEM. */
MEDLEY_MUST_USE medley_status short_head_mark(const medley_runtime *rt, const int64_t *item_count, int64_t items,
                                              double share, uint8_t *head, int64_t *count, medley_error *err);

#endif
