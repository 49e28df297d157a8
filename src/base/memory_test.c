#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#include "fixture.h"

static void test_blocks_are_aligned_whole_and_distinct(void **state)
{
    (void)state;
    enum { BLOCKS = 300 };
    unsigned char *block[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        assert_ok(mem_alloc(rt, i, 1, &block[i], err));
        assert_int_equal((uintptr_t)block[i] % 64, 0);
        memset(block[i], i % 251, (size_t)i);
    }
    for (int i = 0; i < BLOCKS; i++) {
        for (int at = 0; at < i; at++)
            assert_int_equal(block[i][at], i % 251);
        for (int other = 0; other < i; other++)
            assert_ptr_not_equal(block[i], block[other]);
    }
    for (int i = 0; i < BLOCKS; i++)
        mem_free(block[i]);
    mem_free(NULL);
}

/* An allocator that is only 16-byte aligned in the worst way, and checks the sizes it is told. */
typedef struct awkward {
    int64_t live_bytes;
    int next;
} awkward;

static void *awkward_resize(void *context, void *block, size_t old_size, size_t new_size)
{
    awkward *a = context;
    if (block != NULL) {
        assert_int_equal(new_size, 0);
        a->live_bytes -= (int64_t)old_size;
        char *start = (char *)block - ((unsigned char *)block)[-1];
        free(start);
        return NULL;
    }
    const int shift = 16 * (1 + a->next++ % 4);
    char *start = aligned_alloc(64, (new_size + 64 + 63) / 64 * 64);
    start[shift - 1] = (char)shift;
    a->live_bytes += (int64_t)new_size;
    return start + shift;
}

static void test_blocks_are_aligned_whatever_the_allocator_gives(void **state)
{
    (void)state;
    awkward context = {0, 0};
    medley_runtime *other;
    const medley_runtime_options options = {.allocator = {awkward_resize, &context}, .threads = 1};
    assert_ok(medley_runtime_create(&options, &other, err));
    unsigned char *block[8];
    for (int i = 0; i < 8; i++) {
        assert_ok(mem_alloc_zero(other, 100, 3, &block[i], err));
        assert_int_equal((uintptr_t)block[i] % 64, 0);
        memset(block[i], 0xff, 300);
    }
    assert_ok(mem_resize(other, &block[0], 5000, 2, err));
    for (int i = 0; i < 300; i++)
        assert_int_equal(block[0][i], 0xff);
    for (int i = 0; i < 8; i++)
        mem_free(block[i]);
    medley_runtime_free(other);
    assert_int_equal(context.live_bytes, 0);
}

static void test_zeroed_blocks_are_zero(void **state)
{
    (void)state;
    int64_t *block;
    for (int64_t count = 0; count < 2000; count += 97) {
        assert_ok(mem_alloc(rt, count, sizeof *block, &block, err));
        memset(block, 0xa5, (size_t)count * sizeof *block);
        mem_free(block);
        assert_ok(mem_alloc_zero(rt, count, sizeof *block, &block, err));
        for (int64_t i = 0; i < count; i++)
            assert_int_equal(block[i], 0);
        mem_free(block);
    }
}

static void test_sizes_are_multiplied_without_overflow(void **state)
{
    (void)state;
    assert_int_equal(mem_bytes(0, 8), 0);
    assert_int_equal(mem_bytes(3, 0), 0);
    assert_int_equal(mem_bytes(3, 8), 24);
    assert_int_equal(mem_bytes(-1, 8), -1);
    assert_int_equal(mem_bytes(-1, 0), -1);
    assert_int_equal(mem_bytes(1, SIZE_MAX), -1);
    assert_true(mem_bytes(INT64_MAX, 1) == INT64_MAX);
    assert_int_equal(mem_bytes(INT64_MAX, 2), -1);
    assert_int_equal(mem_bytes((int64_t)1 << 62, 4), -1);
    assert_true(mem_bytes((int64_t)1 << 61, 2) == (int64_t)1 << 62);
}

static void test_absurd_sizes_are_refused_with_the_size(void **state)
{
    (void)state;
    char *block = (char *)&block;
    assert_fails(mem_alloc(rt, -1, 8, &block, err), MEDLEY_E_NOMEM, "out of memory: -1 blocks of 8 bytes");
    assert_null(block);
    assert_fails(mem_alloc(rt, INT64_MAX, 8, &block, err), MEDLEY_E_NOMEM,
                 "9223372036854775807 blocks of 8 bytes");
    assert_fails(mem_alloc(rt, INT64_MAX, 1, &block, err), MEDLEY_E_NOMEM, "out of memory");
    assert_fails(mem_alloc_zero(rt, INT64_MAX - 5, 1, &block, err), MEDLEY_E_NOMEM, "out of memory");
    assert_ok(mem_alloc(rt, 4, 1, &block, err));
    memcpy(block, "abc", 4);
    char *kept = block;
    assert_fails(mem_resize(rt, &block, INT64_MAX, 3, err), MEDLEY_E_NOMEM, "out of memory");
    assert_ptr_equal(block, kept);
    assert_string_equal(block, "abc");
    mem_free(block);
}

static void test_resizing_keeps_what_fits(void **state)
{
    (void)state;
    int32_t *block = NULL;
    assert_ok(mem_resize(rt, &block, 0, sizeof *block, err));
    int64_t had = 0;
    for (int64_t round = 1; round < 60; round++) {
        const int64_t count = round * 7919 % 1000;
        assert_ok(mem_resize(rt, &block, count, sizeof *block, err));
        assert_int_equal((uintptr_t)block % 64, 0);
        for (int64_t i = 0; i < count && i < had; i++)
            assert_int_equal(block[i], (int32_t)i);
        for (int64_t i = 0; i < count; i++)
            block[i] = (int32_t)i;
        had = count;
    }
    mem_free(block);
}

static void test_reserving_doubles(void **state)
{
    (void)state;
    int64_t *list = NULL, capacity = 0;
    const int64_t before = memory.allocations;
    for (int64_t i = 0; i < 100000; i++) {
        assert_ok(mem_reserve(rt, &list, &capacity, i + 1, sizeof *list, err));
        assert_true(capacity > i);
        list[i] = i;
    }
    assert_true(memory.allocations - before < 20);
    for (int64_t i = 0; i < 100000; i++)
        assert_int_equal(list[i], i);
    const int64_t kept = capacity;
    assert_ok(mem_reserve(rt, &list, &capacity, 5, sizeof *list, err));
    assert_int_equal(capacity, kept);
    assert_fails(mem_reserve(rt, &list, &capacity, INT64_MAX, sizeof *list, err), MEDLEY_E_NOMEM, "out of memory");
    assert_int_equal(capacity, kept);
    mem_free(list);
}

static void test_a_copied_text_ends_with_nul(void **state)
{
    (void)state;
    char *copy;
    assert_ok(mem_text(rt, "hello world", 5, &copy, err));
    assert_string_equal(copy, "hello");
    mem_free(copy);
    assert_ok(mem_text(rt, NULL, 0, &copy, err));
    assert_string_equal(copy, "");
    mem_free(copy);
}

static medley_status use_all(medley_error *err)
{
    char *text = NULL;
    int32_t *list = NULL, *zero = NULL;
    int64_t capacity = 0;
    medley_status status;
    TRY_DONE(mem_text(rt, "x", 1, &text, err));
    TRY_DONE(mem_alloc_zero(rt, 9, sizeof *zero, &zero, err));
    for (int64_t i = 1; i < 100; i *= 2)
        TRY_DONE(mem_reserve(rt, &list, &capacity, i, sizeof *list, err));
    status = mem_resize(rt, &zero, 400, sizeof *zero, err);
done:
    mem_free(text);
    mem_free(list);
    mem_free(zero);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, use_all(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_aligned_whole_and_distinct),
        cmocka_unit_test(test_blocks_are_aligned_whatever_the_allocator_gives),
        cmocka_unit_test(test_zeroed_blocks_are_zero),
        cmocka_unit_test(test_sizes_are_multiplied_without_overflow),
        cmocka_unit_test(test_absurd_sizes_are_refused_with_the_size),
        cmocka_unit_test(test_resizing_keeps_what_fits),
        cmocka_unit_test(test_reserving_doubles),
        cmocka_unit_test(test_a_copied_text_ends_with_nul),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
