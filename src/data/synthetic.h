/* A made-up data set with known structure, in the shape of MovieLens.
 *
 * Every item belongs to a genre and a series of it; every user has a taste over genres. A user
 * picks mostly by taste and popularity and, with probability `sequel`, the next part of the series
 * of the last pick: so taste can be learnt from co-occurrence and order from sequences. */
#ifndef DATA_SYNTHETIC_H
#define DATA_SYNTHETIC_H

#include "base/report.h"

typedef struct synthetic_params {
    const char *out;
    int64_t users, items, interactions_per_user, genres, seed;
    double sequel;
    bool force;
} synthetic_params;

extern const medley_param synthetic_table[];

/* Writes ratings.csv (userId,movieId,rating,timestamp) and movies.csv (movieId,title,genres,overview). The
 * same bytes for any number of threads. */
MEDLEY_MUST_USE medley_status synthetic_run(const medley_runtime *rt, const synthetic_params *p,
                                            medley_report *report, medley_error *err);

#endif
