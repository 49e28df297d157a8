/* The whole fit of EASE against the LAPACK calls that it cannot do without: dpotrf and dpotri of the same matrix,
 * by OpenBLAS with the same threads.
 *
 *   bench_ease [threads] [folder of user.npy and item.npy]
 *
 * Without a folder, and besides it, on generated data of 8,192 items. */
#include <lapacke.h>
#include <math.h>
#include <omp.h>

#include "measure.h"
#include "model/model.h"

extern const model_class model_ease;

/* XᵀX + l2 I, lower triangle by rows. */
static void make_gram(const csr *x, double l2, double *gram)
{
    const int64_t items = x->columns;
    memset(gram, 0, (size_t)(items * items) * sizeof *gram);
    for (int64_t user = 0; user < x->rows; user++)
        for (int64_t i = x->start[user]; i < x->start[user + 1]; i++)
            for (int64_t j = x->start[user]; j <= i; j++)
                gram[x->index[i] * items + x->index[j]]++;
    for (int64_t i = 0; i < items; i++)
        gram[i * items + i] += l2;
}

/* The largest difference of the fitted weights to those of LAPACK's inverse. */
static double difference(const model_state *state, const double *inverse, int64_t items)
{
    const float *weights = state->tensors[0].data;
    double worst = 0;
    for (int64_t j = 0; j < items; j++)
        for (int64_t i = 0; i < items; i++) {
            const double p = i < j ? inverse[j * items + i] : inverse[i * items + j];
            const double b = i == j ? 0 : -p / inverse[i * items + i];
            worst = fmax(worst, fabs((double)weights[j * items + i] - b));
        }
    return worst;
}

static medley_status compare(const medley_runtime *rt, const char *name, const csr *matrix, medley_error *err)
{
    const double l2 = 250;
    const int64_t items = matrix->columns;
    const training data = {.users = matrix->rows, .items = items, .matrix = *matrix};
    double *gram = NULL, ours = 1e9, peer = 1e9;
    model_state state = {0};
    medley_status status;
    TRY_DONE(mem_alloc(rt, items * items, sizeof *gram, &gram, err));
    for (int i = 0; i < 3; i++) { /* the best of interleaved runs */
        model_state_release(&state);
        double start = now();
        TRY_DONE(model_ease.fit(rt, &l2, &data, &state, err));
        ours = fmin(ours, now() - start);
        make_gram(matrix, l2, gram);
        start = now();
        LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)items, gram, (lapack_int)items);
        LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'U', (lapack_int)items, gram, (lapack_int)items);
        peer = fmin(peer, now() - start);
    }
    print_result(name, ours, peer);
    fprintf(stdout, "# %lld items; peer: dpotrf + dpotri; weights differ by at most %.1e\n", (long long)items,
            difference(&state, gram, items));
done:
    model_state_release(&state);
    mem_free(gram);
    return status;
}

int main(int argc, char **argv)
{
    const medley_runtime_options options = {.threads = (int)argument(argc, argv, 1, 0)};
    medley_runtime *rt;
    medley_error err;
    csr_owner matrix = {0};
    medley_status status = medley_runtime_create(&options, &rt, &err);
    if (status != MEDLEY_OK)
        goto done;
    omp_set_num_threads(medley_runtime_threads(rt));
    if (argc > 2) {
        TRY_DONE(matrix_open(rt, argv[2], &matrix, &err));
        TRY_DONE(compare(rt, "ease fit, data", &matrix.view, &err));
        csr_release(&matrix);
    }
    TRY_DONE(matrix_make(rt, 20000, 8192, 100, &matrix, &err));
    TRY_DONE(compare(rt, "ease fit, generated", &matrix.view, &err));
done:
    if (status != MEDLEY_OK)
        fprintf(stderr, "bench_ease: %s\n", err.message);
    csr_release(&matrix);
    medley_runtime_free(status == MEDLEY_OK ? rt : NULL);
    return status == MEDLEY_OK ? 0 : 1;
}
