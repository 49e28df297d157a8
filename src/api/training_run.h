/* Runs as `medley train` makes them, for operations that make many. */
#ifndef API_TRAINING_RUN_H
#define API_TRAINING_RUN_H

#include "api/operation.h"

extern const operation_class operation_train;

/* Whether the run that `medley train` would make from this config is there: every setting is the same, and it was
 * trained on the split with this fingerprint `print`. Fails as binding does. */
MEDLEY_MUST_USE medley_status training_run_is_current(const medley_runtime *rt, medley_config *config,
                                                      const char *print, bool *current, medley_error *err);

#endif
