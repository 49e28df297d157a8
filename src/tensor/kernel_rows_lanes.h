/* Sums and maxima along a row in a fixed number of lanes: the same bits in every version of a loop, and vectorised
 * without reassociation. Everything here is inlined into functions that carry MULTIVERSION. */
#ifndef TENSOR_KERNEL_ROWS_LANES_H
#define TENSOR_KERNEL_ROWS_LANES_H

#include <stdint.h>

#include "tensor/vector_math.h"

#define ROW_INLINE static inline __attribute__((always_inline))

enum { ROW_LANES = 16, ROW_CHAINS = 4 }; /* sums that do not wait for each other */

typedef real row_lanes __attribute__((vector_size(ROW_LANES * sizeof(real)), aligned(sizeof(real)), may_alias));
#ifdef MEDLEY_REAL_DOUBLE
typedef int64_t row_mask __attribute__((vector_size(ROW_LANES * sizeof(int64_t))));
#else
typedef int32_t row_mask __attribute__((vector_size(ROW_LANES * sizeof(int32_t))));
#endif
typedef real row_lanes_8 __attribute__((vector_size(8 * sizeof(real))));
typedef real row_lanes_4 __attribute__((vector_size(4 * sizeof(real))));

/* What a term of a sum may be made of; each kernel sets what its terms read. */
typedef struct row_view {
    const real *x, *y, *dy, *gain;
    real shift;
} row_view;

/* Term i of a sum. */
typedef real (*row_term_function)(const row_view *r, int64_t i);

ROW_INLINE real row_fold(const row_lanes *sum)
{
    const union {
        row_lanes all;
        row_lanes_8 half[2];
    } a = {*sum};
    const union {
        row_lanes_8 all;
        row_lanes_4 half[2];
    } b = {a.half[0] + a.half[1]};
    const row_lanes_4 c = b.half[0] + b.half[1];
    return (c[0] + c[2]) + (c[1] + c[3]);
}

ROW_INLINE void row_add_lanes(row_lanes *sum, row_term_function term, const row_view *r, int64_t first)
{
    real part[ROW_LANES];
    for (int l = 0; l < ROW_LANES; l++)
        part[l] = term(r, first + l);
    *sum += *(const row_lanes *)part;
}

/* term(0) + ... + term(width - 1) */
ROW_INLINE real row_sum(row_term_function term, const row_view *r, int64_t width)
{
    row_lanes sum[ROW_CHAINS] = {{0}};
    int64_t i = 0;
    for (; i + ROW_CHAINS * ROW_LANES <= width; i += ROW_CHAINS * ROW_LANES)
        for (int chain = 0; chain < ROW_CHAINS; chain++)
            row_add_lanes(&sum[chain], term, r, i + chain * ROW_LANES);
    for (; i + ROW_LANES <= width; i += ROW_LANES)
        row_add_lanes(&sum[0], term, r, i);
    real rest = 0;
    for (; i < width; i++)
        rest += term(r, i);
    sum[0] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    return rest + row_fold(sum);
}

/* *most = max(*most, v), lane by lane. */
ROW_INLINE void row_raise(row_lanes *most, const row_lanes *v)
{
    const row_mask larger = *v > *most;
    *most = (row_lanes)((larger & (row_mask)*v) | (~larger & (row_mask)*most));
}

/* The largest of the terms, NaN passed over; -inf of none. */
ROW_INLINE real row_max(row_term_function term, const row_view *r, int64_t width)
{
    row_lanes most[ROW_CHAINS];
    real part[ROW_LANES];
    for (int chain = 0; chain < ROW_CHAINS; chain++)
        most[chain] = (row_lanes){0} - INFINITY;
    int64_t i = 0;
    for (; i + ROW_CHAINS * ROW_LANES <= width; i += ROW_CHAINS * ROW_LANES)
        for (int chain = 0; chain < ROW_CHAINS; chain++) {
            for (int l = 0; l < ROW_LANES; l++)
                part[l] = term(r, i + chain * ROW_LANES + l);
            row_raise(&most[chain], (const row_lanes *)part);
        }
    for (; i + ROW_LANES <= width; i += ROW_LANES) {
        for (int l = 0; l < ROW_LANES; l++)
            part[l] = term(r, i + l);
        row_raise(&most[0], (const row_lanes *)part);
    }
    for (int chain = 1; chain < ROW_CHAINS; chain++)
        row_raise(&most[0], &most[chain]);
    memcpy(part, most, sizeof(part));
    for (; i < width; i++) {
        const real v = term(r, i);
        part[0] = v > part[0] ? v : part[0];
    }
    for (int half = ROW_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            part[l] = part[l] > part[l + half] ? part[l] : part[l + half];
    return part[0];
}

/* The next loop may read element i of what it writes to element i, and nothing else of it. */
#ifdef __clang__
#define ROW_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define ROW_INDEPENDENT _Pragma("GCC ivdep")
#endif

/* out[i] = or += value, an expression of i, for i below width. Two loops: with the choice inside, gcc does not
 * vectorise. */
#define ROW_STORE(out, width, add, value)                                             \
    do {                                                                              \
        if (add)                                                                      \
            ROW_INDEPENDENT for (int64_t i = 0; i < (width); i++)(out)[i] += (value); \
        else                                                                          \
            ROW_INDEPENDENT for (int64_t i = 0; i < (width); i++)(out)[i] = (value);  \
    } while (0)

#endif
