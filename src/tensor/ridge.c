/* A is kept by rows, its upper triangle in tiles of TALL x RIDGE_LANES that stay in registers while a block of
 * rows y_k is added; Cholesky's A = UᵀU takes the same tiles, from the left. Below the diagonal of a tile
 * stands what nobody reads but to multiply it by zero. */
#include "tensor/ridge.h"

#include <math.h>

#include "base/multiversion.h"

enum {
    LANES = RIDGE_LANES,
    TALL = 8,
    BLOCK = 64,      /* rows y_k that are gathered at a time: 16 KB of 64 factors */
    GRAM_PARTS = 16, /* of ridge_gram; fixed, so that its sums do not depend on the threads */
};

#define CG_END 1e-20f /* |c - A x|² that is zero */

typedef float lanes __attribute__((vector_size(4 * RIDGE_LANES), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

/* A worker's memory, carved from what ridge_scratch_bytes says. */
typedef struct work {
    float *a;             /* [D, D] */
    float *left;          /* [BLOCK, D] a_k y_k */
    float *right;         /* [BLOCK, D] y_k */
    float *c, *z, *p, *q; /* [D] */
    float *inverse;       /* [D] 1 / U_kk */
    float *predicted;     /* [2, longest] <y_k, x>, and what rows are added with */
    double *exact, *rest; /* [D] */
} work;

int64_t ridge_scratch_bytes(int64_t factors, int64_t longest)
{
    const double d = (double)factors;
    const double bytes = 4 * (d * d + 2 * BLOCK * d + 5 * d + 2 * (double)longest) + 16 * d + 16;
    return bytes < 0x1p62 ? (int64_t)bytes : -1;
}

static work work_of(int64_t D, void *scratch)
{
    work w = {.exact = scratch};
    w.rest = w.exact + D;
    w.a = (float *)(w.rest + D);
    w.left = w.a + D * D;
    w.right = w.left + BLOCK * D;
    w.c = w.right + BLOCK * D;
    w.z = w.c + D;
    w.p = w.z + D;
    w.q = w.p + D;
    w.inverse = w.q + D;
    w.predicted = w.inverse + D; /* and where they end, `scale` */
    return w;
}

INLINE float sum_of(const lanes *v)
{
    typedef float eight __attribute__((vector_size(32)));
    typedef float four __attribute__((vector_size(16)));
    const eight e = __builtin_shufflevector(*v, *v, 0, 1, 2, 3, 4, 5, 6, 7) +
                    __builtin_shufflevector(*v, *v, 8, 9, 10, 11, 12, 13, 14, 15);
    const four f = __builtin_shufflevector(e, e, 0, 1, 2, 3) + __builtin_shufflevector(e, e, 4, 5, 6, 7);
    return (f[0] + f[2]) + (f[1] + f[3]);
}

INLINE float dot(const float *a, const float *b, int64_t count)
{
    lanes sum = {0};
    for (int64_t i = 0; i < count; i += LANES)
        sum += *(const lanes *)(a + i) * *(const lanes *)(b + i);
    return sum_of(&sum);
}

/* a += s b */
INLINE void add_scaled(float *a, float s, const float *b, int64_t count)
{
    for (int64_t i = 0; i < count; i += LANES)
        *(lanes *)(a + i) += s * *(const lanes *)(b + i);
}

/* One tile: a[r, :] += sign * sum over k of left[k, r] right[k, :]. */
INLINE void update_tile(float *a, int64_t a_stride, float sign, const float *left, const float *right,
                        int64_t stride, int64_t count)
{
    lanes sum[TALL] = {{0}};
    for (int64_t k = 0; k < count; k++) {
        const lanes y = *(const lanes *)(right + k * stride);
        for (int r = 0; r < TALL; r++)
            sum[r] += left[k * stride + r] * y;
    }
    for (int r = 0; r < TALL; r++)
        *(lanes *)(a + r * a_stride) += sign * sum[r];
}

/* Rows first .. end - 1 of A, from the diagonal on: A += sign * leftᵀ right. A: [D, D]; left, right: [count, D]
 * */
MULTIVERSION static void update_rows(float *a, int64_t D, int64_t first, int64_t end, float sign,
                                     const float *left, const float *right, int64_t count)
{
    for (int64_t row = first; row < end; row += TALL)
        for (int64_t column = row / LANES * LANES; column < D; column += LANES)
            update_tile(a + row * D + column, D, sign, left + row, right + column, D, count);
}

/* UᵀU = A for LANES rows of A that need nothing from the rows above any more. */
MULTIVERSION static void factor_panel(float *a, int64_t D, int64_t first, float *inverse)
{
    for (int64_t k = first; k < first + LANES; k++) {
        float *const u = a + k * D;
        inverse[k] = 1 / sqrtf(u[k]);
        for (int64_t j = first; j < D; j += LANES)
            *(lanes *)(u + j) *= inverse[k];
        for (int64_t i = k + 1; i < first + LANES; i++)
            add_scaled(a + i * D + first, -u[i], u + first, D - first);
    }
}

static void factor(float *a, int64_t D, float *inverse)
{
    for (int64_t first = 0; first < D; first += LANES) {
        if (first > 0)
            update_rows(a, D, first, first + LANES, -1, a, a, first);
        factor_panel(a, D, first, inverse);
    }
}

/* x = (UᵀU)⁻¹ c; c is used up. */
MULTIVERSION static void solve(const float *u, const float *inverse, int64_t D, float *c, float *x)
{
    for (int64_t k = 0; k < D; k++) {
        const int64_t first = k / LANES * LANES;
        const float z = c[k] * inverse[k];
        add_scaled(c + first, -z, u + k * D + first, D - first);
        x[k] = z;
    }
    memcpy(c, x, (size_t)D * sizeof *c);
    memset(x, 0, (size_t)D * sizeof *x);
    for (int64_t k = D - 1; k >= 0; k--) {
        const int64_t first = k / LANES * LANES;
        x[k] = (c[k] - dot(u + k * D + first, x + first, D - first)) * inverse[k];
    }
}

/* Copies `width` places of rows y_k; left = a_k y_k where there are weights. */
MULTIVERSION static void gather(const float *rows, int64_t D, const uint32_t *index, const float *weight,
                                int64_t count, int64_t width, float *left, float *right)
{
    for (int64_t k = 0; k < count; k++) {
        const float *const y = rows + index[k] * D;
        for (int64_t j = 0; j < width; j += LANES) {
            const lanes v = *(const lanes *)(y + j);
            *(lanes *)(right + k * width + j) = v;
            if (weight != NULL)
                *(lanes *)(left + k * width + j) = weight[k] * v;
        }
    }
}

/* c += sum over k of s_k y_k. */
MULTIVERSION static void add_rows(const float *restrict right, const float *restrict scale, int64_t count,
                                  int64_t width, float *c)
{
    for (int64_t k = 0; k < count; k++)
        add_scaled(c, scale[k], right + k * width, width);
}

static float weight_of(const ridge_problem *p, int64_t k)
{
    return p->weight != NULL ? p->weight[k] : 1;
}

/* The places offset .. offset + width - 1 of A and, with scale [count] for the rows, c += sum of scale_k y_k.
 * scale NULL: a_k + shift. */
static void assemble(const ridge *r, const ridge_problem *p, int64_t offset, int64_t width, const float *scale,
                     const work *w)
{
    float own[BLOCK];
    for (int64_t row = 0; row < width; row++) {
        memcpy(w->a + row * width, r->gram_single + (offset + row) * r->factors + offset,
               (size_t)width * sizeof *w->a);
        w->a[row * width + row] += (float)p->reg;
    }
    for (int64_t from = 0; from < p->count; from += BLOCK) {
        const int64_t count = p->count - from < BLOCK ? p->count - from : BLOCK;
        gather(r->rows + offset, r->factors, p->index + from, p->weight != NULL ? p->weight + from : NULL, count,
               width, w->left, w->right);
        for (int64_t k = 0; scale == NULL && k < count; k++)
            own[k] = weight_of(p, from + k) + (float)r->shift;
        add_rows(w->right, scale != NULL ? scale + from : own, count, width, w->c);
        update_rows(w->a, width, 0, width, 1, p->weight != NULL ? w->left : w->right, w->right, count);
    }
}

void ridge_cholesky(const ridge *r, const ridge_problem *p, void *scratch, float *x)
{
    const work w = work_of(r->factors, scratch);
    memset(w.c, 0, (size_t)r->factors * sizeof *w.c);
    assemble(r, p, 0, r->factors, NULL, &w);
    factor(w.a, r->factors, w.inverse);
    solve(w.a, w.inverse, r->factors, w.c, x);
}

/* rest += (shift + a_k (1 - <y_k, x>)) y_k: a row's part of c - A x. */
MULTIVERSION static void add_residual(const float *restrict y, const double *restrict x, double a, double shift,
                                      int64_t D, double *restrict rest)
{
    double part[LANES] = {0}, s = 0;
    for (int64_t j = 0; j < D; j += LANES)
        for (int l = 0; l < LANES; l++)
            part[l] += (double)y[j + l] * x[j + l];
    for (int l = 0; l < LANES; l++)
        s += part[l];
    const double scale = shift + a * (1 - s);
    for (int64_t j = 0; j < D; j++)
        rest[j] += scale * (double)y[j];
}

/* rest -= s row */
MULTIVERSION static void subtract_row(const double *restrict row, double s, int64_t D, double *restrict rest)
{
    for (int64_t j = 0; j < D; j++)
        rest[j] -= s * row[j];
}

void ridge_exact(const ridge *r, const ridge_problem *p, void *scratch, float *x)
{
    const int64_t D = r->factors;
    const work w = work_of(D, scratch);
    ridge_cholesky(r, p, scratch, x);
    for (int64_t j = 0; j < D; j++)
        w.exact[j] = (double)x[j];
    for (int round = 0; round < 2; round++) {
        for (int64_t j = 0; j < D; j++)
            w.rest[j] = -p->reg * w.exact[j];
        for (int64_t j = 0; j < D; j++)
            subtract_row(r->gram + j * D, w.exact[j], D, w.rest);
        for (int64_t k = 0; k < p->count; k++)
            add_residual(r->rows + p->index[k] * D, w.exact, (double)weight_of(p, k), r->shift, D, w.rest);
        for (int64_t j = 0; j < D; j++)
            w.c[j] = (float)w.rest[j];
        solve(w.a, w.inverse, D, w.c, x);
        for (int64_t j = 0; j < D; j++)
            w.exact[j] += (double)x[j];
    }
    for (int64_t j = 0; j < D; j++)
        x[j] = (float)w.exact[j];
}

/* out[k] += <y_k, x> over `width` places. */
MULTIVERSION static void predict(const float *rows, int64_t D, const uint32_t *index, int64_t count, int64_t width,
                                 const float *x, float *out)
{
    for (int64_t k = 0; k < count; k++)
        out[k] += dot(rows + index[k] * D, x, width);
}

void ridge_predict(const ridge *r, const ridge_problem *p, const float *x, float *out)
{
    memset(out, 0, (size_t)p->count * sizeof *out);
    predict(r->rows, r->factors, p->index, p->count, r->factors, x, out);
}

/* The places offset .. offset + width - 1 of (G + reg I) x. out: [width] */
MULTIVERSION static void multiply_gram(const float *gram, float reg, const float *x, int64_t D, int64_t offset,
                                       int64_t width, float *out)
{
    for (int64_t j = 0; j < width; j += LANES)
        *(lanes *)(out + j) = reg * *(const lanes *)(x + offset + j);
    for (int64_t i = 0; i < D; i++)
        add_scaled(out, x[i], gram + i * D + offset, width);
}

/* out -= sum over k of (a_k (target - <y_k, x>) + shift) y_k. */
MULTIVERSION static void subtract_rows(const float *rows, int64_t D, const ridge_problem *p, float target,
                                       float shift, const float *x, float *out)
{
    enum { TOGETHER = 4 }; /* rows whose sums overlap in time */
    static const lanes zero = {0};
    int64_t k = 0;
    for (; k + TOGETHER <= p->count; k += TOGETHER) {
        const float *y[TOGETHER];
        lanes sum[TOGETHER] = {zero, zero, zero, zero};
        float s[TOGETHER];
        for (int n = 0; n < TOGETHER; n++)
            y[n] = rows + p->index[k + n] * D;
        for (int64_t j = 0; j < D; j += LANES)
            for (int n = 0; n < TOGETHER; n++)
                sum[n] += *(const lanes *)(y[n] + j) * *(const lanes *)(x + j);
        for (int n = 0; n < TOGETHER; n++)
            s[n] = (p->weight != NULL ? p->weight[k + n] : 1) * (target - sum_of(&sum[n])) + shift;
        for (int64_t j = 0; j < D; j += LANES)
            *(lanes *)(out + j) -= (s[0] * *(const lanes *)(y[0] + j) + s[1] * *(const lanes *)(y[1] + j)) +
                                   (s[2] * *(const lanes *)(y[2] + j) + s[3] * *(const lanes *)(y[3] + j));
    }
    for (; k < p->count; k++) {
        const float *const y = rows + p->index[k] * D;
        const float a = p->weight != NULL ? p->weight[k] : 1;
        add_scaled(out, -(a * (target - dot(y, x, D)) + shift), y, D);
    }
}

/* x += s p, r -= s q; returns |r|². */
MULTIVERSION static float step(float s, const float *p, const float *q, int64_t D, float *x, float *r)
{
    add_scaled(x, s, p, D);
    add_scaled(r, -s, q, D);
    return dot(r, r, D);
}

/* p = r + s p */
MULTIVERSION static void turn(float s, const float *r, int64_t D, float *p)
{
    for (int64_t j = 0; j < D; j += LANES)
        *(lanes *)(p + j) = *(const lanes *)(r + j) + s * *(const lanes *)(p + j);
}

MULTIVERSION static float inner(const float *a, const float *b, int64_t D)
{
    return dot(a, b, D);
}

void ridge_cg(const ridge *r, const ridge_problem *p, int64_t steps, void *scratch, float *x)
{
    const int64_t D = r->factors;
    const work w = work_of(D, scratch);
    const float reg = (float)p->reg;
    float *const rest = w.c; /* c - A x */
    multiply_gram(r->gram_single, reg, x, D, 0, D, rest);
    subtract_rows(r->rows, D, p, 1, (float)r->shift, x, rest);
    for (int64_t j = 0; j < D; j++)
        w.p[j] = rest[j] = -rest[j];
    float square = inner(rest, rest, D);
    for (int64_t n = 0; n < steps && square > CG_END; n++) {
        multiply_gram(r->gram_single, reg, w.p, D, 0, D, w.q);
        subtract_rows(r->rows, D, p, 0, 0, w.p, w.q);
        const float next = step(square / inner(w.p, w.q, D), w.p, w.q, D, x, rest);
        turn(next / square, rest, D, w.p);
        square = next;
    }
}

void ridge_blocks(const ridge *r, const ridge_problem *p, int64_t block, void *scratch, float *x)
{
    const int64_t D = r->factors;
    const work w = work_of(D, scratch);
    float *const predicted = w.predicted, *const scale = predicted + p->count;
    ridge_predict(r, p, x, predicted);
    for (int64_t offset = 0; offset < D; offset += block) {
        const int64_t width = D - offset < block ? D - offset : block;
        for (int64_t k = 0; k < p->count; k++)
            scale[k] = weight_of(p, k) * (1 - predicted[k]) + (float)r->shift;
        multiply_gram(r->gram_single, (float)p->reg, x, D, offset, width, w.c);
        for (int64_t j = 0; j < width; j++)
            w.c[j] = -w.c[j];
        assemble(r, p, offset, width, scale, &w); /* c: what is missing at these places of c - A x */
        factor(w.a, width, w.inverse);
        solve(w.a, w.inverse, width, w.c, w.z);
        for (int64_t j = 0; j < width; j++)
            x[offset + j] += w.z[j];
        predict(r->rows + offset, D, p->index, p->count, width, w.z, predicted);
    }
}

/* One part of ridge_gram. */
typedef struct summing {
    const float *rows;
    int64_t count, factors;
    double *part;  /* [GRAM_PARTS, D, D] */
    float *square; /* [GRAM_PARTS, D, D] */
} summing;

static medley_status sum_part(void *context, int64_t task, int worker, medley_error *err)
{
    const summing *s = context;
    const int64_t D = s->factors, each = (s->count + GRAM_PARTS - 1) / GRAM_PARTS;
    const int64_t end = (task + 1) * each < s->count ? (task + 1) * each : s->count;
    double *const part = s->part + task * D * D;
    float *const square = s->square + task * D * D;
    (void)worker;
    (void)err;
    for (int64_t from = task * each; from < end; from += 4 * BLOCK) {
        const float *const rows = s->rows + from * D;
        memset(square, 0, (size_t)(D * D) * sizeof *square);
        for (int64_t n = 0; n < 4 * BLOCK && from + n < end; n += BLOCK)
            update_rows(square, D, 0, D, 1, rows + n * D, rows + n * D,
                        end - from - n < BLOCK ? end - from - n : BLOCK);
        for (int64_t i = 0; i < D * D; i++)
            part[i] += (double)square[i];
    }
    return MEDLEY_OK;
}

medley_status ridge_gram(const medley_runtime *rt, const float *rows, int64_t count, int64_t factors, double *out,
                         medley_error *err)
{
    const int64_t D = factors;
    summing s = {.rows = rows, .count = count, .factors = D};
    medley_status status;
    TRY_DONE(mem_alloc_zero(rt, GRAM_PARTS * D * D, sizeof *s.part, &s.part, err));
    TRY_DONE(mem_alloc(rt, GRAM_PARTS * D * D, sizeof *s.square, &s.square, err));
    TRY_DONE(parallel_run(rt, GRAM_PARTS, sum_part, &s, err));
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = i; j < D; j++) {
            double sum = 0;
            for (int64_t part = 0; part < GRAM_PARTS; part++)
                sum += s.part[(part * D + i) * D + j];
            out[i * D + j] = out[j * D + i] = sum;
        }
done:
    mem_free(s.part);
    mem_free(s.square);
    return status;
}
