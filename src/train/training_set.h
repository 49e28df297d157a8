/* What models are fitted on, opened once for any number of fits: the parts of a split that selection may see. */
#ifndef TRAIN_TRAINING_SET_H
#define TRAIN_TRAINING_SET_H

#include "data/split.h"
#include "model/model.h"

typedef struct training_set {
    medley_store *store;
    selection_parts parts; /* there is no way from here to the test part */
    csr_owner matrix;
    histories_owner merged; /* with validation: what both parts hold, by time */
    uint32_t *user;         /* of merged */
    char *catalog;
    training data; /* its seed is the caller's to set */
} training_set;

/* Fails with E_FORMAT when the training part is empty, and as store_open and selection_open. Release it also after
 * a failure. */
MEDLEY_MUST_USE medley_status training_set_open(const medley_runtime *rt, const char *store, const char *split,
                                                training_set *out, medley_error *err);
/* Adds the validation part, and what is known of its users: then there is nothing left to choose by. */
MEDLEY_MUST_USE medley_status training_set_add_validation(const medley_runtime *rt, training_set *s,
                                                          medley_error *err);
void training_set_release(training_set *s);

/* Whether the model can learn from it here: E_CONFIG (it needs an order in time), E_LIMIT (memory). */
MEDLEY_MUST_USE medley_status training_set_check(const training_set *s, const model_class *class,
                                                 const void *params, medley_error *err);

#endif
