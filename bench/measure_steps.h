/* The body of benchmarks that measure steps of a model learnt by gradients, where an epoch would take too long. */
#ifndef BENCH_MEASURE_STEPS_H
#define BENCH_MEASURE_STEPS_H

#include "data/matrix.h"
#include "data/split.h"
#include "measure_learner.h"

enum {
    STEPS_MOST = 4096,
    STEPS_WARM = 16
}; /* batches are drawn 16 at a time: a whole number of these is measured */

/* When each step ended, by the clock and of all processors. */
typedef struct step_watch {
    double at[STEPS_MOST], work[STEPS_MOST];
    int64_t count, wanted;
} step_watch;

static inline double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline bool note_step(void *context, const char *phase, int64_t done, int64_t total)
{
    step_watch *w = context;
    (void)done, (void)total;
    if (strncmp(phase, "training", strlen("training")) != 0 || w->count == w->wanted)
        return w->count < w->wanted;
    w->at[w->count] = now();
    w->work[w->count++] = processor_seconds();
    return w->count < w->wanted;
}

/* Of a step, after the warm ones. */
static inline double mean_step(const step_watch *w, const double *at)
{
    return (at[w->count - 1] - at[STEPS_WARM - 1]) / (double)(w->count - STEPS_WARM);
}

/* The training part of "<store>/splits/<name>", as training sees it. */
static inline medley_status training_open(const medley_runtime *rt, const char *split, csr_owner *matrix,
                                          selection_parts *parts, medley_store **store, medley_error *err)
{
    static const char middle[] = "/splits/";
    char folder[4096];
    const char *const name = strstr(split, middle);
    if (name == NULL || name - split >= (int)sizeof folder)
        return fail(err, MEDLEY_E_ARGUMENT, "%s: accepted is <store>/splits/<name>", split);
    memcpy(folder, split, (size_t)(name - split));
    folder[name - split] = '\0';
    TRY(store_open(rt, folder, false, store, err));
    TRY(selection_open(*store, name + sizeof middle - 1, parts, err));
    const interactions *const train = &parts->train.view;
    return matrix_of_parts(rt, &train, 1, (*store)->users, (*store)->items, false, matrix, err);
}

/* threads, <store>/splits/<name>, steps, setting=value ...
 * Prints "<name>, ... interactions  seconds  processor seconds" of a step. Returns the exit code. */
static inline int measure_steps(const model_class *class, int argc, char **argv)
{
    step_watch w = {.wanted = STEPS_WARM + argument(argc, argv, 3, 64)};
    const medley_runtime_options options = {
        .threads = (int)argument(argc, argv, 1, 0), .progress = note_step, .progress_context = &w};
    medley_runtime *rt;
    medley_error err;
    csr_owner matrix = {0};
    model_state state = {0};
    medley_store *store = NULL;
    selection_parts parts = {.train = {.view = {0}}};
    _Alignas(16) char params[1024];
    medley_status status = medley_runtime_create(&options, &rt, &err);
    if (status != MEDLEY_OK)
        goto done;
    assert(class->params_size <= sizeof params && w.wanted <= STEPS_MOST);
    medley_params_reset(class->params, params);
    TRY_DONE(set_params(class->params, params, argv + 4, argc > 4 ? argc - 4 : 0, &err));
    ((learning *)(void *)params)->epochs = STEPS_MOST; /* more than are run */
    TRY_DONE(training_open(rt, argc > 2 ? argv[2] : "", &matrix, &parts, &store, &err));
    const training data = {.users = matrix.view.rows,
                           .items = matrix.view.columns,
                           .events = parts.train.view,
                           .matrix = matrix.view,
                           .folder = store->path,
                           .seed = 1};
    status = train_model(rt, class, params, &data, NULL, &state, NULL, &err);
    if (status == MEDLEY_E_STOPPED)
        status = MEDLEY_OK;
    if (status == MEDLEY_OK)
        fprintf(stdout, "%s, %lld users, %lld items, %lld interactions  %.6f  %.6f\n", class->name,
                (long long)data.users, (long long)data.items, (long long)csr_count(&matrix.view),
                mean_step(&w, w.at), mean_step(&w, w.work));
done:
    if (status != MEDLEY_OK)
        fprintf(stderr, "%s: %s\n", class->name, err.message);
    model_state_release(&state);
    selection_release(&parts);
    store_free(store);
    csr_release(&matrix);
    medley_runtime_free(status == MEDLEY_OK ? rt : NULL);
    return status == MEDLEY_OK ? 0 : 1;
}

#endif
