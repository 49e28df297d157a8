#include "testing.h"

#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"

#include "fixture.h"

static medley_status write_whole(const char *path, const char *content, medley_error *err)
{
    file *f;
    TRY(file_create(rt, path, &f, err));
    const medley_status status = file_write(f, content, strlen(content), err);
    if (status == MEDLEY_OK)
        return file_finish(f, err);
    file_close(f);
    return status;
}

static void assert_content(const char *path, const char *want)
{
    char *bytes;
    size_t length;
    assert_ok(file_read_whole(rt, path, 1 << 20, &bytes, &length, err));
    assert_int_equal(length, strlen(want));
    assert_string_equal(bytes, want);
    mem_free(bytes);
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    const char *path = test_path(folder, "a");
    assert_ok(write_whole(path, "hello", err));
    assert_content(path, "hello");
    assert_ok(write_whole(path, "", err));
    assert_content(path, "");
}

static void test_a_file_is_read_in_pieces_until_its_end(void **state)
{
    (void)state;
    file *f;
    char piece[4];
    size_t got;
    const char *path = test_path(folder, "a");
    test_write_text(path, "abcdef");
    assert_ok(file_open(rt, path, &f, err));
    assert_int_equal(file_size(f), 6);
    assert_ok(file_read(f, piece, 4, &got, err));
    assert_int_equal(got, 4);
    assert_memory_equal(piece, "abcd", 4);
    assert_ok(file_read(f, piece, 4, &got, err));
    assert_int_equal(got, 2);
    assert_ok(file_read(f, piece, 4, &got, err));
    assert_int_equal(got, 0);
    file_close(f);
    file_close(NULL);
}

static void test_missing_files_and_folders_are_told_apart(void **state)
{
    (void)state;
    file *f;
    assert_fails(file_open(rt, test_path(folder, "none"), &f, err), MEDLEY_E_NOT_FOUND, "none': No such file");
    assert_null(f);
    assert_fails(file_open(rt, folder, &f, err), MEDLEY_E_IO, "Is a directory");
    assert_fails(file_create(rt, folder, &f, err), MEDLEY_E_IO, "cannot create");
    assert_true(file_exists(folder) && file_is_folder(folder));
    assert_false(file_exists(test_path(folder, "none")));
}

static void test_reading_whole_stops_at_its_limit(void **state)
{
    (void)state;
    char *bytes;
    size_t length;
    const char *path = test_path(folder, "a");
    test_write_text(path, "12345");
    assert_ok(file_read_whole(rt, path, 5, &bytes, &length, err));
    assert_string_equal(bytes, "12345");
    mem_free(bytes);
    assert_ok(file_read_whole(rt, path, INT64_MAX, &bytes, &length, err));
    mem_free(bytes);
    assert_fails(file_read_whole(rt, path, 4, &bytes, &length, err), MEDLEY_E_LIMIT, "5 bytes is more than the 4");
    assert_null(bytes);
}

/* /proc files say they are empty and are not. */
static void test_a_file_of_unknown_size_is_read_whole(void **state)
{
    (void)state;
    char *bytes;
    size_t length;
    assert_ok(file_read_whole(rt, "/proc/self/status", 1 << 20, &bytes, &length, err));
    assert_true(length > 200 && strlen(bytes) == length);
    mem_free(bytes);
    assert_fails(file_read_whole(rt, "/proc/self/status", 100, &bytes, &length, err), MEDLEY_E_LIMIT,
                 "longer than the 100 bytes");
}

static void test_folders_are_made_with_their_parents(void **state)
{
    (void)state;
    assert_ok(file_make_folder(rt, test_path(folder, "x/y//z/"), err));
    assert_ok(file_make_folder(rt, test_path(folder, "x/y/z"), err));
    assert_true(file_is_folder(test_path(folder, "x/y/z")));
    test_write_text(test_path(folder, "x/file"), "");
    assert_fails(file_make_folder(rt, test_path(folder, "x/file"), err), MEDLEY_E_IO, "File exists");
    assert_fails(file_make_folder(rt, test_path(folder, "x/file/in"), err), MEDLEY_E_IO, "create folder");
}

static void test_a_tree_is_removed_without_following_links(void **state)
{
    (void)state;
    assert_ok(file_make_folder(rt, test_path(folder, "kept"), err));
    test_write_text(test_path(folder, "kept/file"), "kept");
    assert_ok(file_make_folder(rt, test_path(folder, "tree/deep/deeper"), err));
    test_write_text(test_path(folder, "tree/deep/deeper/file"), "");
    assert_int_equal(symlink("../../kept", test_path(folder, "tree/deep/link")), 0);
    assert_int_equal(mkfifo(test_path(folder, "tree/pipe"), 0600), 0);
    assert_ok(file_sync(rt, test_path(folder, "tree"), err));
    assert_ok(file_remove_tree(rt, test_path(folder, "tree"), err));
    assert_false(file_exists(test_path(folder, "tree")));
    assert_content(test_path(folder, "kept/file"), "kept");
    assert_ok(file_remove_tree(rt, test_path(folder, "tree"), err));
    assert_ok(file_remove_tree(rt, test_path(folder, "kept/file"), err));
    assert_false(file_exists(test_path(folder, "kept/file")));
}

static void test_names_are_listed_sorted_by_byte(void **state)
{
    (void)state;
    char **names;
    int64_t count;
    assert_ok(file_list(rt, folder, &names, &count, err));
    assert_int_equal(count, 0);
    file_names_free(names, count);
    for (int i = 30; i-- > 10;) {
        char name[8];
        snprintf(name, sizeof name, "%d", i);
        test_write_text(test_path(folder, name), "");
    }
    test_write_text(test_path(folder, "B"), "");
    test_write_text(test_path(folder, ".hidden"), "");
    assert_ok(file_list(rt, folder, &names, &count, err));
    assert_int_equal(count, 22);
    assert_string_equal(names[0], ".hidden");
    assert_string_equal(names[1], "10");
    assert_string_equal(names[20], "29");
    assert_string_equal(names[21], "B");
    file_names_free(names, count);
    assert_fails(file_list(rt, test_path(folder, "none"), &names, &count, err), MEDLEY_E_NOT_FOUND, "none");
}

static void test_paths_are_joined_with_one_slash(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}, {".", "b/c", "./b/c"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *joined;
        assert_ok(file_join(rt, cases[i][0], cases[i][1], &joined, err));
        assert_string_equal(joined, cases[i][2]);
        mem_free(joined);
    }
}

static void test_absolute_paths_resolve_links(void **state)
{
    (void)state;
    char *real, *through;
    assert_ok(file_make_folder(rt, test_path(folder, "real"), err));
    assert_int_equal(symlink("real", test_path(folder, "link")), 0);
    assert_ok(file_absolute(rt, test_path(folder, "real"), &real, err));
    assert_ok(file_absolute(rt, test_path(folder, "./link/../link"), &through, err));
    assert_string_equal(real, through);
    assert_int_equal(real[0], '/');
    mem_free(real);
    mem_free(through);
    assert_fails(file_absolute(rt, test_path(folder, "none"), &real, err), MEDLEY_E_NOT_FOUND, "none");
}

static void test_rename_replaces_and_exchange_swaps(void **state)
{
    (void)state;
    const char *a = test_path(folder, "a"), *b = test_path(folder, "b");
    test_write_text(a, "A");
    test_write_text(b, "B");
    assert_ok(file_exchange(rt, a, b, err));
    assert_content(a, "B");
    assert_content(b, "A");
    assert_ok(file_rename(rt, a, b, err));
    assert_false(file_exists(a));
    assert_content(b, "B");
    assert_fails(file_rename(rt, a, b, err), MEDLEY_E_NOT_FOUND, "cannot create");
    assert_fails(file_exchange(rt, a, b, err), MEDLEY_E_NOT_FOUND, "cannot replace");
}

static void test_a_locked_file_has_one_writer(void **state)
{
    (void)state;
    file *first, *second;
    const char *path = test_path(folder, "a");
    test_write_text(path, "left by a dead one");
    assert_ok(file_create_locked(rt, path, &first, err));
    assert_ok(file_write(first, "new", 3, err));
    assert_fails(file_create_locked(rt, path, &second, err), MEDLEY_E_EXISTS, "another process is writing it");
    assert_null(second);
    assert_content(path, "new");
    assert_ok(file_finish(first, err));
    assert_ok(file_create_locked(rt, path, &second, err));
    file_close(second);
    assert_content(path, "");
}

static void test_a_locked_folder_has_one_owner(void **state)
{
    (void)state;
    file *first, *second;
    assert_ok(file_lock_folder(rt, folder, false, &first, err));
    assert_fails(file_lock_folder(rt, folder, false, &second, err), MEDLEY_E_EXISTS,
                 "another process is building it");
    file_close(first);
    assert_ok(file_lock_folder(rt, folder, false, &second, err));
    file_close(second);
    assert_fails(file_lock_folder(rt, test_path(folder, "none"), false, &second, err), MEDLEY_E_NOT_FOUND, "none");
    test_write_text(test_path(folder, "plain"), "");
    assert_fails(file_lock_folder(rt, test_path(folder, "plain"), false, &second, err), MEDLEY_E_IO,
                 "Not a directory");
}

static void test_a_failing_write_has_written_half(void **state)
{
    (void)state;
    file *f;
    const char *path = test_path(folder, "a");
    struct file_faults faults = {2};
    rt->faults = &faults;
    assert_ok(file_create(rt, path, &f, err));
    assert_fails(file_write(f, "12345678", 8, err), MEDLEY_E_IO, "No space left on device");
    assert_fails(file_write(f, "12345678", 0, err), MEDLEY_E_IO, "No space left on device");
    file_close(f);
    rt->faults = NULL;
    assert_content(path, "1234");
}

static void test_every_change_of_the_disk_can_fail(void **state)
{
    (void)state;
    const char *a = test_path(folder, "a"), *b = test_path(folder, "b");
    FULL_DISK(rt, &memory, write_whole(a, "x", err), (void)0, (void)0);
    FULL_DISK(rt, &memory, file_make_folder(rt, test_path(folder, "f/g"), err), (void)0, (void)0);
    test_write_text(b, "y");
    FULL_DISK(rt, &memory, file_exchange(rt, a, b, err), assert_content(b, "y"), (void)0);
    FULL_DISK(rt, &memory, file_rename(rt, b, a, err), assert_content(a, "y"), (void)0);
    FULL_DISK(rt, &memory, file_sync(rt, folder, err), (void)0, (void)0);
}

static void test_a_full_device_is_an_error(void **state)
{
    (void)state;
    if (!file_exists("/dev/full"))
        skip();
    assert_fails(write_whole("/dev/full", "x", err), MEDLEY_E_IO, "cannot write '/dev/full': No space left");
}

static medley_status use_all(medley_error *err)
{
    medley_status status;
    file *f = NULL;
    char *bytes = NULL, *joined = NULL, *absolute = NULL, **names = NULL;
    size_t length;
    int64_t count = 0;
    TRY_DONE(write_whole(test_path(folder, "a"), "content", err));
    TRY_DONE(file_create_locked(rt, test_path(folder, "b"), &f, err));
    file_close(f);
    f = NULL;
    TRY_DONE(file_lock_folder(rt, folder, false, &f, err));
    TRY_DONE(file_read_whole(rt, test_path(folder, "a"), 100, &bytes, &length, err));
    TRY_DONE(file_join(rt, folder, "a", &joined, err));
    TRY_DONE(file_absolute(rt, joined, &absolute, err));
    TRY_DONE(file_make_folder(rt, test_path(folder, "c/d"), err));
    TRY_DONE(file_list(rt, folder, &names, &count, err));
    TRY_DONE(file_exchange(rt, joined, test_path(folder, "b"), err));
    TRY_DONE(file_rename(rt, joined, test_path(folder, "b"), err));
done:
    file_close(f);
    mem_free(bytes);
    mem_free(joined);
    mem_free(absolute);
    file_names_free(names, count);
    return status;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, use_all(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_written_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_is_read_in_pieces_until_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_files_and_folders_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reading_whole_stops_at_its_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_of_unknown_size_is_read_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folders_are_made_with_their_parents, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_tree_is_removed_without_following_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_are_listed_sorted_by_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_paths_are_joined_with_one_slash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_absolute_paths_resolve_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rename_replaces_and_exchange_swaps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_locked_file_has_one_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_locked_folder_has_one_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failing_write_has_written_half, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_change_of_the_disk_can_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_device_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
