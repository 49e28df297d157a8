#include "encode/trie.h"

enum { NODES_MOST = 1 << 24 };

static void place_edge(trie *t, struct trie_edge edge)
{
    uint64_t at = trie_place(t, edge.from);
    while (t->edges[at].to != 0)
        at = (at + 1) & (uint64_t)(t->edge_room - 1);
    t->edges[at] = edge;
}

/* Room for one edge more, at most half full. */
static medley_status grow(trie *t, medley_error *err)
{
    if (2 * t->nodes < t->edge_room)
        return MEDLEY_OK;
    const trie before = *t;
    const int64_t room = before.edge_room > 0 ? 2 * before.edge_room : 64;
    struct trie_edge *edges;
    TRY(mem_alloc_zero(t->rt, room, sizeof *edges, &edges, err));
    t->edges = edges;
    t->edge_room = room;
    t->seed = t->rt->hash_seed;
    t->shift = before.edge_room > 0 ? before.shift - 1 : 64 - 6;
    for (int64_t i = 0; i < before.edge_room; i++)
        if (before.edges[i].to != 0)
            place_edge(t, before.edges[i]);
    mem_free(before.edges);
    return MEDLEY_OK;
}

static medley_status add_node(trie *t, uint32_t *node, medley_error *err)
{
    if (t->nodes >= NODES_MOST)
        return fail(err, MEDLEY_E_LIMIT, "a vocabulary of more than %d different beginnings", NODES_MOST);
    TRY(mem_reserve(t->rt, &t->values, &t->capacity, t->nodes + 1, sizeof *t->values, err));
    t->values[t->nodes] = -1;
    *node = (uint32_t)t->nodes++;
    return MEDLEY_OK;
}

medley_status trie_set(trie *t, const char *bytes, size_t length, int32_t value, int32_t *before,
                       medley_error *err)
{
    uint32_t node = TRIE_ROOT, next;
    if (t->nodes == 0)
        TRY(add_node(t, &node, err));
    for (size_t i = 0; i < length; i++, node = next) {
        next = trie_step(t, node, (unsigned char)bytes[i]);
        if (next != 0)
            continue;
        TRY(grow(t, err));
        TRY(add_node(t, &next, err));
        place_edge(t, (struct trie_edge){node << 8 | (unsigned char)bytes[i], next});
    }
    if (before != NULL)
        *before = t->values[node];
    t->values[node] = value;
    return MEDLEY_OK;
}

int32_t trie_find(const trie *t, const char *bytes, size_t length)
{
    const uint32_t node = trie_walk(t, TRIE_ROOT, bytes, length);
    return t->nodes > 0 && (node != TRIE_ROOT || length == 0) ? t->values[node] : -1;
}

void trie_release(trie *t)
{
    mem_free(t->edges);
    mem_free(t->values);
    *t = (trie){.rt = t->rt};
}
