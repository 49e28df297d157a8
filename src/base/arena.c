#include "base/arena.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum { CHUNK_BYTES = 64 * 1024, PART_ALIGNMENT = 16, ALIGNMENT_MOST = 64 };

struct arena_chunk {
    arena_chunk *next;
    size_t size;
    _Alignas(ALIGNMENT_MOST) char bytes[]; /* of blocks that are aligned so */
};

medley_status arena_alloc(arena *a, int64_t count, size_t size, void *out, medley_error *err)
{
    void **part = out;
    *part = NULL;
    const int64_t bytes = mem_bytes(count, size);
    if (bytes < 0 || bytes > PTRDIFF_MAX - CHUNK_BYTES)
        return fail(err, MEDLEY_E_NOMEM, "out of memory: %lld blocks of %zu bytes", (long long)count, size);
    const size_t alignment = a->alignment > 0 ? a->alignment : PART_ALIGNMENT;
    const size_t needed = ((size_t)bytes + alignment - 1) / alignment * alignment;
    if (a->chunks == NULL || a->chunks->size - a->used < needed) {
        const size_t least = a->together > CHUNK_BYTES ? a->together : CHUNK_BYTES;
        const size_t room = needed > least ? needed : least;
        arena_chunk *chunk;
        TRY(mem_alloc(a->rt, 1, sizeof *chunk + room, &chunk, err));
        chunk->next = a->chunks;
        chunk->size = room;
        a->chunks = chunk;
        a->used = 0;
        a->together = 0;
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
    a->together = 0;
}

size_t arena_bytes(const arena *a)
{
    size_t bytes = a->together;
    for (const arena_chunk *chunk = a->chunks; chunk != NULL; chunk = chunk->next)
        bytes += chunk->size;
    return bytes;
}

void arena_reset(arena *a)
{
    if (a->chunks != NULL && a->chunks->next != NULL) {
        const size_t together = arena_bytes(a);
        arena_release(a);
        a->together = together;
    }
    a->used = 0;
}
