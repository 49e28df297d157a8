#include "testing.h"

#include <string.h>

#include "base/parallel.h"
#include "base/tally.h"

typedef struct seen {
    int64_t calls, last, stop_at;
    bool fell;
} seen;

static bool note(void *context, const char *phase, int64_t done, int64_t total)
{
    seen *s = context;
    s->fell |= done < s->last || strcmp(phase, "counting") != 0 || total != 10000;
    s->last = done;
    s->calls++;
    return done < s->stop_at;
}

static medley_status count_ten(void *context, int64_t task, int worker, medley_error *err)
{
    (void)task;
    (void)worker;
    return tally_add(context, 10, err);
}

static void count(int threads, int64_t stop_at, medley_status want, seen *s)
{
    medley_runtime *rt;
    tally t;
    medley_error err = {MEDLEY_OK, ""};
    *s = (seen){.stop_at = stop_at};
    const medley_runtime_options options = {.threads = threads, .progress = note, .progress_context = s};
    assert_int_equal(medley_runtime_create(&options, &rt, &err), MEDLEY_OK);
    tally_start(&t, rt, "counting", 10000);
    assert_int_equal(parallel_run(rt, 1000, count_ten, &t, &err), want);
    assert_int_equal(want == MEDLEY_OK, t.done == 10000);
    if (want != MEDLEY_OK)
        assert_non_null(strstr(err.message, "stopped while counting"));
    medley_runtime_free(rt);
}

static void test_progress_never_falls_and_one_thread_tells_at_a_time(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        seen s;
        count(threads, INT64_MAX, MEDLEY_OK, &s);
        assert_false(s.fell);
        assert_true(s.calls >= 1 && s.calls <= 1000);
        assert_true(threads > 1 || (s.calls == 1000 && s.last == 10000));
    }
}

static void test_the_caller_can_stop_the_work(void **state)
{
    (void)state;
    seen s;
    count(1, 500, MEDLEY_E_STOPPED, &s);
    assert_int_equal(s.last, 500);
    assert_int_equal(s.calls, 50);
    for (int round = 0; round < 20; round++)
        count(4, 500, MEDLEY_E_STOPPED, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress_never_falls_and_one_thread_tells_at_a_time),
        cmocka_unit_test(test_the_caller_can_stop_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
