#include "testing.h"

#include <string.h>

#include "base/arena.h"
#include "base/hash.h"

#include "fixture.h"

static void test_parts_are_aligned_whole_and_freed_together(void **state)
{
    (void)state;
    enum { PARTS = 2000 };
    arena a = {.rt = rt};
    unsigned char *part[PARTS];
    int64_t size[PARTS];
    const int64_t before = memory.live;
    for (int i = 0; i < PARTS; i++) {
        size[i] = (int64_t)(random_bits(1, 0, (uint64_t)i) % (i % 100 == 0 ? 200000 : 300));
        assert_ok(arena_alloc(&a, size[i], 1, &part[i], err));
        assert_int_equal((uintptr_t)part[i] % 16, 0);
        memset(part[i], i % 251, (size_t)size[i]);
    }
    for (int i = 0; i < PARTS; i++)
        for (int64_t at = 0; at < size[i]; at++)
            if (part[i][at] != i % 251)
                fail_msg("part %d was overwritten at %lld", i, (long long)at);
    assert_true(memory.live - before < PARTS / 10);
    arena_release(&a);
    assert_int_equal(memory.live, before);
}

static void test_a_released_arena_is_usable(void **state)
{
    (void)state;
    arena a = {.rt = rt};
    const char *copy;
    arena_release(&a);
    for (int round = 0; round < 3; round++) {
        assert_ok(arena_text(&a, "a\0b", 3, &copy, err));
        assert_memory_equal(copy, "a\0b", 4);
        arena_release(&a);
    }
    assert_ok(arena_text(&a, NULL, 0, &copy, err));
    assert_string_equal(copy, "");
    arena_release(&a);
}

static void test_absurd_sizes_are_refused(void **state)
{
    (void)state;
    arena a = {.rt = rt};
    char *part;
    assert_fails(arena_alloc(&a, -1, 1, &part, err), MEDLEY_E_NOMEM, "out of memory: -1 blocks of 1 bytes");
    assert_null(part);
    assert_fails(arena_alloc(&a, INT64_MAX, 1, &part, err), MEDLEY_E_NOMEM, "out of memory");
    assert_fails(arena_alloc(&a, INT64_MAX, 16, &part, err), MEDLEY_E_NOMEM, "out of memory");
    assert_fails(arena_alloc(&a, INT64_MAX - 1000, 1, &part, err), MEDLEY_E_NOMEM, "out of memory");
    assert_ok(arena_alloc(&a, 0, 8, &part, err));
    assert_non_null(part);
    arena_release(&a);
}

static void test_parts_are_aligned_as_asked(void **state)
{
    (void)state;
    arena a = {.rt = rt, .alignment = 64};
    char *part;
    for (int i = 0; i < 3000; i++) {
        assert_ok(arena_alloc(&a, i % 130, 1, &part, err));
        assert_int_equal((uintptr_t)part % 64, 0);
    }
    arena_release(&a);
}

static void carve(arena *a)
{
    unsigned char *part;
    for (int i = 0; i < 50; i++) {
        assert_ok(arena_alloc(a, i * 1000, 1, &part, err));
        memset(part, i, (size_t)i * 1000);
    }
}

static void test_a_reset_arena_keeps_its_memory_in_one_piece(void **state)
{
    (void)state;
    arena a = {.rt = rt, .alignment = 64};
    carve(&a);
    assert_true(memory.live > 10);
    const size_t bytes = arena_bytes(&a);
    arena_reset(&a);
    assert_int_equal(arena_bytes(&a), bytes);
    const int64_t allocations = memory.allocations, live = memory.live;
    carve(&a);
    assert_int_equal(memory.allocations, allocations + 1);
    assert_int_equal(memory.live, live + 1);
    for (int round = 0; round < 3; round++) {
        arena_reset(&a);
        assert_int_equal(arena_bytes(&a), bytes);
        carve(&a);
        assert_int_equal(memory.allocations, allocations + 1);
    }
    arena_release(&a);
    assert_int_equal(arena_bytes(&a), 0);
    arena_reset(&a);
    carve(&a);
    arena_release(&a);
}

static medley_status fill(arena *a, medley_error *err)
{
    const char *copy;
    char *part;
    medley_status status;
    TRY_DONE(arena_text(a, "x", 1, &copy, err));
    TRY_DONE(arena_alloc(a, 60000, 1, &part, err));
    TRY_DONE(arena_alloc(a, 60000, 1, &part, err));
    TRY_DONE(arena_alloc(a, 600000, 1, &part, err));
    arena_reset(a);
    status = arena_alloc(a, 1, 1, &part, err);
done:
    arena_release(a);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    arena a = {.rt = rt};
    BRUTAL(rt, &memory, fill(&a, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_aligned_whole_and_freed_together),
        cmocka_unit_test(test_a_released_arena_is_usable),
        cmocka_unit_test(test_parts_are_aligned_as_asked),
        cmocka_unit_test(test_a_reset_arena_keeps_its_memory_in_one_piece),
        cmocka_unit_test(test_absurd_sizes_are_refused),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
