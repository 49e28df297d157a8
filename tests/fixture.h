/* What most tests stand on: a runtime of FIXTURE_THREADS threads (one) whose blocks are counted, and a scratch folder.
 * Include it last and give set_up and tear_down to cmocka_run_group_tests or to single tests. */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include "testing.h"

#ifndef FIXTURE_THREADS
#define FIXTURE_THREADS 1
#endif

static test_memory memory;
static medley_runtime *rt;
static char *folder;

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, FIXTURE_THREADS);
    folder = test_folder();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    return 0;
}

#endif
