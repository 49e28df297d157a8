/* What `medley evaluate` would judge by, for operations that ask before there is anything to judge. */
#ifndef API_EVALUATION_PLAN_H
#define API_EVALUATION_PLAN_H

#include "api/judging.h"
#include "api/operation.h"

extern const operation_class operation_evaluate;

/* judging_plan of the protocol that settings bound to operation_evaluate say, which outlive it. End it with
 * judging_end. */
MEDLEY_MUST_USE medley_status evaluation_plan(const medley_runtime *rt, const bound_settings *settings,
                                              judging **out, medley_error *err);

#endif
