#if defined(__x86_64__) && defined(__linux__) && !defined(MEDLEY_REAL_DOUBLE)
#define TILES
#include <cpuid.h>
#include <immintrin.h> /* before memory.h, since it calls malloc */
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "tensor/kernel_rows_bf16.h"

#include "base/multiversion.h"

/* SIDE: rows and columns of a block of sums, and pairs of a step: four tiles. PAD: between rows, which would else lie a
 * multiple of a page apart and share a few lines of the cache. AHEAD: rows. */
enum { SIDE = 32, PAD = 32, WEIGHT_COLUMNS = 512, COLUMNS = 256, AHEAD = 8 };

static int64_t whole(int64_t n)
{
    return (n + SIDE - 1) / SIDE * SIDE;
}

/* ---- tiles ---- */

#ifdef TILES
/* The compiler does not see what these instructions read. */
#define ALL_WRITTEN(address) __asm__ volatile("" : : "r"(address) : "memory")
#define WITH_TILES __attribute__((target("amx-tile,amx-bf16")))

bool rows_bf16_available(void)
{
    enum { LEAF = 7, HAS_BF16 = 1 << 22, HAS_TILES = 1 << 24, REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    unsigned a, b, c, d;
    return __get_cpuid_count(LEAF, 0, &a, &b, &c, &d) != 0 && (d & HAS_BF16) != 0 && (d & HAS_TILES) != 0 &&
           syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

/* All eight tiles: 16 rows of 64 bytes. */
WITH_TILES static void take_tiles(void)
{
    struct {
        uint8_t palette, start, zero[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        shape.bytes[i] = 64;
        shape.rows[i] = 16;
    }
    ALL_WRITTEN(&shape);
    _tile_loadconfig(&shape);
}

WITH_TILES static void leave_tiles(void)
{
    _tile_release();
}

/* c = A B.  A: [SIDE, k]; B: [k / 2, SIDE] pairs of numbers below each other; c: [SIDE, SIDE]; k a multiple of SIDE */
WITH_TILES static void multiply(const uint16_t *a, int64_t a_stride, const uint16_t *b, int64_t b_stride,
                                int64_t k, float *c)
{
    const size_t a_bytes = (size_t)a_stride * sizeof *a, b_bytes = (size_t)b_stride * sizeof *b;
    ALL_WRITTEN(a);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t i = 0; i < k; i += SIDE) {
        const uint16_t *at = b + i / 2 * b_stride;
        _tile_loadd(4, a + i, a_bytes);
        _tile_loadd(5, a + i + SIDE / 2 * a_stride, a_bytes);
        _tile_loadd(6, at, b_bytes);
        _tile_loadd(7, at + SIDE, b_bytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    enum { C_BYTES = SIDE * sizeof *c };
    _tile_stored(0, c, C_BYTES);
    _tile_stored(1, c + SIDE / 2, C_BYTES);
    _tile_stored(2, c + SIDE / 2 * SIDE, C_BYTES);
    _tile_stored(3, c + SIDE / 2 * SIDE + SIDE / 2, C_BYTES);
}

#else

bool rows_bf16_available(void)
{
    return false;
}

static void take_tiles(void)
{
}

static void leave_tiles(void)
{
}

/* Nobody calls it. */
static void multiply(const uint16_t *a, int64_t a_stride, const uint16_t *b, int64_t b_stride, int64_t k, float *c)
{
    (void)a, (void)a_stride, (void)b, (void)b_stride, (void)k;
    memset(c, 0, SIDE * SIDE * sizeof *c);
}

#endif

/* ---- rounding ---- */

/* Not a number stays one. */
MULTIVERSION static void rows_bf16_round(const real *restrict x, int64_t count, uint16_t *restrict out)
{
    for (int64_t i = 0; i < count; i++) {
        const float value = (float)x[i];
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
        out[i] = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? (bits >> 16) | 0x40 : rounded);
    }
}

medley_status rows_bf16_create(const medley_runtime *rt, const real *x, int64_t rows, int64_t in, rows_bf16 *out,
                               medley_error *err)
{
    *out = (rows_bf16){.rows = rows, .in = in, .stride = whole(in)};
    TRY(mem_alloc_zero(rt, mem_bytes(rows, sizeof *out->x), (size_t)out->stride, &out->x, err));
    for (int64_t r = 0; r < rows; r++)
        rows_bf16_round(x + r * in, in, out->x + r * out->stride);
    return MEDLEY_OK;
}

void rows_bf16_free(rows_bf16 *table)
{
    mem_free(table->x);
    *table = (rows_bf16){0};
}

int64_t rows_bf16_weights(const rows_bf16_job *job)
{
    return job->table->stride * whole(job->out);
}

int64_t rows_bf16_weights_tasks(const rows_bf16_job *job)
{
    return (job->table->stride + WEIGHT_COLUMNS - 1) / WEIGHT_COLUMNS;
}

/* weights: [out / SIDE, in / 2, SIDE] pairs */
void rows_bf16_round_weights(const rows_bf16_job *job, int64_t task)
{
    const int64_t first = task * WEIGHT_COLUMNS, in = job->table->in, width = job->table->stride;
    const int64_t end = least(width, first + WEIGHT_COLUMNS), real_end = least(end, in);
    for (int64_t o = 0; o < whole(job->out); o++) {
        uint16_t rounded[WEIGHT_COLUMNS] = {0}, *out = job->weights + o / SIDE * SIDE * width + o % SIDE * 2;
        if (o < job->out && real_end > first)
            rows_bf16_round(job->w + o * in + first, real_end - first, rounded);
        for (int64_t i = first; i < end; i += 2)
            memcpy(out + i * SIDE, rounded + i - first, 2 * sizeof *rounded);
    }
}

int64_t rows_bf16_gradient(const rows_bf16_job *job)
{
    return whole(job->out) * (whole(job->count) + PAD);
}

int64_t rows_bf16_gradient_tasks(const rows_bf16_job *job)
{
    return whole(job->out) / SIDE;
}

/* gradient: [out, count] */
void rows_bf16_round_gradient(const rows_bf16_job *job, int64_t task)
{
    const int64_t stride = whole(job->count) + PAD, first = task * SIDE, outs = least(SIDE, job->out - first);
    for (int64_t r = 0; r < whole(job->count); r++) {
        uint16_t rounded[SIDE] = {0};
        if (r < job->count)
            rows_bf16_round(job->dy + r * job->out + first, outs, rounded);
        for (int64_t o = 0; o < SIDE; o++)
            job->gradient[(first + o) * stride + r] = rounded[o];
    }
}

/* ---- products ---- */

int64_t rows_bf16_scratch(const rows_bf16_job *job)
{
    const int64_t forward = SIDE * (job->table->stride + PAD);
    const int64_t backward = whole(job->count) / 2 * (2 * COLUMNS + PAD);
    return forward > backward ? forward : backward;
}

int64_t rows_bf16_forward_tasks(const rows_bf16_job *job)
{
    return whole(job->count) / SIDE;
}

void rows_bf16_forward(const rows_bf16_job *job, int64_t task, int worker)
{
    const int64_t first = task * SIDE, rows = least(SIDE, job->count - first), width = job->table->stride;
    const int64_t stride = width + PAD;
    uint16_t *x = job->scratch + worker * rows_bf16_scratch(job);
    _Alignas(64) float c[SIDE * SIDE];
    for (int64_t r = 0; r < rows; r++)
        memcpy(x + r * stride, job->table->x + job->row[first + r] * width, (size_t)width * sizeof *x);
    for (int64_t r = rows; r < SIDE; r++)
        memset(x + r * stride, 0, (size_t)width * sizeof *x);
    take_tiles();
    for (int64_t o = 0; o < job->out; o += SIDE) {
        multiply(x, stride, job->weights + o * width, 2 * SIDE, width, c);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t j = 0; j < least(SIDE, job->out - o); j++)
                job->y[(first + r) * job->out + o + j] =
                    (real)c[r * SIDE + j] + (job->bias != NULL ? job->bias[o + j] : 0);
    }
    leave_tiles();
}

int64_t rows_bf16_backward_tasks(const rows_bf16_job *job)
{
    return (job->table->stride + COLUMNS - 1) / COLUMNS;
}

/* out: pairs of numbers of a and b */
MULTIVERSION static void rows_bf16_pair(const uint16_t *restrict a, const uint16_t *restrict b, int64_t columns,
                                        uint16_t *restrict out)
{
    for (int64_t i = 0; i < columns; i++) {
        const uint32_t pair = a[i] | (uint32_t)b[i] << 16;
        memcpy(out + 2 * i, &pair, sizeof pair);
    }
}

/* Rows of the table in pairs: [count / 2, columns]. They are asked for ahead, as each is in another page. */
static void pair_rows(const rows_bf16_job *job, int64_t first, int64_t columns, int64_t stride, uint16_t *x)
{
    static const uint16_t nothing[COLUMNS] = {0};
    const uint16_t *const table = job->table->x + first;
    const int64_t width = job->table->stride;
    for (int64_t r = 0; r < whole(job->count); r += 2) {
        const uint16_t *pair[2] = {nothing, nothing};
        for (int64_t i = 0; i < 2 && r + i < job->count; i++) {
            pair[i] = table + job->row[r + i] * width;
            const uint16_t *next = table + job->row[least(r + i + AHEAD, job->count - 1)] * width;
            for (int64_t j = 0; j < columns; j += SIDE)
                __builtin_prefetch(next + j);
        }
        rows_bf16_pair(pair[0], pair[1], columns, x + r / 2 * stride);
    }
}

void rows_bf16_backward(const rows_bf16_job *job, int64_t task, int worker)
{
    const int64_t first = task * COLUMNS, columns = least(COLUMNS, job->table->stride - first);
    const int64_t stride = 2 * COLUMNS + PAD, dy_stride = whole(job->count) + PAD, in = job->table->in;
    uint16_t *x = job->scratch + worker * rows_bf16_scratch(job);
    _Alignas(64) float c[SIDE * SIDE];
    pair_rows(job, first, columns, stride, x);
    take_tiles();
    for (int64_t o = 0; o < job->out; o += SIDE)
        for (int64_t column = 0; column < columns; column += SIDE) {
            multiply(job->gradient + o * dy_stride, dy_stride, x + 2 * column, stride, whole(job->count), c);
            for (int64_t r = 0; r < least(SIDE, job->out - o); r++) {
                real *dw = job->dw + (o + r) * in + first + column;
                for (int64_t j = 0; j < least(SIDE, in - first - column); j++)
                    dw[j] = (real)c[r * SIDE + j] + (job->add ? dw[j] : 0);
            }
        }
    leave_tiles();
}
