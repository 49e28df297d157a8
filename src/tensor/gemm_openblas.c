#include "tensor/gemm.h"

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

const char *gemm_library(void)
{
    return openblas_get_config();
}
