#include "testing.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "autograd/row_terms.h"
#include "io/file.h"
#include "train/checkpoint.h"
#include "train/training_loop.h"

#include "fixture.h"

/* ---- a small model: scores <p_u, q_i>, squared error to ratings and to a drawn item's zero ---- */

typedef struct toy_params {
    learning settings;
    int64_t factors;
    double start;         /* of all vectors; 0: random */
    int64_t poison_step;  /* from which on the loss is no number; -1: never */
    int64_t poison_grad;  /* from which on the gradient is infinite; -1: never */
    int64_t poison_value; /* the step in which a parameter becomes infinite; -1: none */
} toy_params;

static const medley_param toy_table[] = {
    MEDLEY_INT(toy_params, factors, "4", 1, 100, .help = "of vectors"),
    MEDLEY_REAL(toy_params, start, "0", -10, 1e30, .help = "of vectors"),
    MEDLEY_INT(toy_params, poison_step, "-1", -1, 1000, .help = "of the loss"),
    MEDLEY_INT(toy_params, poison_grad, "-1", -1, 1000, .help = "of the gradient"),
    MEDLEY_INT(toy_params, poison_value, "-1", -1, 1000, .help = "of a parameter"),
    LEARNING_ROWS(toy_params, "4", "32", "0.05", "adam", "exact", "recall@20"),
    MEDLEY_PARAMS_END,
};

typedef struct toy {
    const toy_params *p;
    const training *data;
    parameter *user, *item, *shift;
    int64_t steps;
} toy;

typedef struct toy_batch {
    int64_t count;
    uint32_t *user, *item;
    real *target;
} toy_batch;

static medley_status toy_begin(const medley_runtime *own, const void *params, const training *data, void **context,
                               medley_error *err)
{
    toy *t;
    TRY(mem_alloc_zero(own, 1, sizeof *t, &t, err));
    *t = (toy){.p = params, .data = data};
    *context = t;
    return MEDLEY_OK;
}

static void toy_end(void *context)
{
    mem_free(context);
}

static void toy_declare(void *context, parameters *p)
{
    toy *t = context;
    const initial start = t->p->start != 0 ? (initial){INITIAL_CONSTANT, t->p->start, 0} : initial_xavier_uniform;
    t->user = parameters_add(p, "user", shape_2(t->data->users, t->p->factors), PARAMETER_ROWS, start);
    t->item = parameters_add(p, "item", shape_2(t->data->items, t->p->factors), PARAMETER_ROWS, start);
    t->shift = parameters_add(p, "shift", shape_1(1), PARAMETER_DENSE, initial_zero);
}

static int64_t toy_examples(const void *context)
{
    return ((const toy *)context)->data->events.count;
}

static int64_t toy_batch_bytes(const void *context, int64_t count)
{
    (void)context;
    return (int64_t)sizeof(toy_batch) + count * (int64_t)(2 * sizeof(uint32_t) + sizeof(real));
}

/* Every third example is a drawn item with target 0. */
static void toy_fill(const void *context, const batch_place *at, void *batch)
{
    const toy *t = context;
    const interactions *e = &t->data->events;
    toy_batch *b = batch;
    b->count = at->count;
    b->target = (real *)(void *)(b + 1);
    b->user = (uint32_t *)(void *)(b->target + at->count);
    b->item = b->user + at->count;
    for (int64_t i = 0; i < at->count; i++) {
        const int64_t place = ((at->first + i) * 7 + at->epoch * 13) % e->count;
        const bool drawn = i % 3 == 2;
        const double u = random_uniform(at->seed, (uint64_t)at->epoch, (uint64_t)(at->first + i));
        b->user[i] = e->user[place];
        b->item[i] = drawn ? (uint32_t)(u * (double)t->data->items) : e->item[place];
        b->target[i] = drawn ? 0 : (real)e->rating[place];
    }
}

typedef struct toy_saved {
    const toy *t;
    const toy_batch *b;
    real *error; /* [B] score - target */
} toy_saved;

static void toy_backward(graph *g, node *n)
{
    const toy_saved *s = n->saved;
    const int64_t count = s->b->count, D = s->t->p->factors;
    bool add;
    row_term *user = row_terms_add(g, s->t->user, count), *item = row_terms_add(g, s->t->item, count);
    real *shift = graph_grad(g, n->input[0], &add), sum = 0;
    if (user == NULL || item == NULL || shift == NULL)
        return;
    const bool poisoned = s->t->p->poison_grad >= 0 && s->t->steps > s->t->p->poison_grad;
    for (int64_t i = 0; i < count; i++) {
        const real scale = poisoned ? (real)INFINITY : n->grad[0] * 2 * s->error[i] / (real)count;
        user[i] = (row_term){s->t->item->value + s->b->item[i] * D, s->b->user[i], scale};
        item[i] = (row_term){s->t->user->value + s->b->user[i] * D, s->b->item[i], scale};
        sum += scale;
    }
    shift[0] = (add ? shift[0] : 0) + sum;
}

static const op_class toy_op = {
    .name = "toy", .equation = "mean of (<p, q> + shift - target)²", .backward = toy_backward};

static node *toy_loss(void *context, graph *g, const void *batch)
{
    toy *t = context;
    const toy_batch *b = batch;
    const int64_t D = t->p->factors;
    graph_touch(g, t->user, b->user, b->count);
    graph_touch(g, t->item, b->item, b->count);
    node *input[] = {graph_parameter(g, t->shift)};
    node *n = graph_node(g, &toy_op, shape_scalar(), input, 1);
    toy_saved *s = graph_alloc(g, 1, sizeof *s);
    real *error = graph_alloc(g, b->count, sizeof *error), sum = 0;
    if (graph_failed(g))
        return n;
    for (int64_t i = 0; i < b->count; i++) {
        real x = t->shift->value[0];
        for (int64_t d = 0; d < D; d++)
            x += t->user->value[b->user[i] * D + d] * t->item->value[b->item[i] * D + d];
        error[i] = x - b->target[i];
        sum += error[i] * error[i];
    }
    *s = (toy_saved){t, b, error};
    n->saved = s;
    n->value[0] = t->p->poison_step >= 0 && t->steps >= t->p->poison_step ? (real)NAN : sum / (real)b->count;
    if (t->steps == t->p->poison_value)
        t->shift->value[0] = (real)INFINITY;
    t->steps++;
    return n;
}

static medley_status toy_finish(const medley_runtime *own, void *context, const parameters *p, model_state *state,
                                medley_error *err)
{
    const toy *t = context;
    (void)p;
    TRY(model_add_copy(own, state, "user", t->user->shape, t->user->value, err));
    return model_add_copy(own, state, "item", t->item->shape, t->item->value, err);
}

static medley_status toy_scoring(const void *params, const model_state *state, int64_t users, int64_t items,
                                 scoring *out, medley_error *err)
{
    return factored_scoring(state, users, items, ((const toy_params *)params)->factors, false, out, err);
}

static const learner_class toy_learner = {
    .loss_name = "squares",
    .begin = toy_begin,
    .end = toy_end,
    .declare = toy_declare,
    .examples = toy_examples,
    .batch_bytes = toy_batch_bytes,
    .fill = toy_fill,
    .loss = toy_loss,
    .finish = toy_finish,
};

static const model_class toy_model = {.name = "toy",
                                      .params = toy_table,
                                      .params_size = sizeof(toy_params),
                                      .advice = "lower factors",
                                      .learner = &toy_learner,
                                      .scoring = toy_scoring};

/* ---- its data and its runs ---- */

enum { USERS = 23, ITEMS = 17, EVENTS = 150 };

static training toy_data(void)
{
    static uint32_t user[EVENTS], item[EVENTS];
    static float rating[EVENTS];
    for (int i = 0; i < EVENTS; i++) {
        user[i] = (uint32_t)(i * USERS / EVENTS);
        item[i] = (uint32_t)(random_uniform(1, 2, (uint64_t)i) * ITEMS);
        rating[i] = (float)(1 + (user[i] + item[i]) % 2);
    }
    return (training){.users = USERS,
                      .items = ITEMS,
                      .events = {.count = EVENTS, .user = user, .item = item, .rating = rating},
                      .seed = 11};
}

/* settings: key, value, ..., NULL. */
static toy_params settings_of(const char *const *settings)
{
    toy_params p = {.factors = 0};
    medley_params_reset(toy_table, &p);
    for (; *settings != NULL; settings += 2)
        assert_ok(medley_param_set(medley_param_find(toy_table, settings[0]), &p, settings[1], err));
    return p;
}
#define SETTINGS(...) settings_of((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

/* What validation says, epoch by epoch; without a script, minus the error of the ratings. */
typedef struct script {
    const double *values;
    int64_t calls, stop_at, told; /* stop_at: the call that asks to stop; 0: none */
    epoch_record last;
} script;

static medley_status validate(void *context, const medley_runtime *own, const model_state *state, double *value,
                              medley_error *err)
{
    script *s = context;
    const training data = toy_data();
    const float *user = state->tensors[0].data, *item = state->tensors[1].data;
    const int64_t D = state->tensors[0].shape[1];
    (void)own;
    s->calls++;
    if (s->calls == s->stop_at)
        return fail(err, MEDLEY_E_STOPPED, "stopped while ranking");
    *value = 0;
    for (int64_t i = 0; i < EVENTS; i++) {
        double x = 0;
        for (int64_t d = 0; d < D; d++)
            x += (double)user[data.events.user[i] * D + d] * (double)item[data.events.item[i] * D + d];
        *value -= fabs(x - (double)data.events.rating[i]);
    }
    if (s->values != NULL)
        *value = s->values[s->calls - 1];
    return MEDLEY_OK;
}

static medley_status epoch_done(void *context, const epoch_record *all, int64_t count, medley_error *err)
{
    script *s = context;
    (void)err;
    s->told = count;
    s->last = all[count - 1];
    return MEDLEY_OK;
}

static const char *last(void)
{
    return test_path(folder, "last.safetensors");
}

static medley_status train(const medley_runtime *own, const toy_params *p, training_watch watch, script *s,
                           model_state *state, training_outcome *outcome, medley_error *err)
{
    const training data = toy_data();
    watch.context = s;
    watch.validate = s != NULL ? validate : NULL;
    watch.epoch_done = s != NULL ? epoch_done : NULL;
    *state = (model_state){0};
    const medley_status status = train_model(own, &toy_model, p, &data, &watch, state, outcome, err);
    if (status != MEDLEY_OK)
        model_state_release(state);
    return status;
}

static void assert_same_state(const model_state *a, const model_state *b)
{
    assert_int_equal(a->count, b->count);
    for (int64_t i = 0; i < a->count; i++)
        assert_memory_equal(a->tensors[i].data, b->tensors[i].data, (size_t)named_tensor_bytes(&a->tensors[i]));
}

/* But for times. */
static void assert_same_record(const epoch_record *a, const epoch_record *b)
{
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->step, b->step);
    assert_memory_equal(&a->loss, &b->loss, sizeof a->loss);
    assert_memory_equal(&a->rate, &b->rate, sizeof a->rate);
    assert_memory_equal(&a->gradient, &b->gradient, sizeof a->gradient);
    assert_memory_equal(&a->metric, &b->metric, sizeof a->metric);
}

/* ---- learning ---- */

static void test_the_loss_falls_and_the_outcome_is_told(void **state)
{
    (void)state;
    model_state one, many;
    training_outcome first, end;
    const toy_params short_one = SETTINGS("epochs", "1"), long_one = SETTINGS("epochs", "30");
    assert_ok(train(rt, &short_one, (training_watch){0}, NULL, &one, &first, err));
    assert_ok(train(rt, &long_one, (training_watch){0}, NULL, &many, &end, err));
    assert_true(end.loss < 0.5 * first.loss);
    assert_int_equal(end.epochs, 30);
    assert_int_equal(end.steps, 30 * 5); /* 150 examples: 4 batches of 32 and one of 22 */
    assert_int_equal(end.best_epoch, 0);
    assert_int_equal(end.parameters, (USERS + ITEMS) * 4 + 1);
    assert_true(end.step_bytes > 0 && end.parameter_bytes >= (int64_t)sizeof(real) * end.parameters);
    assert_false(end.stopped_early);
    model_state_release(&one);
    model_state_release(&many);
}

static void test_the_bits_are_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    static const char *const optimizers[][2] = {
        {"adam", "exact"}, {"adam", "lazy"}, {"sgd", "exact"}, {"adagrad", "lazy"}};
    for (int o = 0; o < 4; o++) {
        const toy_params p = SETTINGS("optimizer", optimizers[o][0], "rows", optimizers[o][1], "momentum", "0.5");
        model_state first, other;
        assert_ok(train(rt, &p, (training_watch){0}, NULL, &first, NULL, err));
        for (int threads = 2; threads <= 4; threads += 2) {
            test_memory own_memory;
            medley_runtime *own = test_runtime(&own_memory, threads);
            assert_ok(train(own, &p, (training_watch){0}, NULL, &other, NULL, err));
            assert_same_state(&first, &other);
            model_state_release(&other);
            test_runtime_end(own, &own_memory);
        }
        model_state_release(&first);
    }
}

/* ---- stopping and going on ---- */

typedef struct stopper {
    int64_t calls, stop_at;
    bool dies;
} stopper;

static bool stop_there(void *context, const char *phase, int64_t done, int64_t total)
{
    stopper *s = context;
    assert_true(strncmp(phase, "training toy", 12) == 0);
    assert_true(done > 0 && total > 0);
    if (++s->calls == s->stop_at && s->dies)
        _exit(7);
    return s->calls != s->stop_at;
}

static const char *const resumed[][5] = {
    {"adam", "exact", "constant", "0", NULL},
    {"adam", "lazy", "plateau", "0", NULL},
    {"sgd", "exact", "cosine", "0.01", NULL},
    {"adamw", "exact", "step", "0.1", NULL},
};

static toy_params resumed_settings(int which)
{
    return SETTINGS("optimizer", resumed[which][0], "rows", resumed[which][1], "schedule", resumed[which][2],
                    "weight_decay", resumed[which][3], "momentum", "0.9", "schedule_every", "1",
                    "schedule_patience", "1", "clip_norm", "1", "warmup_steps", "3", "validate_every", "1",
                    "learning_rate", "0.01");
}

/* Stopped after every step there is, and gone on with: the bits of a run that was not. */
static void test_stopped_and_resumed_is_as_uninterrupted(void **state)
{
    (void)state;
    static const double flat[] = {1, 1, 1, 1}; /* so that a plateau counts */
    for (int which = 0; which < 4; which++) {
        const toy_params p = resumed_settings(which);
        script whole = {.values = which == 1 ? flat : NULL};
        model_state want, got;
        training_outcome end;
        assert_ok(train(rt, &p, (training_watch){.checkpoint = last()}, &whole, &want, &end, err));
        assert_int_equal(end.steps, 20);
        for (int64_t stop = 1; stop <= 20; stop += which == 0 ? 1 : 3) {
            stopper s = {.stop_at = stop};
            script part = {.values = whole.values};
            const training_watch from = {.checkpoint = last(), .resume = last()};
            rt->progress = stop_there;
            rt->progress_context = &s;
            assert_fails(train(rt, &p, (training_watch){.checkpoint = last()}, &part, &got, NULL, err),
                         MEDLEY_E_STOPPED, "stopped while training toy");
            rt->progress = NULL;
            assert_ok(train(rt, &p, from, &part, &got, &end, err));
            assert_same_state(&want, &got);
            assert_int_equal(end.resumed_steps, stop);
            assert_int_equal(end.steps, 20);
            assert_int_equal(part.calls, whole.calls);
            assert_same_record(&part.last, &whole.last);
            model_state_release(&got);
        }
        model_state_release(&want);
    }
}

static void test_stopped_in_a_validation_and_resumed_is_as_uninterrupted(void **state)
{
    (void)state;
    const toy_params p = resumed_settings(1);
    script whole = {.calls = 0};
    model_state want, got;
    assert_ok(train(rt, &p, (training_watch){.checkpoint = last()}, &whole, &want, NULL, err));
    for (int64_t stop = 1; stop <= 4; stop++) {
        script part = {.stop_at = stop};
        assert_fails(train(rt, &p, (training_watch){.checkpoint = last()}, &part, &got, NULL, err),
                     MEDLEY_E_STOPPED, "stopped while ranking");
        part.stop_at = 0;
        assert_ok(train(rt, &p, (training_watch){.checkpoint = last(), .resume = last()}, &part, &got, NULL, err));
        assert_same_state(&want, &got);
        assert_same_record(&part.last, &whole.last);
        model_state_release(&got);
    }
    model_state_release(&want);
}

/* A process that dies after any step leaves the checkpoint of an earlier one. */
static void test_killed_and_resumed_is_as_uninterrupted(void **state)
{
    (void)state;
    const toy_params p = resumed_settings(0);
    const char *const path = last();
    model_state want, got;
    script s = {.calls = 0};
    assert_ok(train(rt, &p, (training_watch){0}, &s, &want, NULL, err));
    for (int64_t stop = 3; stop <= 20; stop += 2) {
        assert_ok(file_remove_tree(rt, path, err));
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            stopper dying = {.stop_at = stop, .dies = true};
            rt->progress = stop_there;
            rt->progress_context = &dying;
            (void)train(rt, &p, (training_watch){.checkpoint = path, .checkpoint_steps = 3}, &s, &got, NULL, NULL);
            _exit(0);
        }
        int how;
        training_outcome end;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_int_equal(WEXITSTATUS(how), 7);
        assert_ok(train(rt, &p, (training_watch){.resume = path}, &s, &got, &end, err));
        assert_true(end.resumed_steps <= stop && end.resumed_steps > stop - 3);
        assert_same_state(&want, &got);
        model_state_release(&got);
    }
    model_state_release(&want);
}

static void test_a_finished_run_goes_on_for_more_epochs(void **state)
{
    (void)state;
    const toy_params half = SETTINGS("epochs", "3", "validate_every", "1"),
                     whole = SETTINGS("epochs", "6", "validate_every", "1", "patience", "100");
    const training_watch from = {.checkpoint = last(), .resume = last()};
    model_state want, got;
    training_outcome end;
    script s = {.calls = 0};
    assert_ok(train(rt, &whole, (training_watch){0}, &s, &want, NULL, err));
    assert_ok(train(rt, &half, (training_watch){.checkpoint = last()}, &s, &got, NULL, err));
    model_state_release(&got);
    assert_ok(train(rt, &half, from, &s, &got, &end, err)); /* nothing is left to do */
    assert_int_equal(end.steps, end.resumed_steps);
    model_state_release(&got);
    assert_ok(train(rt, &whole, from, &s, &got, &end, err));
    assert_int_equal(end.resumed_steps, 15);
    assert_int_equal(end.steps, 30);
    assert_same_state(&want, &got);
    model_state_release(&got);
    model_state_release(&want);
}

static void test_a_checkpoint_of_other_settings_is_refused(void **state)
{
    (void)state;
    const training_watch from = {.resume = last(), .data = "abc"}, to = {.checkpoint = last(), .data = "abc"};
    const toy_params p = SETTINGS(), other = SETTINGS("batch_size", "16"), cosine = SETTINGS("schedule", "cosine"),
                     more = SETTINGS("schedule", "cosine", "epochs", "9");
    model_state got;
    assert_ok(train(rt, &p, to, NULL, &got, NULL, err));
    model_state_release(&got);
    assert_fails(train(rt, &other, from, NULL, &got, NULL, err), MEDLEY_E_STALE,
                 "batch_size is 16, but the checkpoint is of 32");
    assert_fails(train(rt, &p, (training_watch){.resume = last(), .data = "abd"}, NULL, &got, NULL, err),
                 MEDLEY_E_STALE, "other data");
    assert_ok(train(rt, &cosine, to, NULL, &got, NULL, err));
    model_state_release(&got);
    assert_fails(train(rt, &more, from, NULL, &got, NULL, err), MEDLEY_E_STALE,
                 "epochs is 9, but the checkpoint is of 4");
}

/* Cut short after 4 epochs, and gone on with for the other 5, it is the cosine of 9. */
static void test_a_cosine_over_more_epochs_than_there_are_is_the_start_of_a_longer_one(void **state)
{
    (void)state;
    const toy_params whole = SETTINGS("schedule", "cosine", "epochs", "9"),
                     start = SETTINGS("schedule", "cosine", "epochs", "4", "schedule_epochs", "9"),
                     rest = SETTINGS("schedule", "cosine", "epochs", "9", "schedule_epochs", "9"),
                     shorter = SETTINGS("schedule", "cosine", "epochs", "4");
    model_state want, got, other;
    assert_ok(train(rt, &whole, (training_watch){0}, NULL, &want, NULL, err));
    assert_ok(train(rt, &start, (training_watch){.checkpoint = last()}, NULL, &other, NULL, err));
    assert_ok(train(rt, &shorter, (training_watch){0}, NULL, &got, NULL, err));
    assert_memory_not_equal(got.tensors[0].data, other.tensors[0].data, named_tensor_bytes(&got.tensors[0]));
    model_state_release(&other);
    model_state_release(&got);
    assert_ok(train(rt, &rest, (training_watch){.resume = last()}, NULL, &got, NULL, err));
    assert_same_state(&want, &got);
    model_state_release(&got);
    model_state_release(&want);
}

/* ---- memory ---- */

static int64_t noted[200];

static bool note_allocations(void *context, const char *phase, int64_t done, int64_t total)
{
    int64_t *calls = context;
    (void)phase, (void)done, (void)total;
    noted[(*calls)++] = memory.allocations;
    return true;
}

static void test_a_warm_step_allocates_nothing(void **state)
{
    (void)state;
    static const char *const optimizers[] = {"adam", "sgd", "adagrad"};
    for (int o = 0; o < 3; o++) {
        const toy_params p = SETTINGS("batch_size", "2", "epochs", "2", "optimizer", optimizers[o]);
        model_state got;
        int64_t calls = 0;
        rt->progress = note_allocations;
        rt->progress_context = &calls;
        assert_ok(train(rt, &p, (training_watch){0}, NULL, &got, NULL, err));
        rt->progress = NULL;
        assert_int_equal(calls, 150);
        for (int64_t i = 4; i < 75; i++) {
            assert_int_equal(noted[i], noted[3]);
            assert_int_equal(noted[75 + i], noted[78]);
        }
        model_state_release(&got);
    }
}

static medley_status train_and_release(const toy_params *p, training_watch watch, script *s, medley_error *err)
{
    model_state got;
    TRY(train(rt, p, watch, s, &got, NULL, err));
    model_state_release(&got);
    return MEDLEY_OK;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    const toy_params p = SETTINGS("epochs", "2", "validate_every", "1");
    script s = {.calls = 0};
    BRUTAL(rt, &memory, train_and_release(&p, (training_watch){.checkpoint = last()}, &s, err), (void)0);
    BRUTAL(rt, &memory, train_and_release(&p, (training_watch){.resume = last()}, &s, err), (void)0);
}

static void test_a_full_disk_ends_it_and_leaves_a_checkpoint_or_none(void **state)
{
    (void)state;
    const toy_params p = SETTINGS("epochs", "2", "validate_every", "1");
    const training_watch to = {.checkpoint = last(), .checkpoint_steps = 4};
    script s = {.calls = 0};
    FULL_DISK(rt, &memory, train_and_release(&p, to, &s, err),
              if (file_exists(last()))
                  assert_int_equal(train_and_release(&p, (training_watch){.resume = last()}, &s, NULL), MEDLEY_OK),
              (void)0);
}

static void test_a_rehearsal_counts_bytes_and_leaves_nothing(void **state)
{
    (void)state;
    const toy_params p = SETTINGS("epochs", "3", "validate_every", "2", "factors", "100", "patience", "2");
    const training data = toy_data();
    training_cost cost;
    int64_t least;
    assert_ok(train_rehearse(rt, &toy_model, &p, &data, &cost, err));
    assert_ok(train_least_bytes(rt, &toy_model, &p, &data, &least, err));
    assert_int_equal(cost.steps, 15);
    assert_int_equal(cost.validations, 2);
    assert_int_equal(cost.factors, 100);
    assert_true(cost.step_seconds > 0);
    /* values, two states of Adam, the best ones and a copy of the model */
    assert_true(least >= 4 * (USERS + ITEMS) * 100 * (int64_t)sizeof(real));
    assert_true(cost.bytes >= least + (USERS + ITEMS) * 100 * (int64_t)sizeof(float));
    BRUTAL(rt, &memory, train_rehearse(rt, &toy_model, &p, &data, &cost, err), (void)0);
    BRUTAL(rt, &memory, train_least_bytes(rt, &toy_model, &p, &data, &least, err), (void)0);
}

/* ---- diverging ---- */

static void test_a_loss_that_is_no_number_ends_it_and_the_last_good_checkpoint_stays(void **state)
{
    (void)state;
    const toy_params good = SETTINGS("epochs", "2"), bad = SETTINGS("poison_step", "12"),
                     grad = SETTINGS("poison_grad", "3", "clip_norm", "1");
    model_state want, got;
    assert_fails(
        train(rt, &bad, (training_watch){.checkpoint = last(), .checkpoint_steps = 100}, NULL, &got, NULL, err),
        MEDLEY_E_DIVERGED, "toy: epoch 3, step 3: the loss is nan; lower learning_rate (0.05), or set clip_norm");
    /* what is kept is the end of the second epoch */
    const toy_params end = SETTINGS("epochs", "2", "poison_step", "12");
    assert_ok(train(rt, &end, (training_watch){.resume = last()}, NULL, &got, NULL, err));
    assert_ok(train(rt, &good, (training_watch){0}, NULL, &want, NULL, err));
    assert_same_state(&want, &got);
    model_state_release(&got);
    model_state_release(&want);
    assert_fails(train(rt, &grad, (training_watch){0}, NULL, &got, NULL, err), MEDLEY_E_DIVERGED,
                 "toy: epoch 1, step 4: the gradient is not finite (parameter '");
}

static void test_parameters_beyond_numbers_are_no_good_checkpoint(void **state)
{
    (void)state;
    /* in the last step of the second epoch, after its loss */
    const toy_params p = SETTINGS("poison_value", "9"), end = SETTINGS("poison_value", "9", "epochs", "1");
    training_outcome kept;
    model_state got;
    assert_fails(
        train(rt, &p, (training_watch){.checkpoint = last(), .checkpoint_steps = 100}, NULL, &got, NULL, err),
        MEDLEY_E_DIVERGED, "toy: after step 10, parameter 'shift' is not finite; lower learning_rate (0.05)");
    assert_ok(train(rt, &end, (training_watch){.resume = last()}, NULL, &got, &kept, err));
    assert_int_equal(kept.steps, 5);
    model_state_release(&got);
}

static void test_equal_scores_for_all_items_are_a_collapse(void **state)
{
    (void)state;
    /* all vectors start alike and are not moved by a rate of almost nothing */
    const toy_params p = SETTINGS("epochs", "2", "validate_every", "2", "start", "0.5", "optimizer", "sgd",
                                  "learning_rate", "1e-30");
    script s = {.calls = 0};
    model_state got;
    assert_fails(train(rt, &p, (training_watch){0}, &s, &got, NULL, err), MEDLEY_E_DIVERGED,
                 "toy: after epoch 2 all items have the same score; lower learning_rate (1e-30)");
    assert_int_equal(s.calls, 0);
}

static void test_a_metric_that_is_no_number_is_told(void **state)
{
    (void)state;
    static const double values[] = {1, NAN};
    const toy_params p = SETTINGS("validate_every", "1");
    script s = {.values = values};
    model_state got;
    assert_fails(train(rt, &p, (training_watch){0}, &s, &got, NULL, err), MEDLEY_E_DIVERGED,
                 "after epoch 2 recall@20 is not a number");
}

/* ---- choosing ---- */

static void test_early_stopping_ends_with_the_best(void **state)
{
    (void)state;
    static const double rising[] = {0.1, 0.3, 0.3, 0.2, 9}, falling[] = {9, 7, 8, 7, 0};
    const toy_params p = SETTINGS("epochs", "20", "validate_every", "1", "patience", "2"),
                     two = SETTINGS("epochs", "2");
    model_state want, got;
    assert_ok(train(rt, &two, (training_watch){0}, NULL, &want, NULL, err));
    for (int more = 0; more < 2; more++) {
        script s = {.values = more == 1 ? rising : falling};
        training_outcome end;
        assert_ok(train(rt, &p, (training_watch){.more_is_better = more == 1}, &s, &got, &end, err));
        assert_int_equal(end.epochs, 4);
        assert_int_equal(end.best_epoch, 2);
        assert_true(end.best == s.values[1]);
        assert_true(end.stopped_early);
        assert_same_state(&want, &got);
        model_state_release(&got);
    }
    model_state_release(&want);
}

static void test_the_last_epoch_is_validated_too(void **state)
{
    (void)state;
    const toy_params p = SETTINGS("epochs", "5", "validate_every", "2");
    script s = {.calls = 0};
    model_state got;
    assert_ok(train(rt, &p, (training_watch){0}, &s, &got, NULL, err));
    assert_int_equal(s.calls, 3);
    assert_int_equal(s.told, 5);
    assert_int_equal(s.last.epoch, 5);
    assert_true(isfinite(s.last.metric) && s.last.rate == 0.05 && s.last.step == 25);
    model_state_release(&got);
}

static void test_what_needs_validation_is_refused_without(void **state)
{
    (void)state;
    const toy_params patient = SETTINGS("patience", "3"), plateau = SETTINGS("schedule", "plateau"),
                     never = SETTINGS("patience", "3", "validate_every", "0");
    model_state got;
    script s = {.calls = 0};
    assert_fails(train(rt, &patient, (training_watch){0}, NULL, &got, NULL, err), MEDLEY_E_CONFIG,
                 "patience: 3; nothing");
    assert_fails(train(rt, &plateau, (training_watch){0}, NULL, &got, NULL, err), MEDLEY_E_CONFIG,
                 "schedule: plateau");
    assert_fails(train(rt, &never, (training_watch){0}, &s, &got, NULL, err), MEDLEY_E_CONFIG,
                 "patience: 3; nothing");
}

static void test_ratings_that_are_missing_are_named(void **state)
{
    (void)state;
    learner_class needy = toy_learner;
    model_class model = toy_model;
    const toy_params p = SETTINGS();
    const training data = toy_data();
    model_state got = {0};
    needy.needs_ratings = true;
    model.learner = &needy;
    assert_fails(train_model(rt, &model, &p, &data, NULL, &got, NULL, err), MEDLEY_E_CONFIG,
                 "model: 'toy' learns from ratings");
}

static void test_nothing_to_learn_from_is_no_failure(void **state)
{
    (void)state;
    const toy_params p = SETTINGS("epochs", "3");
    training data = toy_data();
    model_state got = {0};
    training_outcome end;
    data.events.count = 0;
    assert_ok(train_model(rt, &toy_model, &p, &data, NULL, &got, &end, err));
    assert_int_equal(end.steps, 0);
    assert_int_equal(end.epochs, 3);
    model_state_release(&got);
}

/* ---- models that are fitted at once ---- */

static medley_status fit_at_once(const medley_runtime *own, const void *params, const training *data,
                                 model_state *state, medley_error *err)
{
    static const int64_t two[] = {2};
    float *out;
    (void)params, (void)data;
    return model_add(own, state, "bias", TENSOR_F32, 1, two, &out, err);
}

static void test_a_model_without_a_learner_is_fitted(void **state)
{
    (void)state;
    const model_class simple = {.name = "simple", .fit = fit_at_once};
    const training data = toy_data();
    training_outcome end;
    model_state got = {0};
    int64_t least;
    assert_ok(train_model(rt, &simple, NULL, &data, NULL, &got, &end, err));
    assert_int_equal(got.count, 1);
    assert_int_equal(end.epochs, 0);
    assert_true(end.seconds >= 0);
    model_state_release(&got);
    assert_ok(train_least_bytes(rt, &simple, NULL, &data, &least, err));
    assert_int_equal(least, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_loss_falls_and_the_outcome_is_told),
        cmocka_unit_test(test_the_bits_are_the_same_for_any_number_of_threads),
        cmocka_unit_test(test_stopped_and_resumed_is_as_uninterrupted),
        cmocka_unit_test(test_stopped_in_a_validation_and_resumed_is_as_uninterrupted),
        cmocka_unit_test(test_killed_and_resumed_is_as_uninterrupted),
        cmocka_unit_test(test_a_finished_run_goes_on_for_more_epochs),
        cmocka_unit_test(test_a_checkpoint_of_other_settings_is_refused),
        cmocka_unit_test(test_a_cosine_over_more_epochs_than_there_are_is_the_start_of_a_longer_one),
        cmocka_unit_test(test_a_warm_step_allocates_nothing),
        cmocka_unit_test(test_every_allocation_can_fail),
        cmocka_unit_test(test_a_full_disk_ends_it_and_leaves_a_checkpoint_or_none),
        cmocka_unit_test(test_a_rehearsal_counts_bytes_and_leaves_nothing),
        cmocka_unit_test(test_a_loss_that_is_no_number_ends_it_and_the_last_good_checkpoint_stays),
        cmocka_unit_test(test_parameters_beyond_numbers_are_no_good_checkpoint),
        cmocka_unit_test(test_equal_scores_for_all_items_are_a_collapse),
        cmocka_unit_test(test_a_metric_that_is_no_number_is_told),
        cmocka_unit_test(test_early_stopping_ends_with_the_best),
        cmocka_unit_test(test_the_last_epoch_is_validated_too),
        cmocka_unit_test(test_what_needs_validation_is_refused_without),
        cmocka_unit_test(test_ratings_that_are_missing_are_named),
        cmocka_unit_test(test_nothing_to_learn_from_is_no_failure),
        cmocka_unit_test(test_a_model_without_a_learner_is_fitted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
