#include "train/search.h"

static medley_status propose(const medley_runtime *rt, const void *params, const search_state *state,
                             double *point, bool *found, medley_error *err)
{
    (void)rt, (void)params, (void)err;
    *found = search_draw_new(state, 0, point);
    return MEDLEY_OK;
}

const search_class search_random = {
    .name = "random",
    .summary = "points drawn independently, none twice",
    .details =
        "J. Bergstra and Y. Bengio, Random Search for Hyper-Parameter Optimization, JMLR 2012. A range is drawn from "
        "uniformly (log: in the logarithm), values with equal chances.",
    .propose = propose,
};
