#include "base/idmap.h"

#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

enum { SHORT_MOST = 15 };
#define LONG_BIT (UINT64_C(1) << 63)

typedef struct key {
    uint64_t low, high, hash;
} key;

static bool is_long(uint64_t high)
{
    return (high & LONG_BIT) != 0;
}

static uint64_t hash_bytes(const char *bytes, size_t length)
{
    uint64_t hash = length;
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

static key key_of(const char *id, size_t length)
{
    key k = {0, 0, 0};
    if (length > SHORT_MOST) {
        k.low = (uint64_t)(uintptr_t)id;
        k.high = LONG_BIT | length;
        k.hash = hash_bytes(id, length);
        return k;
    }
    if (length >= 8) {
        memcpy(&k.low, id, 8);
        k.high = load_tail(id + 8, length - 8);
    } else {
        k.low = load_tail(id, length);
    }
    k.high |= (uint64_t)length << 56;
    k.hash = (k.low ^ (k.high * 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
    k.hash ^= k.hash >> 32;
    return k;
}

static bool same(const idmap_slot *slot, const key *k)
{
    if (!is_long(k->high))
        return slot->low == k->low && slot->high == k->high;
    return slot->high == k->high && slot->check == (uint32_t)(k->hash >> 32) &&
           memcmp((const char *)(uintptr_t)slot->low, (const char *)(uintptr_t)k->low,
                  (size_t)(k->high & ~LONG_BIT)) == 0;
}

/* The slot that holds the key, or the empty one where it belongs. */
static int64_t probe(const idmap *map, const key *k)
{
    const uint64_t mask = (uint64_t)map->slot_count - 1;
    uint64_t at = k->hash & mask;
    while (map->slots[at].index != IDMAP_NONE && !same(&map->slots[at], k))
        at = (at + 1) & mask;
    return (int64_t)at;
}

static key key_of_slot(const idmap_slot *slot)
{
    if (is_long(slot->high))
        return key_of((const char *)(uintptr_t)slot->low, (size_t)(slot->high & ~LONG_BIT));
    key k = {slot->low, slot->high, 0};
    k.hash = (k.low ^ (k.high * 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
    k.hash ^= k.hash >> 32;
    return k;
}

static medley_status grow(idmap *map, medley_error *err)
{
    const int64_t wanted = map->slot_count == 0 ? 256 : map->slot_count * 2;
    idmap_slot *slots;
    TRY(mem_alloc(map->rt, wanted, sizeof *slots, &slots, err));
    for (int64_t i = 0; i < wanted; i++)
        slots[i].index = IDMAP_NONE;
    idmap bigger = *map;
    bigger.slots = slots;
    bigger.slot_count = wanted;
    for (int64_t i = 0; i < map->count; i++) {
        const idmap_slot *old = &map->slots[map->slot_of[i]];
        const key k = key_of_slot(old);
        const int64_t at = probe(&bigger, &k);
        slots[at] = *old;
        map->slot_of[i] = (uint32_t)at;
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
    mem_free(map->slot_of);
    arena_release(&map->bytes);
    idmap_init(map, map->rt);
}

medley_status idmap_add(idmap *map, const char *id, size_t length, uint32_t *index, medley_error *err)
{
    if (map->count * 2 >= map->slot_count)
        TRY(grow(map, err));
    const key k = key_of(id, length);
    idmap_slot *slot = &map->slots[probe(map, &k)];
    if (slot->index == IDMAP_NONE) {
        if (map->count >= IDMAP_MOST || map->slot_count > IDMAP_MOST)
            return fail(err, MEDLEY_E_LIMIT, "more than %lld different ids", (long long)(IDMAP_MOST / 2));
        TRY(mem_reserve(map->rt, &map->slot_of, &map->slot_of_capacity, map->count + 1,
                        sizeof *map->slot_of, err));
        uint64_t low = k.low;
        if (is_long(k.high)) {
            const char *copy;
            TRY(arena_text(&map->bytes, id, length, &copy, err));
            low = (uint64_t)(uintptr_t)copy;
        }
        *slot = (idmap_slot){low, k.high, (uint32_t)map->count, (uint32_t)(k.hash >> 32)};
        map->slot_of[map->count++] = (uint32_t)(slot - map->slots);
    }
    *index = slot->index;
    return MEDLEY_OK;
}

uint32_t idmap_find(const idmap *map, const char *id, size_t length)
{
    if (map->slot_count == 0)
        return IDMAP_NONE;
    const key k = key_of(id, length);
    return map->slots[probe(map, &k)].index;
}

const char *idmap_id(const idmap *map, uint32_t index, char *buffer, size_t *length)
{
    const idmap_slot *slot = &map->slots[map->slot_of[index]];
    if (is_long(slot->high)) {
        *length = (size_t)(slot->high & ~LONG_BIT);
        return (const char *)(uintptr_t)slot->low;
    }
    *length = (size_t)(slot->high >> 56);
    memcpy(buffer, &slot->low, 8);
    const uint64_t high = slot->high & 0x00ffffffffffffffu;
    memcpy(buffer + 8, &high, 8);
    return buffer;
}
