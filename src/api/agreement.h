/* Of the items nearest to an item, how many share a value of an attribute with it. */
#ifndef API_AGREEMENT_H
#define API_AGREEMENT_H

#include "base/report.h"
#include "data/item_space.h"

/*   precision@k = mean over items i of |{j in the k nearest to i: j shares a value with i}| / k
 *   by chance   = mean over items i of |{j != i that share a value with i}| / (items - 1)
 * over the items that have a value and a vector; nobody else is listed. */
typedef struct agreement {
    const medley_runtime *rt;
    const char *attribute;
    item_space values; /* sparse, a dimension a value */
    int64_t items, k, short_lists;
    double precision, chance; /* sums over items */
} agreement;

/* Fails as item_space_open, and with E_CONFIG for an attribute of numbers. Release it also after a failure. */
MEDLEY_MUST_USE medley_status agreement_open(const medley_store *store, const char *attribute, int64_t k,
                                             agreement *out, medley_error *err);
void agreement_release(agreement *a);
bool agreement_has(const agreement *a, uint32_t item);
/* items [count]: all that take part. */
MEDLEY_MUST_USE medley_status agreement_expect(agreement *a, const uint32_t *items, int64_t count,
                                               medley_error *err);
/* nearest [count], at most k. */
void agreement_add(agreement *a, uint32_t item, const uint32_t *nearest, int64_t count);
void agreement_tell(const agreement *a, medley_report *report);

#endif
