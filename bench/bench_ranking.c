/* Ranking of a factored model against the bare GEMM of the same blocks, in the same parallel loop.
 *
 *   bench_ranking [threads] [users] [items] [factors]
 */
#include <stdatomic.h>
#include <stdlib.h>

/* Bytes held through the runtime, and the most at any time. Before base.h, which bans the heap. */
typedef struct heap {
    _Atomic int64_t live, peak;
} heap;

static void *counting_resize(void *context, void *block, size_t old_size, size_t new_size)
{
    heap *h = context;
    const int64_t more = (int64_t)new_size - (int64_t)old_size, live = atomic_fetch_add(&h->live, more) + more;
    if (live > h->peak)
        h->peak = live;
    if (new_size > 0)
        return realloc(block, new_size);
    free(block);
    return NULL;
}

#include "measure.h"
#include "recommend/ranking.h"
#include "tensor/gemm.h"

enum { ROWS = 192, WIDTH = 768, SEEN = 100, TOP = 20 };

typedef struct bench {
    int64_t users, items, factors;
    float *user, *item;
    float **scores; /* [workers] */
    _Atomic int64_t listed;
} bench;

/* About normal: most trained vectors are. */
static void fill(float *out, int64_t count, uint64_t stream)
{
    for (int64_t i = 0; i < count; i++) {
        double sum = 0;
        for (int part = 0; part < 4; part++)
            sum += (double)(random_bits(1, stream, (uint64_t)i) >> (16 * part) & 0xffff) * 0x1p-16 - 0.5;
        out[i] = (float)sum;
    }
}

static medley_status multiply_block(void *context, int64_t task, int worker, medley_error *err)
{
    const bench *b = context;
    const int64_t first = task * ROWS, rows = first + ROWS < b->users ? ROWS : b->users - first, D = b->factors;
    (void)err;
    for (int64_t item = 0; item < b->items; item += WIDTH)
        gemm_abt(rows, item + WIDTH < b->items ? WIDTH : b->items - item, D, b->user + first * D, D,
                 b->item + item * D, D, b->scores[worker], WIDTH);
    return MEDLEY_OK;
}

static medley_status count_list(void *context, const ranked *result, int worker, medley_error *err)
{
    bench *b = context;
    (void)worker;
    (void)err;
    atomic_fetch_add(&b->listed, result->count);
    return MEDLEY_OK;
}

static medley_status run(const medley_runtime *rt, heap *memory, bench *b, medley_error *err)
{
    csr_owner seen = {0};
    uint32_t *queries = NULL;
    medley_status status;
    TRY_DONE(mem_alloc(rt, b->users * b->factors, sizeof *b->user, &b->user, err));
    TRY_DONE(mem_alloc(rt, b->items * b->factors, sizeof *b->item, &b->item, err));
    TRY_DONE(mem_alloc(rt, b->users, sizeof *queries, &queries, err));
    TRY_DONE(mem_alloc_zero(rt, parallel_workers(rt), sizeof *b->scores, &b->scores, err));
    for (int w = 0; w < parallel_workers(rt); w++)
        TRY_DONE(mem_alloc_zero(rt, ROWS * WIDTH, sizeof **b->scores, &b->scores[w], err));
    fill(b->user, b->users * b->factors, 1);
    fill(b->item, b->items * b->factors, 2);
    for (int64_t u = 0; u < b->users; u++)
        queries[u] = (uint32_t)u;
    TRY_DONE(matrix_make(rt, b->users, b->items, SEEN, &seen, err));
    const scoring how = {
        .form = SCORING_FACTORED, .items = b->items, .factors = b->factors, .user = b->user, .item = b->item};
    const ranking_request request = {
        .how = &how, .queries = b->users, .user = queries, .seed = 1, .k = TOP, .excluded = &seen.view};
    const int64_t before = memory->live;
    double ours = 1e9, peer = 1e9;
    memory->peak = before;
    for (int i = 0; i < 3; i++) { /* the best of interleaved runs */
        double start = now();
        TRY_DONE(parallel_run(rt, (b->users + ROWS - 1) / ROWS, multiply_block, b, err));
        peer = now() - start < peer ? now() - start : peer;
        start = now();
        TRY_DONE(ranking_run(rt, &request, "ranking", count_list, b, err));
        ours = now() - start < ours ? now() - start : ours;
    }
    char name[128];
    snprintf(name, sizeof name, "ranking %lldx%lldx%lld top-%d", (long long)b->users, (long long)b->items,
             (long long)b->factors, TOP);
    print_result(name, ours, peer);
    fprintf(stdout, "# peer: bare GEMM of the same blocks, %.1f GFLOP/s; ranking held %.1f MB\n",
            2e-9 * (double)b->users * (double)b->items * (double)b->factors / peer,
            (double)(memory->peak - before) * 1e-6);
done:
    csr_release(&seen);
    for (int w = 0; b->scores != NULL && w < parallel_workers(rt); w++)
        mem_free(b->scores[w]);
    mem_free(b->scores);
    mem_free(queries);
    mem_free(b->user);
    mem_free(b->item);
    return status;
}

int main(int argc, char **argv)
{
    heap memory = {0};
    const medley_runtime_options options = {.threads = (int)argument(argc, argv, 1, 0),
                                            .allocator = {counting_resize, &memory}};
    bench b = {.users = argument(argc, argv, 2, 100000),
               .items = argument(argc, argv, 3, 50000),
               .factors = argument(argc, argv, 4, 64)};
    medley_runtime *rt;
    medley_error err;
    if (medley_runtime_create(&options, &rt, &err) != MEDLEY_OK || run(rt, &memory, &b, &err) != MEDLEY_OK) {
        fprintf(stderr, "bench_ranking: %s\n", err.message);
        return 1;
    }
    medley_runtime_free(rt);
    return 0;
}
