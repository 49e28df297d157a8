/* What is between gemm.h and the libraries. */
#ifndef TENSOR_GEMM_TILES_H
#define TENSOR_GEMM_TILES_H

#include "tensor/gemm.h"

/* The library's product: no size is 0, there is no bias. */
void gemm_call(const gemm_job *job);

/* How a product is cut for tasks, by its sizes alone: C [m, n] in tiles of [m, n], the last ones smaller; `across` of them side by side. */
typedef struct gemm_tiles {
    int64_t m, n, across, count;
} gemm_tiles;

/* Tiles of [most_m, most_n]. */
gemm_tiles gemm_tiles_whole(int64_t m, int64_t n, int64_t most_m, int64_t most_n);
/* Tiles of at most [most_m, most_n], smaller ones where that would make fewer tasks than wanted of much work. */
gemm_tiles gemm_tiles_choose(const gemm_job *job, int64_t most_m, int64_t most_n, int64_t wanted);
/* The part of a product that is one tile of C. */
gemm_job gemm_tile(const gemm_job *whole, const gemm_tiles *tiles, int64_t tile);

/* What gemm_batched and its like do. */
typedef medley_status (*gemm_batched_function)(void *context, const gemm_job *job, int64_t count, int64_t a_step,
                                               int64_t b_step, int64_t c_step, medley_error *err);
/* One product, cut in k where gemm_scratch says so. */
MEDLEY_MUST_USE medley_status gemm_in_parts(gemm_batched_function batched, void *context, const gemm_job *job,
                                            medley_error *err);

#endif
