#include "eval/short_head.h"

static int by_count(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a < b) - (a > b);
}

medley_status short_head_mark(const medley_runtime *rt, const int64_t *item_count, int64_t items, double share,
                              uint8_t *head, int64_t *count, medley_error *err)
{
    int64_t *sorted, total = 0, taken = 0, least = INT64_MAX;
    *count = 0;
    TRY(mem_alloc(rt, items, sizeof *sorted, &sorted, err));
    for (int64_t i = 0; i < items; i++)
        total += sorted[i] = item_count[i];
    if (items > 0)
        qsort(sorted, (size_t)items, sizeof *sorted, by_count);
    for (int64_t i = 0; i < items && (double)taken < share * (double)total; i++) {
        least = sorted[i];
        taken += least;
    }
    mem_free(sorted);
    for (int64_t i = 0; i < items; i++)
        *count += head[i] = item_count[i] >= least;
    return MEDLEY_OK;
}
