#include "tensor/gemm.h"

#include "base/multiversion.h"
#include "tensor/gemm_tiles.h"

/* C = beta C */
static void scale(const gemm_job *j)
{
    for (int64_t i = 0; i < j->m; i++)
        for (int64_t column = 0; column < j->n; column++) {
            real *c = j->c + i * j->c_stride + column;
            *c = j->beta == 0 ? 0 : j->beta * *c;
        }
}

void gemm(const gemm_job *job)
{
    gemm_job j = *job;
    if (j.m == 0 || j.n == 0)
        return;
    for (int64_t i = 0; j.bias != NULL && i < j.m; i++)
        memcpy(j.c + i * j.c_stride, j.bias, (size_t)j.n * sizeof *j.bias);
    if (j.bias != NULL)
        j.beta = 1;
    if (j.k > 0)
        gemm_call(&j);
    else
        scale(&j);
}

enum {
    TASK_WORK = 1 << 21, /* multiplications of a task, about 40 µs: less is not worth a task of its own */
    TASKS_WANTED = 8,
    TILE_LEAST = 64,
    TILE_M = 512, /* what oneDNN is fast at; the operands and C stay in the second-level cache */
    TILE_N = 256,
    PART_LEAST = 1024, /* of a sum */
};

gemm_tiles gemm_tiles_whole(int64_t m, int64_t n, int64_t most_m, int64_t most_n)
{
    gemm_tiles t = {m < most_m ? m : most_m, n < most_n ? n : most_n, 0, 0};
    t.across = t.n > 0 ? (n + t.n - 1) / t.n : 0;
    t.count = t.m > 0 ? (m + t.m - 1) / t.m * t.across : 0;
    return t;
}

gemm_tiles gemm_tiles_choose(const gemm_job *job, int64_t most_m, int64_t most_n, int64_t wanted)
{
    gemm_tiles t = gemm_tiles_whole(job->m, job->n, most_m, most_n);
    while (t.count < wanted && t.m * t.n * job->k > TASK_WORK) {
        int64_t *larger = t.m >= t.n ? &t.m : &t.n;
        if (*larger < 2 * TILE_LEAST)
            break;
        *larger = (*larger + TILE_LEAST - 1) / TILE_LEAST * TILE_LEAST / 2;
        t = gemm_tiles_whole(job->m, job->n, t.m, t.n);
    }
    return t;
}

typedef struct batch {
    gemm_job job;
    int64_t count, a_step, b_step, c_step;
    gemm_tiles tiles; /* of one product */
    int64_t together; /* products of a task; several only where a product is one tile */
} batch;

gemm_job gemm_tile(const gemm_job *whole, const gemm_tiles *tiles, int64_t tile)
{
    const int64_t i = tile / tiles->across * tiles->m, j = tile % tiles->across * tiles->n;
    gemm_job job = *whole;
    job.m = whole->m - i < tiles->m ? whole->m - i : tiles->m;
    job.n = whole->n - j < tiles->n ? whole->n - j : tiles->n;
    job.a += whole->transpose_a ? i : i * whole->a_stride;
    job.b += whole->transpose_b ? j * whole->b_stride : j;
    job.c += i * whole->c_stride + j;
    job.bias += whole->bias != NULL ? j : 0;
    return job;
}

static medley_status batch_task(void *context, int64_t task, int worker, medley_error *err)
{
    const batch *b = context;
    (void)worker;
    (void)err;
    const int64_t tile = task % b->tiles.count, first = task / b->tiles.count * b->together;
    const int64_t end = first + b->together < b->count ? first + b->together : b->count;
    for (int64_t product = first; product < end; product++) {
        gemm_job job = gemm_tile(&b->job, &b->tiles, tile);
        job.a += product * b->a_step;
        job.b += product * b->b_step;
        job.c += product * b->c_step;
        gemm(&job);
    }
    return MEDLEY_OK;
}

medley_status gemm_batched(const medley_runtime *rt, const gemm_job *job, int64_t count, int64_t a_step,
                           int64_t b_step, int64_t c_step, medley_error *err)
{
    const int64_t work = job->m * job->n * (job->k > 0 ? job->k : 1);
    if (work == 0 || count == 0)
        return MEDLEY_OK;
    batch b = {.job = *job, .count = count, .a_step = a_step, .b_step = b_step, .c_step = c_step};
    b.together = work < TASK_WORK ? TASK_WORK / work : 1;
    b.tiles = (gemm_tiles){job->m, job->n, 1, 1};
    if (b.together == 1)
        b.tiles =
            gemm_tiles_choose(job, job->transpose_a ? TILE_N : TILE_M, TILE_N, (TASKS_WANTED + count - 1) / count);
    const int64_t tasks = (count + b.together - 1) / b.together * b.tiles.count;
    return tasks == 1 ? batch_task(&b, 0, 0, err) : parallel_run(rt, tasks, batch_task, &b, err);
}

/* ---- long sums ---- */

/* Parts of k that a sum is cut into; 1: none. */
static int64_t parts_of(const gemm_job *job)
{
    const gemm_tiles tiles = gemm_tiles_whole(job->m, job->n, TILE_N, TILE_N);
    const int64_t wanted = tiles.count > 0 ? TASKS_WANTED / tiles.count : 0;
    const bool worth = job->m * job->n * job->k >= TASKS_WANTED / 2 * TASK_WORK;
    return worth && wanted > 1 && job->k >= wanted * PART_LEAST ? wanted : 1;
}

int64_t gemm_scratch(const gemm_job *job)
{
    const int64_t parts = parts_of(job);
    return parts > 1 ? parts * job->m * job->n : 0;
}

/* sum[n] += x[n] */
MULTIVERSION static void gemm_add_row(real *restrict sum, const real *restrict x, int64_t n)
{
    for (int64_t j = 0; j < n; j++)
        sum[j] += x[j];
}

/* C = beta C, or the bias, + alpha (part 0 + part 1 + ...) */
static void add_parts(const gemm_job *job, int64_t parts)
{
    for (int64_t i = 0; i < job->m; i++) {
        real *sum = job->scratch + i * job->n, *c = job->c + i * job->c_stride;
        for (int64_t p = 1; p < parts; p++)
            gemm_add_row(sum, sum + p * job->m * job->n, job->n);
        for (int64_t j = 0; j < job->n; j++) {
            const real start = job->bias != NULL ? job->bias[j] : job->beta == 0 ? 0 : job->beta * c[j];
            c[j] = start + job->alpha * sum[j];
        }
    }
}

/* The parts are a batch; what k leaves over comes last. */
medley_status gemm_in_parts(gemm_batched_function batched, void *context, const gemm_job *job, medley_error *err)
{
    const int64_t parts = job->scratch != NULL ? parts_of(job) : 1, k = job->k / parts / 64 * 64;
    if (parts == 1)
        return batched(context, job, 1, 0, 0, 0, err);
    gemm_job part = *job, rest = *job;
    const int64_t a_step = k * (job->transpose_a ? job->a_stride : 1),
                  b_step = k * (job->transpose_b ? 1 : job->b_stride);
    part.k = k;
    part.alpha = 1;
    part.beta = 0;
    part.bias = NULL;
    part.c = job->scratch;
    part.c_stride = job->n;
    TRY(batched(context, &part, parts, a_step, b_step, job->m * job->n, err));
    add_parts(job, parts);
    rest.k = job->k - parts * k;
    rest.a += parts * a_step;
    rest.b += parts * b_step;
    rest.beta = 1;
    rest.bias = NULL;
    return rest.k > 0 ? batched(context, &rest, 1, 0, 0, 0, err) : MEDLEY_OK;
}

static medley_status batched_by_tiles(void *context, const gemm_job *job, int64_t count, int64_t a_step,
                                      int64_t b_step, int64_t c_step, medley_error *err)
{
    return gemm_batched(context, job, count, a_step, b_step, c_step, err);
}

medley_status gemm_parallel(const medley_runtime *rt, const gemm_job *job, medley_error *err)
{
    return gemm_in_parts(batched_by_tiles, (void *)(uintptr_t)rt, job, err);
}
