/* Fitting, scoring, saving and loading a model in its unit test, by the definitions of model/model.h alone. */
#ifndef TESTS_FIT_MODEL_H
#define TESTS_FIT_MODEL_H

#include "testing.h"

#include "data/matrix.h"
#include "model/model.h"
#include "train/training_loop.h"

enum { FIT_VALUES = 512 }; /* bytes of a model's settings */

/* A model, its settings, what it is fitted on, and of whom scores are wanted. */
typedef struct fit_case {
    const model_class *class;
    _Alignas(16) char values[FIT_VALUES];
    interactions events;
    int64_t users, items;
    const char *folder; /* of a store with features; NULL: none */
} fit_case;

/* settings: key, value, ..., NULL; or NULL. */
static inline void fit_case_init(fit_case *c, const model_class *class, interactions events, int64_t users,
                                 int64_t items, const char *const *settings)
{
    *c = (fit_case){.class = class, .events = events, .users = users, .items = items};
    assert_true(class->params_size <= sizeof c->values);
    medley_params_reset(class->params, c->values);
    for (; settings != NULL && *settings != NULL; settings += 2)
        assert_ok(medley_param_set(medley_param_find(class->params, settings[0]), c->values, settings[1], err));
}
#define FIT_CASE(c, class, events, users, items, ...) \
    fit_case_init(c, class, events, users, items, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

/* Scores of every item for rows of histories: [rows, items], freed by mem_free. */
static inline medley_status fit_scores(const medley_runtime *rt, const fit_case *c, const model_state *state,
                                       const histories *known, double **out, medley_error *err)
{
    scoring how;
    left_sides left = {0};
    *out = NULL;
    TRY(c->class->scoring(c->values, state, c->users, c->items, &how, err));
    medley_status status;
    TRY_DONE(model_encode(rt, c->class, c->values, state, &how, known, &left, err));
    TRY_DONE(mem_alloc_zero(rt, known->rows * c->items, sizeof **out, out, err));
    const float *const vectors = left.vectors != NULL ? left.vectors : how.user;
    for (int64_t row = 0; row < known->rows; row++) {
        double *scores = *out + row * c->items;
        if (how.form == SCORING_FACTORED)
            for (int64_t i = 0; i < c->items; i++) {
                for (int64_t d = 0; d < how.factors; d++)
                    scores[i] += (double)vectors[row * how.factors + d] * (double)how.item[i * how.factors + d];
                scores[i] += how.bias != NULL ? (double)how.bias[i] : 0;
            }
        else
            for (int64_t at = left.weights.view.start[row]; at < left.weights.view.start[row + 1]; at++) {
                const double w = left.weights.view.value != NULL ? (double)left.weights.view.value[at] : 1;
                const int64_t j = left.weights.view.index[at];
                for (int64_t e = how.sparse.start[j]; e < how.sparse.start[j + 1]; e++)
                    scores[how.sparse.index[e]] += w * (double)how.sparse.value[e];
            }
    }
done:
    left_sides_release(&left);
    return status;
}

static inline medley_status fit_model(const medley_runtime *rt, const fit_case *c, model_state *state,
                                      medley_error *err)
{
    const interactions *const parts[] = {&c->events};
    csr_owner matrix = {0};
    *state = (model_state){0};
    medley_status status;
    TRY_DONE(matrix_of_parts(rt, parts, 1, c->users, c->items, true, &matrix, err));
    const training data = {.users = c->users,
                           .items = c->items,
                           .events = c->events,
                           .matrix = matrix.view,
                           .folder = c->folder,
                           .seed = 7};
    assert_true(c->class->estimate == NULL || c->class->estimate(c->values, &data) >= 0);
    status = train_model(rt, c->class, c->values, &data, NULL, state, NULL, err);
done:
    csr_release(&matrix);
    if (status != MEDLEY_OK)
        model_state_release(state);
    return status;
}

/* Fits, and scores everybody from what they were trained on. */
static inline medley_status fit_and_score(const medley_runtime *rt, const fit_case *c, double **out,
                                          medley_error *err)
{
    const interactions *const parts[] = {&c->events};
    histories_owner known = {0};
    model_state state = {0};
    medley_status status;
    *out = NULL;
    TRY_DONE(fit_model(rt, c, &state, err));
    TRY_DONE(histories_of_parts(rt, parts, 1, c->users, &known, err));
    TRY_DONE(fit_scores(rt, c, &state, &known.view, out, err));
done:
    histories_release(&known);
    model_state_release(&state);
    return status;
}

/* The same tensors and scores with 1, 2 and 4 threads. */
static inline void fit_check_threads(const fit_case *c)
{
    const interactions *const parts[] = {&c->events};
    test_memory memory, first_memory;
    medley_runtime *first_rt = test_runtime(&first_memory, 1);
    model_state first;
    double *first_scores;
    assert_ok(fit_model(first_rt, c, &first, err));
    assert_ok(fit_and_score(first_rt, c, &first_scores, err));
    for (int threads = 2; threads <= 4; threads *= 2) {
        medley_runtime *rt = test_runtime(&memory, threads);
        histories_owner known;
        model_state state;
        double *scores;
        assert_ok(fit_model(rt, c, &state, err));
        assert_int_equal(state.count, first.count);
        for (int64_t i = 0; i < state.count; i++) {
            assert_int_equal(named_tensor_bytes(&state.tensors[i]), named_tensor_bytes(&first.tensors[i]));
            assert_memory_equal(state.tensors[i].data, first.tensors[i].data,
                                (size_t)named_tensor_bytes(&state.tensors[i]));
        }
        assert_ok(histories_of_parts(rt, parts, 1, c->users, &known, err));
        assert_ok(fit_scores(rt, c, &state, &known.view, &scores, err));
        assert_memory_equal(scores, first_scores, (size_t)(c->users * c->items) * sizeof *scores);
        mem_free(scores);
        histories_release(&known);
        model_state_release(&state);
        test_runtime_end(rt, &memory);
    }
    mem_free(first_scores);
    model_state_release(&first);
    test_runtime_end(first_rt, &first_memory);
}

/* A model that was saved and loaded scores as before. */
static inline void fit_check_saving(const fit_case *c)
{
    const interactions *const parts[] = {&c->events};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    char *folder = test_folder();
    const char *path = test_path(folder, "model.safetensors");
    histories_owner known;
    model_state state;
    model_file loaded;
    double *before, *after;
    assert_ok(fit_model(rt, c, &state, err));
    assert_ok(histories_of_parts(rt, parts, 1, c->users, &known, err));
    assert_ok(fit_scores(rt, c, &state, &known.view, &before, err));
    assert_ok(model_save(rt, path, c->class, c->values, &state, c->users, c->items,
                         "0123456789abcdef0123456789abcdef", err));
    assert_ok(model_load(rt, path, &loaded, err));
    fit_case reloaded = *c;
    memcpy(reloaded.values, loaded.params, c->class->params_size);
    assert_ok(fit_scores(rt, &reloaded, &loaded.state, &known.view, &after, err));
    assert_memory_equal(after, before, (size_t)(c->users * c->items) * sizeof *after);
    mem_free(before);
    mem_free(after);
    model_file_release(&loaded);
    histories_release(&known);
    model_state_release(&state);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

/* Every failing allocation is reported and leaks nothing. */
static inline void fit_check_allocations(const fit_case *c)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    double *scores;
    BRUTAL(rt, &memory, fit_and_score(rt, c, &scores, err), mem_free(scores));
    test_runtime_end(rt, &memory);
}

/* One user with one item; nobody with anything; items that nobody has: finite scores everywhere. */
static inline void fit_check_extremes(const fit_case *c)
{
    static const uint32_t zero[] = {0};
    static const float four[] = {4};
    static const int64_t noon[] = {1000000000};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    for (int64_t count = 0; count <= 1; count++)
        for (int64_t items = 1; items <= 20; items += 19) {
            fit_case small = *c;
            double *scores;
            small.events = (interactions){count, zero, zero, four, noon, NULL};
            small.users = 3;
            small.items = items;
            assert_ok(fit_and_score(rt, &small, &scores, err));
            for (int64_t i = 0; i < small.users * items; i++)
                assert_true(scores[i] - scores[i] == 0);
            mem_free(scores);
        }
    test_runtime_end(rt, &memory);
}

static inline void fit_check_all(const fit_case *c)
{
    fit_check_threads(c);
    fit_check_saving(c);
    fit_check_allocations(c);
    fit_check_extremes(c);
}

/* Made up events: a taste for one of five kinds of items, repeats, times that tie, half stars; every tenth user
 * has none, nor has the last item any. */
typedef struct made_events {
    interactions view;
    uint32_t user[8192], item[8192];
    float rating[8192];
    int64_t timestamp[8192];
} made_events;

static inline interactions make_events(made_events *e, uint32_t users, uint32_t items, int each)
{
    int64_t n = 0;
    for (uint32_t u = 0; u < users; u++)
        for (int i = 0; i < each + (int)(u % 7) && u % 10 != 9; i++, n++) {
            const double x = random_uniform(1, u, (uint64_t)i), y = random_uniform(2, u, (uint64_t)i);
            assert_true(n < 8192);
            e->user[n] = u;
            e->item[n] = (uint32_t)(x * x * (items - 1));
            if (y < 0.6)
                e->item[n] -= (e->item[n] + u) % 5 <= e->item[n] ? (e->item[n] + u) % 5 : 0;
            e->rating[n] = (float)(1 + (int)(y * 10)) / 2;
            e->timestamp[n] = 1000000000 + 86400 * (int64_t)(u % 50 + (uint32_t)i / 2);
        }
    e->view = (interactions){n, e->user, e->item, e->rating, e->timestamp, NULL};
    return e->view;
}

#endif
