#include "testing.h"

#include "encode/sample_cache.h"
#include "io/file.h"

enum { BYTES = 10, TASKS = 64 };

static void key_of(int64_t k, char key[FINGERPRINT_SIZE])
{
    snprintf(key, FINGERPRINT_SIZE, "%032llx", (unsigned long long)mix64((uint64_t)k + 1));
}

static medley_status put(sample_cache *c, int64_t k, size_t bytes, medley_error *err)
{
    char key[FINGERPRINT_SIZE], data[100];
    const sample s = {data, bytes, 5 + k};
    memset(data, (int)k, sizeof data);
    key_of(k, key);
    return sample_cache_put(c, key, &s, err);
}

/* Whether sample k is there; if it is, it must be right. */
static medley_status get(sample_cache *c, int64_t k, bool *found, medley_error *err)
{
    char key[FINGERPRINT_SIZE];
    sample s = {0};
    key_of(k, key);
    TRY(sample_cache_get(c, key, &s, found, err));
    for (size_t i = 0; i < s.bytes; i++)
        assert_int_equal(((const unsigned char *)s.data)[i], k & 0xff);
    assert_true(*found == (s.data != NULL) && (!*found || s.size == 5 + k));
    sample_release(&s);
    return MEDLEY_OK;
}

static bool has(sample_cache *c, int64_t k)
{
    bool found;
    assert_ok(get(c, k, &found, err));
    return found;
}

static sample_cache *open_cache(const medley_runtime *rt, cache_strategy strategy, const char *folder,
                                const char *preparation, int64_t memory_bytes, int64_t disk_bytes)
{
    sample_cache *c;
    assert_ok(sample_cache_open(rt, strategy, folder, preparation, memory_bytes, disk_bytes, &c, err));
    return c;
}

static void test_memory_lets_go_of_what_was_not_used_for_longest(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    sample_cache *c = open_cache(rt, CACHE_MEMORY, "/nowhere", "pixels", 3 * BYTES, 0);
    (void)state;
    for (int64_t k = 0; k < 3; k++)
        assert_ok(put(c, k, BYTES, err));
    assert_true(has(c, 0)); /* 1 is the oldest now */
    assert_ok(put(c, 3, BYTES, err));
    assert_true(has(c, 0) && !has(c, 1) && has(c, 2) && has(c, 3));
    assert_ok(put(c, 4, 2 * BYTES, err)); /* 0 and 2 go */
    assert_true(!has(c, 0) && !has(c, 2) && has(c, 3) && has(c, 4));
    assert_ok(put(c, 3, BYTES, err));         /* is there: nothing happens */
    assert_ok(put(c, 5, 3 * BYTES + 1, err)); /* never fits: nothing goes for it */
    assert_true(!has(c, 5) && has(c, 3) && has(c, 4));
    const sample_cache_counts n = sample_cache_count(c);
    assert_int_equal(n.evicted, 3);
    assert_int_equal(n.memory_bytes, 3 * BYTES);
    assert_int_equal(n.hits_memory, 8);
    assert_int_equal(n.misses, 4);
    assert_int_equal(n.hits_disk, 0);
    sample_cache_close(c);
    test_runtime_end(rt, &memory);
}

static void test_many_samples_come_and_go(void **state)
{
    enum { MANY = 3000, ROOM = 700 };
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    sample_cache *c = open_cache(rt, CACHE_MEMORY, "/nowhere", "pixels", ROOM * BYTES, 0);
    (void)state;
    for (int64_t k = 0; k < MANY; k++)
        assert_ok(put(c, k, BYTES, err));
    for (int64_t k = 0; k < MANY; k++)
        assert_true(has(c, k) == (k >= MANY - ROOM));
    sample_cache_close(c);
    test_runtime_end(rt, &memory);
}

static void test_the_disk_keeps_samples_at_once_and_for_the_next_time(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    char *folder = test_folder();
    const char *path = test_path(folder, "made/here");
    sample_cache *c = open_cache(rt, CACHE_DISK, path, "pixels", 0, 1 << 20), *second;
    (void)state;
    assert_true(!has(c, 0));
    assert_ok(put(c, 0, BYTES, err));
    assert_ok(put(c, 0, BYTES, err)); /* once is enough */
    assert_ok(put(c, 1, 0, err));
    assert_true(has(c, 0) && has(c, 1) && !has(c, 2));
    assert_int_equal(sample_cache_count(c).disk_bytes, 48 + BYTES);
    assert_fails(sample_cache_open(rt, CACHE_DISK, path, "pixels", 0, 1, &second, err), MEDLEY_E_EXISTS, "");
    assert_null(second);
    second = open_cache(rt, CACHE_DISK, path, "other pixels", 0, 1 << 20); /* a file of its own */
    assert_true(!has(second, 0));
    sample_cache_close(second);
    sample_cache_close(c);
    c = open_cache(rt, CACHE_DISK, path, "pixels", 0, 1 << 20);
    assert_true(has(c, 0) && has(c, 1) && !has(c, 2));
    assert_int_equal(sample_cache_count(c).hits_disk, 2);
    assert_int_equal(sample_cache_count(c).hits_memory, 0);
    assert_int_equal(sample_cache_count(c).misses, 1);
    sample_cache_close(c);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static void test_the_disk_takes_no_more_than_it_may(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    char *folder = test_folder();
    sample_cache *c = open_cache(rt, CACHE_DISK, folder, "pixels", 0, 48 + 2 * BYTES);
    (void)state;
    for (int64_t k = 0; k < 4; k++)
        assert_ok(put(c, k, BYTES, err));
    assert_true(has(c, 0) && has(c, 1) && !has(c, 2) && !has(c, 3));
    sample_cache_close(c);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static void test_hybrid_asks_memory_first_and_brings_there_what_the_disk_has(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    char *folder = test_folder();
    sample_cache *c = open_cache(rt, CACHE_HYBRID, folder, "pixels", 2 * BYTES, 1 << 20);
    (void)state;
    for (int64_t k = 0; k < 4; k++)
        assert_ok(put(c, k, BYTES, err));
    assert_true(has(c, 3)); /* memory */
    assert_true(has(c, 0)); /* evicted there, on disk */
    assert_true(has(c, 0)); /* and back */
    const sample_cache_counts n = sample_cache_count(c);
    assert_int_equal(n.hits_memory, 2);
    assert_int_equal(n.hits_disk, 1);
    assert_int_equal(n.misses, 0);
    assert_int_equal(n.memory_bytes, 2 * BYTES);
    sample_cache_close(c);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static void test_disabled_is_no_cache(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    (void)state;
    assert_null(open_cache(rt, CACHE_DISABLED, "/nowhere", "pixels", 100, 100));
    sample_cache_close(NULL);
    test_runtime_end(rt, &memory);
}

static medley_status use(void *context, int64_t task, int worker, medley_error *err)
{
    bool found;
    (void)worker;
    TRY(put(context, task % 20, BYTES, err));
    TRY(get(context, (7 * task) % 20, &found, err));
    return get(context, task % 20, &found, err);
}

static void test_several_threads_share_it(void **state)
{
    static const cache_strategy strategies[] = {CACHE_HYBRID, CACHE_MEMORY, CACHE_DISK};
    (void)state;
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, 4);
        char *folder = test_folder();
        sample_cache *c = open_cache(rt, strategies[i], folder, "pixels", 7 * BYTES, 1 << 20);
        assert_ok(parallel_run(rt, TASKS, use, c, err));
        for (int64_t k = 0; k < 20; k++)
            assert_true(has(c, k) || strategies[i] == CACHE_MEMORY);
        sample_cache_close(c);
        test_folder_end(folder);
        test_runtime_end(rt, &memory);
    }
}

static medley_status use_anew(const medley_runtime *rt, const char *folder, medley_error *err)
{
    sample_cache *c;
    bool found;
    TRY(file_remove_tree(rt, folder, err));
    TRY(sample_cache_open(rt, CACHE_HYBRID, folder, "pixels", 2 * BYTES, 1 << 20, &c, err));
    medley_status status = MEDLEY_OK;
    for (int64_t k = 0; k < 3 && status == MEDLEY_OK; k++)
        status = put(c, k, BYTES, err);
    for (int64_t k = 0; k < 4 && status == MEDLEY_OK; k++)
        status = get(c, k, &found, err);
    sample_cache_close(c);
    return status;
}

static void test_memory_that_runs_out_and_a_full_disk_are_told(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    char *folder = test_folder();
    const char *path = test_path(folder, "cache");
    (void)state;
    BRUTAL(rt, &memory, use_anew(rt, path, err), (void)0);
    assert_ok(file_remove_tree(rt, path, err));
    sample_cache *c = open_cache(rt, CACHE_DISK, path, "pixels", 0, 1 << 20);
    struct file_faults faults = {1};
    rt->faults = &faults;
    assert_fails(put(c, 0, BYTES, err), MEDLEY_E_IO, "blobs");
    rt->faults = NULL;
    sample_cache_close(c);
    c = open_cache(rt, CACHE_DISK, path, "pixels", 0, 1 << 20);
    assert_true(!has(c, 0));
    assert_ok(put(c, 0, BYTES, err));
    assert_true(has(c, 0));
    sample_cache_close(c);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_lets_go_of_what_was_not_used_for_longest),
        cmocka_unit_test(test_many_samples_come_and_go),
        cmocka_unit_test(test_the_disk_keeps_samples_at_once_and_for_the_next_time),
        cmocka_unit_test(test_the_disk_takes_no_more_than_it_may),
        cmocka_unit_test(test_hybrid_asks_memory_first_and_brings_there_what_the_disk_has),
        cmocka_unit_test(test_disabled_is_no_cache),
        cmocka_unit_test(test_several_threads_share_it),
        cmocka_unit_test(test_memory_that_runs_out_and_a_full_disk_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
