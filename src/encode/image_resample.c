/* Two passes, along rows and along columns, each a weighted sum in whole numbers that is rounded to 8 bits: sums
 * of whole numbers are the same in any order, so lanes may be wide. Along rows the lanes are rows: the pass works
 * on blocks of them, turned so that the same byte of all rows lies together. */
#include "encode/image_resample.h"

#include <math.h>

#include "base/multiversion.h"

enum {
    LANES = 16,     /* rows of a block */
    BLOCK = 64,     /* bytes of a row that are summed at once */
    PRECISION = 22, /* bits of a weight below 1: 32 less 8 of a pixel and 2 against overflow */
    HALF = 1 << (PRECISION - 1),
    BYTES_MOST = 1 << 30, /* between the passes */
};

typedef uint8_t octets __attribute__((vector_size(LANES), aligned(1), may_alias));

/* ---- filters ---- */

static double triangle(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* Keys's cubic with a = -1/2. */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double sinc(double x)
{
    const double pi = 3.14159265358979323846;
    return x == 0 ? 1 : sin(pi * x) / (pi * x);
}

static double lanczos(double x)
{
    return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

static const struct filter {
    double (*weight)(double x);
    double support; /* half the width of what is not zero */
} filters[] = {
    [RESAMPLE_NEAREST] = {NULL, 0},
    [RESAMPLE_LANCZOS] = {lanczos, 3},
    [RESAMPLE_BILINEAR] = {triangle, 1},
    [RESAMPLE_BICUBIC] = {cubic, 2},
};

/* ---- one axis ---- */

/* Output o of a window is the sum of inputs start[o] + t with weights [o, taps], t < length[o]. */
typedef struct axis {
    int64_t count, taps;
    int64_t first, last; /* inputs that are needed: [first, last) */
    int32_t *start, *length, *weight;
    double *exact; /* [taps] */
} axis;

static void axis_release(axis *a)
{
    mem_free(a->start);
    mem_free(a->length);
    mem_free(a->weight);
    mem_free(a->exact);
}

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Weights that sum to 1, in units of 2^-PRECISION. */
static void weigh(axis *a, int64_t o, const struct filter *f, double center, double stretch, int64_t in)
{
    const double support = f->support * stretch;
    const int64_t first = center - support + 0.5 > 0 ? (int64_t)(center - support + 0.5) : 0;
    const int64_t length = least_of((int64_t)(center + support + 0.5), in) - first;
    double sum = 0;
    for (int64_t t = 0; t < length; t++)
        sum += a->exact[t] = f->weight(((double)(first + t) - center + 0.5) * (1 / stretch));
    for (int64_t t = 0; t < length; t++) {
        const double w = (sum != 0 ? a->exact[t] / sum : a->exact[t]) * (1 << PRECISION);
        a->weight[o * a->taps + t] = (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
    }
    a->start[o] = (int32_t)first;
    a->length[o] = (int32_t)length;
}

/* Steps that are summed one by one, as Pillow does: where they end between two pixels is part of the result. */
static void pick_nearest(axis *a, double scale, int64_t from, int64_t in)
{
    double at = 0.5 * scale;
    for (int64_t o = -from; o < a->count; o++, at += scale) {
        if (o < 0)
            continue;
        a->start[o] = (int32_t)least_of((int64_t)at, in - 1);
        a->length[o] = 1;
        a->weight[o] = 1 << PRECISION;
    }
}

/* Outputs [from, from + count) of `out` that are made of `in`. A filter is stretched by the scale, when that is
 * above 1. */
static medley_status axis_build(const medley_runtime *rt, resample_filter filter, int64_t in, int64_t out,
                                int64_t from, int64_t count, axis *a, medley_error *err)
{
    const struct filter *f = &filters[in == out ? RESAMPLE_NEAREST : filter];
    const double scale = (double)in / (double)out, stretch = scale > 1 ? scale : 1;
    *a = (axis){.count = count, .taps = 2 * (int64_t)ceil(f->support * stretch) + 1, .first = in};
    if (count > BYTES_MOST / (int64_t)sizeof *a->weight / a->taps)
        return fail(err, MEDLEY_E_LIMIT, "%lld pixels side by side are too many to resize to %lld", (long long)in,
                    (long long)out);
    TRY(mem_alloc(rt, count, sizeof *a->start, &a->start, err));
    TRY(mem_alloc(rt, count, sizeof *a->length, &a->length, err));
    TRY(mem_alloc(rt, count * a->taps, sizeof *a->weight, &a->weight, err));
    TRY(mem_alloc(rt, a->taps, sizeof *a->exact, &a->exact, err));
    if (f->weight == NULL)
        pick_nearest(a, scale, from, in);
    for (int64_t o = 0; o < count; o++) {
        if (f->weight != NULL)
            weigh(a, o, f, ((double)(from + o) + 0.5) * scale, stretch, in);
        a->first = least_of(a->first, a->start[o]);
        a->last = a->start[o] + a->length[o] > a->last ? a->start[o] + a->length[o] : a->last;
    }
    for (int64_t o = 0; o < count; o++)
        a->start[o] -= (int32_t)a->first;
    return MEDLEY_OK;
}

/* ---- turning ---- */

/* 16 × 16 bytes: four rounds of dealing out two halves of the rows in turns exchange rows and columns. */
static void turn_tile(const uint8_t *from, int64_t from_step, uint8_t *to, int64_t to_step)
{
    octets a[LANES], b[LANES];
    for (int i = 0; i < LANES; i++)
        a[i] = *(const octets *)(from + i * from_step);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < LANES / 2; i++) {
            const octets x = a[i], y = a[i + LANES / 2];
            b[2 * i] = __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            b[2 * i + 1] =
                __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
        memcpy(a, b, sizeof a);
    }
    for (int i = 0; i < LANES; i++)
        *(octets *)(to + i * to_step) = a[i];
}

/* to[c, r] = from[r, c] */
static void turn(const uint8_t *from, int64_t from_step, int64_t rows, int64_t columns, uint8_t *to,
                 int64_t to_step)
{
    for (int64_t r = 0; r < rows; r += LANES)
        for (int64_t c = 0; c < columns; c += LANES)
            if (r + LANES <= rows && c + LANES <= columns)
                turn_tile(from + r * from_step + c, from_step, to + c * to_step + r, to_step);
            else
                for (int64_t i = r; i < least_of(r + LANES, rows); i++)
                    for (int64_t j = c; j < least_of(c + LANES, columns); j++)
                        to[j * to_step + i] = from[i * from_step + j];
}

/* ---- along rows ---- */

static inline uint8_t rounded(int32_t sum)
{
    sum >>= PRECISION;
    sum = sum < 0 ? 0 : sum;
    return (uint8_t)(sum > 255 ? 255 : sum);
}

/* turned [inputs, 3, LANES] → out [count, 3, LANES] */
MULTIVERSION static void resample_along_rows(const axis *a, const uint8_t *restrict turned, uint8_t *restrict out)
{
    for (int64_t o = 0; o < a->count; o++, out += 3 * LANES) {
        const uint8_t *in = turned + (int64_t)a->start[o] * 3 * LANES;
        int32_t sum[3 * LANES];
        for (int l = 0; l < 3 * LANES; l++)
            sum[l] = HALF;
        for (int32_t t = 0; t < a->length[o]; t++, in += 3 * LANES) {
            const int32_t weight = a->weight[o * a->taps + t];
            for (int l = 0; l < 3 * LANES; l++)
                sum[l] += weight * in[l];
        }
        for (int l = 0; l < 3 * LANES; l++)
            out[l] = rounded(sum[l]);
    }
}

/* in: rows of a->last - a->first pixels, in_step bytes apart; out: as many of a->count pixels. */
static medley_status along_rows(const medley_runtime *rt, const axis *a, const uint8_t *in, int64_t in_step,
                                int64_t rows, uint8_t *out, medley_error *err)
{
    const int64_t inputs = a->last - a->first;
    uint8_t *turned, *made = NULL;
    medley_status status;
    TRY(mem_alloc_zero(rt, inputs, 3 * LANES, &turned, err)); /* a last block of fewer rows leaves lanes alone */
    TRY_DONE(mem_alloc(rt, a->count, 3 * LANES, &made, err));
    for (int64_t y = 0; y < rows; y += LANES) {
        const int64_t live = least_of(LANES, rows - y);
        turn(in + y * in_step, in_step, live, 3 * inputs, turned, LANES);
        resample_along_rows(a, turned, made);
        turn(made, LANES, 3 * a->count, live, out + y * 3 * a->count, 3 * a->count);
    }
done:
    mem_free(turned);
    mem_free(made);
    return status;
}

/* ---- along columns ---- */

/* One row of `bytes` bytes out of rows that are `step` apart. */
MULTIVERSION static void resample_along_columns(const int32_t *restrict weight, int32_t length,
                                                const uint8_t *restrict in, int64_t step, int64_t bytes,
                                                uint8_t *restrict out)
{
    int64_t i = 0;
    for (; i + BLOCK <= bytes; i += BLOCK) {
        int32_t sum[BLOCK];
        for (int l = 0; l < BLOCK; l++)
            sum[l] = HALF;
        for (int32_t t = 0; t < length; t++)
            for (int l = 0; l < BLOCK; l++)
                sum[l] += weight[t] * in[t * step + i + l];
        for (int l = 0; l < BLOCK; l++)
            out[i + l] = rounded(sum[l]);
    }
    for (; i < bytes; i++) {
        int32_t sum = HALF;
        for (int32_t t = 0; t < length; t++)
            sum += weight[t] * in[t * step + i];
        out[i] = rounded(sum);
    }
}

static void along_columns(const axis *a, const uint8_t *in, int64_t in_step, int64_t bytes, uint8_t *out)
{
    for (int64_t o = 0; o < a->count; o++)
        resample_along_columns(a->weight + o * a->taps, a->length[o], in + a->start[o] * in_step, in_step, bytes,
                               out + o * bytes);
}

/* ---- both ---- */

/* Which pass comes first shows in the rounding. Pillow 13 begins with the one along columns if that drops more
 * than twice as many rows as the other drops columns; before, it always began with rows. */
static bool columns_first(const image *m, const resample_window *w)
{
    return w->height < m->height && m->height - w->height > 2 * (m->width - w->width);
}

/* in: the first pixel that is needed. Makes room for what lies between the passes only if there are two. */
static medley_status run_passes(const medley_runtime *rt, const image *m, const resample_window *w, const axis *x,
                                const axis *y, uint8_t *out, medley_error *err)
{
    const uint8_t *in = m->pixels + 3 * (y->first * m->width + x->first);
    const int64_t step = 3 * m->width, rows = y->last - y->first, columns = x->last - x->first;
    const bool down_first = columns_first(m, w);
    const int64_t between = down_first ? w->rows * columns : rows * w->columns;
    uint8_t *middle;
    medley_status status = MEDLEY_OK;
    if (w->height == m->height)
        return along_rows(rt, x, in, step, rows, out, err);
    if (w->width == m->width) {
        along_columns(y, in, step, 3 * columns, out);
        return MEDLEY_OK;
    }
    if (between > BYTES_MOST / 3)
        return fail(err, MEDLEY_E_LIMIT, "a picture of %lldx%lld pixels cannot be resized to %lldx%lld: too large",
                    (long long)m->width, (long long)m->height, (long long)w->width, (long long)w->height);
    TRY(mem_alloc(rt, between, 3, &middle, err));
    if (down_first) {
        along_columns(y, in, step, 3 * columns, middle);
        TRY_DONE(along_rows(rt, x, middle, 3 * columns, w->rows, out, err));
    } else {
        TRY_DONE(along_rows(rt, x, in, step, rows, middle, err));
        along_columns(y, middle, 3 * w->columns, 3 * w->columns, out);
    }
done:
    mem_free(middle);
    return status;
}

medley_status image_resample(const medley_runtime *rt, const image *m, resample_filter filter,
                             const resample_window *w, uint8_t *out, medley_error *err)
{
    axis x = {0}, y = {0};
    medley_status status;
    TRY_DONE(axis_build(rt, filter, m->width, w->width, w->left, w->columns, &x, err));
    TRY_DONE(axis_build(rt, filter, m->height, w->height, w->top, w->rows, &y, err));
    TRY_DONE(run_passes(rt, m, w, &x, &y, out, err));
done:
    axis_release(&x);
    axis_release(&y);
    return status;
}

medley_status image_resize(const medley_runtime *rt, const image *m, resample_filter filter, int64_t width,
                           int64_t height, uint8_t *out, medley_error *err)
{
    const resample_window all = {width, height, 0, 0, width, height};
    return image_resample(rt, m, filter, &all, out, err);
}
