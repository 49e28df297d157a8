/* Per user: k disjoint random test parts, one a fold (Elliot's random_cross_validation). */
#include "data/draw.h"

typedef struct k_fold_params {
    double val_ratio;
} k_fold_params;

static const medley_param params_table[] = {
    MEDLEY_REAL(k_fold_params, val_ratio, "0.1", 0, 0.99, .help = "share of what is not test for validation"),
    MEDLEY_PARAMS_END,
};

/* The seed's stream that shifts each user's folds, so that short users are not all tested in the first ones. */
static const uint64_t stream_shift = UINT64_MAX;

static void part_user(const k_fold_params *p, const split_lot *lot, uint32_t user, const draw_ticket *tickets,
                      int64_t count, uint8_t *part)
{
    const uint64_t folds = (uint64_t)lot->folds, shift = random_bits(lot->seed, stream_shift, user) % folds;
    int64_t test = 0, val = 0;
    for (int64_t i = 0; i < count; i++)
        test += ((uint64_t)i + shift) % folds == (uint64_t)lot->fold;
    for (int64_t i = 0; i < count; i++) {
        uint8_t *own = &part[tickets[i].member];
        if (((uint64_t)i + shift) % folds == (uint64_t)lot->fold)
            *own = PART_TEST;
        else
            *own = val++ < draw_held_out(count - test, p->val_ratio) ? PART_VAL : PART_TRAIN;
    }
}

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            const split_lot *lot, uint8_t *part, medley_error *err)
{
    draw_ticket *tickets = NULL;
    int64_t capacity = 0;
    medley_status status = MEDLEY_OK;
    for (int64_t start = 0, end; start < events->count; start = end) {
        end = split_user_end(events, start);
        TRY_DONE(mem_reserve(rt, &tickets, &capacity, end - start, sizeof *tickets, err));
        draw_order(lot->seed, events->user[start], end - start, tickets);
        part_user(params, lot, events->user[start], tickets, end - start, part + start);
    }
done:
    mem_free(tickets);
    return status;
}

const split_class split_k_fold = {
    .name = "k_fold",
    .summary = "per user, k disjoint random test parts, one a fold",
    .details =
        "k is the setting folds: every interaction is test in exactly one of NAME.1 ... NAME.k. A user with "
        "fewer than k interactions is tested in as many folds as it has interactions. Ignores time.",
    .params = params_table,
    .params_size = sizeof(k_fold_params),
    .folds = FOLDS_PARTITION,
    .assign = assign,
};
