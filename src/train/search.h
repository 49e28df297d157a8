/* What a search strategy is: a row in searches.def and a file that defines search_<name>.
 *
 * A strategy proposes points of a space, a round at a time, from what earlier rounds found. The size of a round does
 * not depend on threads, and every random number comes from (seed, trial, counter): a search is the same whoever
 * runs it, and one that was cut off goes on as if it had not been. */
#ifndef TRAIN_SEARCH_H
#define TRAIN_SEARCH_H

#include "train/search_space.h"

/* A search so far. */
typedef struct search_state {
    const search_space *space;
    uint64_t seed;
    int64_t budget;       /* trials in all */
    int64_t count;        /* proposed; the rounds before this one are judged */
    const double *points; /* [count, space->count] */
    const double *losses; /* [count] to be made small; INFINITY: the trial failed, or is not judged yet */
} search_state;

typedef struct search_class {
    const char *name, *summary, *details;
    const medley_param *params;
    size_t params_size;
    int64_t round; /* trials that are proposed before any of them is judged; 0: all */
    /* Values that a REAL range stands for, in deciding whether the budget covers the whole space; 0: no number. */
    int64_t (*grid_points)(const void *params);
    /* Writes the next point; false: there is none that was not proposed before. */
    medley_status (*propose)(const medley_runtime *rt, const void *params, const search_state *state,
                             double *point, bool *found, medley_error *err);
} search_class;

extern const search_class *const search_classes[]; /* ends with NULL */

/* Whether the point is among those proposed. */
bool search_proposed(const search_state *state, const double *point);

/* A point that was not proposed before, drawn with random numbers of trial state->count; false: none was found in
 * many draws. grid_points as in search_space_size; 0 draws from the whole ranges. */
bool search_draw_new(const search_state *state, int64_t grid_points, double *point);

#endif
