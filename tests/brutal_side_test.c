/* As brutal_test.c: every allocation of every operation beside the whole way fails once. Searches, experiments and
 * evaluations write as they go on: of these a failure leaves nothing partial where there was nothing, and what was
 * there where there was. */
#include "starve.h"

#include <unistd.h>

#include "inside_folder.h" /* last: it names a runtime and a folder */

static int set_up(void **state)
{
    medley_report *report;
    (void)state;
    enter_folder(1);
    for (int i = 0; i < WHOLE_WAY; i++) {
        assert_ok(operate(rt, whole_way[i].run, whole_way[i].settings, &report, err));
        medley_report_free(report);
    }
    write_requests();
    return 0;
}

static void test_side_ways_survive(void **state)
{
    (void)state;
    test_memory own;
    medley_runtime *runtime = test_runtime(&own, 1);
    for (int i = 0; i < SIDE_WAYS; i++) {
        assert_true(starve(runtime, &own, &side_ways[i], true) > 5);
        if (side_ways[i].run != medley_experiment) /* takes long, and its steps were here */
            assert_true(starve(runtime, &own, &side_ways[i], false) > 5);
    }
    test_runtime_end(runtime, &own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_side_ways_survive),
    };
    return cmocka_run_group_tests(tests, set_up, leave_folder);
}
