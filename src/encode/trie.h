/* Strings to values, walked byte by byte: all entries that start at a place of a text are found in one walk. */
#ifndef ENCODE_TRIE_H
#define ENCODE_TRIE_H

#include "base/base.h"

/* An edge is a row of one hash table: (node, byte) to node. All zero but `rt` is an empty trie. */
typedef struct trie {
    const medley_runtime *rt;
    struct trie_edge {
        uint32_t from; /* node << 8 | byte; a node has an edge, so 0 in `to` is an empty row */
        uint32_t to;
    } * edges;
    int64_t edge_room; /* a power of two, or 0 */
    uint64_t shift;    /* 64 - its logarithm */
    uint64_t seed;     /* no file can be made whose edges collide */
    int32_t *values;   /* [nodes]; -1: no entry ends here */
    int64_t nodes, capacity;
} trie;

enum { TRIE_ROOT = 0 };

/* Sets the value (not negative) of an entry; *before, which may be NULL: the one it had, or -1.
 * Fails with E_NOMEM, E_LIMIT (more than 2^24 nodes). */
MEDLEY_MUST_USE medley_status trie_set(trie *t, const char *bytes, size_t length, int32_t value, int32_t *before,
                                       medley_error *err);
/* The value of an entry, or -1. */
int32_t trie_find(const trie *t, const char *bytes, size_t length);
void trie_release(trie *t);

static inline uint64_t trie_place(const trie *t, uint32_t from)
{
    return (from * 0x9e3779b97f4a7c15u ^ t->seed) * 0xd6e8feb86659fd93u >> t->shift;
}

/* The node behind `node`, or 0: none. */
static inline uint32_t trie_step(const trie *t, uint32_t node, unsigned char byte)
{
    const uint32_t from = node << 8 | byte;
    if (t->edge_room == 0)
        return 0;
    for (uint64_t at = trie_place(t, from);; at = (at + 1) & (uint64_t)(t->edge_room - 1)) {
        if (t->edges[at].to == 0 || t->edges[at].from == from)
            return t->edges[at].to;
    }
}

/* The node at the end of `bytes`, or 0: none (or no bytes, from the root). */
static inline uint32_t trie_walk(const trie *t, uint32_t node, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((node = trie_step(t, node, (unsigned char)bytes[i])) == 0)
            return 0;
    return node;
}

#endif
