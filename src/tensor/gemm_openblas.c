#include "tensor/gemm_tiles.h"

#include <cblas.h>
#include <omp.h>

void gemm_abt(int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, const float *b, int64_t b_stride,
              float *c, int64_t c_stride)
{
    /* OpenBLAS takes one thread inside a parallel region, but a region of one thread does not
     * count as one; the setting belongs to the calling task alone. */
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, 1, a,
                (blasint)a_stride, b, (blasint)b_stride, 0, c, (blasint)c_stride);
    omp_set_num_threads(threads);
}

#ifdef MEDLEY_REAL_DOUBLE

void gemm_call(const gemm_job *j)
{
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    cblas_dgemm(CblasRowMajor, j->transpose_a ? CblasTrans : CblasNoTrans,
                j->transpose_b ? CblasTrans : CblasNoTrans, (blasint)j->m, (blasint)j->n, (blasint)j->k, j->alpha,
                j->a, (blasint)j->a_stride, j->b, (blasint)j->b_stride, j->beta, j->c, (blasint)j->c_stride);
    omp_set_num_threads(threads);
}

#endif

const char *gemm_library(void)
{
    return openblas_get_config();
}
