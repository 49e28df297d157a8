#include "fit_model.h"

#include <math.h>

#include "recorded.h"

extern const model_class model_slim;

enum { USERS = 61, ITEMS = 41 };

static made_events made;
static test_memory memory;
static medley_runtime *rt;

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    make_events(&made, USERS, ITEMS, 8);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_runtime_end(rt, &memory);
    return 0;
}

static double gram[ITEMS][ITEMS];

static void make_gram(void)
{
    static bool x[USERS][ITEMS];
    memset(x, 0, sizeof x);
    memset(gram, 0, sizeof gram);
    for (int64_t n = 0; n < made.view.count; n++)
        x[made.user[n]][made.item[n]] = true;
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            for (int k = 0; k < ITEMS; k++)
                gram[i][k] += x[u][i] && x[u][k];
}

/* Plain cyclic coordinate descent over all items, thousands of sweeps. */
static void naive_column(int j, double l1, double l2, bool nonnegative, const bool *allowed, double *w)
{
    for (int i = 0; i < ITEMS; i++)
        w[i] = 0;
    for (int sweep = 0; sweep < 3000; sweep++)
        for (int i = 0; i < ITEMS; i++) {
            double a = gram[i][j];
            for (int k = 0; k < ITEMS; k++)
                a -= k != i ? gram[i][k] * w[k] : 0;
            const double size = fabs(a) > l1 ? fabs(a) - l1 : 0;
            w[i] = i == j || !allowed[i] || (nonnegative && a < 0) ? 0 : copysign(size, a) / (gram[i][i] + l2);
        }
}

static void read_weights(const model_state *s, double w[ITEMS][ITEMS])
{
    csr m;
    memset(w, 0, sizeof(double[ITEMS][ITEMS]));
    assert_ok(model_sparse(s, SPARSE_NAMES("weights"), ITEMS, ITEMS, &m, err));
    for (int i = 0; i < ITEMS; i++)
        for (int64_t at = m.start[i]; at < m.start[i + 1]; at++)
            w[i][m.index[at]] = (double)m.value[at];
}

static void test_weights_minimise_the_objective(void **state)
{
    (void)state;
    static double w[ITEMS][ITEMS], want[ITEMS];
    static const char *const l1s[] = {"0", "0.5", "2"}, *const l2s[] = {"0.5", "8"};
    bool all[ITEMS];
    memset(all, true, sizeof all);
    make_gram();
    for (int n = 0; n < 12; n++) {
        fit_case c;
        model_state s;
        const bool nonnegative = n % 2 == 0;
        FIT_CASE(&c, &model_slim, made.view, USERS, ITEMS, "l1", l1s[n / 4], "l2", l2s[n / 2 % 2], "nonnegative",
                 nonnegative ? "true" : "false", "tolerance", "1e-10", "sweeps", "100000");
        assert_ok(fit_model(rt, &c, &s, err));
        read_weights(&s, w);
        for (int j = 0; j < ITEMS; j++) {
            naive_column(j, (double[]){0, 0.5, 2}[n / 4], (double[]){0.5, 8}[n / 2 % 2], nonnegative, all, want);
            for (int i = 0; i < ITEMS; i++)
                assert_true(fabs(w[i][j] - want[i]) < 1e-6);
        }
        model_state_release(&s);
    }
}

/* Two items that the same two of three users have: w = (2 - l1) / (2 + l2). */
static void test_the_worked_example_comes_out(void **state)
{
    (void)state;
    static const uint32_t user[] = {0, 0, 1, 2, 2}, item[] = {0, 1, 2, 0, 1};
    const interactions events = {5, user, item, NULL, NULL, NULL};
    static const double want[] = {0.375, 0.375, 0, 0, 0, 0, 0.375, 0.375, 0};
    fit_case c;
    double *scores;
    FIT_CASE(&c, &model_slim, events, 3, 3, "l1", "0.5", "l2", "2");
    assert_ok(fit_and_score(rt, &c, &scores, err));
    for (int i = 0; i < 9; i++)
        assert_true(fabs(scores[i] - want[i]) < 1e-7);
    mem_free(scores);
}

/* alpha and l1_ratio of ElasticNet are l1 = U alpha l1_ratio and l2 = U alpha (1 - l1_ratio). */
static void test_it_is_the_same_as_scikit_learn(void **state)
{
    (void)state;
    enum { PAIRS = RECORDED_USERS * RECORDED_ITEMS, SQUARE = RECORDED_ITEMS * RECORDED_ITEMS };
    static uint32_t user[PAIRS], item[PAIRS];
    static const struct {
        const char *cells, *l1, *l2, *nonnegative;
    } cases[] = {
        {"0.02\t0.5\t1\t", "0.4", "0.4", "true"},
        {"0.1\t0.1\t1\t", "0.4", "3.6", "true"},
        {"0.05\t0.5\t0\t", "1", "1", "false"},
    };
    const interactions events = {recorded_pairs(user, item), user, item, NULL, NULL, NULL};
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        double want[SQUARE];
        fit_case c;
        model_state s;
        csr m;
        int64_t others = 0;
        recorded_values("slim.tsv", cases[n].cells, want, SQUARE);
        FIT_CASE(&c, &model_slim, events, RECORDED_USERS, RECORDED_ITEMS, "l1", cases[n].l1, "l2", cases[n].l2,
                 "nonnegative", cases[n].nonnegative, "tolerance", "1e-10", "sweeps", "100000");
        assert_ok(fit_model(rt, &c, &s, err));
        assert_ok(model_sparse(&s, SPARSE_NAMES("weights"), RECORDED_ITEMS, RECORDED_ITEMS, &m, err));
        for (int64_t i = 0; i < RECORDED_ITEMS; i++)
            for (int64_t at = m.start[i]; at < m.start[i + 1]; at++) {
                const int64_t pair = i * RECORDED_ITEMS + m.index[at];
                assert_true(fabs((double)m.value[at] - want[pair]) < 1e-6);
                want[pair] = 0;
            }
        for (int pair = 0; pair < SQUARE; pair++)
            others += fabs(want[pair]) > 1e-6;
        assert_int_equal(others, 0);
        model_state_release(&s);
    }
}

static void test_only_neighbours_have_weights(void **state)
{
    (void)state;
    static double w[ITEMS][ITEMS], want[ITEMS];
    fit_case c;
    model_state s;
    make_gram();
    FIT_CASE(&c, &model_slim, made.view, USERS, ITEMS, "neighbours", "6", "l1", "0.1", "l2", "1", "nonnegative",
             "false", "tolerance", "1e-10");
    assert_ok(fit_model(rt, &c, &s, err));
    read_weights(&s, w);
    for (int j = 0; j < ITEMS; j++) {
        bool allowed[ITEMS];
        int farther = 0;
        double nearest_left_out = 0;
        for (int i = 0; i < ITEMS; i++)
            allowed[i] = w[i][j] != 0;
        for (int i = 0; i < ITEMS; i++)
            if (i != j && !allowed[i] && gram[i][i] > 0)
                nearest_left_out = fmax(nearest_left_out, gram[i][j] / sqrt(gram[i][i]));
        for (int i = 0; i < ITEMS; i++) {
            farther += allowed[i];
            /* Nobody outside is nearer, but for those whose best weight is 0. */
            assert_true(!allowed[i] || gram[i][j] > 0);
        }
        assert_true(farther <= 6);
        if (farther == 6)
            for (int i = 0; i < ITEMS; i++)
                assert_true(!allowed[i] || gram[i][j] / sqrt(gram[i][i]) >= nearest_left_out - 1e-6);
        naive_column(j, 0.1, 1, false, allowed, want);
        for (int i = 0; i < ITEMS; i++)
            assert_true(fabs(w[i][j] - want[i]) < 1e-6);
    }
    model_state_release(&s);
}

static void test_ratings_do_not_matter(void **state)
{
    (void)state;
    fit_case rated, binary;
    double *a, *b;
    FIT_CASE(&rated, &model_slim, made.view, USERS, ITEMS);
    binary = rated;
    binary.events.rating = NULL;
    assert_ok(fit_and_score(rt, &rated, &a, err));
    assert_ok(fit_and_score(rt, &binary, &b, err));
    assert_memory_equal(a, b, USERS * ITEMS * sizeof *a);
    mem_free(a);
    mem_free(b);
}

static void test_what_does_not_fit_is_estimated(void **state)
{
    (void)state;
    static const int64_t start[] = {0, 0};
    const training data = {.users = 1, .items = 4000000000, .matrix = {1, 4000000000, start, NULL, NULL}};
    fit_case c;
    FIT_CASE(&c, &model_slim, made.view, USERS, ITEMS);
    assert_fails(model_check_memory(&model_slim, c.values, &data, err), MEDLEY_E_LIMIT, "use itemknn");
}

/* 4000 items that 6000 users share among them: weights of any sign for all of them would take hours. */
static void test_what_would_take_hours_is_refused(void **state)
{
    (void)state;
    enum { MANY = 6000, EACH = 100, SHELF = 4000 };
    static uint32_t user[MANY * EACH], item[MANY * EACH];
    const interactions events = {MANY * EACH, user, item, NULL, NULL, NULL};
    fit_case c;
    model_state s;
    for (uint32_t n = 0; n < MANY * EACH; n++) {
        user[n] = n / EACH;
        item[n] = (n / EACH * 31 + n % EACH * 37) % SHELF;
    }
    FIT_CASE(&c, &model_slim, events, MANY, SHELF, "nonnegative", "false");
    assert_fails(fit_model(rt, &c, &s, err), MEDLEY_E_LIMIT, "neighbours of 1..");
}

static void test_it_is_a_model_like_others(void **state)
{
    (void)state;
    for (int n = 0; n < 2; n++) {
        fit_case c;
        FIT_CASE(&c, &model_slim, made.view, USERS, ITEMS, "l1", "0.2", "neighbours", n == 0 ? "0" : "5",
                 "nonnegative", n == 0 ? "false" : "true");
        fit_check_all(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_minimise_the_objective),
        cmocka_unit_test(test_the_worked_example_comes_out),
        cmocka_unit_test(test_it_is_the_same_as_scikit_learn),
        cmocka_unit_test(test_only_neighbours_have_weights),
        cmocka_unit_test(test_ratings_do_not_matter),
        cmocka_unit_test(test_what_does_not_fit_is_estimated),
        cmocka_unit_test(test_what_would_take_hours_is_refused),
        cmocka_unit_test(test_it_is_a_model_like_others),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
