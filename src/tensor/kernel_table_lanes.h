/* Rows in lanes, for kernels of tables: sums in a fixed order that vectorises. */
#ifndef TENSOR_KERNEL_TABLE_LANES_H
#define TENSOR_KERNEL_TABLE_LANES_H

#include "tensor/real.h"

enum {
    LANES = 16,
    WIDE = 4,  /* lanes that a sum keeps in registers: 64 numbers */
    AHEAD = 8, /* rows that are fetched before they are needed */
};

typedef real lanes __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE real sum_of(const lanes *v)
{
    typedef real eight __attribute__((vector_size(8 * sizeof(real))));
    typedef real four __attribute__((vector_size(4 * sizeof(real))));
    const eight e = __builtin_shufflevector(*v, *v, 0, 1, 2, 3, 4, 5, 6, 7) +
                    __builtin_shufflevector(*v, *v, 8, 9, 10, 11, 12, 13, 14, 15);
    const four f = __builtin_shufflevector(e, e, 0, 1, 2, 3) + __builtin_shufflevector(e, e, 4, 5, 6, 7);
    return (f[0] + f[2]) + (f[1] + f[3]);
}

#endif
