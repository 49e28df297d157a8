#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/kernel_loss.h"

static real *numbers(int64_t count, uint64_t stream, double size)
{
    real *x = test_malloc((size_t)(count + 1) * sizeof(*x));
    for (int64_t i = 0; i < count; i++)
        x[i] = (real)(size * (2 * random_uniform(9, stream, (uint64_t)i) - 1));
    return x;
}

static void assert_close(const char *what, int64_t i, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * fmax(1, fabs(want))))
        fail_msg("%s %lld is %.9g, not %.9g", what, (long long)i, got, want);
}

/* ---- of two arrays ---- */

static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}
static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}
static double twin_mse(double a, double b, double *slope)
{
    *slope = 2 * (a - b);
    return (a - b) * (a - b);
}
static double twin_bce(double a, double b, double *slope)
{
    *slope = sigmoid(a) - b;
    return softplus(a) - a * b;
}
static double twin_bpr(double a, double b, double *slope)
{
    *slope = -sigmoid(b - a);
    return softplus(b - a);
}

static const struct pair_case {
    const char *name;
    const pair_loss *loss;
    double (*twin)(double a, double b, double *slope);
} pairs[] = {{"mse", &pair_mse, twin_mse}, {"bce", &pair_bce, twin_bce}, {"bpr", &pair_bpr, twin_bpr}};

static void check_pair(const struct pair_case *c, int64_t count, double size, int64_t shift, bool add)
{
    real *a = numbers(count + shift, 1, size), *b = numbers(count + shift, 2, size);
    real *da = numbers(count, 3, 1), *before = numbers(count, 3, 1);
    double want = 0;
    const double got = c->loss->sum(a + shift, b + shift, count);
    c->loss->slope(a + shift, b + shift, count, (real)0.5, add, da);
    for (int64_t i = 0; i < count; i++) {
        double slope;
        want += c->twin((double)a[shift + i], (double)b[shift + i], &slope);
        assert_close(c->name, i, (double)da[i], 0.5 * slope + (add ? (double)before[i] : 0), 1e-6);
    }
    assert_close(c->name, -1, got, want, 1e-6);
    test_free(a);
    test_free(b);
    test_free(da);
    test_free(before);
}

static void test_losses_of_pairs_agree_with_their_slow_twins(void **state)
{
    (void)state;
    const int64_t counts[] = {0, 1, 15, 16, 17, 64, 65, 1023, 1024, 1025, 5000};
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            for (double size = 1; size < 1e5; size *= 100)
                check_pair(&pairs[p], counts[i], size, (int64_t)i % 3, i % 2);
}

static void test_bpr_of_equal_scores_is_ln_2(void **state)
{
    (void)state;
    const real x[] = {0, 1, -100, (real)1e4};
    real slope[4];
    assert_close("bpr", 0, pair_bpr.sum(x, x, 4), 4 * log(2), 1e-6);
    pair_bpr.slope(x, x, 4, 1, false, slope);
    for (int i = 0; i < 4; i++)
        assert_close("slope", i, (double)slope[i], -0.5, 1e-6);
}

/* ---- cross-entropy ---- */

static void check_cross_entropy(int64_t width, int64_t target, double size, bool add)
{
    real *x = numbers(width, 1, size), *dx = numbers(width, 2, 1), *before = numbers(width, 2, 1);
    double most = -INFINITY, sum = 0;
    softmax_stats stats;
    for (int64_t i = 0; i < width; i++)
        most = fmax(most, (double)x[i]);
    for (int64_t i = 0; i < width; i++)
        sum += exp((double)x[i] - most);
    assert_close("loss", width, cross_entropy_row(x, width, target, &stats), most + log(sum) - (double)x[target],
                 1e-6);
    cross_entropy_row_back(x, width, target, stats, (real)-0.75, add, dx);
    for (int64_t i = 0; i < width; i++)
        assert_close("slope", i, (double)dx[i],
                     -0.75 * (exp((double)x[i] - most) / sum - (i == target)) + (add ? (double)before[i] : 0),
                     1e-6);
    test_free(x);
    test_free(dx);
    test_free(before);
}

static void test_cross_entropy_agrees_with_its_slow_twin(void **state)
{
    (void)state;
    const int64_t widths[] = {1, 2, 15, 16, 17, 63, 64, 65, 200, 3416};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (double size = 0; size<2e4; size = size> 0 ? size * 100 : 1)
            for (int add = 0; add < 2; add++) {
                check_cross_entropy(widths[w], 0, size, add);
                check_cross_entropy(widths[w], widths[w] - 1, size, add);
            }
}

/* ---- InfoNCE ---- */

/* Everything of a [B, B] matrix of products, by definition. */
typedef struct nce_twin {
    int64_t B;
    const real *z, *q;
    const uint32_t *id;
} nce_twin;

static bool twin_hides(const nce_twin *t, int64_t b, int64_t j)
{
    return b != j && t->id[b] == t->id[j];
}

/* Logit j of row b, or of column b. */
static double twin_logit(const nce_twin *t, bool column, int64_t b, int64_t j)
{
    return (double)t->z[column ? j * t->B + b : b * t->B + j] - (double)t->q[j];
}

static double twin_softmax(const nce_twin *t, bool column, int64_t b, int64_t j)
{
    double sum = 0;
    const double own = twin_logit(t, column, b, j);
    for (int64_t k = 0; k < t->B; k++)
        sum += twin_hides(t, b, k) ? 0 : exp(twin_logit(t, column, b, k) - own);
    return twin_hides(t, b, j) ? 0 : 1 / sum;
}

static void check_info_nce(int64_t B, double size, uint32_t ids, bool symmetric, int64_t block)
{
    real *made = numbers(B * B, 1, size), *z = numbers(B * B, 1, size), *q = numbers(B, 2, 3);
    real *most = numbers(B, 3, 1), *sum = numbers(B, 4, 1), *scratch = numbers(B, 5, 1);
    uint32_t *id = test_malloc((size_t)B * sizeof(*id));
    for (int64_t j = 0; j < B; j++) {
        id[j] = (uint32_t)(random_bits(1, 2, (uint64_t)j) % ids);
        most[j] = -(real)INFINITY;
        sum[j] = 0;
    }
    const nce_twin twin = {B, made, q, id};
    const double tolerance = 2e-6 + 1.2e-7 * size; /* z - q is a float */
    for (int64_t b = 0; b < B; b++)
        info_nce_hide(z + b * B, B, b, id);
    for (int64_t b = 0; b < B && symmetric; b += block)
        for (int64_t first = 0; first < B; first += 256)
            info_nce_columns(z + b * B, q, B, b, B - b < block ? B - b : block, first,
                             B - first < 256 ? B : first + 256, most, sum);
    for (int64_t j = 0; j < B && symmetric; j++)
        sum[j] = 1 / sum[j];
    for (int64_t b = 0; b < B; b++) {
        softmax_stats stats;
        real *row = z + b * B, *e = symmetric ? scratch : row;
        assert_close("loss", b, info_nce_row(row, q, B, b, e, &stats), -log(twin_softmax(&twin, false, b, b)),
                     tolerance);
        if (symmetric)
            info_nce_both_back(e, stats, most, sum, q[b], B, b, (real)0.25, row);
        else
            info_nce_row_back(e, stats, B, b, (real)0.25);
        for (int64_t j = 0; j < B; j++) {
            const double both = symmetric ? twin_softmax(&twin, true, j, b) - (b == j) : 0;
            assert_close("slope", j, (double)row[j], 0.25 * (twin_softmax(&twin, false, b, j) - (b == j) + both),
                         tolerance);
        }
    }
    real *const arrays[] = {made, z, q, most, sum, scratch};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        test_free(arrays[i]);
    test_free(id);
}

static void test_info_nce_agrees_with_its_slow_twin(void **state)
{
    (void)state;
    const int64_t sizes[] = {1, 2, 16, 17, 65};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int symmetric = 0; symmetric < 2; symmetric++) {
            check_info_nce(sizes[s], 2, UINT32_MAX, symmetric, sizes[s]);
            check_info_nce(sizes[s], 2, 5, symmetric, 3);
            check_info_nce(sizes[s], 1e4, 5, symmetric, 16);
            check_info_nce(sizes[s], 2, 1, symmetric, 1); /* all are hidden but the pair itself */
        }
}

/* Columns beyond one piece. */
static void test_info_nce_of_many_columns(void **state)
{
    (void)state;
    for (int symmetric = 0; symmetric < 2; symmetric++)
        check_info_nce(270, 5, 40, symmetric, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses_of_pairs_agree_with_their_slow_twins),
        cmocka_unit_test(test_bpr_of_equal_scores_is_ln_2),
        cmocka_unit_test(test_cross_entropy_agrees_with_its_slow_twin),
        cmocka_unit_test(test_info_nce_agrees_with_its_slow_twin),
        cmocka_unit_test(test_info_nce_of_many_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
