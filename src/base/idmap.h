/* External ids (any bytes) to dense indexes 0..count-1 in order of first insertion.
 *
 * Open addressing with linear probing. A slot holds an id of up to 8 bytes whole, so that finding it touches one
 * cache line; one of up to 15 bytes lives in its entry, a longer one in an arena behind that. */
#ifndef BASE_IDMAP_H
#define BASE_IDMAP_H

#include <medley/runtime.h>

#include "base/arena.h"

/* An id by itself. Short: the bytes, and the length in the top byte. Long: pointer, and length | top bit. */
typedef struct idmap_key {
    uint64_t low, high;
} idmap_key;

typedef struct idmap_slot {
    uint64_t low;    /* up to 8 bytes: the id; more: its hash */
    uint32_t length; /* of the id */
    uint32_t index;  /* of the entry; IDMAP_NONE: empty */
} idmap_slot;

#define IDMAP_NONE UINT32_MAX

/* Most ids a map can hold. */
#define IDMAP_MOST ((int64_t)UINT32_MAX - 1)

typedef struct idmap {
    const medley_runtime *rt;
    idmap_slot *slots;
    int64_t slot_count; /* a power of two, or 0 */
    idmap_key *entries; /* [count] by index */
    int64_t count, capacity;
    arena bytes;
} idmap;

/* An empty map. Allocates nothing until the first insertion. */
void idmap_init(idmap *map, const medley_runtime *rt);
void idmap_release(idmap *map);

/* The index of `id`, inserting it if it is new. `id` may point anywhere; it is copied.
 * Fails with E_NOMEM, E_LIMIT (too many ids). */
MEDLEY_MUST_USE medley_status idmap_add(idmap *map, const char *id, size_t length, uint32_t *index,
                                        medley_error *err);

/* The index of `id`, or IDMAP_NONE. */
uint32_t idmap_find(const idmap *map, const char *id, size_t length);

/* Starts fetching what a look-up of `id` will touch: for callers who know their next ids. */
void idmap_prefetch(const idmap *map, const char *id, size_t length);

/* The bytes of an index; not NUL-ended. Short ids are written to buffer[16], which the result may
 * point into. */
const char *idmap_id(const idmap *map, uint32_t index, char *buffer, size_t *length);

#endif
