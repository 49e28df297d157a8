/* Progress of tasks that run at once. */
#ifndef BASE_TALLY_H
#define BASE_TALLY_H

#include <stdatomic.h>

#include <medley/runtime.h>

typedef struct tally {
    const medley_runtime *rt;
    const char *phase;
    int64_t total;
    _Atomic int64_t done;
    atomic_flag reporting;
} tally;

/* phase is borrowed. */
void tally_start(tally *t, const medley_runtime *rt, const char *phase, int64_t total);

/* Counts `units` as done, from any task, and tells the runtime unless another task is just doing
 * so. E_STOPPED when the caller asks to stop. */
MEDLEY_MUST_USE medley_status tally_add(tally *t, int64_t units, medley_error *err);

#endif
