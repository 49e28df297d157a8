/* A study: a search strategy and what judges its trials, a fixed number of trials or the whole space if that is
 * smaller. Knows nothing of models. */
#ifndef TRAIN_STUDY_H
#define TRAIN_STUDY_H

#include "train/search.h"

enum { STUDY_MESSAGE = 300 };

typedef struct study_trial {
    medley_status status; /* OK, or why there is no value */
    double value, seconds;
    int64_t best_epoch;          /* of a model that was validated on the way; 0: it was not */
    char message[STUDY_MESSAGE]; /* of a failed one, cut to fit */
} study_trial;

/* Judges a point, or says in *out that it cannot be judged; a failure that it returns ends the study. Called from
 * several threads at once when job->at_once; `rt` is the trial's own. */
typedef medley_status (*study_judge)(void *context, const medley_runtime *rt, int64_t trial, const double *point,
                                     study_trial *out, medley_error *err);

typedef struct study_job {
    const char *phase; /* of progress */
    const search_class *search;
    const void *search_params;
    const search_space *space;
    uint64_t seed;
    int64_t budget;
    bool more_is_better;
    bool
        at_once; /* trials of a round side by side, a thread each; otherwise one after the other with all threads */
    study_judge judge;
    void *context;
} study_job;

typedef struct study {
    int64_t count; /* trials */
    double *points;
    study_trial *trials;
    bool whole;   /* the whole space was tried */
    int64_t best; /* the earliest trial of the best value; -1: all failed */
} study;

/* The same trials with the same values, whatever the threads. Fails with E_STOPPED after the trials that run, with
 * E_NOMEM, and as job->judge. Release with study_release, also after a failure. */
MEDLEY_MUST_USE medley_status study_run(const medley_runtime *rt, const study_job *job, study *out,
                                        medley_error *err);
void study_release(study *s);

#endif
