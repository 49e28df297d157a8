/* Per user, a random part: test = n - floor(n (1 - ratio)), then validation out of the rest by the
 * same rule (Elliot's random_subsampling). */
#include "data/draw.h"

typedef struct random_params {
    double test_ratio, val_ratio;
} random_params;

static const medley_param params_table[] = {
    MEDLEY_REAL(random_params, test_ratio, "0.2", 0, 0.99, .help = "share of each user's interactions for test"),
    MEDLEY_REAL(random_params, val_ratio, "0.1", 0, 0.99, .help = "share of what is left for validation"),
    MEDLEY_PARAMS_END,
};

static void shares(const void *params, int64_t count, int64_t *test, int64_t *val)
{
    const random_params *p = params;
    *test = draw_held_out(count, p->test_ratio);
    *val = draw_held_out(count - *test, p->val_ratio);
}

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            const split_lot *lot, uint8_t *part, medley_error *err)
{
    return draw_users(rt, events, lot, shares, params, part, err);
}

const split_class split_random = {
    .name = "random",
    .summary = "per user, random shares for test and validation",
    .details =
        "test = n - floor(n (1 - test_ratio)) of a user's n interactions; validation out of the rest by the same "
        "rule: Elliot's random_subsampling. Ignores time: the leak report says how far the future trains the past.",
    .params = params_table,
    .params_size = sizeof(random_params),
    .folds = FOLDS_REPEAT,
    .assign = assign,
};
