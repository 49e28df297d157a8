#include "tensor/kernel_dropout.h"

#include "base/multiversion.h"

#define DROPOUT(name, value, store)                                                                        \
    MULTIVERSION static void name(const real *restrict x, real *restrict out, int64_t count, uint64_t key, \
                                  uint32_t limit, real scale)                                              \
    {                                                                                                      \
        (void)x;                                                                                           \
        for (int64_t i = 0; i < count; i++) {                                                              \
            const real factor = dropout_bits(key, (uint32_t)i) < limit ? 0 : scale;                        \
            out[i] store value *factor;                                                                    \
        }                                                                                                  \
    }
DROPOUT(dropout_set, x[i], =)
DROPOUT(dropout_add, x[i], +=)
DROPOUT(dropout_in_place, out[i], =)

static void (*const dropout_loops[STORE_MODES])(const real *x, real *out, int64_t count, uint64_t key,
                                                uint32_t limit,
                                                real scale) = {dropout_set, dropout_add, dropout_in_place};

/* Blocks of DROPOUT_BLOCK, whatever the tasks. */
int64_t dropout_tasks(const dropout_job *job)
{
    return job->count <= ELEMENTS_ALONE ? job->count > 0 : (job->count + DROPOUT_BLOCK - 1) / DROPOUT_BLOCK;
}

medley_status dropout_run(void *context, int64_t task, int worker, medley_error *err)
{
    const dropout_job *job = context;
    const bool alone = job->count <= ELEMENTS_ALONE;
    const int64_t first = alone ? 0 : task * DROPOUT_BLOCK;
    const int64_t last = alone || job->count - first < DROPOUT_BLOCK ? job->count : first + DROPOUT_BLOCK;
    (void)worker, (void)err;
    for (int64_t i = first; i < last; i += DROPOUT_BLOCK)
        dropout_loops[job->mode](job->x + i, job->out + i, last - i < DROPOUT_BLOCK ? last - i : DROPOUT_BLOCK,
                                 dropout_key(job->seed, job->stream, i / DROPOUT_BLOCK), job->limit, job->scale);
    return MEDLEY_OK;
}
