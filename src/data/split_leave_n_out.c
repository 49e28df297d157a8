/* Per user: n random interactions to test, others to validation. */
#include "data/draw.h"

typedef struct leave_n_out_params {
    int64_t test_n, val_n, min_train;
} leave_n_out_params;

static const medley_param params_table[] = {
    MEDLEY_INT(leave_n_out_params, test_n, "1", 0, 1e9, .help = "interactions of each user for test"),
    MEDLEY_INT(leave_n_out_params, val_n, "1", 0, 1e9, .help = "interactions of each user for validation"),
    MEDLEY_INT(leave_n_out_params, min_train, "1", 0, 1e9,
               .help = "interactions a user keeps for training; with fewer than that left, all are training"),
    MEDLEY_PARAMS_END,
};

static void shares(const void *params, int64_t count, int64_t *test, int64_t *val)
{
    const leave_n_out_params *p = params;
    if (count < p->test_n + p->val_n + p->min_train)
        return;
    *test = p->test_n;
    *val = p->val_n;
}

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            const split_lot *lot, uint8_t *part, medley_error *err)
{
    return draw_users(rt, events, lot, shares, params, part, err);
}

const split_class split_leave_n_out = {
    .name = "leave_n_out",
    .summary = "per user, n random interactions to test and n to validation",
    .details = "Ignores time; for the last n of each user see temporal_user with test_last. Users with fewer than "
               "test_n + val_n + min_train interactions are training only.",
    .params = params_table,
    .params_size = sizeof(leave_n_out_params),
    .folds = FOLDS_REPEAT,
    .assign = assign,
};
