#include "train/search.h"

typedef struct grid_params {
    int64_t grid_points;
} grid_params;

static const medley_param table[] = {
    MEDLEY_INT(grid_params, grid_points, "5", 2, 1000,
               .help = "values that a range stands for, its ends included"),
    MEDLEY_PARAMS_END,
};

static int64_t grid_points(const void *params)
{
    return ((const grid_params *)params)->grid_points;
}

static medley_status propose(const medley_runtime *rt, const void *params, const search_state *state,
                             double *point, bool *found, medley_error *err)
{
    (void)rt, (void)err;
    *found = search_draw_new(state, grid_points(params), point);
    return MEDLEY_OK;
}

const search_class search_grid = {
    .name = "grid",
    .summary = "every combination, or as many as the budget allows",
    .details =
        "A range stands for grid_points values, evenly spaced (in the logarithm for log:). When there are more "
        "combinations than trials, the trials are drawn from them without repetition.",
    .params = table,
    .params_size = sizeof(grid_params),
    .grid_points = grid_points,
    .propose = propose,
};
