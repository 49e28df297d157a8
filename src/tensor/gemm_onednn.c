#include "tensor/gemm_tiles.h"

#include <dnnl.h>
#include <omp.h>

#define VERSION_TEXT(a, b, c) "oneDNN " #a "." #b "." #c
#define VERSION_OF(a, b, c) VERSION_TEXT(a, b, c)

const char *gemm_onednn_library(void)
{
    return VERSION_OF(DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR, DNNL_VERSION_PATCH);
}

#ifndef MEDLEY_REAL_DOUBLE

enum {
    FAR = 768, /* numbers between rows from where on copying a piece first is faster */
    PIECE = 256,
    PIECE_ROWS = 128,
    COPY_FROM = 32, /* uses of a number that make its copy worthwhile */
};

/* By the definition: for the case that oneDNN is out of memory, as nothing here can fail. */
static void gemm_plain(const gemm_job *j)
{
    for (int64_t row = 0; row < j->m; row++)
        for (int64_t column = 0; column < j->n; column++) {
            float sum = 0;
            for (int64_t l = 0; l < j->k; l++)
                sum += j->a[j->transpose_a ? l * j->a_stride + row : row * j->a_stride + l] *
                       j->b[j->transpose_b ? column * j->b_stride + l : l * j->b_stride + column];
            float *c = j->c + row * j->c_stride + column;
            *c = j->beta == 0 ? j->alpha * sum : j->alpha * sum + j->beta * *c;
        }
}

static void product(const gemm_job *j)
{
    if (dnnl_sgemm(j->transpose_a ? 'T' : 'N', j->transpose_b ? 'T' : 'N', j->m, j->n, j->k, j->alpha, j->a,
                   j->a_stride, j->b, j->b_stride, j->beta, j->c, j->c_stride) != dnnl_success)
        gemm_plain(j);
}

/* Where rows along k lie far apart, oneDNN's own packing goes from page to page, often at a power of two that the
 * caches cannot tell apart: a piece of A (or of B) is copied together first. */
static void product_of_copies(const gemm_job *j, bool of_a)
{
    _Alignas(64) float piece[PIECE * PIECE_ROWS];
    const int64_t size = of_a ? j->m : j->n, stride = of_a ? j->a_stride : j->b_stride;
    for (int64_t first = 0; first < size; first += PIECE)
        for (int64_t l = 0; l < j->k; l += PIECE_ROWS) {
            gemm_job part = *j;
            const int64_t width = size - first < PIECE ? size - first : PIECE;
            part.k = j->k - l < PIECE_ROWS ? j->k - l : PIECE_ROWS;
            part.beta = l == 0 ? j->beta : 1;
            const float *from = (of_a ? j->a : j->b) + l * stride + first;
            for (int64_t row = 0; row < part.k; row++)
                memcpy(piece + row * width, from + row * stride, (size_t)width * sizeof *piece);
            if (of_a) {
                part.m = width;
                part.a = piece;
                part.a_stride = width;
                part.b += j->transpose_b ? l : l * j->b_stride;
                part.c += first * j->c_stride;
            } else {
                part.n = width;
                part.b = piece;
                part.b_stride = width;
                part.a += j->transpose_a ? l * j->a_stride : l;
                part.c += first;
            }
            product(&part);
        }
}

void gemm_call(const gemm_job *job)
{
    /* As in gemm_abt: oneDNN takes one thread inside a parallel region, but a region of one thread does not count. */
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    if (job->transpose_a && job->a_stride >= FAR && job->n >= COPY_FROM)
        product_of_copies(job, true);
    else if (!job->transpose_b && job->b_stride >= FAR && job->m >= COPY_FROM)
        product_of_copies(job, false);
    else
        product(job);
    omp_set_num_threads(threads);
}

#endif
