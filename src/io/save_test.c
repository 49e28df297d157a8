#include "testing.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/save.h"

#include "fixture.h"

static char store[4096]; /* folder/store */

static int start(void **state)
{
    set_up(state);
    snprintf(store, sizeof store, "%s/store", folder);
    return 0;
}

static void assert_content(const char *path, const char *want)
{
    char *bytes = test_read(path, NULL);
    assert_string_equal(bytes, want);
    test_read_end(bytes);
}

/* The scratch folder holds `count` entries: nothing partial was left behind. */
static void assert_entries(int64_t count)
{
    char **names;
    int64_t found;
    assert_ok(file_list(rt, folder, &names, &found, err));
    file_names_free(names, found);
    assert_int_equal(found, count);
}

static void test_bytes_replace_a_file(void **state)
{
    (void)state;
    const char *path = test_path(folder, "a.json");
    assert_ok(save_bytes(rt, path, "first", 5, err));
    assert_content(path, "first");
    assert_ok(save_bytes(rt, path, "2nd", 3, err));
    assert_content(path, "2nd");
    assert_entries(1);
}

static void test_the_old_file_stands_until_the_commit(void **state)
{
    (void)state;
    save *s;
    const char *path = test_path(folder, "a");
    test_write_text(path, "old");
    assert_ok(save_open(rt, path, &s, err));
    assert_ok(save_write(s, "ne", 2, err));
    assert_content(path, "old");
    assert_ok(save_write(s, "w", 1, err));
    assert_ok(save_commit(s, err));
    assert_content(path, "new");
    assert_ok(save_open(rt, path, &s, err));
    assert_ok(save_write(s, "never", 5, err));
    save_abandon(s);
    save_abandon(NULL);
    assert_content(path, "new");
    assert_entries(1);
}

static void test_a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    const char *path = test_path(folder, "a");
    test_write_text(path, "old");
    FULL_DISK(rt, &memory, save_bytes(rt, path, "new content", 11, err),
              (assert_content(path, "old"), assert_entries(1)), assert_content(path, "new content"));
}

static void test_what_a_dead_writer_left_is_overwritten(void **state)
{
    (void)state;
    const char *path = test_path(folder, "a");
    test_write_text(test_path(folder, "a.partial"), "half of something that was much longer");
    assert_ok(save_bytes(rt, path, "whole", 5, err));
    assert_content(path, "whole");
    assert_entries(1);
}

static void test_a_file_has_one_writer_at_a_time(void **state)
{
    (void)state;
    save *first, *second;
    const char *path = test_path(folder, "a");
    assert_ok(save_open(rt, path, &first, err));
    assert_fails(save_open(rt, path, &second, err), MEDLEY_E_EXISTS, "another process is writing it");
    assert_ok(save_commit(first, err));
    assert_ok(save_open(rt, path, &second, err));
    save_abandon(second);
}

static void test_a_link_is_followed_and_stays_one(void **state)
{
    (void)state;
    struct stat st;
    test_write_text(test_path(folder, "real"), "old");
    assert_int_equal(symlink("real", test_path(folder, "link")), 0);
    assert_ok(save_bytes(rt, test_path(folder, "link"), "new", 3, err));
    assert_content(test_path(folder, "real"), "new");
    assert_int_equal(lstat(test_path(folder, "link"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static void test_a_device_is_written_and_not_replaced(void **state)
{
    (void)state;
    struct stat st;
    assert_ok(save_bytes(rt, "/dev/null", "gone", 4, err));
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

static void test_a_folder_or_a_missing_place_is_refused(void **state)
{
    (void)state;
    save *s;
    assert_fails(save_open(rt, folder, &s, err), MEDLEY_E_IO, "it is a folder");
    assert_null(s);
    assert_fails(save_open(rt, test_path(folder, "none/a"), &s, err), MEDLEY_E_NOT_FOUND, "none/a");
}

/* Builds a folder that says `content` in two files. */
static medley_status build(const char *path, bool replace, const char *content, medley_error *err)
{
    save_folder *s;
    medley_status status;
    TRY(save_folder_open(rt, path, replace, "mark", &s, err));
    static const char *const names[] = {"mark", "deep/file"};
    char *in = NULL;
    TRY_DONE(file_join(rt, save_folder_path(s), "deep", &in, err));
    TRY_DONE(file_make_folder(rt, in, err));
    for (int i = 0; i < 2; i++) {
        mem_free(in);
        in = NULL;
        TRY_DONE(file_join(rt, save_folder_path(s), names[i], &in, err));
        TRY_DONE(save_bytes(rt, in, content, strlen(content), err));
    }
    status = save_folder_commit(s, err);
    s = NULL;
done:
    mem_free(in);
    save_folder_abandon(s);
    return status;
}

static void assert_built(const char *path, const char *content)
{
    assert_content(test_path(path, "mark"), content);
    assert_content(test_path(path, "deep/file"), content);
}

static void test_a_folder_appears_whole_and_alone(void **state)
{
    (void)state;
    char **names;
    int64_t count;
    assert_ok(build(store, false, "one", err));
    assert_built(store, "one");
    assert_entries(1);
    assert_ok(file_list(rt, store, &names, &count, err));
    assert_int_equal(count, 2);
    file_names_free(names, count);
    assert_ok(build(test_path(folder, "new/parents/store"), false, "two", err));
    assert_built(test_path(folder, "new/parents/store"), "two");
}

static void test_an_existing_folder_is_replaced_only_if_asked_and_ours(void **state)
{
    (void)state;
    char other[4096];
    snprintf(other, sizeof other, "%s/other", folder);
    assert_ok(build(store, true, "one", err));
    assert_fails(build(store, false, "two", err), MEDLEY_E_EXISTS, "exists already");
    assert_built(store, "one");
    assert_ok(build(store, true, "two", err));
    assert_built(store, "two");
    assert_entries(1);
    assert_ok(file_make_folder(rt, other, err));
    test_write_text(test_path(other, "thesis"), "10 years of work");
    assert_fails(build(other, true, "three", err), MEDLEY_E_EXISTS, "holds no mark and is not replaced");
    assert_content(test_path(other, "thesis"), "10 years of work");
    test_write_text(test_path(folder, "plain"), "a file");
    assert_fails(build(test_path(folder, "plain"), true, "x", err), MEDLEY_E_EXISTS, "holds no mark");
    assert_entries(3);
}

static void test_an_abandoned_folder_leaves_nothing(void **state)
{
    (void)state;
    save_folder *s;
    assert_ok(build(store, false, "one", err));
    assert_ok(save_folder_open(rt, store, true, "mark", &s, err));
    test_write_text(test_path(save_folder_path(s), "half"), "");
    save_folder_abandon(s);
    save_folder_abandon(NULL);
    assert_built(store, "one");
    assert_entries(1);
}

static void test_a_full_disk_leaves_the_old_folder(void **state)
{
    (void)state;
    FULL_DISK(rt, &memory, build(store, true, "one", err), assert_entries(0), assert_built(store, "one"));
    FULL_DISK(rt, &memory, build(store, true, "two", err), (assert_built(store, "one"), assert_entries(1)),
              assert_built(store, "two"));
    assert_entries(1);
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    assert_ok(build(store, true, "one", err));
    BRUTAL(rt, &memory, build(store, true, "two", err), assert_built(store, "two"));
    BRUTAL(rt, &memory, build(test_path(folder, "other"), false, "two", err), (void)0);
    assert_entries(2);
}

static void test_a_second_builder_is_refused(void **state)
{
    (void)state;
    save_folder *first, *second;
    assert_ok(save_folder_open(rt, store, false, "mark", &first, err));
    test_write_text(test_path(save_folder_path(first), "mark"), "first");
    assert_fails(save_folder_open(rt, store, false, "mark", &second, err), MEDLEY_E_EXISTS,
                 "another process is building it");
    assert_ok(save_folder_commit(first, err));
    assert_content(test_path(store, "mark"), "first");
}

static void test_paths_may_be_relative_or_end_in_slashes_or_be_a_dot(void **state)
{
    (void)state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    assert_ok(build("store", false, "one", err));
    assert_ok(build("./store//", true, "two", err));
    assert_built(test_path(folder, "store"), "two");
    assert_int_equal(chdir("store"), 0);
    assert_fails(build(".", false, "three", err), MEDLEY_E_EXISTS, "exists already");
    assert_ok(build(".", true, "three", err));
    assert_built(test_path(folder, "store"), "three");
    assert_int_equal(chdir(folder), 0);
    assert_fails(build("", true, "x", err), MEDLEY_E_ARGUMENT, "empty");
    assert_fails(build("none/.", true, "x", err), MEDLEY_E_NOT_FOUND, "none");
    assert_int_equal(chdir(before), 0);
    assert_entries(1);
}

static void test_an_unwritable_place_is_named(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip(); /* root may write everywhere */
    assert_int_equal(chmod(folder, 0500), 0);
    assert_fails(build(test_path(folder, "store"), false, "x", err), MEDLEY_E_IO, "Permission denied");
    assert_int_equal(chmod(folder, 0700), 0);
}

/* Where folders cannot be exchanged, the old one is aside for a moment; someone may die in it. */
static void test_a_folder_left_aside_comes_back(void **state)
{
    (void)state;
    assert_ok(build(store, false, "one", err));
    assert_int_equal(rename(store, test_path(folder, "store.replaced")), 0);
    assert_fails(build(store, false, "two", err), MEDLEY_E_EXISTS, "exists already");
    assert_built(store, "one");
    assert_entries(1);
}

/* Opens for going on, and tells whether something was kept. */
static bool resume(save_folder **s, bool replace)
{
    bool kept = false;
    assert_ok(save_folder_resume(rt, store, replace, "mark", "state", &kept, s, err));
    return kept;
}

static void test_what_was_left_is_gone_on_with(void **state)
{
    (void)state;
    save_folder *s, *second;
    bool kept;
    assert_false(resume(&s, false));
    test_write_text(test_path(save_folder_path(s), "state"), "half");
    test_write_text(test_path(save_folder_path(s), "mark"), "one");
    assert_fails(save_folder_resume(rt, store, false, "mark", "state", &kept, &second, err), MEDLEY_E_EXISTS,
                 "another process is building it");
    save_folder_leave(s);
    save_folder_leave(NULL);
    assert_true(resume(&s, false));
    assert_content(test_path(save_folder_path(s), "state"), "half");
    assert_ok(save_folder_commit(s, err));
    assert_content(test_path(store, "state"), "half");
    assert_fails(save_folder_resume(rt, store, false, "mark", "state", &kept, &s, err), MEDLEY_E_EXISTS,
                 "exists already");
    assert_false(resume(&s, true));
    save_folder_abandon(s);
    assert_entries(1);
}

static void test_what_was_left_without_the_file_to_keep_is_removed(void **state)
{
    (void)state;
    save_folder *s;
    assert_false(resume(&s, false));
    test_write_text(test_path(save_folder_path(s), "other"), "half");
    save_folder_leave(s);
    assert_entries(1);
    assert_false(resume(&s, false));
    assert_false(file_exists(test_path(save_folder_path(s), "other")));
    test_write_text(test_path(save_folder_path(s), "state"), "half");
    save_folder_leave(s);
    assert_ok(build(store, false, "one", err)); /* who does not ask to go on starts anew */
    assert_built(store, "one");
    assert_false(file_exists(test_path(store, "state")));
    assert_entries(1);
}

static medley_status go_on(medley_error *err)
{
    save_folder *s;
    bool kept;
    TRY(save_folder_resume(rt, store, false, "mark", "state", &kept, &s, err));
    save_folder_leave(s);
    return kept ? MEDLEY_OK : fail(err, MEDLEY_E_IO, "gone");
}

static void test_a_failed_try_to_go_on_loses_nothing(void **state)
{
    (void)state;
    save_folder *s;
    assert_false(resume(&s, false));
    test_write_text(test_path(save_folder_path(s), "state"), "half");
    save_folder_leave(s);
    BRUTAL(rt, &memory, go_on(err), (void)0);
    assert_true(resume(&s, false));
    save_folder_abandon(s);
    assert_entries(0);
}

static void nap(long microseconds)
{
    const struct timespec time = {0, microseconds * 1000};
    (void)nanosleep(&time, NULL);
}

/* A child replaces the folder again and again until it is killed; what stands afterwards is one of
 * its versions, whole, and the next builder succeeds. */
static void test_a_killed_builder_leaves_old_or_new(void **state)
{
    (void)state;
    assert_ok(build(store, true, "0", err));
    for (int round = 0; round < 25; round++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            char content[24];
            for (int i = 0;; i++) {
                snprintf(content, sizeof content, "%d.%d", round, i);
                if (build(store, true, content, NULL) != MEDLEY_OK)
                    _exit(1);
            }
        }
        nap(500 + 577 * round % 5000);
        int how;
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how));
        char *mark = test_read(test_path(store, "mark"), NULL);
        assert_built(store, mark);
        test_read_end(mark);
    }
    assert_ok(build(store, true, "end", err));
    assert_built(store, "end");
    assert_entries(1);
}

/* Builders in two processes at once: each try succeeds or is told of the other. */
static void test_two_builders_do_not_mix(void **state)
{
    (void)state;
    assert_ok(build(store, true, "start", err));
    pid_t children[2];
    for (int c = 0; c < 2; c++) {
        children[c] = fork();
        if (children[c] != 0)
            continue;
        char content[24];
        for (int i = 0; i < 25; i++) {
            medley_error err = {MEDLEY_OK, ""};
            snprintf(content, sizeof content, "%d.%d", c, i);
            const medley_status status = build(store, true, content, &err);
            if (status != MEDLEY_OK && status != MEDLEY_E_EXISTS) {
                fprintf(stderr, "builder %d: %s\n", c, err.message);
                _exit(1);
            }
        }
        _exit(0);
    }
    for (int c = 0; c < 2; c++) {
        int how;
        assert_int_equal(waitpid(children[c], &how, 0), children[c]);
        assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    }
    char *mark = test_read(test_path(store, "mark"), NULL);
    assert_built(store, mark);
    test_read_end(mark);
    assert_entries(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bytes_replace_a_file, start, tear_down),
        cmocka_unit_test_setup_teardown(test_the_old_file_stands_until_the_commit, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_the_old_file, start, tear_down),
        cmocka_unit_test_setup_teardown(test_what_a_dead_writer_left_is_overwritten, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_has_one_writer_at_a_time, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_link_is_followed_and_stays_one, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_device_is_written_and_not_replaced, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_folder_or_a_missing_place_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_folder_appears_whole_and_alone, start, tear_down),
        cmocka_unit_test_setup_teardown(test_an_existing_folder_is_replaced_only_if_asked_and_ours, start,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_abandoned_folder_leaves_nothing, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_the_old_folder, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_second_builder_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_paths_may_be_relative_or_end_in_slashes_or_be_a_dot, start,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_unwritable_place_is_named, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_folder_left_aside_comes_back, start, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_left_is_gone_on_with, start, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_left_without_the_file_to_keep_is_removed, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failed_try_to_go_on_loses_nothing, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_killed_builder_leaves_old_or_new, start, tear_down),
        cmocka_unit_test_setup_teardown(test_two_builders_do_not_mix, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
