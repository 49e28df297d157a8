/* Strong generalisation: held-out users, a share of each one's interactions known (Liang et al., "Variational
 * Autoencoders for Collaborative Filtering", WWW 2018, and the papers that follow its protocol). */
#include <math.h>

#include "data/draw.h"

typedef struct strong_params {
    double test_users, val_users, target_ratio;
    int64_t min_interactions;
    int targets;
} strong_params;

enum { TARGETS_RANDOM, TARGETS_LATEST };

static const medley_param params_table[] = {
    MEDLEY_REAL(strong_params, test_users, "0.1", 0, 1e9, .help = "share (below 1) or number of users for test"),
    MEDLEY_REAL(strong_params, val_users, "0.1", 0, 1e9,
                .help = "share (below 1) or number of users for validation"),
    MEDLEY_REAL(strong_params, target_ratio, "0.2", 0.01, 0.99,
                .help = "share of a held-out user's interactions that are targets; the rest is known"),
    MEDLEY_INT(strong_params, min_interactions, "5", 2, 1e9,
               .help = "fewest interactions of a user that is held out"),
    MEDLEY_ENUM(strong_params, targets, "random", "random|latest", .help = "which interactions are targets"),
    MEDLEY_PARAMS_END,
};

static int64_t targets(const void *params, int64_t count)
{
    const strong_params *p = params;
    const int64_t share = (int64_t)floor((double)count * p->target_ratio + 1e-9);
    return share > 1 ? share : 1;
}

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            const split_lot *lot, uint8_t *part, medley_error *err)
{
    const strong_params *p = params;
    const draw_fold_in rule = {
        {"users", p->test_users, p->val_users}, p->min_interactions, p->targets == TARGETS_LATEST, targets, p};
    if (p->targets == TARGETS_LATEST && !lot->ordered)
        return fail(err, MEDLEY_E_CONFIG,
                    "targets: 'latest' needs an order in time, which this store does not have; accepted: random");
    return draw_held_out_users(rt, events, lot, &rule, part, err);
}

const split_class split_strong = {
    .name = "strong",
    .summary = "strong generalisation: held-out users, 80 % of each known and 20 % targets",
    .details =
        "The protocol of Mult-VAE, EASE and iALS papers. Validation and test users are apart, and none of theirs is "
        "trained on: what is known is in val_known and test_known. floor(n target_ratio), at least 1, of a user's n "
        "interactions are targets. Unlike there, targets that training lacks stay and are counted.",
    .params = params_table,
    .params_size = sizeof(strong_params),
    .folds = FOLDS_REPEAT,
    .assign = assign,
};
