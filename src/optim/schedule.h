/* The learning rate over time. */
#ifndef OPTIM_SCHEDULE_H
#define OPTIM_SCHEDULE_H

#include "base/base.h"

typedef enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_COSINE, SCHEDULE_STEP, SCHEDULE_PLATEAU } schedule_kind;
#define SCHEDULE_CHOICES "constant|cosine|step|plateau"

/* factor of the base rate at step t (from 0) of epoch e:
 *   warm-up    (t + 1) / warmup for t < warmup, times what follows
 *   cosine     floor + (1 - floor) (1 + cos(π (t - warmup) / (steps - warmup))) / 2
 *   step       gamma ^ (e / every)
 *   plateau    gamma ^ (times the metric did not improve by more than `threshold` (relative) for `patience` validations
 *              in a row), not below `floor`; PyTorch's ReduceLROnPlateau */
typedef struct schedule_options {
    schedule_kind kind;
    int64_t warmup, steps; /* steps in all */
    int64_t every, patience;
    double gamma, floor, threshold;
} schedule_options;

/* What a plateau remembers; part of a checkpoint. All zero is the start. */
typedef struct schedule_state {
    double best;
    int64_t seen, bad, reductions;
} schedule_state;

double schedule_factor(const schedule_options *o, const schedule_state *s, int64_t step, int64_t epoch);
/* Tells of a validation. Other schedules ignore it. */
void schedule_validated(const schedule_options *o, schedule_state *s, double value, bool more_is_better);

#endif
