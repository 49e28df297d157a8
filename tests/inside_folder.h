/* The fixture of tests that work in their scratch folder. */
#ifndef TESTS_INSIDE_FOLDER_H
#define TESTS_INSIDE_FOLDER_H

#include "testing.h"

#include <unistd.h>

static test_memory memory;
static medley_runtime *rt;
static char *folder;
static char before_folder[4096];

/* A runtime of `threads`, and a scratch folder to stand in. */
static inline int enter_folder(int threads)
{
    rt = test_runtime(&memory, threads);
    folder = test_folder();
    assert_non_null(getcwd(before_folder, sizeof before_folder));
    assert_int_equal(chdir(folder), 0);
    return 0;
}

static inline int leave_folder(void **state)
{
    (void)state;
    assert_int_equal(chdir(before_folder), 0);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    return 0;
}

#endif
