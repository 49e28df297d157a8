/* The inside of medley_runtime, its log and its progress. */
#ifndef BASE_RUNTIME_H
#define BASE_RUNTIME_H

#include <medley/runtime.h>

struct medley_runtime {
    medley_allocator allocator;
    int threads;
    medley_log_function log;
    void *log_context;
    medley_progress_function progress;
    void *progress_context;
    uint64_t hash_seed; /* of id maps: no file can be made whose ids collide; indexes do not depend on it */
    struct file_faults *faults; /* tests only, see io/file.h; NULL in a product */
};

void runtime_log(const medley_runtime *rt, medley_log_level level, const char *format, ...) MEDLEY_PRINTF(3, 4);

/* Tells the caller how far a phase is. E_STOPPED when the caller asks to stop. Cheap enough for
 * once per block of work, not per row; call from one thread at a time. */
MEDLEY_MUST_USE medley_status runtime_progress(const medley_runtime *rt, const char *phase, int64_t done,
                                               int64_t total, medley_error *err);

/* Bytes of memory this process can still get: the least of what the machine has available and
 * what its control group allows; INT64_MAX when unknown. */
int64_t runtime_memory_available(void);
/* Refuses (E_LIMIT) what does not fit in it: "ease: 60000 items need 43.2 GB, 20.0 GB is available; <advice>". */
MEDLEY_MUST_USE medley_status runtime_memory_fits(const char *job, int64_t count, const char *counted,
                                                  double bytes, const char *advice, medley_error *err);

/* Seconds of a clock that only goes forward, from an unknown start. */
double runtime_seconds(void);

#endif
