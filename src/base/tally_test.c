#include "testing.h"

#include "base/base.h"
#include "base/tally.h"

typedef struct watch {
    int64_t last, calls;
    bool wrong, stop;
} watch;

static bool watch_progress(void *context, const char *phase, int64_t done, int64_t total)
{
    watch *w = context;
    w->wrong |= done < w->last || done > total || total != 3000 || strcmp(phase, "counting") != 0;
    w->last = done;
    w->calls++;
    return !w->stop;
}

static medley_status add_three(void *context, int64_t task, int worker, medley_error *err)
{
    (void)task;
    (void)worker;
    return tally_add(context, 3, err);
}

static void test_units_add_up_over_threads_and_never_fall(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        watch w = {0};
        medley_runtime *rt;
        const medley_runtime_options options = {.threads = threads, .progress = watch_progress, .progress_context = &w};
        tally t;
        assert_ok(medley_runtime_create(&options, &rt, err));
        tally_start(&t, rt, "counting", 3000);
        assert_ok(parallel_run(rt, 1000, add_three, &t, err));
        assert_int_equal(t.done, 3000);
        assert_false(w.wrong);
        assert_true(w.calls > 0);
        w.stop = true;
        tally_start(&t, rt, "counting", 3000);
        w.last = 0;
        assert_fails(tally_add(&t, 1, err), MEDLEY_E_STOPPED, "stopped while counting (1 of 3000)");
        medley_runtime_free(rt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_add_up_over_threads_and_never_fall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
