/* What a process lends the library: memory, threads, a log and a progress display.
 *
 * The library has no global state: two runtimes in one process do not know of each other. */
#ifndef MEDLEY_RUNTIME_H
#define MEDLEY_RUNTIME_H

#include <medley/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The one function through which all of the library's memory comes.
 *
 * resize(context, NULL, 0, n)  allocates n bytes, aligned for any type
 * resize(context, p, old, n)   changes a block's size, contents kept, as realloc does
 * resize(context, p, old, 0)   frees it and returns NULL
 *
 * Returns NULL when memory cannot be had; the old block is then untouched. It is called from
 * several threads at once. */
typedef struct medley_allocator {
    void *(*resize)(void *context, void *block, size_t old_size, size_t new_size);
    void *context;
} medley_allocator;

typedef enum medley_log_level {
    MEDLEY_LOG_WARNING = 1,
    MEDLEY_LOG_INFO = 2,
    MEDLEY_LOG_DEBUG = 3,
} medley_log_level;

/* Receives one line without a line end. Called from the thread that called the library. */
typedef void (*medley_log_function)(void *context, medley_log_level level, const char *line);

/* Called now and then during long work: `done` of `total` units ("rows", "users"), total 0 when
 * unknown. Returning false stops the work, which then fails with MEDLEY_E_STOPPED. Called
 * from one thread at a time, which may not be the caller's. */
typedef bool (*medley_progress_function)(void *context, const char *phase, int64_t done, int64_t total);

typedef struct medley_runtime_options {
    medley_allocator allocator; /* all zero: malloc */
    int threads;                /* 0: one per processor this process may use */
    medley_log_function log;    /* NULL: silent */
    void *log_context;
    medley_progress_function progress; /* NULL: none */
    void *progress_context;
} medley_runtime_options;

typedef struct medley_runtime medley_runtime;

/* Creates a runtime. options may be NULL (all defaults) and is copied. The runtime must outlive
 * every object made with it; it may be shared by threads. Fails with E_ARGUMENT, E_NOMEM. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_runtime_create(const medley_runtime_options *options,
                                                               medley_runtime **out, medley_error *err);
MEDLEY_API void medley_runtime_free(medley_runtime *runtime);
MEDLEY_API int medley_runtime_threads(const medley_runtime *runtime);

#ifdef __cplusplus
}
#endif
#endif
