/* The inside of gemm_bf16.h where the processor has tiles (AMX): operands are rounded straight into the order that
 * tiles are loaded from, which saves oneDNN's copies. */
#ifndef TENSOR_GEMM_BF16_TILES_H
#define TENSOR_GEMM_BF16_TILES_H

#include "tensor/gemm.h"

/* A worker's memory for rounded operands, in pairs of numbers. */
enum { BF16_TILES_A = 128 * (512 + 32), BF16_TILES_B = 1 << 17, BF16_TILES_MEMORY = BF16_TILES_A + BF16_TILES_B };

/* As gemm_bf16_batched. m, n and k are not 0; memory: [workers, BF16_TILES_MEMORY] */
MEDLEY_MUST_USE medley_status bf16_tiles_batched(const medley_runtime *rt, uint32_t *memory, const gemm_job *job,
                                                 int64_t count, int64_t a_step, int64_t b_step, int64_t c_step,
                                                 medley_error *err);

#endif
