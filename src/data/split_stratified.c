/* Per user, the same shares of train, validation and test, with a floor for each part. */
#include <math.h>

#include "data/draw.h"

typedef struct stratified_params {
    double test_ratio, val_ratio;
    int64_t min_per_part;
} stratified_params;

static const medley_param params_table[] = {
    MEDLEY_REAL(stratified_params, test_ratio, "0.2", 0, 0.99,
                .help = "share of each user's interactions for test; 0: no test part"),
    MEDLEY_REAL(stratified_params, val_ratio, "0.2", 0, 0.99,
                .help = "share of each user's interactions for validation; 0: no validation part"),
    MEDLEY_INT(stratified_params, min_per_part, "1", 1, 1e9,
               .help = "fewest interactions of a user in each part; users with too few are training only"),
    MEDLEY_PARAMS_END,
};

static int64_t share(int64_t count, double ratio, int64_t least)
{
    const int64_t nearest = (int64_t)floor((double)count * ratio + 0.5 + 1e-9);
    return ratio == 0 ? 0 : nearest > least ? nearest : least;
}

static void shares(const void *params, int64_t count, int64_t *test, int64_t *val)
{
    const stratified_params *p = params;
    const int64_t for_test = share(count, p->test_ratio, p->min_per_part);
    const int64_t for_val = share(count, p->val_ratio, p->min_per_part);
    if (count - for_test - for_val < p->min_per_part)
        return;
    *test = for_test;
    *val = for_val;
}

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            const split_lot *lot, uint8_t *part, medley_error *err)
{
    const stratified_params *p = params;
    if (p->test_ratio + p->val_ratio >= 1)
        return fail(err, MEDLEY_E_CONFIG, "test_ratio: %g and val_ratio: %g; accepted: below 1 together",
                    p->test_ratio, p->val_ratio);
    return draw_users(rt, events, lot, shares, params, part, err);
}

const split_class split_stratified = {
    .name = "stratified",
    .summary = "per user, random shares of all three parts, each with a minimum",
    .details =
        "Shares are of all a user's interactions (0.6, 0.2 and 0.2 by default), rounded to the nearest number "
        "and raised to min_per_part. A user too short for that in every part is training only.",
    .params = params_table,
    .params_size = sizeof(stratified_params),
    .folds = FOLDS_REPEAT,
    .assign = assign,
};
