/* Work that can be counted before it is done, and how fast this machine does it: what estimates of time are made of. */
#ifndef TENSOR_WORK_H
#define TENSOR_WORK_H

#include "base/base.h"

/* Kinds of work that a machine does at rates of their own. */
typedef enum work_kind {
    WORK_SINGLE,  /* floating-point operations of matrix products in single precision */
    WORK_DOUBLE,  /* the same of factorisations in double precision */
    WORK_UPDATES, /* additions to places that the data choose */
    WORK_SCANS,   /* numbers read in order */
    WORK_KINDS,
} work_kind;
extern const char *const work_names[WORK_KINDS];

/* Amounts by kind: what all threads share, and what one does alone. */
typedef struct workload {
    double shared[WORK_KINDS], alone[WORK_KINDS];
} workload;

/* Of all threads together, a second: what one does, times the threads. */
typedef struct work_rates {
    double a_second[WORK_KINDS];
    int threads;
} work_rates;

/* Does a little of each kind on this thread and takes its processor time, some 50 ms in all. Fails with E_NOMEM. */
MEDLEY_MUST_USE medley_status work_measure(const medley_runtime *rt, work_rates *out, medley_error *err);

double work_seconds(const workload *w, const work_rates *rates);

#endif
