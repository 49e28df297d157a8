/* Training by gradients: batches, steps, validation, early stopping, checkpoints. Also fits models that are fitted at once,
 * so that callers need not tell them apart.
 *
 * The same seed gives the same bits for any number of threads, and whether the run was interrupted or not: batches come from
 * (seed, epoch, step), everything else is in the checkpoint. */
#ifndef TRAIN_TRAINING_LOOP_H
#define TRAIN_TRAINING_LOOP_H

#include "model/learner.h"
#include "train/history.h"

/* What the caller adds to a training. All may be NULL or 0. */
typedef struct training_watch {
    void *context;
    /* The metric of a model in memory, on validation: every validate_every epochs, and after the last. NULL: the last
     * parameters are kept, and settings that cannot do without (patience, schedule plateau) are E_CONFIG. */
    medley_status (*validate)(void *context, const medley_runtime *rt, const model_state *state, double *value,
                              medley_error *err);
    bool more_is_better; /* of that metric */
    /* Told of all epochs so far, whenever a checkpoint is written: writes the history and its pictures. */
    medley_status (*epoch_done)(void *context, const epoch_record *all, int64_t count, medley_error *err);
    const char *checkpoint; /* file that is kept up to date; NULL: none is */
    const char *resume;     /* checkpoint to go on from; NULL: from the start */
    const char *data;       /* fingerprint of what is trained on, for checkpoints */
    int64_t
        checkpoint_steps; /* a checkpoint every so many steps and every epoch; 0: after epochs, as often as takes no
                               * more than a twentieth of the time */
} training_watch;

/* How it ended, also when it failed. */
typedef struct training_outcome {
    int64_t epochs, steps, best_epoch; /* best_epoch 0: nothing was validated, the last is kept */
    int64_t resumed_steps;             /* of them, those that the checkpoint had */
    double best, loss;                 /* of validation; of the last epoch, NaN: there was none */
    double seconds;
    bool stopped_early;
    int64_t parameters, parameter_bytes, step_bytes;
} training_outcome;

/* Trains or fits; `state` gets the tensors of the best epoch (or the last). A run that diverges (a loss or gradient that is
 * not finite; a validation where all scores are equal) fails with E_DIVERGED after writing nothing over the last good
 * checkpoint: "bprmf: the loss of epoch 3, step 120 is nan; lower learning_rate (0.5)...". Stopped by the caller
 * (runtime_progress): a checkpoint, then E_STOPPED. Also E_STALE: a checkpoint of other settings or data. `watch` and
 * `outcome` may be NULL. Release the state also after a failure. */
MEDLEY_MUST_USE medley_status train_model(const medley_runtime *rt, const model_class *class, const void *params,
                                          const training *data, const training_watch *watch, model_state *state,
                                          training_outcome *outcome, medley_error *err);

/* What a training of a class with a learner takes beside its data, measured on a few steps of it that are then forgotten. */
typedef struct training_cost {
    int64_t bytes; /* at the peak */
    int64_t steps, validations;
    double step_seconds;
    scoring_form form; /* of what is validated */
    int64_t factors;
} training_cost;
MEDLEY_MUST_USE medley_status train_rehearse(const medley_runtime *rt, const model_class *class,
                                             const void *params, const training *data, training_cost *out,
                                             medley_error *err);

/* Bytes that parameters, their gradients and the optimizer need at least: known before anything of their size is made. 0
 * for a class without a learner. */
MEDLEY_MUST_USE medley_status train_least_bytes(const medley_runtime *rt, const model_class *class,
                                                const void *params, const training *data, int64_t *bytes,
                                                medley_error *err);

#endif
