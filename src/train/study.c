#include "train/study.h"

#include <math.h>

#include "base/tally.h"

typedef struct round_job {
    const study_job *job;
    const medley_runtime *own; /* of a trial */
    study *s;
    int64_t first;
    tally done;
} round_job;

static medley_status judge_one(void *context, int64_t task, int worker, medley_error *err)
{
    round_job *r = context;
    const int64_t trial = r->first + task;
    (void)worker;
    TRY(r->job->judge(r->job->context, r->own, trial, r->s->points + trial * r->job->space->count,
                      &r->s->trials[trial], err));
    return tally_add(&r->done, 1, err);
}

/* Trials first .. s->count - 1. A trial is quiet: progress counts trials, and stopping waits for those that run. */
static medley_status judge_round(const medley_runtime *rt, const study_job *job, study *s, int64_t first,
                                 medley_error *err)
{
    const int64_t count = s->count - first;
    medley_runtime own = *rt;
    round_job r = {.job = job, .own = &own, .s = s, .first = first};
    own.progress = NULL;
    own.log = NULL;
    tally_start(&r.done, rt, job->phase, job->budget);
    atomic_store(&r.done.done, first);
    if (job->at_once && count > 1) {
        own.threads = 1;
        return parallel_run(rt, count, judge_one, &r, err);
    }
    for (int64_t i = 0; i < count; i++)
        TRY(judge_one(&r, i, 0, err));
    return MEDLEY_OK;
}

static double loss_of(const study_job *job, const study_trial *t)
{
    return t->status != MEDLEY_OK || !isfinite(t->value) ? INFINITY : job->more_is_better ? -t->value : t->value;
}

/* Adds up to `wanted` points. */
static medley_status propose_round(const medley_runtime *rt, const study_job *job, int64_t wanted,
                                   const double *losses, study *s, medley_error *err)
{
    const int64_t width = job->space->count;
    bool found = true;
    for (int64_t i = 0; i < wanted && found; i++) {
        double *point = s->points + s->count * width;
        const search_state state = {.space = job->space,
                                    .seed = job->seed,
                                    .budget = job->budget,
                                    .count = s->count,
                                    .points = s->points,
                                    .losses = losses};
        if (s->whole)
            search_space_at(job->space,
                            job->search->grid_points ? job->search->grid_points(job->search_params) : 0, s->count,
                            point);
        else
            TRY(job->search->propose(rt, job->search_params, &state, point, &found, err));
        s->count += found;
    }
    return MEDLEY_OK;
}

static medley_status run_rounds(const medley_runtime *rt, const study_job *job, int64_t trials, double *losses,
                                study *s, medley_error *err)
{
    const int64_t round = job->search->round > 0 && !s->whole ? job->search->round : trials;
    while (s->count < trials) {
        const int64_t first = s->count, left = trials - first;
        TRY(propose_round(rt, job, left < round ? left : round, losses, s, err));
        if (s->count == first)
            break; /* nothing new is left to propose */
        TRY(judge_round(rt, job, s, first, err));
        for (int64_t i = first; i < s->count; i++) {
            losses[i] = loss_of(job, &s->trials[i]);
            if (isfinite(losses[i]) && (s->best < 0 || losses[i] < losses[s->best]))
                s->best = i;
        }
    }
    return MEDLEY_OK;
}

medley_status study_run(const medley_runtime *rt, const study_job *job, study *out, medley_error *err)
{
    const int64_t grid = job->search->grid_points != NULL ? job->search->grid_points(job->search_params) : 0;
    const int64_t size = search_space_size(job->space, grid);
    const int64_t trials = size < job->budget ? size : job->budget;
    double *losses = NULL;
    medley_status status = MEDLEY_OK;
    *out = (study){.best = -1, .whole = size <= job->budget};
    TRY_DONE(mem_alloc_zero(rt, trials * job->space->count, sizeof *out->points, &out->points, err));
    TRY_DONE(mem_alloc_zero(rt, trials, sizeof *out->trials, &out->trials, err));
    TRY_DONE(mem_alloc(rt, trials, sizeof *losses, &losses, err));
    for (int64_t i = 0; i < trials; i++)
        losses[i] = INFINITY;
    status = run_rounds(rt, job, trials, losses, out, err);
done:
    mem_free(losses);
    return status;
}

void study_release(study *s)
{
    mem_free(s->points);
    mem_free(s->trials);
    *s = (study){.best = -1};
}
