/* Many small parts with one end: blocks are carved from chunks and freed together. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <medley/runtime.h>

typedef struct arena_chunk arena_chunk;

/* All zero but `rt` is an empty arena. One thread. */
typedef struct arena {
    const medley_runtime *rt;
    size_t alignment;    /* of parts: a power of two up to 64; 0: 16 */
    arena_chunk *chunks; /* newest first */
    size_t used;         /* of the newest chunk */
    size_t together;     /* what several chunks held at arena_reset: the size of the next one */
} arena;

/* Carves count × size bytes. *out is NULL on failure: E_NOMEM. */
MEDLEY_MUST_USE medley_status arena_alloc(arena *a, int64_t count, size_t size, void *out, medley_error *err);

/* A copy of `text` in the arena, ended with NUL. */
MEDLEY_MUST_USE medley_status arena_text(arena *a, const char *text, size_t length, const char **out,
                                         medley_error *err);

/* Ends every block of the arena; it is then empty and usable. */
void arena_release(arena *a);

/* Ends every block but keeps the memory: what is carved once more allocates nothing. Several chunks give way to a single
 * one, allocated at the next use, so that is true from the third time on. */
void arena_reset(arena *a);

/* Bytes of all chunks. */
size_t arena_bytes(const arena *a);

#endif
