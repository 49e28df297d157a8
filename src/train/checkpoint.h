/* Everything a training needs to go on as if it had never stopped, in one safetensors file: parameters, the best ones so
 * far, optimizer state, place, schedule, early stopping and history.
 *
 *   history            F64 [epochs, EPOCH_RECORD_NUMBERS]
 *   parameter/<name>   as it was declared; <state>/<name> of the optimizer ("m/user") and best/<name> likewise
 *   optimizer/as_of    I64 [rows of all tables] the step of which each row is, where rows may lag behind (optim/optimizer.h)
 *   optimizer/rate     F64 [steps] learning rates of the last steps, those that rows may have missed
 *
 * The rest are texts of the metadata. Sampling has no state: batches come from (seed, epoch, step). Writing changes nothing:
 * a training that is kept in the middle goes on to the same bits as one that is not. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "train/history.h"

typedef struct training_place {
    int64_t epoch, step_of_epoch, steps; /* done */
    double loss_sum, gradient_sum;       /* of the epoch that is under way: loss × examples, gradient a step */
    int64_t loss_examples;
    double seconds;
    schedule_state schedule;
    double best;
    int64_t best_epoch, validations, without_gain; /* best_epoch 0: none */
} training_place;

/* What a checkpoint is of: another training is refused. */
typedef struct checkpoint_key {
    const char *model;
    const char *
        settings; /* "batch_size=128\n...": all but those that may change between parts of a run (epochs, patience) */
    const char *data; /* fingerprint of what is trained on */
    uint64_t seed;
} checkpoint_key;

/* What is saved and restored. */
typedef struct checkpoint {
    parameters *p;
    optimizer *o;
    real *best; /* [p->values_count] parameters of the best epoch; saved if there is one; NULL: never */
    training_place at;
    epoch_record *history; /* [epochs] */
    int64_t epochs;
} checkpoint;

/* Replaces `path` atomically. */
MEDLEY_MUST_USE medley_status checkpoint_write(const medley_runtime *rt, const char *path,
                                               const checkpoint_key *key, const checkpoint *c, medley_error *err);
/* Restores all of it into c->p, c->o and c->best, which have the sizes of the training that goes on; c->history is made by
 * mem_alloc. Nothing is changed on failure: E_STALE (names what differs), E_FORMAT, E_NOT_FOUND, E_IO, E_NOMEM. */
MEDLEY_MUST_USE medley_status checkpoint_read(const medley_runtime *rt, const char *path,
                                              const checkpoint_key *key, checkpoint *c, medley_error *err);

#endif
