#include "testing.h"

#include <float.h>
#include <math.h>

#include "optim/idle_steps.h"

/* Sums against the steps that they stand for, in double. */

static idle_steps sums;
static update_pace pace[IDLE_WINDOW];

typedef struct idle_case {
    double beta1, beta2, decay; /* beta2 0: momentum */
    int64_t before;             /* steps before the window */
    double (*rate)(int64_t step);
    bool each; /* expected to be made one by one, some of it: it has the rounding of every step */
} idle_case;

static double constant(int64_t step)
{
    (void)step;
    return 0.001;
}

static double warming_up(int64_t step)
{
    return 0.01 * (double)(step % 4096 + 1) / 4096;
}

static double jumping(int64_t step)
{
    return step % 7 == 0 ? 0.1 : step % 3 == 0 ? 0 : 0.001;
}

static update_rule rule_of(const idle_case *c)
{
    return (update_rule){.keep1 = (real)c->beta1,
                         .keep2 = (real)c->beta2,
                         .epsilon = (real)(c->beta2 > 0 ? 1e-8 : 0),
                         .apart = c->decay > 0};
}

static void run_window(const idle_case *c, const update_rule *rule)
{
    const bool adaptive = c->beta2 > 0;
    idle_create(&sums, rule, adaptive, c->decay > 0);
    for (int64_t s = 0; s < IDLE_WINDOW; s++) {
        const int64_t t = c->before + s + 1;
        const double rate = c->rate(t);
        pace[s] = (update_pace){
            .rate = (real)(adaptive ? rate / (1 - pow(c->beta1, (double)t)) : rate),
            .root = (real)(adaptive ? 1 / sqrt(1 - pow(c->beta2, (double)t)) : 1),
            .shrink = (real)(1 - rate * c->decay),
            .clip = 1,
        };
        assert_false(idle_is_full(&sums));
        idle_add(&sums, t, &pace[s]);
    }
    assert_true(idle_is_full(&sums));
}

/* The steps from `from` on. x: w, m, v. Returns how far w went. */
static double twin(const update_rule *r, bool adaptive, int64_t from, double x[3])
{
    double way = 0;
    for (int64_t s = from; s < IDLE_WINDOW; s++) {
        x[1] *= (double)r->keep1;
        x[2] *= (double)r->keep2;
        const double under = adaptive ? sqrt(x[2]) * (double)pace[s].root + (double)r->epsilon : 1;
        const double step = (double)pace[s].rate * x[1] / under;
        x[0] = x[0] * (r->apart ? (double)pace[s].shrink : 1) - step;
        way += fabs(step);
    }
    return way;
}

static const double weights[] = {0, 1e-30, -1e-3, 0.75, -7};
static const double momenta[] = {0, 1e-38, -1e-30, 1e-9, -1e-3, 0.3};
static const double squares[] = {0, 1e-39, 1e-30, 1e-18, 1e-16, 1e-14, 1e-11, 1e-6, 0.01, 4};
enum { WS = 5, MS = 6, VS = 10, ALL = WS * MS * VS };

static void fill(real w[ALL], real m[ALL], real v[ALL])
{
    for (int i = 0; i < ALL; i++) {
        w[i] = (real)weights[i % WS];
        m[i] = (real)momenta[i / WS % MS];
        v[i] = (real)squares[i / WS / MS];
    }
}

static void assert_age(const idle_case *c, const update_rule *r, int64_t age)
{
    static real w[ALL], m[ALL], v[ALL], w0[ALL], m0[ALL], v0[ALL];
    const bool adaptive = c->beta2 > 0;
    const update_idle idle = idle_since(&sums, r, pace, IDLE_WINDOW - age);
    fill(w, m, v);
    fill(w0, m0, v0);
    assert_int_equal(idle.steps, age);
    (adaptive ? &update_adam : &update_momentum)->idle(r, &idle, ALL, w, (real *[]){m, v});
    for (int i = 0; i < ALL; i++) {
        double x[3] = {(double)w0[i], (double)m0[i], (double)v0[i]};
        const double way = twin(r, adaptive, IDLE_WINDOW - age, x), half = (double)REAL_EPSILON / 2;
        const double bound =
            (c->each ? 4 + (double)age : 4) * half * fabs((double)w0[i]) + (c->each ? 1e-5 : 1e-6) * way + 1e-27;
        if (!(fabs((double)w[i] - x[0]) <= bound))
            fail_msg("betas %g, %g, before %d, age %d: w %g, m %g, v %g: %.9g, not %.9g: %g of the bound",
                     c->beta1, c->beta2, (int)c->before, (int)age, (double)w0[i], (double)m0[i], (double)v0[i],
                     (double)w[i], x[0], fabs((double)w[i] - x[0]) / bound);
        const double least = 2 * (double)FLT_MIN * (fabs((double)m0[i]) + 1);
        assert_true(fabs((double)m[i] - x[1]) <= 1e-4 * fabs(x[1]) + least);
        assert_true(!adaptive || fabs((double)v[i] - x[2]) <= 1e-4 * fabs(x[2]) + 4 * least);
    }
}

static void test_sums_are_the_steps_they_stand_for(void **state)
{
    (void)state;
    static const int64_t ages[] = {0, 1, 2, 3, 5, 10, 31, 100, 263, 500, 1000, 1023, 1024};
    static const idle_case cases[] = {
        {0.9, 0.999, 0, 100000, constant, false},
        {0.9, 0.999, 0, 3000, warming_up, false},
        {0.9, 0.999, 0, 3000, jumping, false},
        {0.9, 0.999, 0.01, 3000, constant, false},
        {0.9, 0.999, 5, 3000, jumping, false},
        {0.5, 0.999, 0, 3000, constant, false},
        {0, 0.999, 0, 3000, constant, false},
        {0, 0.999, 0.1, 0, constant, false},
        {0.8, 0.9999, 0, 50000, warming_up, false},
        {0.9, 0, 0, 0, constant, false},
        {0.5, 0, 0, 77, jumping, false},
        {0.999, 0, 0, 0, warming_up, false},
        {0.9, 0.999, 0, 0, constant, true},
        {0.9, 0.95, 0, 500, constant, true},
        {0.95, 0.9, 0, 0, constant, true},
        {0.9995, 0.999, 0, 3000, jumping, true},
        {0.999, 0.5, 0.01, 10, constant, true},
        {0.9, 0.999, 0.5, 20, warming_up, true},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const update_rule rule = rule_of(&cases[c]);
        run_window(&cases[c], &rule);
        for (size_t a = 0; a < sizeof ages / sizeof *ages; a++)
            assert_age(&cases[c], &rule, ages[a]);
    }
}

/* Two steps of Adam, of a row that had its last gradient in step 0 of the window. */
static void test_two_steps_by_hand(void **state)
{
    (void)state;
    const update_rule rule = {.keep1 = (real)0.5, .keep2 = (real)0.25, .epsilon = (real)0.5};
    const update_pace each[] = {{(real)0.125, 2, 1, 1}, {(real)0.25, 1, 1, 1}};
    real w = 1, m = 1, v = 4;
    idle_create(&sums, &rule, true, false);
    idle_add(&sums, 1, &each[0]);
    idle_add(&sums, 2, &each[1]);
    const update_idle idle = idle_since(&sums, &rule, each, 0);
    update_adam.idle(&rule, &idle, 1, &w, (real *[]){&m, &v});
    /* m 1/2, √v 1: 1/8 · 1/2 / (2 + 1/2); m 1/4, √v 1/2: 1/4 · 1/4 / (1/2 + 1/2) */
    assert_true(fabs((double)w - (1 - 0.025 - 0.0625)) < 1e-7);
    assert_true(m == (real)0.25 && v == (real)0.25);
}

static void test_a_window_ends_before_what_is_left_of_w_cannot_be_divided_by(void **state)
{
    (void)state;
    const update_rule rule = {.keep1 = (real)0.9, .keep2 = (real)0.999, .epsilon = (real)1e-8, .apart = true};
    const double shrinks[] = {0.5, -0.5, 0.001, 0};
    for (size_t i = 0; i < sizeof shrinks / sizeof *shrinks; i++) {
        const update_pace p = {(real)0.001, 1, (real)shrinks[i], 1};
        int64_t steps = 0;
        idle_create(&sums, &rule, true, true);
        for (; !idle_is_full(&sums); steps++)
            idle_add(&sums, 2000 + steps, &p);
        assert_in_range(steps, 1, 340);
        for (int64_t s = 0; s < steps; s++)
            pace[s] = p;
        for (int64_t from = 0; from < steps; from++) {
            real w = 1, m = (real)0.5, v = 1;
            const update_idle idle = idle_since(&sums, &rule, pace, from);
            update_adam.idle(&rule, &idle, 1, &w, (real *[]){&m, &v});
            double x[3] = {1, 0.5, 1};
            for (int64_t s = from; s < steps; s++) {
                x[1] *= (double)rule.keep1;
                x[2] *= (double)rule.keep2;
                x[0] = x[0] * (double)p.shrink - (double)p.rate * x[1] / sqrt(x[2]);
            }
            assert_true(fabs((double)w - x[0]) < 1e-5 * fabs(x[0]) + 1e-9);
        }
        idle_restart(&sums);
        assert_false(idle_is_full(&sums));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_are_the_steps_they_stand_for),
        cmocka_unit_test(test_two_steps_by_hand),
        cmocka_unit_test(test_a_window_ends_before_what_is_left_of_w_cannot_be_divided_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
