#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/parallel.h"

static test_memory memory;

enum { TASKS = 1000 };

typedef struct work {
    _Atomic int runs[TASKS];
    _Atomic int workers[64];
    int threads;
    const bool *fails; /* [TASKS] or NULL */
} work;

/* Longer for some tasks, so that they end in another order than they start. */
static uint64_t spin(int64_t task)
{
    uint64_t x = (uint64_t)task;
    for (uint64_t i = 0; i < random_bits(1, 0, (uint64_t)task) % 2000; i++)
        x = mix64(x);
    return x;
}

static medley_status body(void *context, int64_t task, int worker, medley_error *err)
{
    work *w = context;
    w->runs[task]++;
    if (worker < 0 || worker >= w->threads)
        return fail(err, MEDLEY_E_ARGUMENT, "worker %d", worker);
    w->workers[worker]++;
    if (spin(task) == 42)
        return fail(err, MEDLEY_E_ARGUMENT, "cannot be");
    if (w->fails != NULL && w->fails[task])
        return fail(err, MEDLEY_E_SHAPE, "task %lld", (long long)task);
    return MEDLEY_OK;
}

static void test_every_task_runs_once(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 2, 3, 7, TASKS};
    for (int threads = 1; threads <= 4; threads *= 2) {
        medley_runtime *rt = test_runtime(&memory, threads);
        assert_int_equal(parallel_workers(rt), threads);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            static work w;
            memset(&w, 0, sizeof w);
            w.threads = threads;
            assert_ok(parallel_run(rt, counts[c], body, &w, err));
            for (int64_t task = 0; task < TASKS; task++)
                assert_int_equal(w.runs[task], task < counts[c]);
        }
        test_runtime_end(rt, &memory);
    }
}

static void test_the_lowest_failure_is_told_whatever_the_threads(void **state)
{
    (void)state;
    static bool fails[TASKS];
    for (int threads = 1; threads <= 4; threads *= 2) {
        medley_runtime *rt = test_runtime(&memory, threads);
        for (uint64_t round = 0; round < 200; round++) {
            static work w;
            int64_t lowest = TASKS;
            memset(&w, 0, sizeof w);
            w.threads = threads;
            w.fails = fails;
            for (int64_t task = TASKS - 1; task >= 0; task--) {
                fails[task] = random_bits(round, 5, (uint64_t)task) % 50 == 0;
                lowest = fails[task] ? task : lowest;
            }
            medley_error err = {MEDLEY_OK, ""};
            char want[64];
            snprintf(want, sizeof want, "task %lld", (long long)lowest);
            assert_int_equal(parallel_run(rt, TASKS, body, &w, &err), MEDLEY_E_SHAPE);
            assert_int_equal(err.status, MEDLEY_E_SHAPE);
            assert_string_equal(err.message, want);
            for (int64_t task = 0; task < TASKS; task++)
                assert_true(w.runs[task] <= 1 && (task > lowest || w.runs[task] == 1));
            if (threads == 1)
                assert_int_equal(w.runs[lowest + 1], 0);
            assert_int_equal(parallel_run(rt, TASKS, body, &w, NULL), MEDLEY_E_SHAPE);
        }
        test_runtime_end(rt, &memory);
    }
}

static void test_success_leaves_the_message_alone(void **state)
{
    (void)state;
    medley_runtime *rt = test_runtime(&memory, 2);
    static work w = {.threads = 2};
    medley_error err = {MEDLEY_E_IO, "of an earlier call"};
    assert_int_equal(parallel_run(rt, 5, body, &w, &err), MEDLEY_OK);
    assert_string_equal(err.message, "of an earlier call");
    test_runtime_end(rt, &memory);
}

/* A body may itself run tasks; its workers are still in range. */
static medley_status nested(void *context, int64_t task, int worker, medley_error *err)
{
    const medley_runtime *rt = context;
    static work w = {.threads = 4};
    (void)worker;
    return task < 4 ? parallel_run(rt, 10, body, &w, err) : MEDLEY_OK;
}

static void test_tasks_may_run_tasks(void **state)
{
    (void)state;
    medley_runtime *rt = test_runtime(&memory, 4);
    assert_ok(parallel_run(rt, 8, nested, rt, err));
    test_runtime_end(rt, &memory);
}

static void test_there_is_a_processor(void **state)
{
    (void)state;
    assert_true(parallel_processors() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_task_runs_once),
        cmocka_unit_test(test_the_lowest_failure_is_told_whatever_the_threads),
        cmocka_unit_test(test_success_leaves_the_message_alone),
        cmocka_unit_test(test_tasks_may_run_tasks),
        cmocka_unit_test(test_there_is_a_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
