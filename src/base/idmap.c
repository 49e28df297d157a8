#include "base/idmap.h"

#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/runtime.h"

enum { SHORT_MOST = 15, SLOT_MOST = 8 };
#define LONG_BIT (UINT64_C(1) << 63)

static bool is_long(uint64_t high)
{
    return (high & LONG_BIT) != 0;
}

static uint64_t hash_bytes(const char *bytes, size_t length, uint64_t seed)
{
    uint64_t hash = seed ^ length;
    for (; length >= 8; bytes += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        hash = mix64(hash ^ word) + 0x9e3779b97f4a7c15u;
    }
    uint64_t rest = 0;
    if (length > 0)
        memcpy(&rest, bytes, length);
    return mix64(hash ^ rest);
}

/* Reads 0..7 bytes into a word without a loop or a call. */
static uint64_t load_tail(const char *p, size_t length)
{
    if (length >= 4) {
        uint32_t first, last;
        memcpy(&first, p, 4);
        memcpy(&last, p + length - 4, 4);
        return (uint64_t)first | (uint64_t)last << (8 * (length - 4));
    }
    if (length == 0)
        return 0;
    const uint64_t a = (unsigned char)p[0], b = (unsigned char)p[length / 2], c = (unsigned char)p[length - 1];
    return a | b << (8 * (length / 2)) | c << (8 * (length - 1));
}

/* Both halves of a 128-bit product, as wyhash (Wang Yi 2019) mixes. */
static uint64_t hash_short(idmap_key k, uint64_t seed)
{
    __extension__ typedef unsigned __int128 wide;
    const wide product =
        (wide)(k.low ^ seed ^ 0x9e3779b97f4a7c15u) * (k.high ^ (seed << 32 | seed >> 32) ^ 0xbf58476d1ce4e5b9u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The id as a key that borrows long bytes, and its hash. */
static idmap_key key_of(const idmap *map, const char *id, size_t length, uint64_t *hash)
{
    idmap_key k = {0, 0};
    if (length > SHORT_MOST) {
        k.low = (uint64_t)(uintptr_t)id;
        k.high = LONG_BIT | length;
        *hash = hash_bytes(id, length, map->rt->hash_seed);
        return k;
    }
    if (length >= 8) {
        memcpy(&k.low, id, 8);
        k.high = load_tail(id + 8, length - 8);
    } else {
        k.low = load_tail(id, length);
    }
    k.high |= (uint64_t)length << 56;
    *hash = hash_short(k, map->rt->hash_seed);
    return k;
}

static uint64_t hash_of(idmap_key k, uint64_t seed)
{
    return is_long(k.high) ? hash_bytes((const char *)(uintptr_t)k.low, (size_t)(k.high & ~LONG_BIT), seed)
                           : hash_short(k, seed);
}

static bool same(idmap_key a, idmap_key b)
{
    if (a.high != b.high)
        return false;
    return a.low == b.low ||
           (is_long(a.high) && memcmp((const char *)(uintptr_t)a.low, (const char *)(uintptr_t)b.low,
                                      (size_t)(a.high & ~LONG_BIT)) == 0);
}

static size_t length_of(idmap_key k)
{
    return is_long(k.high) ? (size_t)(k.high & ~LONG_BIT) : (size_t)(k.high >> 56);
}

/* What a slot says of the key; `index` apart. */
static idmap_slot slot_of(idmap_key k, uint64_t hash)
{
    const size_t length = length_of(k);
    return (idmap_slot){length <= SLOT_MOST ? k.low : hash, length < UINT32_MAX ? (uint32_t)length : UINT32_MAX,
                        IDMAP_NONE};
}

/* The slot that holds the key, or the empty one where it belongs. */
static idmap_slot *probe(const idmap *map, idmap_key k, uint64_t hash)
{
    const uint64_t mask = (uint64_t)map->slot_count - 1;
    const idmap_slot wanted = slot_of(k, hash);
    for (uint64_t at = hash & mask;; at = (at + 1) & mask) {
        idmap_slot *slot = &map->slots[at];
        if (slot->index == IDMAP_NONE || (slot->low == wanted.low && slot->length == wanted.length &&
                                          (wanted.length <= SLOT_MOST || same(map->entries[slot->index], k))))
            return slot;
    }
}

static medley_status grow(idmap *map, medley_error *err)
{
    const int64_t wanted = map->slot_count == 0 ? 256 : map->slot_count * 2;
    const uint64_t mask = (uint64_t)wanted - 1;
    idmap_slot *slots;
    TRY(mem_alloc(map->rt, wanted, sizeof *slots, &slots, err));
    memset(slots, 0xff, (size_t)wanted * sizeof *slots);
    for (int64_t i = 0; i < map->count; i++) {
        const uint64_t hash = hash_of(map->entries[i], map->rt->hash_seed);
        uint64_t at = hash & mask;
        while (slots[at].index != IDMAP_NONE)
            at = (at + 1) & mask;
        slots[at] = slot_of(map->entries[i], hash);
        slots[at].index = (uint32_t)i;
    }
    mem_free(map->slots);
    map->slots = slots;
    map->slot_count = wanted;
    return MEDLEY_OK;
}

void idmap_init(idmap *map, const medley_runtime *rt)
{
    *map = (idmap){.rt = rt, .bytes.rt = rt};
}

void idmap_release(idmap *map)
{
    mem_free(map->slots);
    mem_free(map->entries);
    arena_release(&map->bytes);
    idmap_init(map, map->rt);
}

medley_status idmap_add(idmap *map, const char *id, size_t length, uint32_t *index, medley_error *err)
{
    uint64_t hash;
    idmap_key k = key_of(map, id, length, &hash);
    if (map->count * 2 >= map->slot_count)
        TRY(grow(map, err));
    idmap_slot *slot = probe(map, k, hash);
    if (slot->index == IDMAP_NONE) {
        if (map->count >= IDMAP_MOST)
            return fail(err, MEDLEY_E_LIMIT, "more than %lld different ids", (long long)IDMAP_MOST);
        TRY(mem_reserve(map->rt, &map->entries, &map->capacity, map->count + 1, sizeof *map->entries, err));
        if (is_long(k.high)) {
            const char *copy;
            TRY(arena_text(&map->bytes, id, length, &copy, err));
            k.low = (uint64_t)(uintptr_t)copy;
        }
        *slot = slot_of(k, hash);
        slot->index = (uint32_t)map->count;
        map->entries[map->count++] = k;
    }
    *index = slot->index;
    return MEDLEY_OK;
}

uint32_t idmap_find(const idmap *map, const char *id, size_t length)
{
    uint64_t hash;
    const idmap_key k = key_of(map, id, length, &hash);
    return map->slot_count > 0 ? probe(map, k, hash)->index : IDMAP_NONE;
}

void idmap_prefetch(const idmap *map, const char *id, size_t length)
{
    uint64_t hash;
    (void)key_of(map, id, length, &hash);
    if (map->slot_count > 0)
        __builtin_prefetch(&map->slots[hash & ((uint64_t)map->slot_count - 1)]);
}

const char *idmap_id(const idmap *map, uint32_t index, char *buffer, size_t *length)
{
    const idmap_key *k = &map->entries[index];
    if (is_long(k->high)) {
        *length = (size_t)(k->high & ~LONG_BIT);
        return (const char *)(uintptr_t)k->low;
    }
    *length = (size_t)(k->high >> 56);
    memcpy(buffer, k, 16);
    return buffer;
}
