/* Everything a training needs to go on as if it had never stopped, in one safetensors file: parameters, optimizer state,
 * place, schedule, early stopping and history. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "train/training_loop.h"

typedef struct training_place {
    int64_t epoch, step_of_epoch, steps; /* done */
    double loss_sum, gradient_sum;       /* of the epoch that is under way */
    int64_t loss_examples;
    double seconds;
    schedule_state schedule;
    double best;
    int64_t best_epoch, validations, without_gain;
} training_place;

/* What a checkpoint is of: another training is refused. */
typedef struct checkpoint_key {
    const char *model;
    const char *settings; /* "batch_size=128\n...": all but those that may change between parts of a run (epochs, patience) */
    const char *data;     /* fingerprint of what is trained on */
    uint64_t seed;
} checkpoint_key;

/* Replaces `path` atomically. The optimizer is settled first. */
MEDLEY_MUST_USE medley_status checkpoint_write(const medley_runtime *rt, const char *path, const checkpoint_key *key,
                                               const parameters *p, optimizer *o, const training_place *at,
                                               const epoch_record *history, int64_t epochs, medley_error *err);
/* Restores all of it; nothing is changed on failure: E_STALE (names what differs), E_FORMAT, E_NOT_FOUND. *history is
 * mem_alloc'd. o NULL: parameters alone (the best ones). */
MEDLEY_MUST_USE medley_status checkpoint_read(const medley_runtime *rt, const char *path, const checkpoint_key *key,
                                              parameters *p, optimizer *o, training_place *at,
                                              epoch_record **history, int64_t *epochs, medley_error *err);

#endif
