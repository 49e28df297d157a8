/* A training that is under way: what training_loop.c runs and training_rehearsal.c measures. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "train/checkpoint.h"
#include "train/training_loop.h"

typedef struct trainer {
    const medley_runtime *rt;
    const model_class *class;
    const learner_class *learner;
    const void *params;
    const learning *settings; /* what params starts with */
    const training *data;
    const training_watch *watch;
    void *context; /* the learner's */
    parameters p;
    graph *g;
    schedule_options schedule;
    checkpoint now; /* of p: what would be saved at this moment */
    int64_t history_capacity;
    int64_t examples, epoch_steps; /* of an epoch */

    /* Batches are made by all workers, some at a time. */
    char *batches;
    int64_t batch_bytes, window; /* bytes of a full one, rounded up; how many there is room for */
    batch_place window_at;       /* the first batch of those that are being made */

    double before, began;   /* seconds of earlier parts of the run; the clock when this one began */
    double kept, kept_cost; /* when a checkpoint was written last, and the seconds that took */
    int64_t session_steps;  /* since it was opened */
    char phase[96];
} trainer;

double trainer_seconds(const trainer *t); /* of training, up to now */

/* Ready for the first step. Fails with E_CONFIG, E_NOMEM and as learner->begin. Close it also after a failure. */
MEDLEY_MUST_USE medley_status trainer_open(trainer *t, const medley_runtime *rt, const model_class *class,
                                           const void *params, const training *data, const training_watch *watch,
                                           medley_error *err);
void trainer_close(trainer *t);

/* How many of the epoch's batches, from now.at on, are made together next. */
int64_t trainer_window(const trainer *t);
MEDLEY_MUST_USE medley_status trainer_fill(trainer *t, int64_t count, medley_error *err);
/* A step with the index-th batch of the window; moves now.at. E_DIVERGED leaves everything as it was. */
MEDLEY_MUST_USE medley_status trainer_step(trainer *t, int64_t index, medley_error *err);

#endif
