#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "base/parallel.h"

static test_memory memory;

static void test_no_options_are_the_defaults(void **state)
{
    (void)state;
    medley_runtime *rt;
    assert_ok(medley_runtime_create(NULL, &rt, err));
    assert_int_equal(medley_runtime_threads(rt), parallel_processors());
    runtime_log(rt, MEDLEY_LOG_WARNING, "%s", "nobody listens");
    assert_ok(runtime_progress(rt, "x", 1, 2, err));
    medley_runtime_free(rt);
    medley_runtime_free(NULL);
}

static void test_options_out_of_range_are_refused(void **state)
{
    (void)state;
    medley_runtime *rt = (medley_runtime *)&memory;
    medley_runtime_options options = {.threads = -1};
    assert_fails(medley_runtime_create(&options, &rt, err), MEDLEY_E_ARGUMENT, "threads: -1 is outside 0..1024");
    assert_null(rt);
    options.threads = 1025;
    assert_fails(medley_runtime_create(&options, &rt, err), MEDLEY_E_ARGUMENT, "threads: 1025 is outside 0..1024");
    assert_fails(medley_runtime_create(NULL, NULL, err), MEDLEY_E_ARGUMENT, "out: NULL");
    options.threads = 1024;
    assert_ok(medley_runtime_create(&options, &rt, err));
    assert_int_equal(medley_runtime_threads(rt), 1024);
    medley_runtime_free(rt);
}

static void *no_memory(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)context, (void)block, (void)old_size, (void)new_size;
    return NULL;
}

static void test_an_allocator_without_memory_is_reported(void **state)
{
    (void)state;
    medley_runtime *rt = (medley_runtime *)&memory;
    const medley_runtime_options options = {.allocator = {no_memory, NULL}};
    assert_fails(medley_runtime_create(&options, &rt, err), MEDLEY_E_NOMEM, "out of memory");
    assert_null(rt);
}

static void test_success_clears_the_message(void **state)
{
    (void)state;
    medley_runtime *rt;
    medley_error err = {MEDLEY_E_IO, "old"};
    assert_int_equal(medley_runtime_create(NULL, &rt, &err), MEDLEY_OK);
    assert_int_equal(err.status, MEDLEY_OK);
    assert_string_equal(err.message, "");
    medley_runtime_free(rt);
}

static void test_two_runtimes_do_not_know_of_each_other(void **state)
{
    (void)state;
    test_memory first, second;
    medley_runtime *a = test_runtime(&first, 1), *b = test_runtime(&second, 3);
    assert_int_equal(first.live, 1);
    test_runtime_end(a, &first);
    assert_int_equal(second.live, 1);
    assert_int_equal(medley_runtime_threads(b), 3);
    test_runtime_end(b, &second);
}

typedef struct heard {
    int lines;
    medley_log_level level;
    char line[2000];
} heard;

static void listen(void *context, medley_log_level level, const char *line)
{
    heard *h = context;
    h->lines++;
    h->level = level;
    snprintf(h->line, sizeof h->line, "%s", line);
}

static void test_the_log_is_given_whole_lines(void **state)
{
    (void)state;
    heard h = {0};
    medley_runtime *rt;
    const medley_runtime_options options = {.log = listen, .log_context = &h};
    assert_ok(medley_runtime_create(&options, &rt, err));
    runtime_log(rt, MEDLEY_LOG_DEBUG, "%d rows", 5);
    assert_int_equal(h.lines, 1);
    assert_int_equal(h.level, MEDLEY_LOG_DEBUG);
    assert_string_equal(h.line, "5 rows");
    runtime_log(rt, MEDLEY_LOG_WARNING, "%5000d", 7); /* cut, not over-written */
    assert_int_equal(h.level, MEDLEY_LOG_WARNING);
    assert_int_equal(strlen(h.line), 1199);
    medley_runtime_free(rt);
}

static bool stop_at_three(void *context, const char *phase, int64_t done, int64_t total)
{
    assert_string_equal(phase, "reading rows");
    assert_int_equal(total, 9);
    *(int64_t *)context = done;
    return done < 3;
}

static void test_the_caller_can_stop_the_work(void **state)
{
    (void)state;
    int64_t last = -1;
    medley_runtime *rt;
    const medley_runtime_options options = {.progress = stop_at_three, .progress_context = &last};
    assert_ok(medley_runtime_create(&options, &rt, err));
    assert_ok(runtime_progress(rt, "reading rows", 2, 9, err));
    assert_int_equal(last, 2);
    assert_fails(runtime_progress(rt, "reading rows", 3, 9, err), MEDLEY_E_STOPPED,
                 "stopped while reading rows (3 of 9)");
    medley_runtime_free(rt);
}

/* Small blocks, blocks of large pages, and from one to the other. */
static void test_the_default_allocator_keeps_contents_at_every_size(void **state)
{
    (void)state;
    static const size_t mib = 1024 * 1024;
    const size_t sizes[] = {1,  100,     2 * mib - 1, 2 * mib, 2 * mib + 1, 5 * mib,
                            64, 7 * mib, 3 * mib,     1000,    2 * mib};
    medley_runtime *rt;
    assert_ok(medley_runtime_create(NULL, &rt, err));
    const medley_allocator *a = &rt->allocator;
    size_t had = 0;
    unsigned char *block = NULL;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        block = a->resize(a->context, block, had, sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
        for (size_t at = 0; at < sizes[i] && at < had; at += 4093)
            assert_int_equal(block[at], at % 251);
        for (size_t at = 0; at < sizes[i]; at += 4093)
            block[at] = (unsigned char)(at % 251);
        block[sizes[i] - 1] = (unsigned char)((sizes[i] - 1) % 251);
        had = sizes[i];
    }
    unsigned char *kept = block;
    assert_null(a->resize(a->context, block, had, SIZE_MAX / 2)); /* the old block is untouched */
    assert_int_equal(kept[4093], 4093 % 251);
    assert_null(a->resize(a->context, kept, had, 0));
    assert_null(a->resize(a->context, NULL, 0, 0));
    medley_runtime_free(rt);
}

static void test_some_memory_is_available(void **state)
{
    (void)state;
    assert_true(runtime_memory_available() > 1024 * 1024);
}

static void test_what_does_not_fit_is_refused_with_advice(void **state)
{
    (void)state;
    medley_error e;
    assert_int_equal(runtime_memory_fits("job", 3, "users", 1000, "ask for less", &e), MEDLEY_OK);
    assert_int_equal(runtime_memory_fits("job", 3, "users", 1e30, "ask for less", &e), MEDLEY_E_LIMIT);
    assert_non_null(strstr(e.message, "job: 3 users need "));
    assert_non_null(strstr(e.message, " GB is available; ask for less"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_options_are_the_defaults),
        cmocka_unit_test(test_options_out_of_range_are_refused),
        cmocka_unit_test(test_an_allocator_without_memory_is_reported),
        cmocka_unit_test(test_success_clears_the_message),
        cmocka_unit_test(test_two_runtimes_do_not_know_of_each_other),
        cmocka_unit_test(test_the_log_is_given_whole_lines),
        cmocka_unit_test(test_the_caller_can_stop_the_work),
        cmocka_unit_test(test_the_default_allocator_keeps_contents_at_every_size),
        cmocka_unit_test(test_some_memory_is_available),
        cmocka_unit_test(test_what_does_not_fit_is_refused_with_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
