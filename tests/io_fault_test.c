/* A disk that is full from the n-th change on, for every n: each step of the way fails cleanly, what was
 * there stays byte for byte, and the next try succeeds. */
#include "operate.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "inside_folder.h" /* last: it names a runtime and a folder */

static int set_up(void **state)
{
    (void)state;
    return enter_folder(2);
}

static medley_status run(const step *s, medley_error *err)
{
    medley_report *report;
    const medley_status status = operate(rt, s->run, s->settings, &report, err);
    medley_report_free(report);
    return status;
}

static bool writes(const step *s)
{
    static const char *const readers[] = {"recommend", "similar in a space", "list features", "show features"};
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (strcmp(s->name, readers[i]) == 0)
            return false;
    return true;
}

/* Of the first files that an operation makes, some may be there, whole, when a later one could not be made. */
static void assert_tree(const text *want, const char *name, bool first_of_several)
{
    text now = {.rt = rt};
    list_tree(".", &now);
    if (first_of_several ? strstr(now.bytes, ".partial") != NULL : strcmp(now.bytes, want->bytes) != 0)
        fail_msg("%s changed the disk:\n%s\nbefore:\n%s", name, now.bytes, want->bytes);
    text_release(&now);
}

/* The tree is as it was after every failure; returns how many there were. */
static int64_t fail_everywhere(const step *s, bool first)
{
    text before = {.rt = rt};
    int64_t failures = -1;
    list_tree(".", &before);
    FULL_DISK(rt, &memory, (failures++, run(s, err)), assert_tree(&before, s->name, first && s->writes_several),
              (void)0);
    text_release(&before);
    return failures;
}

static void fail_each_step(const step *steps, int count)
{
    for (int i = 0; i < count; i++) {
        const step *s = &steps[i];
        if (!writes(s)) {
            assert_ok(run(s, err));
            continue;
        }
        if (s->run == medley_split)
            assert_ok(file_make_folder(rt, "store/splits", err)); /* an empty one may stay */
        assert_true(fail_everywhere(s, true) > 0);                /* where there was nothing */
        assert_true(fail_everywhere(s, false) > 0);               /* over what that made */
        assert_ok(run(s, err));
    }
}

static void test_a_full_disk_leaves_what_was_there_and_the_next_try_succeeds(void **state)
{
    (void)state;
    fail_each_step(whole_way, WHOLE_WAY);
    write_requests();
    fail_each_step(side_ways, SIDE_WAYS);
}

/* SQLite writes past the counted calls: a limit on the size of files is a full disk for everybody. */
static void test_no_file_fits_and_the_old_store_stays(void **state)
{
    (void)state;
    static const rlim_t limits[] = {0, 100, 4096, 8192, 16384};
    assert_ok(run(&whole_way[0], err));
    assert_ok(run(&whole_way[1], err));
    struct rlimit usual, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
    text before = {.rt = rt};
    list_tree(".", &before);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        medley_error err = {MEDLEY_OK, ""};
        small = (struct rlimit){limits[i], usual.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        const medley_status status = run(&whole_way[1], &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
        if (status != MEDLEY_E_IO)
            fail_msg("%lld bytes: %s '%s'", (long long)limits[i], medley_status_name(status), err.message);
        assert_tree(&before, "prepare", false);
    }
    text_release(&before);
    signal(SIGXFSZ, handler);
    assert_ok(run(&whole_way[1], err));
}

static void test_a_full_device_is_told(void **state)
{
    (void)state;
    static const step to_full = {"stats", medley_stats, {"store=store", "plot=/dev/full"}, false};
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_ok(run(&whole_way[0], err));
    assert_ok(run(&whole_way[1], err));
    assert_fails(run(&to_full, err), MEDLEY_E_IO, "cannot write '/dev/full': No space left on device");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_what_was_there_and_the_next_try_succeeds, set_up,
                                        leave_folder),
        cmocka_unit_test_setup_teardown(test_no_file_fits_and_the_old_store_stays, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_a_full_device_is_told, set_up, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
