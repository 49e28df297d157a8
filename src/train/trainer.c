#include "train/trainer.h"

#include <math.h>

enum { WINDOW_BATCHES = 16, WINDOW_EXAMPLES = 1 << 18, ALIGNMENT = 64 };

double trainer_seconds(const trainer *t)
{
    return t->before + runtime_seconds() - t->began;
}

/* ---- opening ---- */

static medley_status check_settings(const trainer *t, medley_error *err)
{
    const learning *s = t->settings;
    const bool validates = t->watch->validate != NULL && s->validate_every > 0;
    if (t->learner->needs_ratings && t->data->matrix.value == NULL)
        return fail(err, MEDLEY_E_CONFIG, "model: '%s' learns from ratings, which the store does not have",
                    t->class->name);
    if (s->patience > 0 && !validates)
        return fail(err, MEDLEY_E_CONFIG,
                    "patience: %lld; nothing is validated here, so nothing can end the training",
                    (long long)s->patience);
    if (s->schedule == SCHEDULE_PLATEAU && !validates)
        return fail(err, MEDLEY_E_CONFIG, "schedule: plateau; nothing is validated here that it could follow");
    return MEDLEY_OK;
}

static optimizer_options options_of(const learning *s)
{
    optimizer_options o = optimizer_defaults((optimizer_kind)s->optimizer);
    o.rows = (optimizer_rows)s->rows;
    o.momentum = s->momentum;
    o.beta1 = s->beta1;
    o.beta2 = s->beta2;
    o.weight_decay = s->weight_decay;
    o.clip_norm = s->clip_norm;
    return o;
}

static schedule_options schedule_of(const learning *s, int64_t epoch_steps)
{
    return (schedule_options){
        .kind = (schedule_kind)s->schedule,
        .warmup = s->warmup_steps,
        .steps = epoch_steps * (s->schedule_epochs > 0 ? s->schedule_epochs : s->epochs),
        .every = s->schedule_every,
        .patience = s->schedule_patience,
        .gamma = s->schedule_gamma,
        .floor = s->schedule_floor,
        .threshold = 1e-4, /* PyTorch's */
    };
}

static medley_status make_batches(trainer *t, medley_error *err)
{
    const int64_t size = t->settings->batch_size < t->examples ? t->settings->batch_size : t->examples;
    const int64_t bytes = t->learner->batch_bytes(t->context, size);
    t->window = WINDOW_EXAMPLES / t->settings->batch_size;
    t->window = t->window < 1 ? 1 : t->window > WINDOW_BATCHES ? WINDOW_BATCHES : t->window;
    t->window = t->window < t->epoch_steps ? t->window : t->epoch_steps;
    t->batch_bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return mem_alloc(t->rt, t->window, (size_t)t->batch_bytes, &t->batches, err);
}

/* What is there at the same time at least, whatever a step needs. */
static int64_t least_bytes(const parameters *p, const learning *s, bool validates)
{
    int64_t rows = 0;
    for (int64_t i = 0; i < p->count; i++)
        rows += p->list[i]->kind == PARAMETER_ROWS ? shape_rows(p->list[i]->shape) : 0;
    return parameters_bytes(p) + optimizer_bytes((optimizer_kind)s->optimizer, p->values_count, rows) +
           (validates ? p->values_count * (int64_t)sizeof(real) : 0);
}

medley_status train_least_bytes(const medley_runtime *rt, const model_class *class, const void *params,
                                const training *data, int64_t *bytes, medley_error *err)
{
    parameters p;
    void *context = NULL;
    *bytes = 0;
    if (class->learner == NULL)
        return MEDLEY_OK;
    parameters_init(rt, &p);
    const medley_status status = class->learner->begin(rt, params, data, &context, err);
    if (status == MEDLEY_OK) {
        class->learner->declare(context, &p);
        *bytes = least_bytes(&p, params, true);
    }
    if (context != NULL)
        class->learner->end(context);
    parameters_release(&p);
    return status;
}

medley_status trainer_open(trainer *t, const medley_runtime *rt, const model_class *class, const void *params,
                           const training *data, const training_watch *watch, medley_error *err)
{
    const learning *s = params;
    *t = (trainer){.rt = rt,
                   .class = class,
                   .learner = class->learner,
                   .params = params,
                   .settings = s,
                   .data = data,
                   .watch = watch};
    const optimizer_options options = options_of(s);
    const bool validates = watch->validate != NULL && s->validate_every > 0;
    parameters_init(rt, &t->p);
    t->now.p = &t->p;
    TRY(check_settings(t, err));
    TRY(t->learner->begin(rt, params, data, &t->context, err));
    t->examples = t->learner->examples(t->context);
    t->epoch_steps = (t->examples + s->batch_size - 1) / s->batch_size;
    t->schedule = schedule_of(s, t->epoch_steps);
    t->learner->declare(t->context, &t->p);
    TRY(runtime_memory_fits(class->name, t->p.values_count, "numbers to be learnt",
                            (double)least_bytes(&t->p, s, validates), class->advice, err));
    TRY(parameters_allocate(rt, &t->p, data->seed, err));
    TRY(optimizer_create(rt, &t->p, &options, &t->now.o, err));
    TRY(graph_create(rt, &t->g, err));
    graph_use_bf16(t->g, s->mixed_precision);
    graph_on_touch(t->g, optimizer_touch, t->now.o);
    TRY(make_batches(t, err));
    if (validates)
        TRY(mem_alloc_zero(rt, t->p.values_count, sizeof *t->now.best, &t->now.best, err));
    snprintf(t->phase, sizeof t->phase, "training %s", class->name);
    t->began = runtime_seconds();
    return MEDLEY_OK;
}

void trainer_close(trainer *t)
{
    mem_free(t->now.history);
    mem_free(t->now.best);
    mem_free(t->batches);
    graph_free(t->g);
    optimizer_free(t->now.o);
    parameters_release(&t->p);
    if (t->context != NULL)
        t->learner->end(t->context);
    t->context = NULL;
}

/* ---- batches ---- */

static batch_place place_of(const trainer *t, int64_t epoch, int64_t step)
{
    const int64_t size = t->settings->batch_size, first = step * size;
    return (batch_place){
        .seed = t->data->seed,
        .epoch = epoch,
        .step = step,
        .first = first,
        .count = t->examples - first < size ? t->examples - first : size,
    };
}

static medley_status fill_one(void *context, int64_t task, int worker, medley_error *err)
{
    const trainer *t = context;
    const batch_place at = place_of(t, t->window_at.epoch, t->window_at.step + task);
    (void)worker, (void)err;
    t->learner->fill(t->context, &at, t->batches + task * t->batch_bytes);
    return MEDLEY_OK;
}

int64_t trainer_window(const trainer *t)
{
    const int64_t left = t->epoch_steps - t->now.at.step_of_epoch;
    return left < t->window ? left : t->window;
}

medley_status trainer_fill(trainer *t, int64_t count, medley_error *err)
{
    t->window_at = place_of(t, t->now.at.epoch, t->now.at.step_of_epoch);
    return parallel_run(t->rt, count, fill_one, t, err);
}

/* ---- a step ---- */

static medley_status diverged(const trainer *t, const char *what, medley_error *err)
{
    const learning *s = t->settings;
    return fail(err, MEDLEY_E_DIVERGED, "%s: epoch %lld, step %lld: %.300s; lower learning_rate (%g)%s",
                t->class->name, (long long)t->now.at.epoch + 1, (long long)t->now.at.step_of_epoch + 1, what,
                s->learning_rate, s->clip_norm == 0 ? ", or set clip_norm" : "");
}

medley_status trainer_step(trainer *t, int64_t index, medley_error *err)
{
    training_place *at = &t->now.at;
    const batch_place place = place_of(t, at->epoch, at->step_of_epoch);
    medley_error own = {MEDLEY_OK, ""};
    double norm = 0;
    graph_begin(t->g, (graph_place){.seed = t->data->seed, .step = (uint64_t)at->steps, .training = true});
    node *loss = t->learner->loss(t->context, t->g, t->batches + index * t->batch_bytes);
    TRY(graph_status(t->g, err));
    const double value = (double)loss->value[0];
    if (!isfinite(value))
        return diverged(t, isnan(value) ? "the loss is nan" : "the loss is infinite", err);
    TRY(graph_backward(t->g, loss, err));
    const double rate =
        t->settings->learning_rate * schedule_factor(&t->schedule, &at->schedule, at->steps, at->epoch);
    const medley_status status = optimizer_step(t->now.o, rate, &norm, &own);
    if (status != MEDLEY_OK)
        return status == MEDLEY_E_LIMIT ? diverged(t, own.message, err) : fail(err, status, "%s", own.message);
    at->loss_sum += value * (double)place.count;
    at->loss_examples += place.count;
    at->gradient_sum += norm;
    at->step_of_epoch++;
    at->steps++;
    t->session_steps++;
    return MEDLEY_OK;
}
