#include "train/search.h"

#define MEDLEY_SEARCH(name) extern const search_class search_##name;
#include "train/searches.def"
#undef MEDLEY_SEARCH

const search_class *const search_classes[] = {
#define MEDLEY_SEARCH(name) &search_##name,
#include "train/searches.def"
#undef MEDLEY_SEARCH
    NULL,
};

enum { DRAWS_MOST = 256 };

bool search_proposed(const search_state *state, const double *point)
{
    for (int64_t i = 0; i < state->count; i++)
        if (search_space_equal(state->space, state->points + i * state->space->count, point))
            return true;
    return false;
}

bool search_draw_new(const search_state *state, int64_t grid_points, double *point)
{
    const search_space *s = state->space;
    for (uint64_t draw = 0; draw < DRAWS_MOST; draw++) {
        for (int64_t i = 0; i < s->count; i++) {
            const search_dimension *d = &s->dimensions[i];
            const double u =
                random_uniform(state->seed, (uint64_t)state->count, draw * SEARCH_DIMENSIONS_MOST + (uint64_t)i);
            if (grid_points > 0) {
                const double size = (double)search_dimension_size(d, grid_points);
                point[i] = search_dimension_at(d, grid_points, (int64_t)(u * size));
            } else {
                point[i] = search_dimension_draw(d, u);
            }
        }
        if (!search_proposed(state, point))
            return true;
    }
    return false;
}
