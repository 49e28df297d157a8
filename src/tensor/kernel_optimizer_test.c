#include "testing.h"

#include <math.h>

#include "tensor/kernel_optimizer.h"

/* Steps against the equations in double, over sizes around the width of vectors and from unaligned starts. */

enum { MOST = 140, PAD = 3 };

typedef struct arrays {
    real g[MOST], w[MOST], state[UPDATE_STATES_MOST][MOST];
} arrays;

static void fill(arrays *a)
{
    for (uint64_t i = 0; i < MOST; i++) {
        a->g[i] = (real)(2 * random_uniform(1, 1, i) - 1);
        a->w[i] = (real)(2 * random_uniform(1, 2, i) - 1);
        a->state[0][i] = (real)random_uniform(1, 3, i);
        a->state[1][i] = (real)random_uniform(1, 4, i);
    }
}

static const update_rule rule = {.keep1 = (real)0.75,
                                 .take1 = (real)0.25,
                                 .keep2 = (real)0.875,
                                 .take2 = (real)0.125,
                                 .epsilon = (real)0.0625,
                                 .decay = (real)0.125};
static const update_pace pace = {(real)0.03125, (real)1.25, (real)0.96875, (real)0.5};

/* One weight: w, state[0], state[1] in x. */
typedef void (*twin)(const update_rule *r, double g, double x[3]);

static double slope(const update_rule *r, double g, const double x[3])
{
    return g * (double)pace.clip + (double)r->decay * x[0];
}

static void twin_sgd(const update_rule *r, double g, double x[3])
{
    x[0] -= (double)pace.rate * slope(r, g, x);
}

static void twin_momentum(const update_rule *r, double g, double x[3])
{
    x[1] = (double)r->keep1 * x[1] + slope(r, g, x);
    x[0] -= (double)pace.rate * x[1];
}

static void twin_adam(const update_rule *r, double g, double x[3])
{
    const double s = slope(r, g, x);
    x[1] = (double)r->keep1 * x[1] + (double)r->take1 * s;
    x[2] = (double)r->keep2 * x[2] + (double)r->take2 * s * s;
    x[0] *= r->apart ? (double)pace.shrink : 1;
    x[0] -= (double)pace.rate * x[1] / (sqrt(x[2]) * (double)pace.root + (double)r->epsilon);
}

static void twin_adagrad(const update_rule *r, double g, double x[3])
{
    const double s = slope(r, g, x);
    x[1] += s * s;
    x[0] -= (double)pace.rate * s / (sqrt(x[1]) + (double)r->epsilon);
}

static void assert_step(const update_kernel *k, const update_rule *r, twin slow, int64_t start, int64_t count)
{
    static arrays a, old;
    fill(&a);
    old = a;
    real *const at[UPDATE_STATES_MOST] = {k->states > 0 ? a.state[0] + start : NULL,
                                          k->states > 1 ? a.state[1] + start : NULL};
    k->step(r, &pace, count, a.g + start, a.w + start, at);
    assert_memory_equal(a.g, old.g, sizeof a.g);
    for (int64_t i = 0; i < MOST; i++) {
        double x[3] = {(double)old.w[i], (double)old.state[0][i], (double)old.state[1][i]};
        if (i >= start && i < start + count)
            slow(r, (double)old.g[i], x);
        const double got[3] = {(double)a.w[i], (double)a.state[0][i], (double)a.state[1][i]};
        for (int n = 0; n < 3; n++)
            if (fabs(got[n] - x[n]) > 8 * (double)REAL_EPSILON)
                fail_msg("%s: %d of weight %d of %d+%d: %.9g, not %.9g", k->names[0], n, (int)i, (int)start,
                         (int)count, got[n], x[n]);
    }
}

static void test_steps_are_those_of_the_equations(void **state)
{
    (void)state;
    const int64_t counts[] = {0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 129};
    update_rule apart = rule, plain = rule;
    apart.decay = plain.decay = 0;
    apart.apart = true;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (int64_t start = 0; start <= PAD; start += PAD) {
            assert_step(&update_sgd, &rule, twin_sgd, start, counts[c]);
            assert_step(&update_momentum, &rule, twin_momentum, start, counts[c]);
            assert_step(&update_adam, &rule, twin_adam, start, counts[c]);
            assert_step(&update_adam, &apart, twin_adam, start, counts[c]);
            assert_step(&update_adam, &plain, twin_adam, start, counts[c]);
            assert_step(&update_adagrad, &rule, twin_adagrad, start, counts[c]);
        }
}

static void test_no_idle_steps_change_nothing(void **state)
{
    (void)state;
    static arrays a, old;
    const update_kernel *const kernels[] = {&update_sgd, &update_momentum, &update_adam, &update_adagrad};
    const update_idle none = {.pace = &pace};
    fill(&a);
    old = a;
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++)
        kernels[k]->idle(&rule, &none, MOST, a.w, (real *[]){a.state[0], a.state[1]});
    assert_memory_equal(&a, &old, sizeof a);
}

/* In one go, and one by one with zeros for a gradient. */
static void test_idle_steps_one_by_one_have_the_bits_of_steps(void **state)
{
    (void)state;
    enum { STEPS = 300 };
    static arrays once, each;
    static const real zeros[MOST];
    static update_pace paces[STEPS];
    const update_kernel *const kernels[] = {&update_sgd, &update_momentum, &update_adam, &update_adagrad};
    const update_idle idle = {.pace = paces, .steps = STEPS};
    for (int s = 0; s < STEPS; s++) {
        paces[s] = pace;
        paces[s].rate = (real)(0.001 * (1 + s % 7));
    }
    for (int what = 0; what < 3; what++)
        for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
            update_rule r = rule;
            r.decay = what == 0 ? (real)1e-3 : 0;
            r.apart = what == 2;
            fill(&once);
            each = once;
            real *const a[] = {once.state[0] + 1, once.state[1] + 1}, *const b[] = {each.state[0] + 1,
                                                                                    each.state[1] + 1};
            kernels[k]->idle(&r, &idle, MOST - 1, once.w + 1, a);
            for (int s = 0; s < STEPS; s++)
                kernels[k]->step(&r, &paces[s], MOST - 1, zeros, each.w + 1, b);
            assert_memory_equal(&once, &each, sizeof once);
        }
}

static const update_idle summed = {.pace = &pace,
                                   .steps = 1,
                                   .summed = true,
                                   .keep1 = (real)0.75,
                                   .keep2 = (real)0.875,
                                   .shrink = (real)0.96875,
                                   .centre = (real)0.0625,
                                   .sum = {(real)0.5, (real)-0.25, (real)0.125, (real)0.0625, 0}};

/* Of `count` weights, from an unaligned start too; nothing beside them changes. */
static void assert_summed(int64_t start, int64_t count)
{
    static arrays a, old;
    fill(&a);
    old = a;
    update_adam.idle(&rule, &summed, count, a.w + start, (real *[]){a.state[0] + start, a.state[1] + start});
    for (int64_t i = 0; i < MOST; i++) {
        double w = (double)old.w[i], m = (double)old.state[0][i], v = (double)old.state[1][i];
        if (i >= start && i < start + count) {
            const double q = 1 / (sqrt(v) + 0.0625), y = q * 0.0625;
            w = w * 0.96875 - m * q * (0.5 + y * (0.25 + y * (0.125 - y * 0.0625)));
            m *= 0.75;
            v *= 0.875;
        }
        const double half = (double)REAL_EPSILON / 2;
        assert_true(fabs((double)a.w[i] - w) <= 16 * half && fabs((double)a.state[0][i] - m) <= half &&
                    fabs((double)a.state[1][i] - v) <= half);
    }
}

static void test_summed_steps_are_those_of_the_equation(void **state)
{
    (void)state;
    for (int64_t count = 0; count <= 65; count++)
        for (int64_t start = 0; start <= PAD; start += PAD)
            assert_summed(start, count);
    static arrays a, old;
    fill(&a);
    old = a;
    update_momentum.idle(&rule, &summed, 33, a.w, (real *[]){a.state[0]});
    for (int i = 0; i < MOST; i++) {
        assert_true(a.w[i] == (i < 33 ? old.w[i] - old.state[0][i] * summed.sum[0] : old.w[i]));
        assert_true(a.state[0][i] == (i < 33 ? old.state[0][i] * summed.keep1 : old.state[0][i]));
    }
}

/* Only of the weights where it may show that the sums end. */
static void test_weights_that_sums_do_not_serve_are_made_one_by_one(void **state)
{
    (void)state;
    static arrays a, each, at_once;
    static const real zeros[MOST];
    update_idle rough = summed;
    rough.sum[4] = (real)1e-4; /* y^4 1e-4 matters where y is about 1, that is v about 0 */
    for (int64_t at = 0; at < 52; at += 3) {
        update_rule r = rule;
        r.decay = 0;
        r.apart = true;
        fill(&a);
        for (int64_t i = 0; i < MOST; i++) {
            a.state[1][i] += 100;
            a.state[0][i] = i == at ? a.state[0][i] : 0;
        }
        a.state[1][at] = (real)1e-9;
        each = at_once = a;
        update_adam.idle(&r, &rough, 52, a.w, (real *[]){a.state[0], a.state[1]});
        update_adam.idle(&r, &summed, 52, at_once.w, (real *[]){at_once.state[0], at_once.state[1]});
        update_adam.step(&r, &pace, 52, zeros, each.w, (real *[]){each.state[0], each.state[1]});
        assert_memory_equal(&a, &each, sizeof a);
        assert_true(a.w[at] != at_once.w[at]);
    }
}

static void test_terms_are_added_to_the_sums_of_all_ages(void **state)
{
    (void)state;
    enum { AGES = 37 };
    double in[4][AGES], uncentre[AGES], sum[IDLE_SUMS][AGES], want[IDLE_SUMS][AGES];
    for (uint64_t i = 0; i < AGES; i++) {
        for (uint64_t k = 0; k < 4; k++)
            in[k][i] = 0.5 + random_uniform(2, k, i);
        uncentre[i] = 1 / in[3][i];
        for (int k = 0; k < IDLE_SUMS; k++)
            want[k][i] = sum[k][i] = k;
        const double delta = in[1][i] / (1.5 * in[3][i]) - 1, nearer = in[3][i] * 1.5 * in[2][i];
        for (int k = 0; k < IDLE_SUMS; k++)
            want[k][i] += 2 * in[0][i] * pow(delta, k) * (k == 4 ? fmax(1, nearer) : 1);
    }
    kernel_idle_sums(&(idle_terms){
        AGES, 2, 1.5, in[0], in[1], in[2], in[3], uncentre, {sum[0], sum[1], sum[2], sum[3], sum[4]}});
    for (int k = 0; k < IDLE_SUMS; k++)
        for (int i = 0; i < AGES; i++)
            assert_true(fabs(sum[k][i] - want[k][i]) < 1e-14 * (k + 4));
}

static void test_squares_are_summed_in_double(void **state)
{
    (void)state;
    static arrays a;
    fill(&a);
    for (int64_t count = 0; count + PAD <= MOST; count++) {
        double want = 0;
        for (int64_t i = 0; i < count; i++)
            want += (double)a.g[PAD + i] * (double)a.g[PAD + i];
        assert_true(fabs(kernel_squares(count, a.g + PAD) - want) <= 1e-14 * want);
    }
}

static void test_one_number_that_is_not_finite_is_seen_wherever_it_is(void **state)
{
    (void)state;
    static arrays a;
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int64_t i = 0; i < MOST; i++) {
        fill(&a);
        a.g[i] = (real)bad[i % 3];
        assert_false(isfinite(kernel_squares(MOST, a.g)));
        a.g[i] = (real)1e38;
        assert_true(isfinite(kernel_squares(MOST, a.g)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_are_those_of_the_equations),
        cmocka_unit_test(test_no_idle_steps_change_nothing),
        cmocka_unit_test(test_idle_steps_one_by_one_have_the_bits_of_steps),
        cmocka_unit_test(test_summed_steps_are_those_of_the_equation),
        cmocka_unit_test(test_weights_that_sums_do_not_serve_are_made_one_by_one),
        cmocka_unit_test(test_terms_are_added_to_the_sums_of_all_ages),
        cmocka_unit_test(test_squares_are_summed_in_double),
        cmocka_unit_test(test_one_number_that_is_not_finite_is_seen_wherever_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
