/* Per user: the last interaction to test, the one before to validation. */
#include "data/split.h"

typedef struct leave_one_out_params {
    int64_t min_train;
} leave_one_out_params;

static const medley_param params_table[] = {
    MEDLEY_INT(leave_one_out_params, min_train, "1", 0, 1e9,
               .help =
                   "interactions a user keeps for training; with fewer than this and two more, all are training"),
    MEDLEY_PARAMS_END,
};

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            uint64_t seed, uint8_t *part, medley_error *err)
{
    const leave_one_out_params *p = params;
    (void)rt;
    (void)seed;
    (void)err;
    memset(part, PART_TRAIN, (size_t)events->count);
    for (int64_t start = 0, end; start < events->count; start = end) {
        end = split_user_end(events, start);
        if (end - start < p->min_train + 2)
            continue;
        part[end - 1] = PART_TEST;
        part[end - 2] = PART_VAL;
    }
    return MEDLEY_OK;
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
