/* What a job will take, told before it is done: memory that is there at the same time, and work to do one after the
 * other. */
#ifndef API_JOB_COST_H
#define API_JOB_COST_H

#include "api/operation.h"
#include "tensor/work.h"

enum { COST_PARTS_MOST = 32, COST_STEPS_MOST = 64 };

typedef struct cost_part {
    const char *name;
    double bytes;
} cost_part;

typedef struct cost_step {
    const char *name;
    workload work;
    double seconds; /* whatever the machine */
    bool known;     /* false: nobody can tell before */
} cost_step;

typedef struct job_cost {
    cost_part parts[COST_PARTS_MOST];
    int64_t part_count;
    cost_step steps[COST_STEPS_MOST];
    int64_t step_count;
    int64_t count;      /* rows of prepare */
    const char *advice; /* what to do when the memory does not suffice */
} job_cost;

void cost_add_part(job_cost *cost, const char *name, double bytes);
/* A step that does nothing yet; fill in its work. */
cost_step *cost_add_step(job_cost *cost, const char *name, bool known);
double cost_bytes(const job_cost *cost);
double cost_seconds(const cost_step *step, const work_rates *rates);

/* What operations can be estimated, each from its own bound settings; names are separated by commas. */
typedef medley_status (*job_counter)(const medley_runtime *rt, const bound_settings *s, job_cost *out,
                                     medley_error *err);
job_counter job_counter_find(const char *job);
extern const char job_counter_names[];

#endif
