/* Products of blocks in bfloat16 by the processor's matrix tiles (AMX). */
#ifndef TENSOR_MATRIX_TILES_H
#define TENSOR_MATRIX_TILES_H

#include "base/base.h"

#include <string.h>

/* Rows and columns of a block of sums, and numbers of a step of k: four tiles of sums, two of each operand. */
enum { TILES_SIDE = 32 };

/* Whether the processor has them and the system lets this process use them; never in the double twin. Asks the system:
 * not for every step. */
bool tiles_available(void);

/* A thread takes the tiles before it multiplies, and leaves them afterwards. */
void tiles_take(void);
void tiles_leave(void);

/* c = A B, or c += A B.  A: [SIDE, k] numbers in bfloat16; b: [k / 2, SIDE] pairs of them, those of rows 2 i and 2 i + 1;
 * b_stride in pairs; c: [SIDE, SIDE]; k a multiple of SIDE. Only where they are available. */
void tiles_multiply(const uint16_t *a, int64_t a_stride, const void *b, int64_t b_stride, int64_t k, float *c,
                    int64_t c_stride, bool add);

/* To nearest, ties to even; not a number stays one. */
static inline uint32_t bf16_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return (bits & 0x7fffffff) > 0x7f800000 ? (bits >> 16) | 0x40 : rounded;
}

#endif
