#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "eval/significance.h"

#include "fixture.h"

static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)) && got != want)
        fail_msg("%.17g, expected %.17g", got, want);
}

/* ---- worked by hand ---- */

static void test_the_mean_and_the_sample_deviation_are_right(void **state)
{
    (void)state;
    const sample_summary two = sample_summarise((const double[]){1, 3}, 2);
    assert_near(two.mean, 2, 0);
    assert_near(two.std, sqrt(2), 1e-15);
    /* 2 4 4 4 5 5 7 9: mean 5, squares 32, 32 / 7. */
    const sample_summary eight = sample_summarise((const double[]){2, 4, 4, 4, 5, 5, 7, 9}, 8);
    assert_near(eight.mean, 5, 0);
    assert_near(eight.std, sqrt(32. / 7), 1e-15);
    const sample_summary one = sample_summarise((const double[]){0.3}, 1);
    assert_near(one.mean, 0.3, 0);
    assert_true(isnan(one.std));
    /* Far from zero: a one-pass formula has no digits left here. */
    assert_near(sample_summarise((const double[]){1e9 + 1, 1e9 + 2, 1e9 + 3}, 3).std, 1, 1e-15);
}

static void test_students_tails_have_their_closed_forms(void **state)
{
    (void)state;
    t_test r;
    /* One degree of freedom, the Cauchy distribution: p = 1 - 2 atan(t) / pi. d = 1, 3: t = 2. */
    assert_ok(t_test_paired((const double[]){1, 3}, (const double[]){0, 0}, 2, &r, err));
    assert_near(r.t, 2, 1e-15);
    assert_near(r.p, 1 - 2 * atan(2) / acos(-1), 1e-14);
    assert_near(r.cohens_d, sqrt(2), 1e-15);
    /* Two: p = 1 - t / sqrt(2 + t^2). d = 1, 2, 3: mean 2, std 1, t = 2 sqrt(3). */
    assert_ok(t_test_paired((const double[]){1, 2, 3}, (const double[]){0, 0, 0}, 3, &r, err));
    assert_near(r.t, 2 * sqrt(3), 1e-15);
    assert_near(r.p, 1 - 2 * sqrt(3) / sqrt(14), 1e-14);
    /* Two, small t: d = -1, 0, 1.3: the branch that subtracts from 1. */
    assert_ok(t_test_paired((const double[]){-1, 0, 1.3}, (const double[]){0, 0, 0}, 3, &r, err));
    assert_near(r.p, 1 - r.t / sqrt(2 + r.t * r.t), 1e-14);
}

static void test_wilcoxons_ranks_are_those_worked_by_hand(void **state)
{
    (void)state;
    wilcoxon_test r;
    /* d = 1, -2, 3, 4: ranks 1 2 3 4, W- = 2; of 16 sign patterns 0, 1, 2 have W <= 2: {} {1} {2}. */
    const double a[] = {1, 0, 3, 4, 9, 9}, b[] = {0, 2, 0, 0, 8, 9};
    assert_ok(wilcoxon_paired(rt, a, b, 4, &r, err));
    assert_true(r.exact && r.used == 4 && r.z == 0);
    assert_near(r.positive, 8, 0);
    assert_near(r.negative, 2, 0);
    assert_near(r.p, 2 * 3. / 16, 0);
    /* A tie: d = 1, -2, 3, 4, 1: ranks 1.5 3 4 5 1.5; variance (5 6 11 - (8 - 2) / 2) / 24. */
    assert_ok(wilcoxon_paired(rt, a, b, 5, &r, err));
    assert_true(!r.exact && r.used == 5);
    assert_near(r.positive, 12, 0);
    assert_near(r.negative, 3, 0);
    assert_near(r.z, (12 - 7.5) / sqrt(327. / 24), 1e-15);
    assert_near(r.p, erfc(r.z / sqrt(2)), 1e-15);
    /* A zero is dropped, and is a reason not to be exact. */
    assert_ok(wilcoxon_paired(rt, a + 2, b + 2, 4, &r, err));
    assert_true(!r.exact && r.used == 3);
}

static void test_adjusted_p_values_are_those_worked_by_hand(void **state)
{
    (void)state;
    /* Sorted: 0.01 0.02 0.03 0.6. Holm: 4 3 2 1 times, never falling: 0.04 0.06 0.06 0.6.
     * Benjamini-Hochberg: 4/1 4/2 4/3 4/4 times, never falling: 0.04 0.04 0.04 0.6. */
    const double p[] = {0.03, 0.6, 0.01, 0.02};
    double adjusted[4];
    assert_ok(p_adjust(rt, P_HOLM, p, 4, adjusted, err));
    const double holm[] = {0.06, 0.6, 0.04, 0.06}, bh[] = {0.04, 0.6, 0.04, 0.04};
    for (int i = 0; i < 4; i++)
        assert_near(adjusted[i], holm[i], 1e-15);
    memcpy(adjusted, p, sizeof p);
    assert_ok(p_adjust(rt, P_BENJAMINI_HOCHBERG, adjusted, 4, adjusted, err));
    for (int i = 0; i < 4; i++)
        assert_near(adjusted[i], bh[i], 1e-15);
    assert_ok(p_adjust(rt, P_HOLM, (const double[]){0.7, 0.8}, 2, adjusted, err));
    assert_near(adjusted[0], 1, 0);
    assert_near(adjusted[1], 1, 0);
    assert_ok(p_adjust(rt, P_HOLM, NULL, 0, NULL, err));
}

static void test_a_bootstrap_of_two_values_has_their_quantiles(void **state)
{
    (void)state;
    /* Means 0, 1/2, 1 with chances 1/4, 1/2, 1/4. */
    const double values[] = {0, 1};
    interval i;
    assert_ok(bootstrap_mean(rt, values, 2, &(bootstrap_options){4000, 0.4, 1}, &i, err));
    assert_near(i.low, 0.5, 0);
    assert_near(i.high, 0.5, 0);
    assert_ok(bootstrap_mean(rt, values, 2, &(bootstrap_options){4000, 0.6, 1}, &i, err));
    assert_near(i.low, 0, 0);
    assert_near(i.high, 1, 0);
    assert_ok(bootstrap_mean(rt, values + 1, 1, &(bootstrap_options){10, 0.95, 1}, &i, err));
    assert_true(i.low == 1 && i.high == 1);
}

/* ---- recorded from SciPy (tools/parity/record_significance.py) ---- */

static int64_t read_numbers(char *cell, double **out)
{
    int64_t n = 1;
    for (const char *c = cell; *c != '\0'; c++)
        n += *c == ',';
    assert_ok(mem_alloc(rt, n, sizeof **out, out, err));
    for (int64_t i = 0; i < n; i++)
        (*out)[i] = strtod(strsep(&cell, ","), NULL);
    return n;
}

static int64_t read_pairs(char *const *cells, double **a, double **b)
{
    if (strncmp(cells[2], "formula:", 8) != 0) {
        const int64_t n = read_numbers(cells[2], a);
        assert_int_equal(read_numbers(cells[3], b), n);
        return n;
    }
    const int64_t n = strtoll(cells[2] + 8, NULL, 10);
    assert_ok(mem_alloc(rt, n, sizeof **a, a, err));
    assert_ok(mem_alloc(rt, n, sizeof **b, b, err));
    for (int64_t i = 0; i < n; i++) {
        (*a)[i] = (double)(i * 7919 % 1000) / 1000;
        (*b)[i] = 0.497;
    }
    return n;
}

/* Two estimates of one quantile differ by Monte Carlo error. Of a normal mean's 2.5 % quantile from B draws it
 * is sqrt(0.025 0.975 / B) / phi(-1.96) = 2.67 / sqrt(B) standard errors of the mean: here, with
 * B = 20,000 and SciPy's 100,000, together 0.021. Five times that is allowed. */
static void compare_bootstrap(const double *a, const double *b, int64_t n, double std, double low, double high)
{
    interval i;
    assert_ok(bootstrap_difference(rt, a, b, n, &(bootstrap_options){20000, 0.95, 3}, &i, err));
    const double slack = 0.105 * std / sqrt((double)n);
    assert_true(fabs(i.low - low) < slack);
    assert_true(fabs(i.high - high) < slack);
}

static void compare_pairs(char *const *cells)
{
    double want[12], *a, *b;
    t_test t;
    wilcoxon_test w;
    const int64_t n = read_pairs(cells, &a, &b);
    for (int i = 4; i < 12; i++)
        want[i] = strtod(cells[i], NULL);
    assert_ok(t_test_paired(a, b, n, &t, err));
    assert_near(t.t, want[4], 1e-10);
    assert_near(t.p, want[5], 1e-10);
    assert_near(t.cohens_d, want[6], 1e-10);
    assert_ok(wilcoxon_paired(rt, a, b, n, &w, err));
    assert_near(fmin(w.positive, w.negative), want[7], 0);
    assert_near(w.p, want[8], 1e-10);
    assert_int_equal(w.exact, want[9] != 0);
    if (!isnan(want[10]))
        compare_bootstrap(a, b, n, t.std, want[10], want[11]);
    mem_free(b);
    mem_free(a);
}

static void compare_family(char *const *cells)
{
    double *p, *want, *adjusted;
    const int64_t m = read_numbers(cells[2], &p);
    assert_ok(mem_alloc(rt, m, sizeof *adjusted, &adjusted, err));
    for (p_adjustment method = P_HOLM; method <= P_BENJAMINI_HOCHBERG; method++) {
        assert_int_equal(read_numbers(cells[3 + method], &want), m);
        assert_ok(p_adjust(rt, method, p, m, adjusted, err));
        for (int64_t i = 0; i < m; i++)
            assert_near(adjusted[i], want[i], 1e-10);
        mem_free(want);
    }
    mem_free(adjusted);
    mem_free(p);
}

static void test_values_are_those_of_scipy(void **state)
{
    (void)state;
    int pairs = 0, families = 0;
    char *bytes = test_read(MEDLEY_SOURCE_DIR "/tests/parity/significance.tsv", NULL), *rest = bytes;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0';) {
        char *cells[12] = {NULL};
        for (int i = 0; i < 12 && line != NULL; i++)
            cells[i] = strsep(&line, "\t");
        const bool is_family = strcmp(cells[0], "family") == 0;
        *(is_family ? &families : &pairs) += 1;
        (is_family ? compare_family : compare_pairs)(cells);
    }
    test_read_end(bytes);
    assert_int_equal(pairs, 10);
    assert_int_equal(families, 4);
}

/* ---- twins and properties ---- */

static void test_the_exact_p_is_that_of_all_sign_patterns(void **state)
{
    (void)state;
    enum { N = 10 };
    const double zeros[N] = {0};
    for (uint64_t trial = 0; trial < 20; trial++) {
        double d[N], ranks = 0;
        int low = 0;
        for (int i = 0; i < N; i++) { /* |d| = i + 1: its rank */
            d[i] = (random_bits(trial, 0, (uint64_t)i) & 1) ? i + 1 : -(i + 1);
            ranks += d[i] > 0 ? d[i] : 0;
        }
        wilcoxon_test r;
        assert_ok(wilcoxon_paired(rt, d, zeros, N, &r, err));
        for (unsigned pattern = 0; pattern < 1u << N; pattern++) {
            double sum = 0;
            for (int i = 0; i < N; i++)
                sum += (pattern >> i & 1) ? i + 1 : 0;
            low += sum <= fmin(ranks, N * (N + 1) / 2. - ranks);
        }
        assert_near(r.positive, ranks, 0);
        assert_near(r.p, fmin(1, 2. * low / (1 << N)), 0);
    }
}

static void test_the_bootstrap_is_that_of_a_plain_loop(void **state)
{
    (void)state;
    enum { N = 7, B = 21 };
    const double a[N] = {1, 4, 2, 8, 5, 7, 0}, b[N] = {3, 1, 4, 1, 5, 9, 2};
    double means[B];
    for (int r = 0; r < B; r++) {
        means[r] = 0;
        for (int i = 0; i < N; i++) {
            const int user = (int)(N * random_uniform(11, (uint64_t)r, (uint64_t)i));
            means[r] += (a[user] - b[user]) / N;
        }
        for (int j = r; j > 0 && means[j - 1] > means[j]; j--) {
            const double larger = means[j - 1];
            means[j - 1] = means[j];
            means[j] = larger;
        }
    }
    interval i;
    assert_ok(bootstrap_difference(rt, a, b, N, &(bootstrap_options){B, 0.8, 11}, &i, err));
    assert_near(i.low, means[2], 1e-14); /* (B - 1) (1 - 0.8) / 2 = 2 */
    assert_near(i.high, means[18], 1e-14);
}

static void test_intervals_hold_the_truth_as_often_as_they_say(void **state)
{
    (void)state;
    enum { TRIALS = 400, N = 60 };
    int held = 0;
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        double values[N];
        for (int i = 0; i < N; i++)
            values[i] = random_uniform(trial, 77, (uint64_t)i);
        interval in;
        assert_ok(bootstrap_mean(rt, values, N, &(bootstrap_options){300, 0.9, trial}, &in, err));
        held += in.low <= 0.5 && 0.5 <= in.high;
    }
    /* 0.9 ± 4 standard errors, and room for the percentile interval's being a little short. */
    assert_in_range(held, (int)(0.82 * TRIALS), (int)(0.96 * TRIALS));
}

static void test_sides_and_order_do_not_matter(void **state)
{
    (void)state;
    enum { N = 80 };
    double a[N], b[N], shuffled_a[N], shuffled_b[N];
    for (int i = 0; i < N; i++) {
        a[i] = floor(10 * random_uniform(5, 0, (uint64_t)i)) / 10;
        b[i] = floor(10 * random_uniform(5, 1, (uint64_t)i)) / 10;
        shuffled_a[i * 37 % N] = a[i];
        shuffled_b[i * 37 % N] = b[i];
    }
    wilcoxon_test w, other_w;
    t_test t, other_t;
    assert_ok(wilcoxon_paired(rt, a, b, N, &w, err));
    assert_ok(wilcoxon_paired(rt, shuffled_a, shuffled_b, N, &other_w, err));
    assert_memory_equal(&w.p, &other_w.p, sizeof w.p);
    assert_ok(wilcoxon_paired(rt, b, a, N, &other_w, err));
    assert_memory_equal(&w.p, &other_w.p, sizeof w.p);
    assert_near(w.z, -other_w.z, 1e-15);
    assert_ok(t_test_paired(a, b, N, &t, err));
    assert_ok(t_test_paired(b, a, N, &other_t, err));
    assert_near(t.t, -other_t.t, 0);
    assert_near(t.p, other_t.p, 0);
}

static void test_p_falls_as_t_grows(void **state)
{
    (void)state;
    enum { N = 41 };
    const double zeros[N] = {0};
    double last = 1;
    for (int step = 1; step <= 2000; step++) {
        double d[N];
        t_test r;
        for (int i = 0; i < N; i++)
            d[i] = i - 20 + step * 0.01;
        assert_ok(t_test_paired(d, zeros, N, &r, err));
        assert_true(r.p < last && r.p > 0); /* across the seam of the two branches too */
        last = r.p;
    }
}

static void test_equal_systems_do_not_differ(void **state)
{
    (void)state;
    const double a[] = {0.1, 0.2, 0.3};
    t_test t;
    wilcoxon_test w;
    interval i;
    assert_ok(t_test_paired(a, a, 3, &t, err));
    assert_true(t.t == 0 && t.p == 1 && t.cohens_d == 0 && t.mean == 0 && t.std == 0);
    assert_ok(wilcoxon_paired(rt, a, a, 3, &w, err));
    assert_true(w.p == 1 && w.used == 0 && !w.exact && w.z == 0);
    assert_ok(bootstrap_difference(rt, a, a, 3, &(bootstrap_options){9, 0.95, 1}, &i, err));
    assert_true(i.low == 0 && i.high == 0);
}

static void test_one_difference_for_all_is_certain(void **state)
{
    (void)state;
    double a[10], b[10];
    t_test t;
    for (int i = 0; i < 10; i++) {
        a[i] = 0;
        b[i] = 0.1; /* whose sum of ten is not 1 */
    }
    assert_ok(t_test_paired(a, b, 10, &t, err));
    assert_true(t.t == -INFINITY && t.p == 0 && t.std == 0 && t.cohens_d == -INFINITY);
}

static void test_one_pair_has_no_t_but_a_rank(void **state)
{
    (void)state;
    const double a[] = {1}, b[] = {0};
    t_test t;
    wilcoxon_test w;
    assert_fails(t_test_paired(a, b, 1, &t, err), MEDLEY_E_ARGUMENT, "1 pairs of values; at least 2 are needed");
    assert_ok(wilcoxon_paired(rt, a, b, 1, &w, err));
    assert_true(w.exact && w.p == 1);
    assert_fails(wilcoxon_paired(rt, a, b, 0, &w, err), MEDLEY_E_ARGUMENT, "0 pairs of values");
}

static void test_what_is_no_number_is_refused(void **state)
{
    (void)state;
    const double good[] = {1, 2, 3}, bad[] = {1, NAN, 3}, endless[] = {1, 2, INFINITY};
    const bootstrap_options options = {9, 0.95, 1};
    t_test t;
    wilcoxon_test w;
    interval i;
    double adjusted[3];
    const double large[] = {1e308, 0}, small[] = {-1e308, 0};
    assert_fails(t_test_paired(good, bad, 3, &t, err), MEDLEY_E_ARGUMENT, "value 1 of the second system is nan");
    assert_fails(t_test_paired(endless, good, 3, &t, err), MEDLEY_E_ARGUMENT,
                 "value 2 of the first system is inf");
    assert_fails(t_test_paired(large, small, 2, &t, err), MEDLEY_E_ARGUMENT, "pair 0: 1e+308 and -1e+308 are too");
    assert_fails(wilcoxon_paired(rt, bad, good, 3, &w, err), MEDLEY_E_ARGUMENT, "is nan");
    assert_fails(bootstrap_mean(rt, bad, 3, &options, &i, err), MEDLEY_E_ARGUMENT, "value 1 of the system is nan");
    assert_fails(bootstrap_difference(rt, good, bad, 3, &options, &i, err), MEDLEY_E_ARGUMENT, "is nan");
    assert_fails(bootstrap_mean(rt, good, 0, &options, &i, err), MEDLEY_E_ARGUMENT, "no values");
    assert_fails(bootstrap_mean(rt, good, 3, &(bootstrap_options){0, 0.95, 1}, &i, err), MEDLEY_E_ARGUMENT,
                 "0 resamples at level 0.95; at least 1 and");
    assert_fails(bootstrap_mean(rt, good, 3, &(bootstrap_options){9, 1, 1}, &i, err), MEDLEY_E_ARGUMENT,
                 "level 1;");
    assert_fails(bootstrap_mean(rt, good, 3, &(bootstrap_options){9, NAN, 1}, &i, err), MEDLEY_E_ARGUMENT, "nan");
    assert_fails(p_adjust(rt, P_HOLM, good, 3, adjusted, err), MEDLEY_E_ARGUMENT,
                 "p value 1 is 2; 0..1 is accepted");
    assert_fails(p_adjust(rt, P_HOLM, bad, 3, adjusted, err), MEDLEY_E_ARGUMENT, "p value 1 is nan");
}

static void test_threads_do_not_change_a_bit(void **state)
{
    (void)state;
    enum { N = 500 };
    double values[N];
    interval one;
    for (int i = 0; i < N; i++)
        values[i] = random_uniform(9, 9, (uint64_t)i);
    const bootstrap_options options = {999, 0.95, 4};
    assert_ok(bootstrap_mean(rt, values, N, &options, &one, err));
    for (int threads = 2; threads <= 4; threads += 2) {
        test_memory other_memory;
        medley_runtime *other = test_runtime(&other_memory, threads);
        interval more;
        assert_ok(bootstrap_mean(other, values, N, &options, &more, err));
        assert_memory_equal(&one, &more, sizeof one);
        test_runtime_end(other, &other_memory);
    }
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    const double a[] = {0.1, 0.2, 0.4}, b[] = {0.3, 0.1, 0.1};
    const bootstrap_options options = {9, 0.95, 1};
    interval i;
    wilcoxon_test w;
    double adjusted[3];
    BRUTAL(rt, &memory, bootstrap_mean(rt, a, 3, &options, &i, err), (void)0);
    BRUTAL(rt, &memory, bootstrap_difference(rt, a, b, 3, &options, &i, err), (void)0);
    BRUTAL(rt, &memory, wilcoxon_paired(rt, a, b, 3, &w, err), (void)0);
    BRUTAL(rt, &memory, p_adjust(rt, P_HOLM, a, 3, adjusted, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_mean_and_the_sample_deviation_are_right, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_students_tails_have_their_closed_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wilcoxons_ranks_are_those_worked_by_hand, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_adjusted_p_values_are_those_worked_by_hand, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bootstrap_of_two_values_has_their_quantiles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_values_are_those_of_scipy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_exact_p_is_that_of_all_sign_patterns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_bootstrap_is_that_of_a_plain_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_intervals_hold_the_truth_as_often_as_they_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sides_and_order_do_not_matter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_p_falls_as_t_grows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_equal_systems_do_not_differ, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_difference_for_all_is_certain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_pair_has_no_t_but_a_rank, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_number_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_threads_do_not_change_a_bit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
