#include "tensor/kernel_loss.h"

#include "base/multiversion.h"
#include "tensor/kernel_rows_lanes.h"

enum { CHUNK = 1024 }; /* elements added up in `real` before double takes over */

/* ---- of two arrays ---- */

ROW_INLINE real mse_term(const row_view *r, int64_t i)
{
    const real d = r->x[i] - r->y[i];
    return d * d;
}
ROW_INLINE real bce_term(const row_view *r, int64_t i)
{
    return vm_softplus(r->x[i]) - r->y[i] * r->x[i];
}
ROW_INLINE real bpr_term(const row_view *r, int64_t i)
{
    return vm_softplus(r->y[i] - r->x[i]);
}
ROW_INLINE real mse_slope(real a, real b)
{
    return 2 * (a - b);
}
ROW_INLINE real bce_slope(real a, real b)
{
    return vm_sigmoid(a) - b;
}
ROW_INLINE real bpr_slope(real a, real b)
{
    return -vm_sigmoid(b - a);
}

#define PAIR_LOSS(name)                                                                                  \
    MULTIVERSION static real name##_chunk(const real *restrict a, const real *restrict b, int64_t count) \
    {                                                                                                    \
        return row_sum(name##_term, &(row_view){.x = a, .y = b}, count);                                 \
    }                                                                                                    \
    static double name##_sum(const real *a, const real *b, int64_t count)                                \
    {                                                                                                    \
        double sum = 0;                                                                                  \
        for (int64_t i = 0; i < count; i += CHUNK)                                                       \
            sum += (double)name##_chunk(a + i, b + i, count - i < CHUNK ? count - i : CHUNK);            \
        return sum;                                                                                      \
    }                                                                                                    \
    MULTIVERSION static void name##_back(const real *restrict a, const real *restrict b, int64_t count,  \
                                         real scale, bool add, real *restrict da)                        \
    {                                                                                                    \
        ROW_STORE(da, count, add, scale *name##_slope(a[i], b[i]));                                      \
    }                                                                                                    \
    const pair_loss pair_##name = {name##_sum, name##_back};

PAIR_LOSS(mse)
PAIR_LOSS(bce)
PAIR_LOSS(bpr)

/* ---- cross-entropy ---- */

ROW_INLINE real logit(const row_view *r, int64_t i)
{
    return r->x[i];
}
ROW_INLINE real logit_exponential(const row_view *r, int64_t i)
{
    return vm_exp(r->x[i] - r->shift);
}

MULTIVERSION static real softmax_sum(const real *restrict x, int64_t width, real *most)
{
    *most = row_max(logit, &(row_view){.x = x}, width);
    return row_sum(logit_exponential, &(row_view){.x = x, .shift = *most}, width);
}

double cross_entropy_row(const real *x, int64_t width, int64_t target, softmax_stats *stats)
{
    const real sum = softmax_sum(x, width, &stats->most);
    stats->scale = 1 / sum;
    return log((double)sum) - (double)(x[target] - stats->most);
}

MULTIVERSION static void softmax_back(const real *restrict x, int64_t width, real most, real scale, bool add,
                                      real *restrict dx)
{
    ROW_STORE(dx, width, add, scale * vm_exp(x[i] - most));
}

void cross_entropy_row_back(const real *x, int64_t width, int64_t target, softmax_stats stats, real factor,
                            bool add, real *dx)
{
    softmax_back(x, width, stats.most, stats.scale * factor, add, dx);
    dx[target] -= factor;
}

/* ---- InfoNCE ---- */

/* Finite: the largest of columns whose every row so far is hidden must not become inf - inf. */
static const real hidden = (real)-1e30;

MULTIVERSION static void hide_equal(real *restrict z, int64_t B, const uint32_t *restrict id, uint32_t own)
{
    for (int64_t j = 0; j < B; j++)
        z[j] = id[j] == own ? hidden : z[j];
}

void info_nce_hide(real *z, int64_t B, int64_t b, const uint32_t *id)
{
    const real kept = z[b];
    hide_equal(z, B, id, id[b]);
    z[b] = kept;
}

ROW_INLINE real logit_less_q(const row_view *r, int64_t i)
{
    return r->x[i] - r->y[i];
}

/* In place, or elsewhere: z and e are not restrict, and each e[j] is written after z[j] is read. */
MULTIVERSION static real exponentials(const real *z, const real *restrict q, int64_t B, real most, real *e)
{
    real part[ROW_LANES];
    int64_t j = 0;
    for (; j + ROW_LANES <= B; j += ROW_LANES) {
        for (int l = 0; l < ROW_LANES; l++)
            part[l] = vm_exp(z[j + l] - q[j + l] - most);
        memcpy(e + j, part, sizeof(part));
    }
    for (; j < B; j++)
        e[j] = vm_exp(z[j] - q[j] - most);
    return row_sum(logit, &(row_view){.x = e}, B);
}

MULTIVERSION static real largest_logit(const real *restrict z, const real *restrict q, int64_t B)
{
    return row_max(logit_less_q, &(row_view){.x = z, .y = q}, B);
}

double info_nce_row(const real *z, const real *q, int64_t B, int64_t b, real *e, softmax_stats *stats)
{
    stats->most = largest_logit(z, q, B);
    const real own = z[b] - q[b] - stats->most;
    const real sum = exponentials(z, q, B, stats->most, e);
    stats->scale = 1 / sum;
    return log((double)sum) - (double)own;
}

MULTIVERSION static void raise_columns(const real *restrict z, real q, int64_t count, real *restrict most)
{
    for (int64_t j = 0; j < count; j++) {
        const real v = z[j] - q;
        most[j] = v > most[j] ? v : most[j];
    }
}

MULTIVERSION static void add_exponentials(const real *restrict z, real q, int64_t count, const real *restrict most,
                                          real *restrict sum)
{
    for (int64_t j = 0; j < count; j++)
        sum[j] += vm_exp(z[j] - q - most[j]);
}

enum { COLUMNS_AT_ONCE = 256 };

MULTIVERSION static void rescale_columns(const real *restrict before, const real *restrict most, int64_t count,
                                         real *restrict sum)
{
    for (int64_t j = 0; j < count; j++)
        sum[j] *= vm_exp(before[j] - most[j]);
}

void info_nce_columns(const real *z, const real *q, int64_t B, int64_t b, int64_t rows, int64_t first, int64_t end,
                      real *most, real *sum)
{
    real before[COLUMNS_AT_ONCE];
    for (int64_t at = first; at < end; at += COLUMNS_AT_ONCE) {
        const int64_t count = end - at < COLUMNS_AT_ONCE ? end - at : COLUMNS_AT_ONCE;
        memcpy(before, most + at, (size_t)count * sizeof(*before));
        for (int64_t r = 0; r < rows; r++)
            raise_columns(z + r * B + at, q[b + r], count, most + at);
        rescale_columns(before, most + at, count, sum + at);
        for (int64_t r = 0; r < rows; r++)
            add_exponentials(z + r * B + at, q[b + r], count, most + at, sum + at);
    }
}

MULTIVERSION static void scale_numbers(real *e, int64_t B, real scale)
{
    for (int64_t j = 0; j < B; j++)
        e[j] *= scale;
}

void info_nce_row_back(real *e, softmax_stats stats, int64_t B, int64_t b, real factor)
{
    scale_numbers(e, B, stats.scale * factor);
    e[b] -= factor;
}

MULTIVERSION static void scale_both(const real *restrict e, real row_scale, const real *restrict most,
                                    const real *restrict scale, real q, int64_t B, real factor, real *restrict dz)
{
    for (int64_t j = 0; j < B; j++)
        dz[j] = e[j] * row_scale + vm_exp(dz[j] - q - most[j]) * (scale[j] * factor);
}

void info_nce_both_back(const real *e, softmax_stats stats, const real *most, const real *scale, real q_b,
                        int64_t B, int64_t b, real factor, real *dz)
{
    scale_both(e, stats.scale * factor, most, scale, q_b, B, factor, dz);
    dz[b] -= 2 * factor;
}
