#include "testing.h"

#include <float.h>
#include <math.h>

#include "tensor/vector_math.h"

/* Each function against libm in double, over floats of every sign and exponent. */
typedef struct checked {
    const char *name;
    float (*fast)(float x);
    double (*exact)(double x);
    double most_ulp;      /* where the exact result is a normal float */
    double most_absolute; /* or this: what is hardly normal may be 0 */
} checked;

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}
static double softplus(double x)
{
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}
static double normal_cdf(double x)
{
    return 0.5 * erfc(-x * sqrt(0.5));
}

static const checked functions[] = {
    {"vm_exp", vm_exp, exp, 1.1, 1.7e-38},
    {"vm_log", vm_log, log, 1, 0},
    {"vm_tanh", vm_tanh, tanh, 2.7, 0},
    {"vm_sigmoid", vm_sigmoid, sigmoid, 2.5, 1.7e-38},
    {"vm_softplus", vm_softplus, softplus, 2.8, 1.7e-38},
    {"vm_erf", vm_erf, erf, 3.2, 0},
    {"vm_normal_cdf", vm_normal_cdf, normal_cdf, 0, 1e-7},
};
enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

static double ulp_of(double y)
{
    const float a = fabsf((float)y);
    return a < FLT_MIN ? (double)FLT_MIN * (double)FLT_EPSILON : (double)(nextafterf(a, INFINITY) - a);
}

/* How far a result is out, in what is allowed of it: at most 1 is right. */
static double excess(const checked *c, double x, double got)
{
    const double want = c->exact(c->fast == vm_log && x > 0 ? fmax(x, (double)FLT_MIN) : x);
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : INFINITY;
    if (isinf((float)want) || isinf(got))
        return fabs(want) > (double)FLT_MAX * (1 - (double)FLT_EPSILON) && got * want > 0 &&
                       fabs(got) >= (double)FLT_MAX
                   ? 0
                   : INFINITY;
    const double error = fabs(got - want);
    return error <= c->most_absolute ? 0 : error / (c->most_ulp * ulp_of(want));
}

static void test_every_function_is_within_its_bound(void **state)
{
    (void)state;
    for (int f = 0; f < FUNCTIONS; f++) {
        double worst = 0;
        float where = 0;
        for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 2039) {
            const float x = vm_float((uint32_t)bits);
            const double e = excess(&functions[f], (double)x, (double)functions[f].fast(x));
            if (e > worst) {
                worst = e;
                where = x;
            }
        }
        if (!(worst <= 1))
            fail_msg("%s(%.9g) is %.9g: %g times its bound", functions[f].name, (double)where,
                     (double)functions[f].fast(where), worst);
    }
}

/* Where results change most, densely. */
static void test_every_function_is_within_its_bound_between_minus_20_and_20(void **state)
{
    (void)state;
    for (int f = 0; f < FUNCTIONS; f++)
        for (int i = -200000; i <= 200000; i++) {
            const float x = (float)i * 1e-4F;
            const double e = excess(&functions[f], (double)x, (double)functions[f].fast(x));
            if (!(e <= 1))
                fail_msg("%s(%.9g) is %.9g: %g times its bound", functions[f].name, (double)x,
                         (double)functions[f].fast(x), e);
        }
}

static void test_edges_are_exact(void **state)
{
    (void)state;
    assert_true(vm_exp(0) == 1 && vm_exp(-INFINITY) == 0 && isinf(vm_exp(INFINITY)) && isinf(vm_exp(88.73F)));
    assert_true(vm_exp(88.7228F) > 3.4e38F && !isinf(vm_exp(88.7228F)));
    assert_true(vm_exp(-87) == 0 && vm_exp(-86.9F) >= FLT_MIN);
    assert_true(vm_log(1) == 0 && vm_log(0) == -INFINITY && isnan(vm_log(-1)) && isnan(vm_log(-INFINITY)) &&
                vm_log(INFINITY) == INFINITY);
    assert_true(vm_tanh(0) == 0 && signbit(vm_tanh(-0.0F)) && vm_tanh(INFINITY) == 1 && vm_tanh(-INFINITY) == -1);
    assert_true(vm_sigmoid(0) == 0.5F && vm_sigmoid(INFINITY) == 1 && vm_sigmoid(-INFINITY) == 0);
    assert_true(vm_softplus(-INFINITY) == 0 && vm_softplus(INFINITY) == INFINITY && vm_softplus(100) == 100);
    assert_true(vm_erf(0) == 0 && vm_erf(INFINITY) == 1 && vm_erf(-INFINITY) == -1);
    assert_true(vm_normal_cdf(0) == 0.5F && vm_normal_cdf(INFINITY) == 1 && vm_normal_cdf(-INFINITY) == 0);
    for (int f = 0; f < FUNCTIONS; f++)
        assert_true(isnan(functions[f].fast(NAN)) && isnan(functions[f].fast(-NAN)));
}

/* tanh and erf are odd, to the bit. */
static void test_odd_functions_are_odd(void **state)
{
    (void)state;
    for (float x = 1e-30F; x < 100; x *= 1.01F)
        assert_true(vm_tanh(-x) == -vm_tanh(x) && vm_erf(-x) == -vm_erf(x));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_function_is_within_its_bound),
        cmocka_unit_test(test_every_function_is_within_its_bound_between_minus_20_and_20),
        cmocka_unit_test(test_edges_are_exact),
        cmocka_unit_test(test_odd_functions_are_odd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
