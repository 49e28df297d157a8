/* Every model that is learnt by gradients: stopped anywhere and gone on with, or killed and gone on with from the checkpoint
 * that was there, on any number of threads, it ends with the bits and the history of a training in one go; and its warm
 * steps allocate nothing. train/training_loop_test.c has the loop's own cases, on a model made for them. */
#include "testing.h"

#include <math.h>

#include "fit_model.h"
#include "made_features.h"
#include "model/learner.h"

#include "fixture.h"

enum { USERS = 40, ITEMS = 30, LENGTH = 5, EPOCHS = 3, PATHS = 4096 };

static made_events made;
static csr_owner matrix;
static char store[PATHS], whole_way[PATHS], left[PATHS];

static int set_up_data(void **state)
{
    float values[ITEMS * LENGTH];
    set_up(state);
    make_events(&made, USERS, ITEMS, 8);
    const interactions *const parts[] = {&made.view};
    assert_ok(matrix_of_parts(rt, parts, 1, USERS, ITEMS, true, &matrix, err));
    snprintf(store, sizeof store, "%s", test_path(folder, "store"));
    snprintf(whole_way, sizeof whole_way, "%s", test_path(folder, "checkpoint.safetensors"));
    snprintf(left, sizeof left, "%s", test_path(folder, "left.safetensors"));
    for (uint64_t k = 0; k < ITEMS * LENGTH; k++)
        values[k] = (float)random_uniform(3, 0, k);
    made_items(rt, store, ITEMS);
    made_features(rt, store, "features", values, ITEMS, LENGTH);
    return 0;
}

static int tear_down_data(void **state)
{
    csr_release(&matrix);
    return tear_down(state);
}

/* ---- a training ---- */

typedef struct settings {
    _Alignas(16) char values[FIT_VALUES];
} settings;

/* Quick, and what may differ between trainings: products in bfloat16, the way rows are updated and what is drawn. */
static settings settings_of(const model_class *class, int variant)
{
    static const char *const quick[][3] = {{"epochs", "3", "3"},
                                           {"batch_size", "48", "48"},
                                           {"factors", "4", "4"},
                                           {"validate_every", "1", "1"},
                                           {"clip_norm", "0.5", "0"},
                                           {"warmup_steps", "4", "0"},
                                           {"schedule", "plateau", "step"},
                                           {"schedule_patience", "0", "0"},
                                           {"schedule_every", "1", "1"},
                                           {"rows", "exact", "lazy"},
                                           {"negatives", "uniform", "batch"},
                                           {"mixed_precision", "false", "true"}};
    settings s;
    assert_true(class->params_size <= sizeof s.values);
    medley_params_reset(class->params, s.values);
    for (size_t k = 0; k < sizeof quick / sizeof *quick; k++) {
        const medley_param *p = medley_param_find(class->params, quick[k][0]);
        if (p != NULL)
            assert_ok(medley_param_set(p, s.values, quick[k][1 + variant], err));
    }
    return s;
}
enum { VARIANTS = 2 };

/* What a training tells, and when it is interrupted. */
typedef struct told {
    epoch_record all[EPOCHS];
    int64_t epochs, steps;
    int64_t stop_at; /* the step after which it is asked to stop; 0: none */
    int64_t
        kill_at; /* the step after which the checkpoint there is is put aside, as a process that died would leave it */
} told;

/* Something between 0 and 1 that has nothing to do with how good the model is: it rises and falls. */
static medley_status validate(void *context, const medley_runtime *own, const model_state *state, double *value,
                              medley_error *err)
{
    const float *first = state->tensors[0].data;
    const int64_t count = named_tensor_bytes(&state->tensors[0]) / (int64_t)sizeof *first;
    double sum = 0;
    (void)context, (void)own, (void)err;
    for (int64_t k = 0; k < count; k++)
        sum += (double)first[k] * (double)(k + 1);
    *value = sum - floor(sum);
    return MEDLEY_OK;
}

static medley_status epoch_done(void *context, const epoch_record *all, int64_t count, medley_error *err)
{
    told *t = context;
    (void)err;
    assert_in_range(count, t->epochs, EPOCHS);
    memcpy(t->all, all, (size_t)count * sizeof *all);
    t->epochs = count;
    return MEDLEY_OK;
}

static bool interrupt(void *context, const char *phase, int64_t done, int64_t total)
{
    told *t = context;
    (void)phase, (void)done, (void)total;
    if (++t->steps == t->kill_at) {
        size_t length;
        char *const bytes = test_read(whole_way, &length);
        test_write(left, bytes, length);
        test_read_end(bytes);
    }
    return t->steps != t->stop_at;
}

typedef struct trained {
    model_state state;
    training_outcome end;
} trained;

/* The tensors outlive the runtime that made them. */
static void adopt(model_state *s)
{
    for (int64_t k = 0; k < s->count; k++) {
        const int64_t bytes = named_tensor_bytes(&s->tensors[k]);
        void *copy;
        assert_ok(mem_alloc(rt, bytes, 1, &copy, err));
        memcpy(copy, s->tensors[k].data, (size_t)bytes);
        mem_free(s->owned[k]);
        s->tensors[k].data = s->owned[k] = copy;
    }
}

static medley_status train(int threads, const model_class *class, int variant, const char *resume,
                           int64_t checkpoint_steps, told *t, trained *out, medley_error *err)
{
    const settings s = settings_of(class, variant);
    const training data = {
        .users = USERS, .items = ITEMS, .events = made.view, .matrix = matrix.view, .folder = store, .seed = 7};
    const training_watch watch = {.context = t,
                                  .validate = validate,
                                  .more_is_better = true,
                                  .epoch_done = epoch_done,
                                  .checkpoint = whole_way,
                                  .resume = resume,
                                  .data = "of the test",
                                  .checkpoint_steps = checkpoint_steps};
    test_memory own_memory;
    medley_runtime *own = test_runtime(&own_memory, threads);
    own->progress = interrupt;
    own->progress_context = t;
    *out = (trained){.end = {0}};
    const medley_status status = train_model(own, class, s.values, &data, &watch, &out->state, &out->end, err);
    own->progress = NULL;
    if (status == MEDLEY_OK)
        adopt(&out->state);
    else
        model_state_release(&out->state);
    test_runtime_end(own, &own_memory);
    return status;
}

static void assert_same(const char *how, const model_class *class, const trained *a, const told *told_a,
                        const trained *b, const told *told_b)
{
    bool same = a->state.count == b->state.count && told_a->epochs == told_b->epochs &&
                a->end.steps == b->end.steps && a->end.best_epoch == b->end.best_epoch;
    for (int64_t k = 0; same && k < a->state.count; k++)
        same = named_tensor_bytes(&a->state.tensors[k]) == named_tensor_bytes(&b->state.tensors[k]) &&
               memcmp(a->state.tensors[k].data, b->state.tensors[k].data,
                      (size_t)named_tensor_bytes(&a->state.tensors[k])) == 0;
    for (int64_t e = 0; same && e < told_a->epochs; e++) {
        const epoch_record *x = &told_a->all[e], *y = &told_b->all[e];
        same = x->epoch == y->epoch && x->step == y->step && x->loss == y->loss && x->rate == y->rate &&
               x->gradient == y->gradient && x->metric == y->metric;
    }
    if (!same)
        fail_msg("%s, %s, is not what it is in one go", class->name, how);
}

/* ---- every model ---- */

static const model_class *next_learner(const model_class *after)
{
    const model_class *const *c = model_classes;
    for (; after != NULL && *c++ != after;)
        ;
    for (; *c != NULL && (*c)->learner == NULL; c++)
        ;
    return *c;
}

#define FOR_EACH_LEARNER(class, variant)                                                            \
    for (const model_class *class = next_learner(NULL); class != NULL; class = next_learner(class)) \
        for (int variant = 0; variant < VARIANTS; variant++)

static const int thread_counts[] = {1, 2, 4};

/* In one go on one thread. */
static void train_whole(const model_class *class, int variant, trained *out, told *t)
{
    *t = (told){.epochs = 0};
    assert_ok(train(1, class, variant, NULL, 0, t, out, err));
    assert_int_equal(t->epochs, EPOCHS);
    assert_int_equal(out->end.steps, t->steps);
    assert_true(out->end.steps > 4 * EPOCHS);
}

static void test_the_bits_are_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    FOR_EACH_LEARNER(class, v)
    {
        trained whole, other;
        told of_whole, of_other;
        train_whole(class, v, &whole, &of_whole);
        for (size_t k = 1; k < sizeof thread_counts / sizeof *thread_counts; k++) {
            of_other = (told){.epochs = 0};
            assert_ok(train(thread_counts[k], class, v, NULL, 0, &of_other, &other, err));
            assert_same("on several threads", class, &whole, &of_whole, &other, &of_other);
            model_state_release(&other.state);
        }
        model_state_release(&whole.state);
    }
}

/* After every step with one thread, after some with more. */
static void test_stopped_and_resumed_is_as_in_one_go(void **state)
{
    (void)state;
    FOR_EACH_LEARNER(class, v)
    {
        trained whole, part;
        told of_whole;
        train_whole(class, v, &whole, &of_whole);
        for (int k = 0; k < 3; k++)
            for (int64_t stop = 1; stop <= whole.end.steps; stop += k == 0 ? 1 : 7) {
                told t = {.stop_at = stop};
                assert_fails(train(thread_counts[k], class, v, NULL, 0, &t, &part, err), MEDLEY_E_STOPPED,
                             "stopped");
                assert_int_equal(t.steps, stop);
                t = (told){.epochs = 0};
                assert_ok(train(thread_counts[2 - k], class, v, whole_way, 0, &t, &part, err));
                assert_int_equal(part.end.resumed_steps, stop);
                assert_int_equal(t.steps, whole.end.steps - stop);
                assert_same("stopped and resumed", class, &whole, &of_whole, &part, &t);
                model_state_release(&part.state);
            }
        model_state_release(&whole.state);
    }
}

/* With a checkpoint every three steps: killed after any, it goes on from the last that is whole. */
static void test_killed_and_resumed_is_as_in_one_go(void **state)
{
    (void)state;
    enum { EVERY = 3 };
    FOR_EACH_LEARNER(class, v)
    {
        trained whole, part;
        told of_whole;
        train_whole(class, v, &whole, &of_whole);
        for (int64_t kill = EVERY; kill < whole.end.steps; kill += 4) {
            told t = {.kill_at = kill, .stop_at = kill + 1};
            assert_fails(train(1, class, v, NULL, EVERY, &t, &part, err), MEDLEY_E_STOPPED, "stopped");
            t = (told){.epochs = 0};
            assert_ok(train(kill % 2 == 0 ? 2 : 1, class, v, left, EVERY, &t, &part, err));
            assert_in_range(part.end.resumed_steps, kill - EVERY + 1, kill);
            assert_same("killed and resumed", class, &whole, &of_whole, &part, &t);
            model_state_release(&part.state);
        }
        model_state_release(&whole.state);
    }
}

/* ---- memory ---- */

typedef struct noted {
    const test_memory *of;
    int64_t steps, allocations[512];
} noted;

static bool note_allocations(void *context, const char *phase, int64_t done, int64_t total)
{
    noted *n = context;
    (void)phase, (void)done, (void)total;
    assert_true(n->steps < 512);
    n->allocations[n->steps++] = n->of->allocations;
    return true;
}

/* Between the steps of an epoch but the first, which has to learn how much the largest batch needs. */
static void test_a_warm_step_allocates_nothing(void **state)
{
    (void)state;
    FOR_EACH_LEARNER(class, v)
    for (int threads = 1; threads <= 2; threads++) {
        const settings s = settings_of(class, v);
        const training data = {.users = USERS,
                               .items = ITEMS,
                               .events = made.view,
                               .matrix = matrix.view,
                               .folder = store,
                               .seed = 7};
        /* schedule plateau goes with validation alone */
        const training_watch watch = {.validate = validate, .more_is_better = true};
        test_memory own_memory;
        noted n = {.of = &own_memory};
        model_state trained_state = {0};
        medley_runtime *own = test_runtime(&own_memory, threads);
        own->progress = note_allocations;
        own->progress_context = &n;
        assert_ok(train_model(own, class, s.values, &data, &watch, &trained_state, NULL, err));
        own->progress = NULL;
        const int64_t epoch = n.steps / EPOCHS;
        assert_int_equal(n.steps, epoch * EPOCHS);
        for (int64_t k = 1; k < n.steps; k++)
            if (k % epoch != 0 && k > 2 && n.allocations[k] != n.allocations[k - 1])
                fail_msg("%s: step %lld makes %lld allocations", class->name, (long long)k + 1,
                         (long long)(n.allocations[k] - n.allocations[k - 1]));
        model_state_release(&trained_state);
        test_runtime_end(own, &own_memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bits_are_the_same_for_any_number_of_threads),
        cmocka_unit_test(test_stopped_and_resumed_is_as_in_one_go),
        cmocka_unit_test(test_killed_and_resumed_is_as_in_one_go),
        cmocka_unit_test(test_a_warm_step_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, set_up_data, tear_down_data);
}
