/* One global cut in time: the honest setting. */
#include <math.h>

#include "data/moment.h"
#include "data/split.h"

typedef struct temporal_params {
    double test_ratio, val_ratio;
    const char *test_from, *val_from;
} temporal_params;

static const medley_param params_table[] = {
    MEDLEY_REAL(temporal_params, test_ratio, "0.1", 0, 0.99,
                .help = "share of all interactions, the latest, for test"),
    MEDLEY_REAL(temporal_params, val_ratio, "0.1", 0, 0.99,
                .help = "share of the earlier rest, its latest, for validation"),
    MEDLEY_TEXT(temporal_params, test_from, "0",
                .help = "where test starts, seconds since 1970 or a date (2019-03-31); 0: by test_ratio"),
    MEDLEY_TEXT(temporal_params, val_from, "0", .help = "where validation starts; 0: by val_ratio"),
    MEDLEY_PARAMS_END,
};

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The time from which about `ratio` of the `count` sorted times lie; equal times never part. */
static int64_t cut(const int64_t *sorted, int64_t count, double ratio)
{
    const int64_t first = (int64_t)floor((double)count * (1 - ratio) + 1e-9);
    return first < count ? sorted[first] : INT64_MAX;
}

static int64_t count_before(const int64_t *sorted, int64_t count, int64_t time)
{
    int64_t low = 0;
    for (int64_t high = count; low < high;) {
        const int64_t middle = low + (high - low) / 2;
        if (sorted[middle] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            const split_lot *lot, uint8_t *part, medley_error *err)
{
    const temporal_params *p = params;
    int64_t *sorted, test_from, val_from;
    (void)lot;
    if (events->timestamp == NULL)
        return fail(err, MEDLEY_E_CONFIG, "strategy: 'temporal' needs times, which the store does not have");
    TRY(moment_parse("test_from", p->test_from, &test_from, err));
    TRY(moment_parse("val_from", p->val_from, &val_from, err));
    if (test_from > 0 && val_from > test_from)
        return fail(err, MEDLEY_E_CONFIG, "val_from: %s is behind test_from, %s", p->val_from, p->test_from);
    TRY(mem_alloc(rt, events->count, sizeof *sorted, &sorted, err));
    memcpy(sorted, events->timestamp, (size_t)events->count * sizeof *sorted);
    qsort(sorted, (size_t)events->count, sizeof *sorted, by_value);
    if (test_from == 0)
        test_from = cut(sorted, events->count, p->test_ratio);
    const int64_t rest = count_before(sorted, events->count, test_from);
    if (val_from == 0)
        val_from = cut(sorted, rest, p->val_ratio);
    mem_free(sorted);
    for (int64_t i = 0; i < events->count; i++) {
        const int64_t time = events->timestamp[i];
        part[i] = time >= test_from ? PART_TEST : time >= val_from ? PART_VAL : PART_TRAIN;
    }
    return MEDLEY_OK;
}

const split_class split_temporal = {
    .name = "temporal",
    .summary = "one cut in time for everybody: train before, test after",
    .details =
        "The latest test_ratio of all interactions (or those from test_from on) are test, the latest val_ratio of "
        "the rest validation. Interactions at the same second stay together. No future event is trained on.",
    .params = params_table,
    .params_size = sizeof(temporal_params),
    .needs_order = true,
    .assign = assign,
};
