#include "base/runtime.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/error.h"
#include "base/parallel.h"

enum { MOST_THREADS = 1024 };

enum { HUGE_PAGE = 2 * 1024 * 1024 };

/* Blocks of HUGE_PAGE and more come from the system by themselves: in large pages, which cost a hundredth of
 * the page faults (as much as parsing, measured), and go back to it when they are freed. */
static size_t mapped_size(size_t size)
{
    return (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

static void *map_block(size_t size)
{
    const size_t wanted = mapped_size(size), room = wanted + HUGE_PAGE;
    if (room < size)
        return NULL;
    char *start = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    char *block = (char *)mapped_size((uintptr_t)start);
    if (block > start)
        munmap(start, (size_t)(block - start));
    munmap(block + wanted, room - wanted - (size_t)(block - start));
    madvise(block, wanted, MADV_HUGEPAGE); /* advice: where it is refused, pages are small */
    return block;
}

static void *default_resize(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)context;
    if (block == NULL)
        return new_size == 0 ? NULL : new_size >= HUGE_PAGE ? map_block(new_size) : malloc(new_size);
    if (new_size > 0 && old_size < HUGE_PAGE && new_size < HUGE_PAGE)
        return realloc(block, new_size);
    void *fresh = NULL;
    if (new_size > 0) {
        fresh = default_resize(context, NULL, 0, new_size);
        if (fresh == NULL)
            return NULL;
        memcpy(fresh, block, old_size < new_size ? old_size : new_size);
    }
    if (old_size >= HUGE_PAGE)
        munmap(block, mapped_size(old_size));
    else
        free(block);
    return fresh;
}

medley_status medley_runtime_create(const medley_runtime_options *options, medley_runtime **out, medley_error *err)
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
    if (getrandom(&rt->hash_seed, sizeof rt->hash_seed, GRND_NONBLOCK) != (ssize_t)sizeof rt->hash_seed)
        rt->hash_seed = (uint64_t)(uintptr_t)rt; /* less random is only less safe from hostile ids */
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

medley_status runtime_memory_fits(const char *job, int64_t count, const char *counted, double bytes,
                                  const char *advice, medley_error *err)
{
    const double available = (double)runtime_memory_available();
    if (bytes <= available)
        return MEDLEY_OK;
    return fail(err, MEDLEY_E_LIMIT, "%s: %lld %s need %.1f GB, %.1f GB is available; %s", job, (long long)count,
                counted, bytes * 1e-9, available * 1e-9, advice);
}

double runtime_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
