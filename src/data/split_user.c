/* Disjoint users: new ones are judged, with a few interactions of theirs known. */
#include "data/draw.h"

typedef struct user_params {
    double test_users, val_users;
    int64_t fold_in;
    int known;
} user_params;

enum { KNOWN_EARLIEST, KNOWN_RANDOM };

static const medley_param params_table[] = {
    MEDLEY_REAL(user_params, test_users, "0.1", 0, 1e9, .help = "share (below 1) or number of users for test"),
    MEDLEY_REAL(user_params, val_users, "0.1", 0, 1e9,
                .help = "share (below 1) or number of users for validation"),
    MEDLEY_INT(user_params, fold_in, "5", 0, 1e9,
               .help = "interactions known of a held-out user, one less than it has at most; 0: nothing is known"),
    MEDLEY_ENUM(user_params, known, "earliest", "earliest|random", .help = "which interactions are known"),
    MEDLEY_PARAMS_END,
};

static int64_t targets(const void *params, int64_t count)
{
    const user_params *p = params;
    return count > p->fold_in + 1 ? count - p->fold_in : 1;
}

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            const split_lot *lot, uint8_t *part, medley_error *err)
{
    const user_params *p = params;
    const draw_fold_in rule = {{"users", p->test_users, p->val_users}, 1, p->known == KNOWN_EARLIEST, targets, p};
    if (p->known == KNOWN_EARLIEST && !lot->ordered)
        return fail(err, MEDLEY_E_CONFIG,
                    "known: 'earliest' needs an order in time, which this store does not have; accepted: random");
    return draw_held_out_users(rt, events, lot, &rule, part, err);
}

const split_class split_user = {
    .name = "user",
    .summary = "disjoint users: new users are judged, with a few known interactions each",
    .details =
        "Cold start of users. Nothing of a held-out user is trained on: fold_in interactions are in the parts "
        "val_known and test_known, which a model that folds users in may read, the rest are targets.",
    .params = params_table,
    .params_size = sizeof(user_params),
    .folds = FOLDS_REPEAT,
    .assign = assign,
};
