#include "testing.h"

#include "encode/blob_log.h"
#include "io/file.h"

enum { BLOBS = 4, HEADER = 48 };

/* Key k: 32 digits; its blob: k + 13 k² bytes of k's own. */
static void key_of(int64_t k, char key[FINGERPRINT_SIZE])
{
    snprintf(key, FINGERPRINT_SIZE, "%032llx", (unsigned long long)mix64((uint64_t)k + 1));
}

static size_t length_of(int64_t k)
{
    return (size_t)(k + 13 * k * k);
}

static medley_status add(blob_log *log, int64_t first, int64_t count, medley_error *err)
{
    static const size_t most = 4096;
    char keys[BLOBS][FINGERPRINT_SIZE], *bytes = test_malloc(most * BLOBS);
    blob blobs[BLOBS];
    for (int64_t i = 0; i < count; i++) {
        key_of(first + i, keys[i]);
        memset(bytes + (size_t)i * most, (int)(first + i), length_of(first + i));
        blobs[i] = (blob){bytes + (size_t)i * most, length_of(first + i), 100 + first + i};
    }
    const medley_status status = blob_log_add(log, count, (const char(*)[FINGERPRINT_SIZE])keys, blobs, err);
    test_free(bytes);
    return status;
}

/* Whether blob k is there; if it is, it must be right. */
static bool has(const blob_log *log, int64_t k)
{
    char key[FINGERPRINT_SIZE];
    blob b;
    key_of(k, key);
    if (!blob_log_find(log, key, &b))
        return false;
    assert_int_equal(b.bytes, length_of(k));
    assert_int_equal(b.size, 100 + k);
    assert_int_equal((uintptr_t)b.data % 16, 0);
    for (size_t i = 0; i < b.bytes; i++)
        assert_int_equal(((const unsigned char *)b.data)[i], k);
    return true;
}

static medley_status write_some(const medley_runtime *rt, const char *path, medley_error *err)
{
    blob_log *log;
    TRY(blob_log_open(rt, path, "vectors", &log, err));
    medley_status status = add(log, 0, BLOBS, err);
    if (status == MEDLEY_OK)
        status = blob_log_settle(log, err);
    blob_log_close(log);
    return status;
}

/* Each try must not find what the one before left: the more there is, the more is allocated. */
static medley_status write_anew(const medley_runtime *rt, const char *path, medley_error *err)
{
    remove(path);
    return write_some(rt, path, err);
}

static void test_blobs_are_found_once_they_are_settled_and_after_reopening(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    char *folder = test_folder();
    const char *path = test_path(folder, "log");
    blob_log *log;
    (void)state;
    assert_ok(blob_log_open(rt, path, "vectors", &log, err));
    assert_ok(add(log, 0, 2, err));
    assert_false(has(log, 0));
    assert_ok(blob_log_settle(log, err));
    assert_true(has(log, 0) && has(log, 1) && !has(log, 2));
    assert_ok(add(log, 2, 2, err));
    assert_true(has(log, 0) && !has(log, 2));
    assert_ok(blob_log_settle(log, err));
    assert_int_equal(blob_log_count(log), 4);
    blob_log_close(log);
    assert_ok(blob_log_open(rt, path, "vectors", &log, err));
    assert_int_equal(blob_log_count(log), 4);
    for (int64_t k = 0; k < 4; k++)
        assert_true(has(log, k));
    assert_int_equal(blob_log_bytes(log) % 16, 0);
    blob_log_close(log);
    blob_log_close(NULL);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static void test_the_last_blob_of_a_key_counts(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    char *folder = test_folder(), key[2][FINGERPRINT_SIZE];
    const blob blobs[] = {{"old", 3, 1}, {"newer", 5, 2}};
    blob_log *log;
    blob b;
    (void)state;
    key_of(0, key[0]);
    key_of(0, key[1]);
    assert_ok(blob_log_open(rt, test_path(folder, "log"), "vectors", &log, err));
    assert_ok(blob_log_add(log, 2, (const char(*)[FINGERPRINT_SIZE])key, blobs, err));
    assert_ok(blob_log_settle(log, err));
    assert_int_equal(blob_log_count(log), 1);
    assert_true(blob_log_find(log, key[0], &b) && b.bytes == 5 && memcmp(b.data, "newer", 5) == 0 && b.size == 2);
    blob_log_close(log);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

/* Where each record ends. */
static void find_ends(size_t ends[BLOBS])
{
    size_t at = HEADER;
    for (int64_t k = 0; k < BLOBS; k++)
        ends[k] = at += 80 + (length_of(k) + 15) / 16 * 16;
}

static void test_a_file_that_ends_anywhere_keeps_its_whole_records_and_goes_on(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    char *folder = test_folder();
    const char *path = test_path(folder, "log");
    size_t length, ends[BLOBS];
    (void)state;
    assert_ok(write_some(rt, path, err));
    char *const bytes = test_read(path, &length);
    find_ends(ends);
    assert_int_equal(length, ends[BLOBS - 1]);
    for (size_t cut = 0; cut <= length; cut++) {
        blob_log *log;
        int64_t whole = 0;
        while (whole < BLOBS && ends[whole] <= cut)
            whole++;
        test_write(path, bytes, cut);
        assert_ok(blob_log_open(rt, path, "vectors", &log, err));
        assert_int_equal(blob_log_count(log), whole);
        for (int64_t k = 0; k < BLOBS; k++)
            assert_true(has(log, k) == (k < whole));
        assert_ok(add(log, 7, 1, err));
        assert_ok(blob_log_settle(log, err));
        assert_int_equal(blob_log_count(log), whole + 1);
        assert_true(has(log, 7));
        blob_log_close(log);
    }
    test_read_end(bytes);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static void test_a_damaged_byte_costs_its_record_and_those_behind(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    char *folder = test_folder();
    const char *path = test_path(folder, "log");
    size_t length, ends[BLOBS];
    (void)state;
    assert_ok(write_some(rt, path, err));
    char *const bytes = test_read(path, &length);
    find_ends(ends);
    for (size_t at = 0; at < length; at += at < 200 ? 1 : 7) {
        blob_log *log;
        int64_t before = 0;
        while (before < BLOBS && ends[before] <= at)
            before++;
        bytes[at] ^= 1;
        test_write(path, bytes, length);
        bytes[at] ^= 1;
        assert_ok(blob_log_open(rt, path, "vectors", &log, err));
        for (int64_t k = 0; k < BLOBS; k++)
            if (k < before || has(log, k)) /* zeros between records are not looked at */
                assert_true(has(log, k) == (at >= HEADER));
        if (at < HEADER)
            assert_int_equal(blob_log_count(log), 0);
        else if (at < ends[before] - 15)
            assert_int_equal(blob_log_count(log), before);
        blob_log_close(log);
    }
    test_read_end(bytes);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static void test_a_file_of_another_identity_or_of_something_else_is_emptied(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    char *folder = test_folder();
    const char *path = test_path(folder, "log");
    blob_log *log;
    (void)state;
    assert_ok(write_some(rt, path, err));
    assert_ok(blob_log_open(rt, path, "other vectors", &log, err));
    assert_int_equal(blob_log_count(log), 0);
    blob_log_close(log);
    assert_ok(blob_log_open(rt, path, "vectors", &log, err));
    assert_int_equal(blob_log_count(log), 0);
    blob_log_close(log);
    test_write_text(path, "a file of something else, which is longer than the header of a file of blobs is");
    assert_ok(blob_log_open(rt, path, "vectors", &log, err));
    assert_int_equal(blob_log_count(log), 0);
    assert_ok(add(log, 1, 1, err));
    assert_ok(blob_log_settle(log, err));
    assert_true(has(log, 1));
    blob_log_close(log);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static void test_a_second_one_who_opens_is_refused_until_the_first_closes(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    char *folder = test_folder();
    const char *path = test_path(folder, "log");
    blob_log *log, *second;
    (void)state;
    assert_ok(blob_log_open(rt, path, "vectors", &log, err));
    assert_ok(add(log, 0, 1, err));
    assert_fails(blob_log_open(rt, path, "other vectors", &second, err), MEDLEY_E_EXISTS, "log");
    assert_null(second);
    assert_ok(blob_log_settle(log, err));
    assert_true(has(log, 0));
    blob_log_close(log);
    assert_ok(blob_log_open(rt, path, "vectors", &second, err));
    assert_true(has(second, 0));
    blob_log_close(second);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static medley_status add_one(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker;
    return add(context, task, 1, err);
}

static void test_several_threads_add_at_once(void **state)
{
    enum { TASKS = 17 };
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 4);
    char *folder = test_folder();
    blob_log *log;
    (void)state;
    assert_ok(blob_log_open(rt, test_path(folder, "log"), "vectors", &log, err));
    assert_ok(parallel_run(rt, TASKS, add_one, log, err));
    assert_ok(blob_log_settle(log, err));
    for (int64_t k = 0; k < TASKS; k++)
        assert_true(has(log, k));
    blob_log_close(log);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static void test_a_file_that_is_cut_while_it_is_in_use_is_told(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    char *folder = test_folder();
    const char *path = test_path(folder, "log");
    blob_log *log;
    (void)state;
    assert_ok(write_some(rt, path, err));
    assert_ok(blob_log_open(rt, path, "vectors", &log, err));
    test_write(path, "", 0);
    assert_fails(blob_log_settle(log, err), MEDLEY_E_FORMAT, "log: was cut while it was in use");
    blob_log_close(log);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

/* What a failure leaves is a file that can be gone on with. */
static void check_goes_on(const char *path)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    blob_log *log;
    assert_ok(blob_log_open(rt, path, "vectors", &log, err));
    for (int64_t k = 0; k < BLOBS; k++)
        assert_true(has(log, k) == (k < blob_log_count(log)));
    blob_log_close(log);
    assert_ok(file_remove_tree(rt, path, err));
    test_runtime_end(rt, &memory);
}

static void test_a_full_disk_and_memory_that_runs_out_lose_only_what_was_not_written(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    char *folder = test_folder();
    const char *path = test_path(folder, "log");
    (void)state;
    BRUTAL(rt, &memory, write_anew(rt, path, err), (void)0);
    check_goes_on(path);
    for (int64_t change = 1; change < 12;
         change++) { /* to close is not told of: what it flushes is found or not */
        struct file_faults faults = {change};
        medley_error err = {MEDLEY_OK, ""};
        rt->faults = &faults;
        const medley_status status = write_some(rt, path, &err);
        rt->faults = NULL;
        assert_true(status == MEDLEY_OK || status == MEDLEY_E_IO);
        assert_int_equal(memory.live, 1);
        assert_true(change > 1 || status == MEDLEY_E_IO);
        check_goes_on(path);
    }
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blobs_are_found_once_they_are_settled_and_after_reopening),
        cmocka_unit_test(test_the_last_blob_of_a_key_counts),
        cmocka_unit_test(test_a_file_that_ends_anywhere_keeps_its_whole_records_and_goes_on),
        cmocka_unit_test(test_a_damaged_byte_costs_its_record_and_those_behind),
        cmocka_unit_test(test_a_file_of_another_identity_or_of_something_else_is_emptied),
        cmocka_unit_test(test_a_second_one_who_opens_is_refused_until_the_first_closes),
        cmocka_unit_test(test_several_threads_add_at_once),
        cmocka_unit_test(test_a_file_that_is_cut_while_it_is_in_use_is_told),
        cmocka_unit_test(test_a_full_disk_and_memory_that_runs_out_lose_only_what_was_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
