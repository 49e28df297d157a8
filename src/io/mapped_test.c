#include "testing.h"

#include <sys/stat.h>

#include "io/mapped.h"

static void test_a_files_bytes_are_there(void **state)
{
    (void)state;
    char *folder = test_folder();
    const char *path = test_path(folder, "a");
    mapped m;
    test_write_text(path, "content");
    assert_ok(mapped_open(path, &m, err));
    assert_int_equal(m.length, 7);
    assert_memory_equal(m.bytes, "content", 7);
    mapped_release(&m);
    assert_null(m.bytes);
    mapped_release(&m);
    test_folder_end(folder);
}

static void test_an_empty_file_has_no_bytes(void **state)
{
    (void)state;
    char *folder = test_folder();
    const char *path = test_path(folder, "a");
    mapped m;
    test_write_text(path, "");
    assert_ok(mapped_open(path, &m, err));
    assert_null(m.bytes);
    assert_int_equal(m.length, 0);
    mapped_release(&m);
    test_folder_end(folder);
}

static void test_only_plain_files_are_mapped(void **state)
{
    (void)state;
    char *folder = test_folder();
    mapped m;
    assert_fails(mapped_open(test_path(folder, "none"), &m, err), MEDLEY_E_NOT_FOUND, "cannot open");
    assert_fails(mapped_open(folder, &m, err), MEDLEY_E_IO, "Is a directory");
    assert_int_equal(mkfifo(test_path(folder, "pipe"), 0600), 0);
    assert_fails(mapped_open(test_path(folder, "pipe"), &m, err), MEDLEY_E_IO, "cannot map");
    assert_null(m.bytes);
    test_folder_end(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_files_bytes_are_there),
        cmocka_unit_test(test_an_empty_file_has_no_bytes),
        cmocka_unit_test(test_only_plain_files_are_mapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
