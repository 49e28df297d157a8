#include "base/runtime.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/parallel.h"

enum { MOST_THREADS = 1024 };

static void *default_resize(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)context;
    (void)old_size;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, new_size);
}

medley_status medley_runtime_create(const medley_runtime_options *options, medley_runtime **out,
                                    medley_error *err)
{
    if (out == NULL)
        return fail(err, MEDLEY_E_ARGUMENT, "out: NULL; a pointer's address is needed");
    *out = NULL;
    medley_runtime_options o = {0};
    if (options != NULL)
        o = *options;
    if (o.allocator.resize == NULL)
        o.allocator = (medley_allocator){default_resize, NULL};
    if (o.threads < 0 || o.threads > MOST_THREADS)
        return fail(err, MEDLEY_E_ARGUMENT, "threads: %d is outside 0..%d", o.threads, MOST_THREADS);
    medley_runtime *rt = o.allocator.resize(o.allocator.context, NULL, 0, sizeof *rt);
    if (rt == NULL)
        return fail(err, MEDLEY_E_NOMEM, "out of memory: the runtime");
    *rt = (medley_runtime){
        .allocator = o.allocator,
        .threads = o.threads > 0 ? o.threads : parallel_processors(),
        .log = o.log,
        .log_context = o.log_context,
        .progress = o.progress,
        .progress_context = o.progress_context,
    };
    *out = rt;
    error_clear(err);
    return MEDLEY_OK;
}

void medley_runtime_free(medley_runtime *rt)
{
    if (rt != NULL)
        rt->allocator.resize(rt->allocator.context, rt, sizeof *rt, 0);
}

int medley_runtime_threads(const medley_runtime *rt)
{
    return rt->threads;
}

void runtime_log(const medley_runtime *rt, medley_log_level level, const char *format, ...)
{
    if (rt->log == NULL)
        return;
    char line[1200];
    va_list values;
    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    rt->log(rt->log_context, level, line);
}

medley_status runtime_progress(const medley_runtime *rt, const char *phase, int64_t done, int64_t total,
                               medley_error *err)
{
    if (rt->progress != NULL && !rt->progress(rt->progress_context, phase, done, total))
        return fail(err, MEDLEY_E_STOPPED, "stopped while %s (%lld of %lld)", phase, (long long)done,
                    (long long)total);
    return MEDLEY_OK;
}

/* The number in a one-line system file such as memory.max, or -1. */
static int64_t system_number(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return -1;
    long long value = -1;
    if (fscanf(file, "%lld", &value) != 1)
        value = -1;
    fclose(file);
    return value;
}

int64_t runtime_memory_available(void)
{
    int64_t available = INT64_MAX;
    FILE *file = fopen("/proc/meminfo", "r");
    if (file != NULL) {
        char line[256];
        long long kib;
        while (fgets(line, sizeof line, file) != NULL)
            if (sscanf(line, "MemAvailable: %lld kB", &kib) == 1)
                available = kib * 1024;
        fclose(file);
    }
    const int64_t limit = system_number("/sys/fs/cgroup/memory.max");
    const int64_t used = system_number("/sys/fs/cgroup/memory.current");
    if (limit > 0 && used >= 0 && limit - used < available)
        available = limit > used ? limit - used : 0;
    return available;
}
