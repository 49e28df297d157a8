/* Dense products in bfloat16: A and B are rounded on their way (to nearest, ties to even), products are exact and their
 * sums float. C and everything else stay float. Where the processor has no instructions for it (AVX512-BF16 or AMX),
 * the rounded numbers are multiplied in float: the same up to the rounding of sums, but not faster. Thin products
 * (a size below 16), which memory bounds, and the double twin are not rounded at all. */
#ifndef TENSOR_GEMM_BF16_H
#define TENSOR_GEMM_BF16_H

#include "tensor/gemm.h"

/* The library's products by shape, made when a shape first comes, and scratch memory for every worker. One call at a
 * time. */
typedef struct gemm_bf16 gemm_bf16;

/* Whether the processor has instructions for it. */
bool gemm_bf16_available(void);

/* The best way that the processor has, or the one given, which it must have. */
typedef enum gemm_bf16_way { BF16_TILES, BF16_LIBRARY, BF16_FLOAT, BF16_WAYS } gemm_bf16_way;
bool gemm_bf16_has(gemm_bf16_way way);
MEDLEY_MUST_USE medley_status gemm_bf16_create(const medley_runtime *rt, gemm_bf16 **out, medley_error *err);
MEDLEY_MUST_USE medley_status gemm_bf16_create_way(const medley_runtime *rt, gemm_bf16_way way, gemm_bf16 **out,
                                                   medley_error *err);
void gemm_bf16_free(gemm_bf16 *p);

/* As gemm_parallel and gemm_batched. Allocates nothing for shapes that came before. */
MEDLEY_MUST_USE medley_status gemm_bf16_parallel(gemm_bf16 *p, const gemm_job *job, medley_error *err);
MEDLEY_MUST_USE medley_status gemm_bf16_batched(gemm_bf16 *p, const gemm_job *job, int64_t count, int64_t a_step,
                                                int64_t b_step, int64_t c_step, medley_error *err);

#endif
