/* Per user: the last interaction to test, the one before to validation. */
#include "data/draw.h"

typedef struct leave_one_out_params {
    int64_t min_train;
} leave_one_out_params;

static const medley_param params_table[] = {
    MEDLEY_INT(leave_one_out_params, min_train, "1", 0, 1e9,
               .help =
                   "interactions a user keeps for training; with fewer than this and two more, all are training"),
    MEDLEY_PARAMS_END,
};

static void shares(const void *params, int64_t count, int64_t *test, int64_t *val)
{
    const leave_one_out_params *p = params;
    *test = *val = count >= p->min_train + 2;
}

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            const split_lot *lot, uint8_t *part, medley_error *err)
{
    (void)lot;
    return draw_users(rt, events, NULL, shares, params, part, err);
}

const split_class split_leave_one_out = {
    .name = "leave_one_out",
    .summary = "per user, the last interaction to test, the one before to validation",
    .details =
        "The protocol of the sequential literature (SASRec, BERT4Rec). Last by time, ties in input order. Users with "
        "fewer than min_train + 2 interactions are training only.",
    .params = params_table,
    .params_size = sizeof(leave_one_out_params),
    .needs_order = true,
    .assign = assign,
};
