#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/idmap.h"
#include "base/memory.h"

#include "fixture.h"

/* The slow twin: a list, searched from its start. */
enum { NAIVE_MOST = 4000, ID_MOST = 40 };
typedef struct naive_map {
    int64_t count;
    size_t length[NAIVE_MOST];
    char bytes[NAIVE_MOST][ID_MOST];
} naive_map;

static uint32_t naive_find(const naive_map *m, const char *id, size_t length)
{
    for (int64_t i = 0; i < m->count; i++)
        if (m->length[i] == length && memcmp(m->bytes[i], id, length) == 0)
            return (uint32_t)i;
    return IDMAP_NONE;
}

static uint32_t naive_add(naive_map *m, const char *id, size_t length)
{
    const uint32_t found = naive_find(m, id, length);
    if (found != IDMAP_NONE)
        return found;
    assert_true(m->count < NAIVE_MOST);
    m->length[m->count] = length;
    memcpy(m->bytes[m->count], id, length);
    return (uint32_t)m->count++;
}

/* Few letters, NUL among them, so that prefixes, repeats and equal ids are common. */
static size_t make_id(uint64_t round, char *id)
{
    const size_t length = random_bits(2, 0, round) % (ID_MOST + 1);
    for (size_t i = 0; i < length; i++)
        id[i] = "\0a\xff"[random_bits(2, 1 + i / 8, round) >> (i % 8 * 8) & 1
                              ? 0
                              : 1 + (random_bits(2, 99, round) >> i & 1)];
    return length;
}

static void check_ids(const idmap *map, const naive_map *twin)
{
    char buffer[16];
    size_t length;
    for (uint32_t i = 0; i < (uint32_t)map->count; i++) {
        const char *id = idmap_id(map, i, buffer, &length);
        assert_int_equal(length, twin->length[i]);
        if (length > 0)
            assert_memory_equal(id, twin->bytes[i], length);
    }
}

static void test_it_does_what_a_naive_map_does(void **state)
{
    (void)state;
    static naive_map twin;
    idmap map;
    idmap_init(&map, rt);
    for (uint64_t round = 0; round < 6000 && twin.count < NAIVE_MOST; round++) {
        /* ends where it ends: a read behind it is caught by a sanitizer */
        char made[ID_MOST], *id;
        const size_t length = make_id(round / 2 * (round % 3), made);
        uint32_t index;
        assert_ok(mem_alloc(rt, (int64_t)length, 1, &id, err));
        memcpy(id, made, length);
        assert_int_equal(idmap_find(&map, id, length), naive_find(&twin, id, length));
        assert_ok(idmap_add(&map, id, length, &index, err));
        assert_int_equal(index, naive_add(&twin, id, length));
        idmap_prefetch(&map, id, length);
        memset(id, 0x5a, length); /* it was copied */
        mem_free(id);
        assert_int_equal(map.count, twin.count);
    }
    assert_true(twin.count > 1000);
    check_ids(&map, &twin);
    idmap_release(&map);
    assert_int_equal(map.count, 0);
}

static void test_every_length_and_every_byte_matters(void **state)
{
    (void)state;
    idmap map;
    char id[ID_MOST + 1] = {0};
    uint32_t index;
    int64_t count = 0;
    idmap_init(&map, rt);
    for (size_t length = 0; length <= ID_MOST; length++) { /* all zero: ids differ in length alone */
        assert_ok(idmap_add(&map, id, length, &index, err));
        assert_int_equal(index, count++);
    }
    for (size_t length = 1; length <= ID_MOST; length++)
        for (size_t at = 0; at < length; at++)
            for (int bit = 0; bit < 8; bit++) { /* one bit set */
                id[at] = (char)(1 << bit);
                assert_ok(idmap_add(&map, id, length, &index, err));
                assert_int_equal(index, count++);
                assert_int_equal(idmap_find(&map, id, length), index);
                id[at] = 0;
            }
    assert_int_equal(map.count, count);
    idmap_release(&map);
}

static int64_t longest_run(const idmap *map)
{
    int64_t run = 0, longest = 0;
    for (int64_t i = 0; i < map->slot_count; i++) {
        run = map->slots[i].index == IDMAP_NONE ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* A file made to be slow for one run is not for the next. */
static void test_ids_that_collide_for_one_seed_do_not_for_another(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    int64_t longest[2];
    for (uint64_t seed = 0; seed < 2; seed++) {
        idmap map;
        uint32_t index;
        rt->hash_seed = seed * 0x123456789abcdef;
        idmap_init(&map, rt);
        for (uint64_t tail = 1; tail <= COUNT; tail++) {
            const uint64_t id[] = {0x9e3779b97f4a7c15u, tail};
            assert_ok(idmap_add(&map, (const char *)id, 15, &index, err));
            assert_int_equal(index, tail - 1);
        }
        longest[seed] = longest_run(&map);
        idmap_release(&map);
    }
    assert_true(longest[0] >= COUNT && longest[1] < 60);
}

/* Different ids of one hash, made by running the hash of idmap.c backwards. */
static void test_ids_of_one_hash_are_told_apart(void **state)
{
    (void)state;
    const uint64_t golden = 0x9e3779b97f4a7c15u;
    idmap map;
    uint32_t index, count = 0;
    idmap_init(&map, rt);
    for (uint64_t first = 1; first <= 50; first++) { /* 16 bytes: the second word undoes the first */
        const uint64_t id[] = {first, (mix64(16 ^ first) + golden) ^ 12345};
        assert_ok(idmap_add(&map, (const char *)id, 16, &index, err));
        assert_int_equal(index, count++);
    }
    for (uint64_t tail = 1; tail <= 50; tail++) { /* 15 bytes: the head makes the product 0 */
        const uint64_t id[] = {golden, tail};
        assert_ok(idmap_add(&map, (const char *)id, 15, &index, err));
        assert_int_equal(index, count++);
    }
    for (uint64_t first = 1; first <= 50; first++) {
        const uint64_t id[] = {first, (mix64(16 ^ first) + golden) ^ 12345};
        assert_int_equal(idmap_find(&map, (const char *)id, 16), first - 1);
    }
    idmap_release(&map);
}

static void test_an_empty_map_finds_nothing(void **state)
{
    (void)state;
    idmap map;
    idmap_init(&map, rt);
    const int64_t before = memory.allocations;
    assert_int_equal(idmap_find(&map, "a", 1), IDMAP_NONE);
    assert_int_equal(idmap_find(&map, "", 0), IDMAP_NONE);
    idmap_prefetch(&map, "a", 1);
    idmap_release(&map);
    idmap_release(&map);
    assert_int_equal(memory.allocations, before);
    uint32_t index;
    assert_ok(idmap_add(&map, "again", 5, &index, err));
    assert_int_equal(index, 0);
    idmap_release(&map);
}

static void test_millions_of_numeric_ids_keep_their_order(void **state)
{
    (void)state;
    enum { COUNT = 2000000 };
    idmap map;
    char id[16], buffer[16];
    uint32_t index;
    size_t length;
    idmap_init(&map, rt);
    for (int64_t i = 0; i < COUNT; i++) {
        const int size = snprintf(id, sizeof id, "%lld", (long long)(i * 7 + 13));
        if (idmap_add(&map, id, (size_t)size, &index, NULL) != MEDLEY_OK || index != i)
            fail_msg("id %s has index %u", id, index);
    }
    /* A good hash needs about 1.5 steps at half load; a bad one shows as a long run. */
    assert_true(longest_run(&map) < 200);
    for (int64_t i = 0; i < COUNT; i += 3) {
        const int size = snprintf(id, sizeof id, "%lld", (long long)(i * 7 + 13));
        assert_int_equal(idmap_find(&map, id, (size_t)size), i);
        const char *back = idmap_id(&map, (uint32_t)i, buffer, &length);
        assert_int_equal(length, size);
        assert_memory_equal(back, id, length);
        assert_int_equal(idmap_find(&map, id, (size_t)snprintf(id, sizeof id, "%lld", (long long)(i * 7 + 14))),
                         IDMAP_NONE);
    }
    assert_int_equal(map.count, COUNT);
    idmap_release(&map);
}

static medley_status add_many(idmap *map, medley_error *err)
{
    char id[64];
    uint32_t index;
    medley_status status = MEDLEY_OK;
    for (int i = 0; i < 3000; i++) {
        const int size = snprintf(id, sizeof id, "%*d", i % 3 == 0 ? 50 : 1, i);
        status = idmap_add(map, id, (size_t)size, &index, err);
        if (status != MEDLEY_OK) { /* what was there is still there, and nothing else */
            assert_int_equal(map->count, i);
            assert_int_equal(idmap_find(map, id, (size_t)size), IDMAP_NONE);
            if (i > 0)
                assert_int_equal(
                    idmap_find(map, id, (size_t)snprintf(id, sizeof id, "%*d", (i - 1) % 3 == 0 ? 50 : 1, i - 1)),
                    i - 1);
            break;
        }
    }
    idmap_release(map);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    idmap map;
    idmap_init(&map, rt);
    BRUTAL(rt, &memory, add_many(&map, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_does_what_a_naive_map_does),
        cmocka_unit_test(test_every_length_and_every_byte_matters),
        cmocka_unit_test(test_ids_of_one_hash_are_told_apart),
        cmocka_unit_test(test_ids_that_collide_for_one_seed_do_not_for_another),
        cmocka_unit_test(test_an_empty_map_finds_nothing),
        cmocka_unit_test(test_millions_of_numeric_ids_keep_their_order),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
