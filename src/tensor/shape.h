/* Shapes of dense row-major arrays of up to four dimensions. */
#ifndef TENSOR_SHAPE_H
#define TENSOR_SHAPE_H

#include "base/base.h"

enum { SHAPE_RANK_MOST = 4, SHAPE_TEXT = 96 };

/* rank 0: a scalar, one number. Sizes behind the rank are 0. */
typedef struct shape {
    int rank;
    int64_t size[SHAPE_RANK_MOST];
} shape;

static inline shape shape_scalar(void)
{
    return (shape){0};
}
static inline shape shape_1(int64_t a)
{
    return (shape){1, {a}};
}
static inline shape shape_2(int64_t a, int64_t b)
{
    return (shape){2, {a, b}};
}
static inline shape shape_3(int64_t a, int64_t b, int64_t c)
{
    return (shape){3, {a, b, c}};
}
static inline shape shape_4(int64_t a, int64_t b, int64_t c, int64_t d)
{
    return (shape){4, {a, b, c, d}};
}

static inline int64_t shape_count(shape s)
{
    int64_t count = 1;
    for (int i = 0; i < s.rank; i++)
        count *= s.size[i];
    return count;
}
/* The last size; 1 of a scalar. */
static inline int64_t shape_width(shape s)
{
    return s.rank > 0 ? s.size[s.rank - 1] : 1;
}
/* The product of all sizes but the last: how many rows there are. */
static inline int64_t shape_rows(shape s)
{
    int64_t count = 1;
    for (int i = 0; i + 1 < s.rank; i++)
        count *= s.size[i];
    return count;
}
static inline bool shape_equal(shape a, shape b)
{
    bool equal = a.rank == b.rank;
    for (int i = 0; equal && i < a.rank; i++)
        equal = a.size[i] == b.size[i];
    return equal;
}

/* "[2,3]", "[]" of a scalar; returns `out`. */
const char *shape_format(shape s, char out[SHAPE_TEXT]);
/* What a and b become together when sizes of 1 are repeated and missing leading ones added (NumPy's rule); false: they
 * do not fit. */
bool shape_broadcast(shape a, shape b, shape *out);

#endif
