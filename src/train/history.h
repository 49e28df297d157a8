/* What happened in a training, epoch by epoch, for people and their tools. */
#ifndef TRAIN_HISTORY_H
#define TRAIN_HISTORY_H

#include "base/base.h"

/* What happened at the end of an epoch. NaN: not measured. */
typedef struct epoch_record {
    int64_t epoch, step; /* epochs and steps done */
    double loss;         /* mean over the epoch's examples */
    double rate;         /* learning rate of the last step */
    double gradient;     /* mean length of the gradient before clipping */
    double metric;       /* of validation */
    double seconds;      /* since the start, interruptions taken out */
    double examples_a_second;
    double time; /* of day, in seconds since 1970 */
} epoch_record;

/* A record as numbers in that order, and back. */
enum { EPOCH_RECORD_NUMBERS = 9 };
void epoch_record_put(const epoch_record *r, double numbers[EPOCH_RECORD_NUMBERS]);
epoch_record epoch_record_get(const double numbers[EPOCH_RECORD_NUMBERS]);

/* What the records are of. */
typedef struct history_names {
    const char *model, *loss;
    const char *metric; /* of validation: "recall@20"; NULL: none */
} history_names;

#define HISTORY_EVENTS "events.out.tfevents.medley"

/* Replaces in `folder`: history.csv; curves.svg, loss and metric over epochs; and HISTORY_EVENTS for TensorBoard. Each is
 * written whole from all records, so that nothing stands in it twice after a resumed training. */
MEDLEY_MUST_USE medley_status history_write(const medley_runtime *rt, const char *folder,
                                            const history_names *names, const epoch_record *all, int64_t count,
                                            medley_error *err);

#endif
