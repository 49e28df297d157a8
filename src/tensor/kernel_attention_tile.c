#include "tensor/kernel_attention_tile.h"

#include "base/multiversion.h"

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

/* A block of C stays in registers while p runs: 8 rows of two vectors are 16 of the 32 registers of AVX-512, enough to
 * hide the latency of a multiply-add. */
enum { ROWS = 8, LANES = 16, COLUMNS = 2 * LANES, TAIL_ROWS = 256 };
typedef real lanes __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real))));

/* c += x b. Spelt out, for C knows no fused multiply-add of vectors. */
INLINE void add_scaled(lanes *c, real x, const lanes *b)
{
#define L(i) real_fma(x, (*b)[i], (*c)[i])
    *c = (lanes){L(0), L(1), L(2),  L(3),  L(4),  L(5),  L(6),  L(7),
                 L(8), L(9), L(10), L(11), L(12), L(13), L(14), L(15)};
#undef L
}

INLINE void multiply_block(const int rows, const int vectors, const tile_product *t)
{
    lanes sum[ROWS][2], b[2];
    UNROLLED for (int i = 0; i < rows; i++) UNROLLED for (int j = 0; j < vectors; j++) sum[i][j] = (lanes){0};
    const real *a = t->a, *from = t->b;
    const int64_t k = t->k, a_row = t->a_row, a_step = t->a_step, b_stride = t->b_stride;
    for (int64_t p = 0; p < k; p++, a += a_step, from += b_stride) {
        UNROLLED for (int j = 0; j < vectors; j++) b[j] = *(const lanes *)(from + LANES * j);
        UNROLLED for (int i = 0; i < rows; i++) UNROLLED for (int j = 0; j < vectors; j++)
            add_scaled(&sum[i][j], a[i * a_row], &b[j]);
    }
    UNROLLED for (int i = 0; i < rows; i++)
    {
        UNROLLED for (int j = 0; j < vectors; j++)
        {
            lanes *c = (lanes *)(t->c + i * t->c_stride + LANES * j);
            if (t->add)
                sum[i][j] += *c;
            *c = sum[i][j];
        }
    }
}

/* With a size known at compile time the loops above unroll. */
#define BLOCK(rows, columns)                                                    \
    MULTIVERSION_FMA static void tile_##rows##x##columns(const tile_product *t) \
    {                                                                           \
        multiply_block(rows, (columns) / LANES, t);                             \
    }
BLOCK(8, 32)
BLOCK(4, 32)
BLOCK(2, 32)
BLOCK(1, 32)
BLOCK(8, 16)
BLOCK(4, 16)
BLOCK(2, 16)
BLOCK(1, 16)

enum { HEIGHTS = 4 };
static const int heights[HEIGHTS] = {8, 4, 2, 1};
typedef void (*block_function)(const tile_product *t);
static const block_function wide[HEIGHTS] = {tile_8x32, tile_4x32, tile_2x32, tile_1x32};
static const block_function narrow[HEIGHTS] = {tile_8x16, tile_4x16, tile_2x16, tile_1x16};

/* All rows of as many columns as a block has. */
static void multiply_panel(const tile_product *t, const block_function *blocks)
{
    tile_product block = *t;
    int64_t i = 0;
    for (int height = 0; height < HEIGHTS; height++) {
        for (; i + heights[height] <= t->m; i += heights[height]) {
            block.a = t->a + i * t->a_row;
            block.c = t->c + i * t->c_stride;
            blocks[height](&block);
        }
    }
}

/* Fewer than LANES columns and at most TAIL_ROWS rows of B: padded with zeros. */
static void multiply_tail(const tile_product *t)
{
    real b[TAIL_ROWS * LANES], c[ROWS * LANES];
    for (int64_t p = 0; p < t->k; p++)
        for (int64_t j = 0; j < LANES; j++)
            b[p * LANES + j] = j < t->n ? t->b[p * t->b_stride + j] : 0;
    tile_product part = *t;
    part.b = b, part.b_stride = LANES, part.c = c, part.c_stride = LANES, part.add = false;
    for (int64_t i = 0; i < t->m; i += ROWS) {
        part.a = t->a + i * t->a_row;
        part.m = t->m - i < ROWS ? t->m - i : ROWS;
        multiply_panel(&part, narrow);
        for (int64_t r = 0; r < part.m; r++) {
            real *out = t->c + (i + r) * t->c_stride;
            for (int64_t j = 0; j < t->n; j++)
                out[j] = t->add ? out[j] + c[r * LANES + j] : c[r * LANES + j];
        }
    }
}

void tile_multiply(const tile_product *t)
{
    tile_product part = *t;
    int64_t j = 0;
    for (; j + COLUMNS <= t->n; j += COLUMNS) {
        part.b = t->b + j, part.c = t->c + j;
        multiply_panel(&part, wide);
    }
    for (; j + LANES <= t->n; j += LANES) {
        part.b = t->b + j, part.c = t->c + j;
        multiply_panel(&part, narrow);
    }
    if (j == t->n)
        return;
    assert(t->k <= TAIL_ROWS);
    part.n = t->n - j, part.b = t->b + j, part.c = t->c + j;
    multiply_tail(&part);
}
