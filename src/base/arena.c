#include "base/arena.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum { CHUNK_BYTES = 64 * 1024, PART_ALIGNMENT = 16 };

struct arena_chunk {
    arena_chunk *next;
    size_t size;
    _Alignas(PART_ALIGNMENT) char bytes[];
};

medley_status arena_alloc(arena *a, int64_t count, size_t size, void *out, medley_error *err)
{
    void **part = out;
    *part = NULL;
    const int64_t bytes = mem_bytes(count, size);
    if (bytes < 0 || bytes > PTRDIFF_MAX - CHUNK_BYTES)
        return fail(err, MEDLEY_E_NOMEM, "out of memory: %lld blocks of %zu bytes", (long long)count, size);
    const size_t needed = ((size_t)bytes + PART_ALIGNMENT - 1) / PART_ALIGNMENT * PART_ALIGNMENT;
    if (a->chunks == NULL || a->chunks->size - a->used < needed) {
        const size_t room = needed > CHUNK_BYTES ? needed : CHUNK_BYTES;
        arena_chunk *chunk;
        TRY(mem_alloc(a->rt, 1, sizeof *chunk + room, &chunk, err));
        chunk->next = a->chunks;
        chunk->size = room;
        a->chunks = chunk;
        a->used = 0;
    }
    *part = a->chunks->bytes + a->used;
    a->used += needed;
    return MEDLEY_OK;
}

medley_status arena_text(arena *a, const char *text, size_t length, const char **out, medley_error *err)
{
    char *copy;
    *out = NULL;
    TRY(arena_alloc(a, (int64_t)length + 1, 1, &copy, err));
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    *out = copy;
    return MEDLEY_OK;
}

void arena_release(arena *a)
{
    while (a->chunks != NULL) {
        arena_chunk *next = a->chunks->next;
        mem_free(a->chunks);
        a->chunks = next;
    }
    a->used = 0;
}
