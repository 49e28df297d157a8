/* One metric with its cutoff, "ndcg@10", on the validation part: what searches and trainings choose by. */
#ifndef API_VALIDATION_H
#define API_VALIDATION_H

#include "api/judging.h"
#include "train/training_loop.h"
#include "train/training_set.h"

enum { VALIDATION_METRIC = 64 };

/* Lets the protocol ask for "ndcg@10", or "auc", which has no cutoff, alone; the metric's name is put into `name`, which
 * the protocol borrows. */
void validation_ask(judging_protocol *protocol, const char *metric, char name[VALIDATION_METRIC]);
/* Refuses what no data makes possible, in a protocol that may say the rest: "metric: 'ndgc@10' ...". */
MEDLEY_MUST_USE medley_status validation_check(const medley_runtime *rt, const judging_protocol *rest,
                                               const char *metric, medley_error *err);

/* A judge for models of a class with given settings while they are trained. All zero: none. */
typedef struct validation {
    const judging *judge;
    judging *own; /* the judge, if it was made here */
    const char *metric;
    char name[VALIDATION_METRIC];
    const model_class *class;
    const void *params;
    int64_t users, items;
    bool more_is_better;
} validation;

/* A judge of its own for the metric that a class with a learner asks for in its settings: retrieval, or the task rating if
 * the metric is about predictions. Leaves it NULL when nothing is asked for, or the validation part is empty. End it with
 * validation_end, also after a failure. */
MEDLEY_MUST_USE medley_status validation_begin(const training_set *set, const model_class *class,
                                               const void *params, validation *out, medley_error *err);
void validation_end(validation *v);
/* As validation_check, for the metric in settings of a class with a learner. */
MEDLEY_MUST_USE medley_status validation_check_settings(const medley_runtime *rt, const model_class *class,
                                                        const void *params, medley_error *err);

/* Judges a model in memory: training_watch.validate, with context the validation. */
MEDLEY_MUST_USE medley_status validation_value(void *context, const medley_runtime *rt, const model_state *state,
                                               double *value, medley_error *err);

#endif
