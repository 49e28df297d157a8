/* The body of benchmarks that train a model by gradients. */
#ifndef BENCH_MEASURE_LEARNER_H
#define BENCH_MEASURE_LEARNER_H

#include <math.h>

#include "measure.h"
#include "train/training_loop.h"

enum { EPOCHS_MOST = 1024 };

/* When each epoch ended, and its loss. */
typedef struct epoch_watch {
    double seconds[EPOCHS_MOST], loss[EPOCHS_MOST];
    int64_t count;
} epoch_watch;

static inline medley_status note_epochs(void *context, const epoch_record *all, int64_t count, medley_error *err)
{
    epoch_watch *w = context;
    (void)err;
    for (w->count = 0; w->count < count && w->count < EPOCHS_MOST; w->count++) {
        w->seconds[w->count] = all[w->count].seconds - (w->count > 0 ? all[w->count - 1].seconds : 0);
        w->loss[w->count] = all[w->count].loss;
    }
    return MEDLEY_OK;
}

static inline int order_of(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double median_epoch(const epoch_watch *w)
{
    double sorted[EPOCHS_MOST];
    memcpy(sorted, w->seconds, sizeof sorted);
    qsort(sorted, (size_t)w->count, sizeof *sorted, order_of);
    return w->count > 0 ? (sorted[(w->count - 1) / 2] + sorted[w->count / 2]) / 2 : NAN;
}

/* "epochs=3", ... of a model's table. */
static inline medley_status set_params(const medley_param *table, void *params, char *const *setting, int count,
                                       medley_error *err)
{
    for (int i = 0; i < count; i++) {
        char name[64];
        const char *const equals = strchr(setting[i], '=');
        if (equals == NULL || equals - setting[i] >= (int)sizeof name)
            return fail(err, MEDLEY_E_ARGUMENT, "%s: accepted is setting=value", setting[i]);
        memcpy(name, setting[i], (size_t)(equals - setting[i]));
        name[equals - setting[i]] = '\0';
        const medley_param *row = medley_param_find(table, name);
        if (row == NULL)
            return fail(err, MEDLEY_E_ARGUMENT, "%s: there is no such setting", name);
        TRY(medley_param_set(row, params, equals + 1, err));
    }
    return MEDLEY_OK;
}

/* <folder>/<name>.npy of every tensor of a model. */
static inline medley_status write_tensors(const medley_runtime *rt, const model_state *state, const char *folder,
                                          medley_error *err)
{
    for (int64_t i = 0; i < state->count; i++) {
        const named_tensor *t = &state->tensors[i];
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.npy", folder, t->name);
        TRY(npy_write(rt, path, NPY_F32, t->shape[0], t->rank > 1 ? t->shape[1] : 0, t->data, NULL, err));
    }
    return MEDLEY_OK;
}

/* threads, folder of user.npy and item.npy (and rating.npy, where the model learns from ratings) or "-", folder for the model's tensors or "-", setting=value ...
 * Prints "<name>, ... interactions  seconds" of the median epoch, then a line "epoch  seconds  loss" of each. Returns the
 * exit code. */
static inline int measure_learner(const model_class *class, int argc, char **argv)
{
    const medley_runtime_options options = {.threads = (int)argument(argc, argv, 1, 0)};
    medley_runtime *rt;
    medley_error err;
    csr_owner matrix = {0};
    model_state state = {0};
    epoch_watch w = {.count = 0};
    const training_watch watch = {.context = &w, .epoch_done = note_epochs};
    _Alignas(16) char params[1024];
    medley_status status = medley_runtime_create(&options, &rt, &err);
    if (status != MEDLEY_OK)
        goto done;
    assert(class->params_size <= sizeof params);
    medley_params_reset(class->params, params);
    TRY_DONE(set_params(class->params, params, argv + 4, argc > 4 ? argc - 4 : 0, &err));
    if (argc > 2 && strcmp(argv[2], "-") != 0)
        TRY_DONE(matrix_open_rated(rt, argv[2], class->learner->needs_ratings, &matrix, &err));
    else
        TRY_DONE(matrix_make(rt, 20000, 8192, 100, &matrix, &err));
    const training data = {
        .users = matrix.view.rows, .items = matrix.view.columns, .matrix = matrix.view, .seed = 1};
    TRY_DONE(train_model(rt, class, params, &data, &watch, &state, NULL, &err));
    fprintf(stdout, "%s, %lld users, %lld items, %lld interactions  %.4f\n", class->name, (long long)data.users,
            (long long)data.items, (long long)csr_count(&matrix.view), median_epoch(&w));
    for (int64_t i = 0; i < w.count; i++)
        fprintf(stdout, "%lld  %.4f  %.6f\n", (long long)i + 1, w.seconds[i], w.loss[i]);
    if (argc > 3 && strcmp(argv[3], "-") != 0)
        TRY_DONE(write_tensors(rt, &state, argv[3], &err));
done:
    if (status != MEDLEY_OK)
        fprintf(stderr, "%s: %s\n", class->name, err.message);
    model_state_release(&state);
    csr_release(&matrix);
    medley_runtime_free(status == MEDLEY_OK ? rt : NULL);
    return status == MEDLEY_OK ? 0 : 1;
}

#endif
