/* The body of benchmarks that fit a model whole. One whose epochs are of interest is for measure_learner.h. */
#ifndef BENCH_MEASURE_FIT_H
#define BENCH_MEASURE_FIT_H

#include <math.h>

#include "measure.h"
#include "train/training_loop.h"

/* [threads] [folder of user.npy and item.npy] [fits, of which the best counts: 5]; without a folder: generated data.
 * Prints "<name> fit, ... interactions  seconds". Returns the exit code. */
static inline int measure_fit(const model_class *class, int argc, char **argv)
{
    const medley_runtime_options options = {.threads = (int)argument(argc, argv, 1, 0)};
    medley_runtime *rt;
    medley_error err;
    csr_owner matrix = {0};
    model_state state = {0};
    training_outcome outcome;
    _Alignas(16) char params[1024];
    double best = INFINITY;
    medley_status status = medley_runtime_create(&options, &rt, &err);
    if (status != MEDLEY_OK)
        goto done;
    if (argc > 2)
        TRY_DONE(matrix_open(rt, argv[2], &matrix, &err));
    else
        TRY_DONE(matrix_make(rt, 20000, 8192, 100, &matrix, &err));
    const training data = {.users = matrix.view.rows, .items = matrix.view.columns, .matrix = matrix.view};
    assert(class->params_size <= sizeof params);
    medley_params_reset(class->params, params);
    for (int64_t left = argument(argc, argv, 3, 5); left > 0; left--) {
        model_state_release(&state);
        TRY_DONE(train_model(rt, class, params, &data, NULL, &state, &outcome, &err));
        best = fmin(best, outcome.seconds);
    }
    fprintf(stdout, "%s fit, %lld users, %lld items, %lld interactions  %.4f\n", class->name,
            (long long)data.users, (long long)data.items, (long long)csr_count(&matrix.view), best);
done:
    if (status != MEDLEY_OK)
        fprintf(stderr, "%s: %s\n", class->name, err.message);
    model_state_release(&state);
    csr_release(&matrix);
    medley_runtime_free(status == MEDLEY_OK ? rt : NULL);
    return status == MEDLEY_OK ? 0 : 1;
}

#endif
