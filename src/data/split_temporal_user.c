/* Per user by time: the latest share, or the last n, to test and those before them to validation. */
#include "data/draw.h"

typedef struct temporal_user_params {
    double test_ratio, val_ratio;
    int64_t test_last, val_last, min_train;
} temporal_user_params;

static const medley_param params_table[] = {
    MEDLEY_REAL(temporal_user_params, test_ratio, "0.2", 0, 0.99,
                .help = "share of each user's interactions, the latest, for test"),
    MEDLEY_REAL(temporal_user_params, val_ratio, "0.1", 0, 0.99,
                .help = "share of the earlier rest, its latest, for validation"),
    MEDLEY_INT(temporal_user_params, test_last, "0", 0, 1e9,
               .help = "interactions of each user for test; 0: by test_ratio"),
    MEDLEY_INT(temporal_user_params, val_last, "0", 0, 1e9,
               .help = "interactions before those for validation; 0: by val_ratio, with test_last none"),
    MEDLEY_INT(temporal_user_params, min_train, "1", 0, 1e9,
               .help = "interactions a user keeps for training; with fewer than that left, all are training"),
    MEDLEY_PARAMS_END,
};

static void shares(const void *params, int64_t count, int64_t *test, int64_t *val)
{
    const temporal_user_params *p = params;
    const int64_t last = p->test_last > 0 ? p->test_last : draw_held_out(count, p->test_ratio);
    const int64_t rest = count - last;
    const int64_t before = p->val_last > 0    ? p->val_last
                           : p->test_last > 0 ? 0
                                              : draw_held_out(rest > 0 ? rest : 0, p->val_ratio);
    if (rest - before < p->min_train)
        return;
    *test = last;
    *val = before;
}

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            const split_lot *lot, uint8_t *part, medley_error *err)
{
    (void)lot;
    return draw_users(rt, events, NULL, shares, params, part, err);
}

const split_class split_temporal_user = {
    .name = "temporal_user",
    .summary = "per user, the latest share or the last n interactions to test",
    .details =
        "By ratio, or by number with test_last and val_last; ties in time keep input order. Each user's past trains "
        "and future tests, but one user's training may lie behind another's test: see the leak report.",
    .params = params_table,
    .params_size = sizeof(temporal_user_params),
    .needs_order = true,
    .assign = assign,
};
