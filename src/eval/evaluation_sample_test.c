#include "eval/evaluation_sample.h"

#include <math.h>

#include "testing.h"

enum { ROWS = 200, ITEMS = 30, DRAWN = 5 };

/* Row r's target is item r % ITEMS, but for every seventh row; r + 1 and r + 2 are known. */
typedef struct problem {
    int64_t target_start[ROWS + 1], known_start[ROWS + 1], weight[ITEMS];
    uint32_t target_index[ROWS], known_index[2 * ROWS];
    csr targets, known;
} problem;

static void fill(problem *p)
{
    int64_t n = 0;
    for (int64_t r = 0; r < ROWS; r++) {
        const uint32_t a = (uint32_t)((r + 1) % ITEMS), b = (uint32_t)((r + 2) % ITEMS);
        p->target_start[r] = n;
        p->known_start[r] = 2 * r;
        p->known_index[2 * r] = a < b ? a : b;
        p->known_index[2 * r + 1] = a < b ? b : a;
        if (r % 7 != 0)
            p->target_index[n++] = (uint32_t)(r % ITEMS);
    }
    p->target_start[ROWS] = n;
    p->known_start[ROWS] = 2 * ROWS;
    for (int64_t i = 0; i < ITEMS; i++)
        p->weight[i] = i % 4 == 0 ? 0 : i;
    p->targets = (csr){ROWS, ITEMS, p->target_start, p->target_index, NULL};
    p->known = (csr){ROWS, ITEMS, p->known_start, p->known_index, NULL};
}

static void sample(const problem *p, const sample_plan *plan, int threads, csr_owner *out, medley_runtime **rt,
                   test_memory *memory)
{
    *rt = test_runtime(memory, threads);
    assert_ok(evaluation_sample(*rt, plan, &p->targets, &p->known, out, err));
}

static bool holds(const csr *m, int64_t row, uint32_t item)
{
    for (int64_t at = m->start[row]; at < m->start[row + 1]; at++)
        if (m->index[at] == item)
            return true;
    return false;
}

static void test_each_row_holds_its_target_and_others_that_are_not_known(void **state)
{
    (void)state;
    problem p;
    fill(&p);
    for (int weighted = 0; weighted <= 1; weighted++) {
        const sample_plan plan = {.count = DRAWN, .weight = weighted ? p.weight : NULL, .seed = 3};
        test_memory memory;
        medley_runtime *rt;
        csr_owner got;
        sample(&p, &plan, 2, &got, &rt, &memory);
        for (int64_t r = 0; r < ROWS; r++) {
            const int64_t targets = csr_row_count(&p.targets, r);
            assert_int_equal(csr_row_count(&got.view, r), targets > 0 ? targets + DRAWN : 0);
            assert_true(targets == 0 || holds(&got.view, r, (uint32_t)(r % ITEMS)));
            for (int64_t at = got.start[r]; at < got.start[r + 1]; at++) {
                assert_true(at == got.start[r] || got.index[at - 1] < got.index[at]);
                assert_false(holds(&p.known, r, got.index[at]));
                assert_true(!weighted || p.weight[got.index[at]] > 0 || got.index[at] == r % ITEMS);
            }
        }
        csr_release(&got);
        test_runtime_end(rt, &memory);
    }
}

/* Of the 30 items 29 are no target of row 0's kind; each is drawn as often as the others. */
static void test_uniform_and_popular_draws_have_their_frequencies(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    static int64_t target_start[MANY + 1], known_start[MANY + 1];
    static uint32_t target_index[MANY];
    static const int64_t weight[] = {0, 1, 2, 3, 4};
    for (int64_t r = 0; r <= MANY; r++)
        target_start[r] = r;
    const csr targets = {MANY, 5, target_start, target_index, NULL}, known = {MANY, 5, known_start, NULL, NULL};
    for (int weighted = 0; weighted <= 1; weighted++) {
        const sample_plan plan = {.count = 1, .weight = weighted ? weight : NULL, .seed = 5};
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, 2);
        csr_owner got;
        int64_t times[5] = {0};
        assert_ok(evaluation_sample(rt, &plan, &targets, &known, &got, err));
        for (int64_t n = 0; n < csr_count(&got.view); n++)
            times[got.index[n]]++;
        assert_int_equal(times[0], MANY); /* the target of all */
        for (int i = 1; i < 5; i++) {
            const double p = weighted ? (double)weight[i] / 10 : 0.25;
            assert_true(fabs((double)times[i] / MANY - p) <= 5 * sqrt(p * (1 - p) / MANY));
        }
        csr_release(&got);
        test_runtime_end(rt, &memory);
    }
}

/* One item has nearly all the weight: trying again would never end. */
static void test_a_sample_that_is_hard_to_draw_is_drawn_by_keys(void **state)
{
    (void)state;
    const int64_t weight[] = {1, INT64_C(1) << 40, 2, 3, 0}, start[] = {0, 1}, none[] = {0, 0};
    const uint32_t index[] = {1};
    const csr targets = {1, 5, start, index, NULL}, known = {1, 5, none, NULL, NULL};
    const sample_plan plan = {.count = 4, .weight = weight, .seed = 1};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    csr_owner got;
    assert_ok(evaluation_sample(rt, &plan, &targets, &known, &got, err));
    assert_int_equal(csr_count(&got.view), 4); /* item 4 has no weight, so there are not four others */
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(got.index[i], i);
    csr_release(&got);
    test_runtime_end(rt, &memory);
}

static void test_any_number_of_threads_draws_the_same(void **state)
{
    (void)state;
    problem p;
    fill(&p);
    const sample_plan plan = {.count = DRAWN, .weight = p.weight, .seed = 3};
    test_memory memory[2];
    medley_runtime *rt[2];
    csr_owner one, many;
    sample(&p, &plan, 1, &one, &rt[0], &memory[0]);
    for (int threads = 2; threads <= 4; threads += 2) {
        sample(&p, &plan, threads, &many, &rt[1], &memory[1]);
        assert_memory_equal(one.start, many.start, sizeof p.target_start);
        assert_memory_equal(one.index, many.index, (size_t)csr_count(&one.view) * sizeof *one.index);
        csr_release(&many);
        test_runtime_end(rt[1], &memory[1]);
    }
    csr_release(&one);
    test_runtime_end(rt[0], &memory[0]);
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    problem p;
    fill(&p);
    const sample_plan plan = {.count = DRAWN, .seed = 3};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    csr_owner got;
    BRUTAL(rt, &memory, evaluation_sample(rt, &plan, &p.targets, &p.known, &got, err), csr_release(&got));
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_holds_its_target_and_others_that_are_not_known),
        cmocka_unit_test(test_uniform_and_popular_draws_have_their_frequencies),
        cmocka_unit_test(test_a_sample_that_is_hard_to_draw_is_drawn_by_keys),
        cmocka_unit_test(test_any_number_of_threads_draws_the_same),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
