/* Many small parts with one end: blocks are carved from chunks and freed together. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <medley/runtime.h>

typedef struct arena_chunk arena_chunk;

/* All zero but `rt` is an empty arena. One thread. */
typedef struct arena {
    const medley_runtime *rt;
    arena_chunk *chunks; /* newest first */
    size_t used;         /* of the newest chunk */
} arena;

/* Carves count × size bytes, 16-byte aligned. *out is NULL on failure: E_NOMEM. */
MEDLEY_MUST_USE medley_status arena_alloc(arena *a, int64_t count, size_t size, void *out, medley_error *err);

/* A copy of `text` in the arena, ended with NUL. */
MEDLEY_MUST_USE medley_status arena_text(arena *a, const char *text, size_t length, const char **out,
                                         medley_error *err);

/* Ends every block of the arena; it is then empty and usable. */
void arena_release(arena *a);

#endif
