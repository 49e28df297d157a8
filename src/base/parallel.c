#include "base/parallel.h"

#include <omp.h>
#include <stdatomic.h>

#include "base/error.h"
#include "base/runtime.h"

int parallel_workers(const medley_runtime *rt)
{
    return rt->threads;
}

int parallel_processors(void)
{
    return omp_get_num_procs();
}

medley_status parallel_run(const medley_runtime *rt, int64_t tasks, parallel_body body, void *context,
                           medley_error *err)
{
    medley_error first = {MEDLEY_OK, ""};
    _Atomic int64_t first_task = INT64_MAX; /* the lowest that failed */
    const int threads = tasks < rt->threads ? (int)(tasks > 1 ? tasks : 1) : rt->threads;

#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int64_t task = 0; task < tasks; task++) {
        if (task > atomic_load_explicit(&first_task, memory_order_relaxed))
            continue; /* lower tasks still run: which failure is told must not depend on the threads */
        medley_error own = {MEDLEY_OK, ""};
        const medley_status status = body(context, task, omp_get_thread_num(), &own);
        if (status == MEDLEY_OK)
            continue;
        own.status = status;
#pragma omp critical(parallel_failure)
        if (task < first_task) {
            first_task = task;
            first = own;
        }
    }
    if (first_task == INT64_MAX)
        return MEDLEY_OK;
    if (err != NULL)
        *err = first;
    return first.status;
}
