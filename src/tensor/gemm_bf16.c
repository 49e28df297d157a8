#include "tensor/gemm_bf16.h"

#include <dnnl.h>
#include <omp.h>

#include "base/multiversion.h"
#include "tensor/gemm_bf16_tiles.h"
#include "tensor/gemm_tiles.h"
#include "tensor/matrix_tiles.h"

#ifdef MEDLEY_REAL_DOUBLE

struct gemm_bf16 {
    const medley_runtime *rt;
};

bool gemm_bf16_available(void)
{
    return false;
}

bool gemm_bf16_has(gemm_bf16_way way)
{
    return way == BF16_FLOAT;
}

medley_status gemm_bf16_create_way(const medley_runtime *rt, gemm_bf16_way way, gemm_bf16 **out, medley_error *err)
{
    (void)way;
    TRY(mem_alloc(rt, 1, sizeof **out, out, err));
    (*out)->rt = rt;
    return MEDLEY_OK;
}

void gemm_bf16_free(gemm_bf16 *p)
{
    mem_free(p);
}

medley_status gemm_bf16_batched(gemm_bf16 *p, const gemm_job *job, int64_t count, int64_t a_step, int64_t b_step,
                                int64_t c_step, medley_error *err)
{
    return gemm_batched(p->rt, job, count, a_step, b_step, c_step, err);
}

#else

/* A block of C [BLOCK_M, BLOCK_N] is a sum over pieces of k; its operands, rounded, stay in the second-level cache. */
enum {
    BLOCK_M = 256,
    BLOCK_N = 512,
    BLOCK_K = 512,
    THIN = 16,
    TASKS_WANTED = 8,
    ROWS_AHEAD = 2,    /* rows that are fetched before they are rounded */
    ROWS_MOST = 4,     /* blocks that a task does below each other, with the same rounded B */
    SHAPES_MOST = 256, /* then all are forgotten */
};

enum { A, B, C, PAD, OPERANDS };

/* The library's product of one shape, with every worker's scratch memory in its hands. */
typedef struct block_shape {
    int64_t m, n, k;
    bool transpose_a, transpose_b;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t *argument; /* [workers, OPERANDS] */
} block_shape;

/* A worker's scratch memory: A and B rounded, as they are stored, and a block of C. */
typedef struct worker_memory {
    void *operand[OPERANDS]; /* PAD: the library's */
    dnnl_stream_t stream;
} worker_memory;

struct gemm_bf16 {
    const medley_runtime *rt;
    uint32_t *tiles; /* memory for products by the processor's tiles; NULL: by the library, or in float */
    bool available;  /* the library's */
    dnnl_engine_t engine;
    int workers;
    worker_memory *worker; /* [workers] */
    int64_t pad_bytes;
    block_shape *shapes;
    int64_t count, capacity;
};

bool gemm_bf16_available(void)
{
    return ((int)dnnl_get_effective_cpu_isa() & (int)dnnl_cpu_isa_avx512_core_bf16) ==
           (int)dnnl_cpu_isa_avx512_core_bf16;
}

static medley_status dnnl_failure(dnnl_status_t status, const char *action, medley_error *err)
{
    if (status == dnnl_success)
        return MEDLEY_OK;
    return fail(err, status == dnnl_out_of_memory ? MEDLEY_E_NOMEM : MEDLEY_E_ARGUMENT, "oneDNN cannot %s (%d)",
                action, (int)status);
}

/* ---- shapes ---- */

static void forget_shape(const gemm_bf16 *p, block_shape *s)
{
    for (int64_t i = 0; s->argument != NULL && i < p->workers * OPERANDS; i++)
        dnnl_memory_destroy(s->argument[i].memory);
    dnnl_primitive_destroy(s->primitive);
    mem_free(s->argument);
}

static dnnl_status_t describe(const block_shape *s, const dnnl_engine_t engine, dnnl_memory_desc_t *md,
                              dnnl_primitive_desc_t *out)
{
    const dnnl_dims_t size[3] = {{s->m, s->k}, {s->k, s->n}, {s->m, s->n}};
    const dnnl_dims_t stride[3] = {
        {s->transpose_a ? 1 : s->k, s->transpose_a ? s->m : 1},
        {s->transpose_b ? 1 : s->n, s->transpose_b ? s->k : 1},
        {s->n, 1},
    };
    dnnl_status_t status = dnnl_success;
    for (int i = A; i <= C && status == dnnl_success; i++)
        status = dnnl_memory_desc_init_by_strides(&md[i], 2, size[i], i == C ? dnnl_f32 : dnnl_bf16, stride[i]);
    dnnl_matmul_desc_t matmul;
    if (status == dnnl_success)
        status = dnnl_matmul_desc_init(&matmul, &md[A], &md[B], NULL, &md[C]);
    dnnl_primitive_attr_t attributes = NULL;
    if (status == dnnl_success)
        status = dnnl_primitive_attr_create(&attributes);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(out, &matmul, attributes, engine, NULL);
    dnnl_primitive_attr_destroy(attributes);
    return status;
}

static dnnl_status_t make_arguments(const gemm_bf16 *p, block_shape *s, const dnnl_memory_desc_t *md)
{
    static const int place[OPERANDS] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
    dnnl_status_t status = dnnl_success;
    for (int w = 0; w < p->workers; w++)
        for (int i = 0; i < OPERANDS && status == dnnl_success; i++) {
            dnnl_exec_arg_t *argument = &s->argument[w * OPERANDS + i];
            argument->arg = place[i];
            status = dnnl_memory_create(&argument->memory, &md[i], p->engine,
                                        i == PAD ? DNNL_MEMORY_NONE : p->worker[w].operand[i]);
        }
    return status;
}

/* Grows every worker's PAD. */
static medley_status reserve_pads(gemm_bf16 *p, int64_t bytes, medley_error *err)
{
    for (int w = 0; bytes > p->pad_bytes && w < p->workers; w++) {
        void *larger;
        TRY(mem_alloc(p->rt, bytes, 1, &larger, err));
        mem_free(p->worker[w].operand[PAD]);
        p->worker[w].operand[PAD] = larger;
    }
    p->pad_bytes = bytes > p->pad_bytes ? bytes : p->pad_bytes;
    return MEDLEY_OK;
}

static medley_status make_shape(gemm_bf16 *p, block_shape *s, medley_error *err)
{
    dnnl_memory_desc_t md[OPERANDS];
    dnnl_primitive_desc_t description = NULL;
    medley_status status;
    TRY_DONE(mem_alloc_zero(p->rt, p->workers * OPERANDS, sizeof *s->argument, &s->argument, err));
    TRY_DONE(dnnl_failure(describe(s, p->engine, md, &description), "make a product", err));
    md[PAD] = *dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    TRY_DONE(reserve_pads(p, (int64_t)dnnl_memory_desc_get_size(&md[PAD]), err));
    TRY_DONE(dnnl_failure(dnnl_primitive_create(&s->primitive, description), "make a product", err));
    TRY_DONE(dnnl_failure(make_arguments(p, s, md), "make a product", err));
done:
    dnnl_primitive_desc_destroy(description);
    return status;
}

static int64_t find_shape(const gemm_bf16 *p, const block_shape *wanted)
{
    int64_t i = 0;
    for (; i < p->count; i++) {
        const block_shape *s = &p->shapes[i];
        if (s->m == wanted->m && s->n == wanted->n && s->k == wanted->k && s->transpose_a == wanted->transpose_a &&
            s->transpose_b == wanted->transpose_b)
            break;
    }
    return i;
}

/* *index: the place of the shape in p->shapes. */
static medley_status want_shape(gemm_bf16 *p, block_shape wanted, int64_t *index, medley_error *err)
{
    *index = find_shape(p, &wanted);
    if (*index < p->count)
        return MEDLEY_OK;
    TRY(mem_reserve(p->rt, &p->shapes, &p->capacity, p->count + 1, sizeof *p->shapes, err));
    const medley_status status = p->available ? make_shape(p, &wanted, err) : MEDLEY_OK;
    if (status != MEDLEY_OK) {
        forget_shape(p, &wanted);
        return status;
    }
    p->shapes[p->count++] = wanted;
    return MEDLEY_OK;
}

/* ---- a product ---- */

typedef struct product {
    gemm_bf16 *p;
    gemm_job job;
    int64_t count, a_step, b_step, c_step;
    gemm_tiles blocks;      /* of one product */
    int64_t down;           /* rows of blocks */
    int64_t together;       /* of them, in a task */
    int64_t strips;         /* tasks below each other */
    int64_t shape[2][2][2]; /* by: is it the last of m, n, k */
} product;

/* Rows lie far apart: the processor does not see that the next ones come. */
static inline void fetch_row(const float *x, int64_t columns)
{
    enum { LINE = 64 / sizeof(float) };
    for (int64_t i = 0; i < columns; i += LINE)
        __builtin_prefetch(x + i);
}

/* out: [rows, columns] close together */
MULTIVERSION static void round_rows(const float *restrict x, int64_t stride, int64_t rows, int64_t columns,
                                    uint16_t *restrict out)
{
    for (int64_t r = 0; r < rows; r++) {
        if (r + ROWS_AHEAD < rows)
            fetch_row(x + (r + ROWS_AHEAD) * stride, columns);
        for (int64_t i = 0; i < columns; i++)
            out[r * columns + i] = (uint16_t)bf16_of(x[r * stride + i]);
    }
}

MULTIVERSION static void round_rows_to_float(const float *restrict x, int64_t stride, int64_t rows,
                                             int64_t columns, float *restrict out)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < columns; i++) {
            const uint32_t bits = bf16_of(x[r * stride + i]) << 16;
            memcpy(&out[r * columns + i], &bits, sizeof bits);
        }
}

static void round_operand(const gemm_bf16 *p, const float *x, int64_t stride, int64_t rows, int64_t columns,
                          void *out)
{
    if (p->available)
        round_rows(x, stride, rows, columns, out);
    else
        round_rows_to_float(x, stride, rows, columns, out);
}

static medley_status multiply(const gemm_bf16 *p, const block_shape *s, int worker, medley_error *err)
{
    const worker_memory *w = &p->worker[worker];
    if (!p->available) {
        gemm_call(&(gemm_job){.transpose_a = s->transpose_a,
                              .transpose_b = s->transpose_b,
                              .m = s->m,
                              .n = s->n,
                              .k = s->k,
                              .alpha = 1,
                              .a = w->operand[A],
                              .a_stride = s->transpose_a ? s->m : s->k,
                              .b = w->operand[B],
                              .b_stride = s->transpose_b ? s->k : s->n,
                              .c = w->operand[C],
                              .c_stride = s->n});
        return MEDLEY_OK;
    }
    const dnnl_exec_arg_t *argument = s->argument + worker * OPERANDS;
    TRY(dnnl_failure(dnnl_memory_set_data_handle(argument[PAD].memory, w->operand[PAD]), "multiply", err));
    return dnnl_failure(dnnl_primitive_execute(s->primitive, w->stream, OPERANDS, argument), "multiply", err);
}

MULTIVERSION static void bf16_set_rows(const float *restrict sum, const gemm_job *job, float *restrict c)
{
    for (int64_t i = 0; i < job->m; i++)
        for (int64_t j = 0; j < job->n; j++)
            c[i * job->c_stride + j] = job->alpha * sum[i * job->n + j];
}

MULTIVERSION static void bf16_set_rows_with_bias(const float *restrict sum, const gemm_job *job, float *restrict c)
{
    for (int64_t i = 0; i < job->m; i++)
        for (int64_t j = 0; j < job->n; j++)
            c[i * job->c_stride + j] = job->bias[j] + job->alpha * sum[i * job->n + j];
}

MULTIVERSION static void bf16_add_rows(const float *restrict sum, const gemm_job *job, float *restrict c)
{
    for (int64_t i = 0; i < job->m; i++)
        for (int64_t j = 0; j < job->n; j++)
            c[i * job->c_stride + j] = job->beta * c[i * job->c_stride + j] + job->alpha * sum[i * job->n + j];
}

/* The piece of the sum that starts at l, of the block `tile`, with B rounded already. */
static medley_status do_block(const product *t, gemm_job block, int64_t tile, int64_t l, int worker,
                              medley_error *err)
{
    const gemm_bf16 *p = t->p;
    const int64_t k = least(BLOCK_K, block.k - l);
    const bool last_m = tile / t->blocks.across == t->down - 1, last_n = (tile + 1) % t->blocks.across == 0;
    const block_shape *s = &p->shapes[t->shape[last_m][last_n][l + k == block.k]];
    if (block.transpose_a)
        round_operand(p, block.a + l * block.a_stride, block.a_stride, k, block.m, p->worker[worker].operand[A]);
    else
        round_operand(p, block.a + l, block.a_stride, block.m, k, p->worker[worker].operand[A]);
    TRY(multiply(p, s, worker, err));
    if (l > 0) {
        block.beta = 1;
        bf16_add_rows(p->worker[worker].operand[C], &block, block.c);
    } else if (block.bias != NULL) {
        bf16_set_rows_with_bias(p->worker[worker].operand[C], &block, block.c);
    } else {
        (block.beta == 0 ? bf16_set_rows : bf16_add_rows)(p->worker[worker].operand[C], &block, block.c);
    }
    return MEDLEY_OK;
}

/* Blocks below each other, piece of k by piece. */
static medley_status do_strip(const product *t, const gemm_job *job, int64_t strip, int64_t column, int worker,
                              medley_error *err)
{
    const int64_t first = strip * t->together, end = least(t->down, first + t->together);
    for (int64_t l = 0; l < job->k; l += BLOCK_K) {
        const gemm_job top = gemm_tile(job, &t->blocks, first * t->blocks.across + column);
        const int64_t k = least(BLOCK_K, job->k - l);
        if (job->transpose_b)
            round_operand(t->p, top.b + l, top.b_stride, top.n, k, t->p->worker[worker].operand[B]);
        else
            round_operand(t->p, top.b + l * top.b_stride, top.b_stride, k, top.n, t->p->worker[worker].operand[B]);
        for (int64_t row = first; row < end; row++) {
            const int64_t tile = row * t->blocks.across + column;
            TRY(do_block(t, gemm_tile(job, &t->blocks, tile), tile, l, worker, err));
        }
    }
    return MEDLEY_OK;
}

static medley_status strip_task(void *context, int64_t task, int worker, medley_error *err)
{
    const product *t = context;
    const int64_t strips = t->strips * t->blocks.across, number = task / strips, within = task % strips;
    gemm_job job = t->job;
    job.a += number * t->a_step;
    job.b += number * t->b_step;
    job.c += number * t->c_step;
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1); /* as in gemm_call */
    const medley_status status =
        do_strip(t, &job, within / t->blocks.across, within % t->blocks.across, worker, err);
    omp_set_num_threads(threads);
    return status;
}

/* The shapes of blocks: whole ones, and what is left over at the ends of m, n and k. */
static medley_status want_shapes(product *t, medley_error *err)
{
    const gemm_job *job = &t->job;
    const int64_t pieces = (job->k + BLOCK_K - 1) / BLOCK_K;
    medley_status status = MEDLEY_OK;
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1); /* the library remembers for how many threads a product was made */
    for (int i = 0; i < 8 && status == MEDLEY_OK; i++) {
        const bool last_m = i & 1, last_n = i & 2, last_k = i & 4;
        const block_shape s = {
            .m = last_m ? job->m - (t->down - 1) * t->blocks.m : t->blocks.m,
            .n = last_n ? job->n - (t->blocks.across - 1) * t->blocks.n : t->blocks.n,
            .k = last_k ? job->k - (pieces - 1) * BLOCK_K : least(BLOCK_K, job->k),
            .transpose_a = job->transpose_a,
            .transpose_b = job->transpose_b,
        };
        status = want_shape(t->p, s, &t->shape[last_m][last_n][last_k], err);
    }
    omp_set_num_threads(threads);
    return status;
}

medley_status gemm_bf16_batched(gemm_bf16 *p, const gemm_job *job, int64_t count, int64_t a_step, int64_t b_step,
                                int64_t c_step, medley_error *err)
{
    if (job->m < THIN || job->n < THIN || job->k < THIN || count == 0)
        return gemm_batched(p->rt, job, count, a_step, b_step, c_step, err);
    if (p->tiles != NULL)
        return bf16_tiles_batched(p->rt, p->tiles, job, count, a_step, b_step, c_step, err);
    product t = {.p = p, .job = *job, .count = count, .a_step = a_step, .b_step = b_step, .c_step = c_step};
    t.blocks = gemm_tiles_choose(job, BLOCK_M, BLOCK_N, (TASKS_WANTED + count - 1) / count);
    t.down = t.blocks.count / t.blocks.across;
    t.together = least(ROWS_MOST, 1 + t.blocks.count * count / (2 * TASKS_WANTED));
    t.strips = (t.down + t.together - 1) / t.together;
    if (p->count + 8 > SHAPES_MOST)
        while (p->count > 0)
            forget_shape(p, &p->shapes[--p->count]);
    TRY(want_shapes(&t, err));
    return parallel_run(p->rt, t.strips * t.blocks.across * count, strip_task, &t, err);
}

/* ---- life ---- */

static medley_status create_worker(gemm_bf16 *p, worker_memory *w, medley_error *err)
{
    static const int64_t numbers[PAD] = {BLOCK_M * BLOCK_K, BLOCK_K * BLOCK_N, BLOCK_M * BLOCK_N};
    for (int i = A; i <= C; i++)
        TRY(mem_alloc(p->rt, numbers[i], i == C || !p->available ? sizeof(float) : sizeof(uint16_t),
                      &w->operand[i], err));
    return dnnl_failure(dnnl_stream_create(&w->stream, p->engine, dnnl_stream_default_flags), "start", err);
}

bool gemm_bf16_has(gemm_bf16_way way)
{
    return way == BF16_FLOAT || (way == BF16_TILES ? tiles_available() : gemm_bf16_available());
}

medley_status gemm_bf16_create_way(const medley_runtime *rt, gemm_bf16_way way, gemm_bf16 **out, medley_error *err)
{
    medley_status status;
    *out = NULL;
    gemm_bf16 *p;
    TRY(mem_alloc_zero(rt, 1, sizeof *p, &p, err));
    p->rt = rt;
    if (way == BF16_TILES) {
        TRY_DONE(
            mem_alloc(rt, parallel_workers(rt) * (int64_t)BF16_TILES_MEMORY, sizeof *p->tiles, &p->tiles, err));
        *out = p;
        return MEDLEY_OK;
    }
    p->available = way == BF16_LIBRARY;
    TRY_DONE(mem_alloc_zero(rt, parallel_workers(rt), sizeof *p->worker, &p->worker, err));
    p->workers = parallel_workers(rt);
    TRY_DONE(dnnl_failure(dnnl_engine_create(&p->engine, dnnl_cpu, 0), "start", err));
    for (int w = 0; w < p->workers; w++)
        TRY_DONE(create_worker(p, &p->worker[w], err));
    *out = p;
    return MEDLEY_OK;
done:
    gemm_bf16_free(p);
    return status;
}

void gemm_bf16_free(gemm_bf16 *p)
{
    if (p == NULL)
        return;
    while (p->count > 0)
        forget_shape(p, &p->shapes[--p->count]);
    for (int w = 0; w < p->workers; w++) {
        for (int i = 0; i < OPERANDS; i++)
            mem_free(p->worker[w].operand[i]);
        dnnl_stream_destroy(p->worker[w].stream);
    }
    dnnl_engine_destroy(p->engine);
    mem_free(p->tiles);
    mem_free(p->worker);
    mem_free(p->shapes);
    mem_free(p);
}

#endif

medley_status gemm_bf16_create(const medley_runtime *rt, gemm_bf16 **out, medley_error *err)
{
    gemm_bf16_way way = BF16_TILES;
    while (!gemm_bf16_has(way))
        way++;
    return gemm_bf16_create_way(rt, way, out, err);
}

static medley_status batched_by_blocks(void *context, const gemm_job *job, int64_t count, int64_t a_step,
                                       int64_t b_step, int64_t c_step, medley_error *err)
{
    return gemm_bf16_batched(context, job, count, a_step, b_step, c_step, err);
}

medley_status gemm_bf16_parallel(gemm_bf16 *p, const gemm_job *job, medley_error *err)
{
    return gemm_in_parts(batched_by_blocks, p, job, err);
}
