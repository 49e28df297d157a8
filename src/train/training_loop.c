#include "train/training_loop.h"

#include <math.h>
#include <time.h>

#include "train/trainer.h"

/* Checkpoints take a twentieth of the time at most. */
enum { KEEP_EVERY = 20, PROBES = 16 };

/* ---- what is kept ---- */

/* What the next part of a run may change. */
static bool may_change(const char *name, const learning *s)
{
    if (strcmp(name, "epochs") == 0)
        return s->schedule != SCHEDULE_COSINE || s->schedule_epochs > 0; /* else it falls over all epochs */
    return strcmp(name, "patience") == 0;
}

/* "batch_size=128\n..." of all settings that must stay. */
static medley_status write_settings(const trainer *t, text *out, medley_error *err)
{
    char *value = NULL;
    int64_t capacity = 0;
    medley_status status;
    for (const medley_param *row = t->class->params; row->kind != MEDLEY_PARAM_END; row++) {
        if (may_change(row->name, t->settings))
            continue;
        const int length = medley_param_format(row, t->params, NULL, 0);
        TRY_DONE(mem_reserve(t->rt, &value, &capacity, (int64_t)length + 1, 1, err));
        medley_param_format(row, t->params, value, (size_t)length + 1);
        text_add(out, row->name);
        text_add(out, "=");
        text_add_plain(out, value);
        text_add(out, "\n");
    }
    status = text_status(out, err);
done:
    mem_free(value);
    return status;
}

static checkpoint_key key_of(const trainer *t, const text *settings)
{
    return (checkpoint_key){.model = t->class->name,
                            .settings = settings->bytes,
                            .data = t->watch->data != NULL ? t->watch->data : "",
                            .seed = t->data->seed};
}

/* Parameters may have become infinite in a step that began with finite ones. */
static medley_status check_parameters(const trainer *t, medley_error *err)
{
    for (int64_t i = 0; i < t->p.count; i++) {
        const parameter *p = t->p.list[i];
        const int64_t count = shape_count(p->shape);
        for (int64_t n = 0; n < count; n++)
            if (!isfinite(p->value[n]))
                return fail(err, MEDLEY_E_DIVERGED,
                            "%s: after step %lld, parameter '%s' is not finite; lower "
                            "learning_rate (%g)",
                            t->class->name, (long long)t->now.at.steps, p->name, t->settings->learning_rate);
    }
    return MEDLEY_OK;
}

/* Writes the checkpoint, and lets the caller write the history. */
static medley_status keep(trainer *t, medley_error *err)
{
    text settings = {.rt = t->rt};
    medley_status status;
    t->now.at.seconds = t->kept = trainer_seconds(t);
    TRY_DONE(check_parameters(t, err));
    if (t->watch->checkpoint != NULL) {
        TRY_DONE(write_settings(t, &settings, err));
        const checkpoint_key key = key_of(t, &settings);
        TRY_DONE(checkpoint_write(t->rt, t->watch->checkpoint, &key, &t->now, err));
    }
    status = MEDLEY_OK;
    if (t->watch->epoch_done != NULL && t->now.epochs > 0)
        status = t->watch->epoch_done(t->watch->context, t->now.history, t->now.epochs, err);
done:
    t->kept_cost = trainer_seconds(t) - t->kept;
    text_release(&settings);
    return status;
}

static bool keep_is_due(const trainer *t)
{
    return t->watch->checkpoint_steps > 0 || t->kept_cost == 0 ||
           trainer_seconds(t) - t->kept >= KEEP_EVERY * t->kept_cost;
}

static medley_status resume(trainer *t, medley_error *err)
{
    text settings = {.rt = t->rt};
    medley_status status = write_settings(t, &settings, err);
    if (status == MEDLEY_OK) {
        const checkpoint_key key = key_of(t, &settings);
        status = checkpoint_read(t->rt, t->watch->resume, &key, &t->now, err);
    }
    text_release(&settings);
    TRY(status);
    t->history_capacity = t->now.epochs;
    t->before = t->now.at.seconds;
    if (t->now.at.step_of_epoch > t->epoch_steps)
        return fail(err, MEDLEY_E_FORMAT, "%s: step %lld of an epoch of %lld steps", t->watch->resume,
                    (long long)t->now.at.step_of_epoch, (long long)t->epoch_steps);
    return MEDLEY_OK;
}

/* ---- validation ---- */

static double score(const scoring *how, int64_t user, int64_t item)
{
    double sum = how->bias != NULL ? (double)how->bias[item] : 0;
    for (int64_t d = 0; d < how->factors; d++)
        sum += (double)how->user[user * how->factors + d] * (double)how->item[item * how->factors + d];
    return sum;
}

/* Whether the scores of some items that were trained on are all equal for each of some users. Nobody's list means
 * anything then, and metrics, which take ties into account, do not say so. */
static bool has_collapsed(const scoring *how, const interactions *events)
{
    const int64_t stride = events->count / PROBES > 0 ? events->count / PROBES : 1;
    bool several = false;
    if (how->form != SCORING_FACTORED || how->user == NULL)
        return false;
    for (int64_t a = 0; a < events->count; a += stride)
        for (int64_t b = stride; b < events->count; b += stride) {
            several = several || events->item[b] != events->item[0];
            if (score(how, events->user[a], events->item[b]) != score(how, events->user[a], events->item[0]))
                return false;
        }
    return several;
}

/* The metric of the parameters as they are. */
static medley_status validate(trainer *t, double *value, medley_error *err)
{
    model_state state = {0};
    scoring how;
    medley_status status;
    const int64_t epoch = t->now.at.epoch + 1;
    TRY_DONE(t->learner->finish(t->rt, t->context, &t->p, &state, err));
    TRY_DONE(t->class->scoring(t->params, &state, t->data->users, t->data->items, &how, err));
    if (has_collapsed(&how, &t->data->events))
        TRY_DONE(
            fail(err, MEDLEY_E_DIVERGED,
                 "%s: after epoch %lld all items have the same score; lower learning_rate (%g), or what pulls "
                 "parameters to zero",
                 t->class->name, (long long)epoch, t->settings->learning_rate));
    TRY_DONE(t->watch->validate(t->watch->context, t->rt, &state, value, err));
    if (!isfinite(*value))
        status = fail(err, MEDLEY_E_DIVERGED, "%s: after epoch %lld %s is not a number", t->class->name,
                      (long long)epoch, t->settings->metric);
done:
    model_state_release(&state);
    return status;
}

static bool is_validated(const trainer *t)
{
    const int64_t epoch = t->now.at.epoch + 1;
    return t->now.best != NULL && (epoch % t->settings->validate_every == 0 || epoch == t->settings->epochs);
}

static void note_validation(trainer *t, double value, training_place *at)
{
    const bool more = t->watch->more_is_better;
    const bool better = at->best_epoch == 0 || (more ? value > at->best : value < at->best);
    at->validations++;
    at->without_gain = better ? 0 : at->without_gain + 1;
    schedule_validated(&t->schedule, &at->schedule, value, more);
    if (!better)
        return;
    at->best = value;
    at->best_epoch = at->epoch + 1;
    memcpy(t->now.best, t->p.values, (size_t)t->p.values_count * sizeof *t->now.best);
}

/* ---- epochs ---- */

static double time_of_day(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Ends an epoch whose steps are done: until all of it has succeeded the place is before its end. */
static medley_status close_epoch(trainer *t, double examples_a_second, medley_error *err)
{
    training_place at = t->now.at;
    double value = NAN;
    const double rate =
        t->settings->learning_rate * schedule_factor(&t->schedule, &at.schedule, at.steps - 1, at.epoch);
    optimizer_settle(t->now.o);
    TRY(check_parameters(t, err));
    TRY(mem_reserve(t->rt, &t->now.history, &t->history_capacity, t->now.epochs + 1, sizeof *t->now.history, err));
    if (is_validated(t)) {
        TRY(validate(t, &value, err));
        note_validation(t, value, &at);
    }
    t->now.history[t->now.epochs++] = (epoch_record){
        .epoch = at.epoch + 1,
        .step = at.steps,
        .loss = at.loss_examples > 0 ? at.loss_sum / (double)at.loss_examples : NAN,
        .rate = t->epoch_steps > 0 ? rate : NAN,
        .gradient = t->epoch_steps > 0 ? at.gradient_sum / (double)t->epoch_steps : NAN,
        .metric = value,
        .seconds = trainer_seconds(t),
        .examples_a_second = examples_a_second,
        .time = time_of_day(),
    };
    at.epoch++;
    at.step_of_epoch = 0;
    at.loss_sum = at.gradient_sum = 0;
    at.loss_examples = 0;
    t->now.at = at;
    return MEDLEY_OK;
}

/* Told once a window: a phase of the same words up to ':' is one phase. */
static void name_phase(trainer *t)
{
    const training_place *at = &t->now.at;
    if (at->loss_examples > 0)
        snprintf(t->phase, sizeof t->phase, "training %.40s: loss %.4g", t->class->name,
                 at->loss_sum / (double)at->loss_examples);
}

/* Steps with the batches of a window. Stopping waits for the end of a step. */
static medley_status run_window(trainer *t, int64_t count, medley_error *err)
{
    for (int64_t i = 0; i < count; i++) {
        TRY(trainer_step(t, i, err));
        const int64_t every = t->watch->checkpoint_steps;
        if (every > 0 && t->now.at.steps % every == 0)
            TRY(keep(t, err));
        const int64_t done = t->now.at.epoch * t->examples + t->now.at.step_of_epoch * t->settings->batch_size;
        TRY(runtime_progress(t->rt, t->phase, done, t->settings->epochs * t->examples, err));
    }
    name_phase(t);
    return MEDLEY_OK;
}

static medley_status run_epoch(trainer *t, medley_error *err)
{
    const double start = trainer_seconds(t);
    const int64_t first = t->now.at.loss_examples;
    while (t->now.at.step_of_epoch < t->epoch_steps) {
        const int64_t count = trainer_window(t);
        TRY(trainer_fill(t, count, err));
        TRY(run_window(t, count, err));
    }
    const double seconds = trainer_seconds(t) - start, examples = (double)(t->now.at.loss_examples - first);
    TRY(close_epoch(t, examples > 0 && seconds > 0 ? examples / seconds : NAN, err));
    return keep_is_due(t) ? keep(t, err) : MEDLEY_OK;
}

static bool stops_early(const trainer *t)
{
    return t->settings->patience > 0 && t->now.at.without_gain >= t->settings->patience;
}

static medley_status run_epochs(trainer *t, medley_error *err)
{
    if (t->watch->resume != NULL)
        TRY(resume(t, err));
    while (t->now.at.epoch < t->settings->epochs && !stops_early(t))
        TRY(run_epoch(t, err));
    return MEDLEY_OK;
}

/* ---- the whole ---- */

static void tell(const trainer *t, training_outcome *out)
{
    const training_place *at = &t->now.at;
    *out = (training_outcome){
        .epochs = at->epoch,
        .steps = at->steps,
        .best_epoch = at->best_epoch,
        .resumed_steps = at->steps - t->session_steps,
        .best = at->best,
        .loss = t->now.epochs > 0 ? t->now.history[t->now.epochs - 1].loss : NAN,
        .seconds = trainer_seconds(t),
        .stopped_early = at->epoch < t->settings->epochs,
        .parameter_bytes = parameters_bytes(&t->p),
        .step_bytes = graph_bytes(t->g),
    };
    for (int64_t i = 0; i < t->p.count; i++)
        out->parameters += shape_count(t->p.list[i]->shape);
}

/* The tensors of the best parameters. */
static medley_status finish(trainer *t, model_state *state, medley_error *err)
{
    optimizer_settle(t->now.o);
    if (t->now.at.best_epoch > 0)
        memcpy(t->p.values, t->now.best, (size_t)t->p.values_count * sizeof *t->p.values);
    return t->learner->finish(t->rt, t->context, &t->p, state, err);
}

static medley_status learn(trainer *t, model_state *state, training_outcome *outcome, medley_error *err)
{
    medley_error own = {MEDLEY_OK, ""};
    medley_status status = run_epochs(t, err);
    if (status == MEDLEY_E_STOPPED && keep(t, &own) != MEDLEY_OK)
        return fail(err, own.status, "%s", own.message);
    if (status == MEDLEY_OK)
        status = keep(t, err);
    tell(t, outcome);
    return status == MEDLEY_OK ? finish(t, state, err) : status;
}

static medley_status fit(const medley_runtime *rt, const model_class *class, const void *params,
                         const training *data, model_state *state, training_outcome *outcome, medley_error *err)
{
    const double start = runtime_seconds();
    TRY(class->fit(rt, params, data, state, err));
    *outcome = (training_outcome){.loss = NAN, .seconds = runtime_seconds() - start};
    return MEDLEY_OK;
}

medley_status train_model(const medley_runtime *rt, const model_class *class, const void *params,
                          const training *data, const training_watch *watch, model_state *state,
                          training_outcome *outcome, medley_error *err)
{
    static const training_watch nothing = {0};
    training_outcome unused;
    trainer t;
    outcome = outcome != NULL ? outcome : &unused;
    *outcome = (training_outcome){0};
    if (class->learner == NULL)
        return fit(rt, class, params, data, state, outcome, err);
    medley_status status = trainer_open(&t, rt, class, params, data, watch != NULL ? watch : &nothing, err);
    if (status == MEDLEY_OK)
        status = learn(&t, state, outcome, err);
    trainer_close(&t);
    return status;
}
