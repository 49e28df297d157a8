/* P3alpha: random_walk.h with beta = 0. */
#include "model/random_walk.h"

static const medley_param params[] = {
    WALK_ROWS(walk_params),
    MEDLEY_PARAMS_END,
};

static medley_status fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                         medley_error *err)
{
    walk_params p = *(const walk_params *)values;
    p.beta = 0; /* the table has no row that sets it */
    return walk_fit(rt, &p, data, state, err);
}

extern const model_class model_p3alpha;
const model_class model_p3alpha = {
    .name = "p3alpha",
    .title = "P3alpha",
    .summary = "where a walk of three steps over users and items likely ends",
    .paper =
        "Cooper, Lee, Radinsky and Siegel, Random walks in recommender systems: exact computation and simulations, "
        "WWW 2014; made sparse as in the evaluation code of Ferrari Dacrema et al., RecSys 2019, and in Elliot: every "
        "item of the history keeps its likeliest targets. Unlike the former, targets do not drop items a second "
        "time; unlike both, the walk's first step has the power alpha too, and ratings count in every step",
    .params = params,
    .params_size = sizeof(walk_params),
    .limits = "users without history; items without training users",
    .advice = "lower neighbours or raise min_item_interactions",
    .estimate = walk_estimate,
    .work = walk_work,
    .fit = fit,
    .scoring = neighbours_scoring,
    .encode = walk_encode,
};
