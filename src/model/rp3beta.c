/* RP3beta: random_walk.h. */
#include "model/random_walk.h"

static const medley_param params[] = {
    WALK_ROWS(walk_params),
    MEDLEY_REAL(walk_params, beta, "0.6", 0, 2, .sweep = "0,0.2,0.4,0.6,0.8,1",
                .help = "power of the popularity that a target's probability is divided by"),
    MEDLEY_PARAMS_END,
};

extern const model_class model_rp3beta;
const model_class model_rp3beta = {
    .name = "rp3beta",
    .title = "RP3beta",
    .summary = "where a walk of three steps likely ends, held against popularity",
    .paper =
        "Paudel, Christoffel, Newell and Bernstein, Updatable, accurate, diverse, and scalable recommendations for "
        "interactive applications, TiiS 2017, where alpha is 1; made sparse as in the evaluation code of Ferrari "
        "Dacrema et al., RecSys 2019, and in Elliot: every item of the history keeps its likeliest targets, after "
        "the division. Unlike the former, targets do not drop items a second time; unlike both, the walk's first "
        "step has the power alpha too, and ratings count in every step",
    .params = params,
    .params_size = sizeof(walk_params),
    .limits = "users without history; items without training users",
    .advice = "lower neighbours or raise min_item_interactions",
    .estimate = walk_estimate,
    .work = walk_work,
    .fit = walk_fit,
    .scoring = neighbours_scoring,
    .encode = walk_encode,
};
