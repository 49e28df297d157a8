#include "tensor/kmeans.h"

enum { ROWS_A_TASK = 256, STREAM_SEED = 0x6b6d };

/* One start. */
typedef struct attempt {
    const kmeans_job *job;
    int64_t clusters;
    float *centre;     /* [clusters, length] */
    uint32_t *cluster; /* [count] */
    double *distance;  /* [count] squared, to the nearest centre */
    double *sum;       /* [clusters, length] */
    int64_t *members;  /* [clusters] */
} attempt;

static double square_distance(const float *a, const float *b, int64_t length)
{
    double sum = 0;
    for (int64_t j = 0; j < length; j++) {
        const double d = (double)a[j] - (double)b[j];
        sum += d * d;
    }
    return sum;
}

/* Distances to the nearest of centres `first` .. clusters - 1 and what was known before. */
typedef struct nearest {
    attempt *a;
    int64_t first;
} nearest;

static medley_status find_nearest(void *context, int64_t task, int worker, medley_error *err)
{
    const nearest *n = context;
    attempt *a = n->a;
    const int64_t D = a->job->length, end = (task + 1) * ROWS_A_TASK;
    (void)worker;
    (void)err;
    for (int64_t r = task * ROWS_A_TASK; r < a->job->count && r < end; r++)
        for (int64_t c = n->first; c < a->clusters; c++) {
            const double d = square_distance(a->job->rows + r * D, a->centre + c * D, D);
            if (c == 0 || d < a->distance[r]) {
                a->distance[r] = d;
                a->cluster[r] = (uint32_t)c;
            }
        }
    return MEDLEY_OK;
}

static medley_status assign(const medley_runtime *rt, attempt *a, int64_t first, medley_error *err)
{
    nearest n = {a, first};
    return parallel_run(rt, (a->job->count + ROWS_A_TASK - 1) / ROWS_A_TASK, find_nearest, &n, err);
}

static double total(const attempt *a)
{
    double sum = 0;
    for (int64_t r = 0; r < a->job->count; r++)
        sum += a->distance[r];
    return sum;
}

/* k-means++: each centre is a row, drawn by its squared distance to the centres before it. */
static medley_status seed_centres(const medley_runtime *rt, attempt *a, uint64_t stream, medley_error *err)
{
    const kmeans_job *job = a->job;
    const int64_t D = job->length;
    int64_t row = (int64_t)(random_uniform(job->seed, stream, 0) * (double)job->count);
    for (a->clusters = 0; a->clusters < job->clusters;) {
        memcpy(a->centre + a->clusters * D, job->rows + row * D, (size_t)D * sizeof *a->centre);
        a->clusters++;
        TRY(assign(rt, a, a->clusters - 1, err));
        double left = random_uniform(job->seed, stream, (uint64_t)a->clusters) * total(a);
        if (!(left > 0))
            break; /* every row is a centre, or the draw was zero of nothing */
        for (row = 0; row + 1 < job->count && (left -= a->distance[row]) >= 0; row++)
            ;
    }
    return MEDLEY_OK;
}

/* Centres become means; false: none moved. A cluster without rows stays where it is. */
static bool move_centres(attempt *a)
{
    const int64_t D = a->job->length;
    bool moved = false;
    memset(a->sum, 0, (size_t)(a->clusters * D) * sizeof *a->sum);
    memset(a->members, 0, (size_t)a->clusters * sizeof *a->members);
    for (int64_t r = 0; r < a->job->count; r++) {
        a->members[a->cluster[r]]++;
        for (int64_t j = 0; j < D; j++)
            a->sum[a->cluster[r] * D + j] += (double)a->job->rows[r * D + j];
    }
    for (int64_t i = 0; i < a->clusters * D; i++) {
        const int64_t members = a->members[i / D];
        const float mean = members > 0 ? (float)(a->sum[i] / (double)members) : a->centre[i];
        moved |= mean != a->centre[i];
        a->centre[i] = mean;
    }
    return moved;
}

static medley_status start(const medley_runtime *rt, attempt *a, int64_t restart, kmeans *best, medley_error *err)
{
    int64_t iteration = 0;
    TRY(seed_centres(rt, a, STREAM_SEED + (uint64_t)restart, err));
    while (iteration < a->job->iterations && move_centres(a)) {
        iteration++;
        TRY(assign(rt, a, 0, err));
    }
    const double inertia = total(a);
    if (restart > 0 && inertia >= best->inertia)
        return MEDLEY_OK;
    best->clusters = a->clusters;
    best->inertia = inertia;
    best->iterations = iteration;
    memcpy(best->centre, a->centre, (size_t)(a->clusters * a->job->length) * sizeof *a->centre);
    memcpy(best->cluster, a->cluster, (size_t)a->job->count * sizeof *a->cluster);
    return MEDLEY_OK;
}

medley_status kmeans_run(const medley_runtime *rt, const kmeans_job *job, kmeans *out, medley_error *err)
{
    attempt a = {.job = job};
    medley_status status;
    *out = (kmeans){0};
    if (job->count < 1)
        return fail(err, MEDLEY_E_ARGUMENT, "k-means: there is nothing to cluster");
    TRY_DONE(mem_alloc(rt, job->clusters * job->length, sizeof *out->centre, &out->centre, err));
    TRY_DONE(mem_alloc(rt, job->count, sizeof *out->cluster, &out->cluster, err));
    TRY_DONE(mem_alloc(rt, job->clusters * job->length, sizeof *a.centre, &a.centre, err));
    TRY_DONE(mem_alloc(rt, job->count, sizeof *a.cluster, &a.cluster, err));
    TRY_DONE(mem_alloc(rt, job->count, sizeof *a.distance, &a.distance, err));
    TRY_DONE(mem_alloc(rt, job->clusters * job->length, sizeof *a.sum, &a.sum, err));
    TRY_DONE(mem_alloc(rt, job->clusters, sizeof *a.members, &a.members, err));
    for (int64_t restart = 0; restart < job->restarts; restart++)
        TRY_DONE(start(rt, &a, restart, out, err));
    status = MEDLEY_OK;
done:
    mem_free(a.centre);
    mem_free(a.cluster);
    mem_free(a.distance);
    mem_free(a.sum);
    mem_free(a.members);
    return status;
}

void kmeans_release(kmeans *k)
{
    mem_free(k->centre);
    mem_free(k->cluster);
}
