/* What a training will take, found out by its first steps. */
#include <stdatomic.h>

#include "train/trainer.h"

enum { STEPS = 6, WARM = 2 };

/* An allocator that notes how much is there at the same time. */
typedef struct counted_memory {
    medley_allocator below;
    _Atomic int64_t live, peak;
} counted_memory;

static void *resize(void *context, void *block, size_t old_size, size_t new_size)
{
    counted_memory *m = context;
    void *moved = m->below.resize(m->below.context, block, old_size, new_size);
    if (moved == NULL && new_size > 0)
        return NULL;
    const int64_t change = (int64_t)new_size - (int64_t)old_size;
    const int64_t live = atomic_fetch_add(&m->live, change) + change;
    int64_t peak = atomic_load(&m->peak);
    while (live > peak && !atomic_compare_exchange_weak(&m->peak, &peak, live))
        ;
    return moved;
}

/* Seconds of a step, and of making its batch. */
static medley_status run_steps(trainer *t, double *seconds, medley_error *err)
{
    const int64_t count = trainer_window(t) < STEPS ? trainer_window(t) : STEPS;
    const int64_t warm = count > WARM ? WARM : 0;
    const double start = trainer_seconds(t);
    TRY(trainer_fill(t, count, err));
    const double filled = trainer_seconds(t);
    double warmed = filled;
    for (int64_t i = 0; i < count; i++) {
        warmed = i == warm ? trainer_seconds(t) : warmed;
        TRY(trainer_step(t, i, err));
    }
    if (count > 0)
        *seconds = (filled - start) / (double)count + (trainer_seconds(t) - warmed) / (double)(count - warm);
    return MEDLEY_OK;
}

static medley_status rehearse(trainer *t, training_cost *out, medley_error *err)
{
    const learning *s = t->settings;
    const bool validates = s->validate_every > 0;
    model_state state = {0};
    scoring how = {0};
    medley_status status;
    TRY_DONE(run_steps(t, &out->step_seconds, err));
    TRY_DONE(t->learner->finish(t->rt, t->context, &t->p, &state, err));
    TRY_DONE(t->class->scoring(t->params, &state, t->data->users, t->data->items, &how, err));
    out->steps = s->epochs * t->epoch_steps;
    out->validations = validates ? (s->epochs + s->validate_every - 1) / s->validate_every : 0;
    out->form = how.form;
    out->factors = how.factors;
done:
    model_state_release(&state);
    return status;
}

/* Stands for the real one: room for the best parameters is made, and it is never called. */
static medley_status validate(void *context, const medley_runtime *rt, const model_state *state, double *value,
                              medley_error *err)
{
    (void)context, (void)rt, (void)state, (void)err;
    *value = 0;
    return MEDLEY_OK;
}

medley_status train_rehearse(const medley_runtime *rt, const model_class *class, const void *params,
                             const training *data, training_cost *out, medley_error *err)
{
    static const training_watch watch = {.validate = validate};
    counted_memory memory = {.below = rt->allocator};
    medley_runtime counted = *rt;
    trainer t;
    *out = (training_cost){0};
    counted.allocator = (medley_allocator){resize, &memory};
    counted.progress = NULL;
    medley_status status = trainer_open(&t, &counted, class, params, data, &watch, err);
    if (status == MEDLEY_OK)
        status = rehearse(&t, out, err);
    trainer_close(&t);
    out->bytes = atomic_load(&memory.peak);
    return status;
}
