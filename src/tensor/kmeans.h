/* k-means: Lloyd's iterations from k-means++ seeds (Arthur and Vassilvitskii, SODA 2007), the best of several starts. */
#ifndef TENSOR_KMEANS_H
#define TENSOR_KMEANS_H

#include "base/base.h"

typedef struct kmeans_job {
    const float *rows; /* [count, length] */
    int64_t count, length, clusters;
    uint64_t seed;
    int64_t restarts, iterations; /* at most so many iterations a start */
} kmeans_job;

typedef struct kmeans {
    int64_t clusters;  /* fewer than asked for when there are fewer distinct rows */
    float *centre;     /* [clusters, length] */
    uint32_t *cluster; /* [count] the nearest centre; of equally near ones the first */
    double inertia;    /* sum of squared distances */
    int64_t iterations;
} kmeans;

/* The same bits for any number of threads. Release it also after a failure. */
MEDLEY_MUST_USE medley_status kmeans_run(const medley_runtime *rt, const kmeans_job *job, kmeans *out,
                                         medley_error *err);
void kmeans_release(kmeans *k);

#endif
