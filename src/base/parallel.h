/* Loops over tasks on the runtime's threads (OpenMP). What a task computes must not depend on
 * which worker runs it, so results are the same bits for any number of threads. */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <medley/runtime.h>

/* One task; `worker` is in 0..threads-1 and indexes scratch memory. err is the task's own. */
typedef medley_status (*parallel_body)(void *context, int64_t task, int worker, medley_error *err);

/* Runs body for tasks 0..tasks-1, each once, in no fixed order. After a failure no task
 * behind it is started; the failure of the lowest task that fails is returned, whatever the threads. */
MEDLEY_MUST_USE medley_status parallel_run(const medley_runtime *rt, int64_t tasks, parallel_body body,
                                           void *context, medley_error *err);

/* Workers that parallel_run may use: the length of per-worker scratch arrays. */
int parallel_workers(const medley_runtime *rt);

/* Processors this process may use. */
int parallel_processors(void);

#endif
