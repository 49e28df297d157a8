/* Training by gradients: batches, steps, validation, early stopping, checkpoints. Also fits models that are fitted at once,
 * so that callers need not tell them apart.
 *
 * The same seed gives the same bits for any number of threads, and whether the run was interrupted or not: batches come from
 * (seed, epoch, step), everything else is in the checkpoint. */
#ifndef TRAIN_TRAINING_LOOP_H
#define TRAIN_TRAINING_LOOP_H

#include "model/learner.h"

/* What happened at the end of an epoch. NaN: not measured. */
typedef struct epoch_record {
    int64_t epoch, step; /* epochs and steps done */
    double loss;         /* mean over the epoch's examples */
    double rate;         /* learning rate of the last step */
    double gradient;     /* mean length of the gradient before clipping */
    double metric;       /* of validation */
    double seconds;      /* since the start, interruptions taken out */
    double examples_a_second;
} epoch_record;

/* What the caller adds to a training. All may be NULL or 0. */
typedef struct training_watch {
    void *context;
    /* The metric of a model in memory, on validation. NULL: settings that ask for it are E_CONFIG unless `may_skip`. */
    medley_status (*validate)(void *context, const medley_runtime *rt, const model_state *state, double *value,
                              medley_error *err);
    bool more_is_better; /* of that metric */
    /* Told after every epoch: writes the history and its pictures. */
    medley_status (*epoch_done)(void *context, const epoch_record *all, int64_t count, medley_error *err);
    const char *folder;       /* where checkpoints go: last.safetensors, best.safetensors; NULL: none are written */
    bool resume;              /* from folder/last.safetensors, if it is there */
    int64_t checkpoint_steps; /* also within epochs, every so many steps; 0: after epochs only */
} training_watch;

/* How it ended. */
typedef struct training_outcome {
    int64_t epochs, steps, best_epoch; /* best_epoch 0: nothing was validated, the last is kept */
    double best;
    double seconds;
    bool stopped_early;
    int64_t parameters, parameter_bytes, step_bytes;
} training_outcome;

/* Trains or fits; `state` gets the tensors of the best epoch (or the last). A run that diverges (a loss or gradient that is
 * not finite; a validation where all scores are equal) fails with E_DIVERGED after writing nothing over the last good
 * checkpoint: "bprmf: the loss of epoch 3, step 120 is nan; lower learning_rate (0.5)...". Stopped by the caller
 * (runtime_progress): a checkpoint, then E_STOPPED. Also E_STALE: a checkpoint of other settings or data. */
MEDLEY_MUST_USE medley_status train_model(const medley_runtime *rt, const model_class *class, const void *params,
                                          const training *data, const training_watch *watch, model_state *state,
                                          training_outcome *outcome, medley_error *err);

#endif
