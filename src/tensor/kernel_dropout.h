/* Dropout: numbers from (seed, stream, position), made again on the way back instead of being kept. */
#ifndef TENSOR_KERNEL_DROPOUT_H
#define TENSOR_KERNEL_DROPOUT_H

#include "tensor/kernel_elementwise.h"

/* out[i] = x[i] scale, or 0 where the i-th number is below `limit` of 2^32. In place: x is not read. */
typedef struct dropout_job {
    uint64_t seed, stream;
    uint32_t limit;
    real scale;
    int64_t count;
    const real *x;
    real *out;
    store_mode mode;
} dropout_job;
int64_t dropout_tasks(const dropout_job *job);
medley_status dropout_run(void *job, int64_t task, int worker, medley_error *err);

/* The 32 bits of a position below DROPOUT_BLOCK, of a block with a key of 64. A multiply-and-shift hash of
 * the position with half of the key mixed in before and half between its rounds, so that no two blocks share
 * a sequence. */
enum { DROPOUT_BLOCK = ELEMENTS_A_TASK };
static inline uint32_t dropout_bits(uint64_t key, uint32_t position)
{
    uint32_t h = position ^ (uint32_t)key;
    h = (h ^ (h >> 16)) * 0x7feb352dU;
    h ^= (uint32_t)(key >> 32);
    h = (h ^ (h >> 15)) * 0x846ca68bU;
    return h ^ (h >> 16);
}
static inline uint64_t dropout_key(uint64_t seed, uint64_t stream, int64_t block)
{
    return random_bits(seed, stream, (uint64_t)block);
}

#endif
