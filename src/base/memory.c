#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/runtime.h"

enum { ALIGNMENT = 64 };

/* Stands just below every block; one cache line, so that blocks stay aligned. */
typedef union header {
    struct {
        medley_allocator owner;
        void *raw;
        size_t raw_size;
        size_t size; /* what was asked for */
    };
    unsigned char line[ALIGNMENT];
} header;

static header *header_of(void *block)
{
    return (header *)block - 1;
}

int64_t mem_bytes(int64_t count, size_t size)
{
    int64_t bytes;
    if (count < 0 || size > PTRDIFF_MAX || __builtin_mul_overflow(count, (int64_t)size, &bytes))
        return -1;
    return bytes;
}

static medley_status no_memory(int64_t count, size_t size, medley_error *err)
{
    return fail(err, MEDLEY_E_NOMEM, "out of memory: %lld blocks of %zu bytes", (long long)count, size);
}

medley_status mem_alloc(const medley_runtime *rt, int64_t count, size_t size, void *out, medley_error *err)
{
    void **block = out;
    *block = NULL;
    const int64_t bytes = mem_bytes(count, size);
    if (bytes < 0 || bytes > PTRDIFF_MAX - 2 * ALIGNMENT)
        return no_memory(count, size, err);
    const size_t raw_size = (size_t)bytes + 2 * ALIGNMENT;
    char *raw = rt->allocator.resize(rt->allocator.context, NULL, 0, raw_size);
    if (raw == NULL)
        return no_memory(count, size, err);
    const size_t lead = ALIGNMENT - (uintptr_t)raw % ALIGNMENT; /* 1..64: room for the raise */
    header *h = (header *)(void *)(raw + lead % ALIGNMENT);
    h->owner = rt->allocator;
    h->raw = raw;
    h->raw_size = raw_size;
    h->size = (size_t)bytes;
    *block = h + 1;
    return MEDLEY_OK;
}

medley_status mem_alloc_zero(const medley_runtime *rt, int64_t count, size_t size, void *out, medley_error *err)
{
    TRY(mem_alloc(rt, count, size, out, err));
    void **block = out;
    memset(*block, 0, header_of(*block)->size);
    return MEDLEY_OK;
}

medley_status mem_resize(const medley_runtime *rt, void *block, int64_t count, size_t size, medley_error *err)
{
    void **old = block, *fresh;
    TRY(mem_alloc(rt, count, size, &fresh, err));
    if (*old != NULL) {
        const size_t had = header_of(*old)->size, has = header_of(fresh)->size;
        memcpy(fresh, *old, had < has ? had : has);
        mem_free(*old);
    }
    *old = fresh;
    return MEDLEY_OK;
}

medley_status mem_reserve(const medley_runtime *rt, void *block, int64_t *capacity, int64_t needed, size_t size,
                          medley_error *err)
{
    if (needed <= *capacity)
        return MEDLEY_OK;
    int64_t wanted = *capacity < 8 ? 8 : *capacity * 2;
    if (wanted < needed)
        wanted = needed;
    TRY(mem_resize(rt, block, wanted, size, err));
    *capacity = wanted;
    return MEDLEY_OK;
}

void mem_free(void *block)
{
    if (block == NULL)
        return;
    const header h = *header_of(block);
    h.owner.resize(h.owner.context, h.raw, h.raw_size, 0);
}

medley_status mem_text(const medley_runtime *rt, const char *text, size_t length, char **out, medley_error *err)
{
    TRY(mem_alloc(rt, (int64_t)length + 1, 1, out, err));
    if (length > 0)
        memcpy(*out, text, length);
    (*out)[length] = '\0';
    return MEDLEY_OK;
}
