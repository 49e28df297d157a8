#include "testing.h"

#include <string.h>

#include "encode/trie.h"

enum { ENTRIES = 3000, LENGTH_MOST = 6 };

typedef struct entry {
    char bytes[LENGTH_MOST];
    size_t length;
    int32_t value; /* -1: set again later */
} entry;

/* Few letters, so that entries share beginnings and repeat. */
static void draw(entry *e, uint64_t number)
{
    e->length = (size_t)(random_bits(1, 0, number) % (LENGTH_MOST + 1));
    e->value = (int32_t)number;
    for (size_t i = 0; i < e->length; i++)
        e->bytes[i] = (char)("ab\0\xff"[random_bits(2, number, i) % 4]);
}

static medley_status fill(const medley_runtime *rt, const entry *entries, int count, trie *t, medley_error *err)
{
    *t = (trie){.rt = rt};
    for (int i = 0; i < count; i++) {
        const medley_status status = trie_set(t, entries[i].bytes, entries[i].length, entries[i].value, NULL, err);
        if (status != MEDLEY_OK) {
            trie_release(t);
            return status;
        }
    }
    return MEDLEY_OK;
}

static int32_t slow_find(const entry *entries, int count, const char *bytes, size_t length)
{
    int32_t value = -1;
    for (int i = 0; i < count; i++)
        if (entries[i].length == length && memcmp(entries[i].bytes, bytes, length) == 0)
            value = entries[i].value;
    return value;
}

static void test_every_entry_has_the_value_it_was_set_to_last(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    static entry entries[ENTRIES];
    trie t;
    for (int i = 0; i < ENTRIES; i++)
        draw(&entries[i], (uint64_t)i);
    assert_ok(fill(rt, entries, ENTRIES / 2, &t, err));
    for (int i = 0; i < ENTRIES; i++)
        assert_int_equal(trie_find(&t, entries[i].bytes, entries[i].length),
                         slow_find(entries, ENTRIES / 2, entries[i].bytes, entries[i].length));
    assert_int_equal(trie_find(&t, "abc", 3), -1);
    trie_release(&t);
    test_runtime_end(rt, &memory);
}

static void test_a_walk_passes_every_entry_that_begins_a_text(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    trie t = {.rt = rt};
    int32_t before;
    assert_int_equal(trie_find(&t, "", 0), -1);
    assert_int_equal(trie_step(&t, TRIE_ROOT, 'a'), 0);
    assert_ok(trie_set(&t, "un", 2, 7, &before, err));
    assert_int_equal(before, -1);
    assert_ok(trie_set(&t, "unaff", 5, 8, NULL, err));
    assert_ok(trie_set(&t, "un", 2, 9, &before, err));
    assert_int_equal(before, 7);
    uint32_t node = TRIE_ROOT;
    const char *const word = "unaffable";
    int32_t passed[9];
    for (int i = 0; i < 9 && (node = trie_step(&t, node, (unsigned char)word[i])) != 0; i++)
        passed[i] = t.values[node];
    assert_int_equal(node, 0);
    assert_int_equal(passed[0], -1);
    assert_int_equal(passed[1], 9);
    assert_int_equal(passed[4], 8);
    assert_int_equal(trie_walk(&t, TRIE_ROOT, "ux", 2), 0);
    trie_release(&t);
    test_runtime_end(rt, &memory);
}

static void test_without_memory_a_trie_says_so(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    static entry entries[200];
    trie t;
    for (int i = 0; i < 200; i++)
        draw(&entries[i], (uint64_t)i);
    BRUTAL(rt, &memory, fill(rt, entries, 200, &t, err), trie_release(&t));
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_entry_has_the_value_it_was_set_to_last),
        cmocka_unit_test(test_a_walk_passes_every_entry_that_begins_a_text),
        cmocka_unit_test(test_without_memory_a_trie_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
