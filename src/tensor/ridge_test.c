#include "testing.h"

#include <math.h>

#include "tensor/ridge.h"

enum { ROWS = 300, WIDEST = 48, LONGEST = 200 };

/* Problems over random rows y, with and without weights and shift. */
typedef struct fixture {
    int64_t D;
    float rows[ROWS * WIDEST], gram_single[WIDEST * WIDEST], weight[LONGEST];
    double gram[WIDEST * WIDEST];
    uint32_t index[LONGEST];
    ridge shared;
    ridge_problem problem;
    void *scratch;
} fixture;

static fixture f;
static test_memory memory;
static medley_runtime *rt;

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_runtime_end(rt, &memory);
    return 0;
}

static void make(int64_t D, int64_t count, bool weighted, double shift)
{
    f.D = D;
    for (int64_t i = 0; i < ROWS * D; i++)
        f.rows[i] = (float)(random_uniform(1, 1, (uint64_t)i) - 0.4);
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j < D; j++) {
            f.gram[i * D + j] = 0;
            for (int64_t n = 0; n < ROWS; n++)
                f.gram[i * D + j] += 0.1 * (double)f.rows[n * D + i] * (double)f.rows[n * D + j];
            f.gram_single[i * D + j] = (float)f.gram[i * D + j];
        }
    for (int64_t k = 0; k < count; k++) {
        f.index[k] = (uint32_t)(random_bits(1, 2, (uint64_t)k) % ROWS);
        f.weight[k] = (float)(0.5 + 3 * random_uniform(1, 3, (uint64_t)k));
    }
    f.shared = (ridge){D, f.rows, f.gram, f.gram_single, shift};
    f.problem = (ridge_problem){count, f.index, weighted ? f.weight : NULL, 0.7};
    assert_ok(mem_alloc(rt, ridge_scratch_bytes(D, count), 1, &f.scratch, err));
}

/* A x = c by elimination, in double. */
static void solve_naively(double x[WIDEST])
{
    static double a[WIDEST][WIDEST + 1];
    const int64_t D = f.D;
    memset(a, 0, sizeof a);
    for (int64_t i = 0; i < D; i++) {
        for (int64_t j = 0; j < D; j++)
            a[i][j] = f.gram[i * D + j] + (i == j ? f.problem.reg : 0);
        for (int64_t k = 0; k < f.problem.count; k++) {
            const double w = f.problem.weight != NULL ? (double)f.weight[k] : 1;
            const float *y = f.rows + f.index[k] * D;
            for (int64_t j = 0; j < D; j++)
                a[i][j] += w * (double)y[i] * (double)y[j];
            a[i][D] += (w + f.shared.shift) * (double)y[i];
        }
    }
    for (int64_t k = 0; k < D; k++)
        for (int64_t i = 0; i < D; i++) {
            const double s = i != k ? a[i][k] / a[k][k] : 0;
            for (int64_t j = k; j <= D && i != k; j++)
                a[i][j] -= s * a[k][j];
        }
    for (int64_t i = 0; i < D; i++)
        x[i] = a[i][D] / a[i][i];
}

static void assert_near(const float *x, const double *want, double most)
{
    double largest = 1e-3;
    for (int64_t j = 0; j < f.D; j++)
        largest = fmax(largest, fabs(want[j]));
    for (int64_t j = 0; j < f.D; j++)
        assert_true(fabs((double)x[j] - want[j]) <= most * largest);
}

/* Calls `check` for problems of every kind and length around the block of rows that are gathered together. */
static void for_all(void (*check)(const double *want))
{
    static const int64_t counts[] = {0, 1, 7, 63, 64, 65, 128, LONGEST};
    for (int64_t D = 16; D <= WIDEST; D += 16)
        for (size_t n = 0; n < sizeof counts / sizeof *counts; n++)
            for (int kind = 0; kind < 4; kind++) {
                double want[WIDEST];
                make(D, counts[n], kind % 2 != 0, kind / 2 * 0.3);
                solve_naively(want);
                check(want);
                mem_free(f.scratch);
            }
}

static void check_cholesky(const double *want)
{
    float x[WIDEST];
    ridge_cholesky(&f.shared, &f.problem, f.scratch, x);
    assert_near(x, want, 2e-5);
}

static void test_cholesky_solves(void **state)
{
    (void)state;
    for_all(check_cholesky);
}

static void check_exact(const double *want)
{
    float x[WIDEST];
    ridge_exact(&f.shared, &f.problem, f.scratch, x);
    assert_near(x, want, 1.2e-7);
}

static void test_what_rounding_lost_is_put_back(void **state)
{
    (void)state;
    for_all(check_exact);
}

static void check_cg(const double *want)
{
    float x[WIDEST] = {0};
    ridge_cg(&f.shared, &f.problem, 100, f.scratch, x);
    assert_near(x, want, 5e-5);
}

static void test_conjugate_gradient_gets_there(void **state)
{
    (void)state;
    for_all(check_cg);
}

/* Passes over blocks are Gauss-Seidel by blocks, which converges; a block of everything is Cholesky. */
static void check_blocks(const double *want)
{
    float x[WIDEST] = {0}, whole[WIDEST];
    for (int64_t j = 0; j < f.D; j++)
        whole[j] = 1e-2f * (float)(j % 3);
    for (int pass = 0; pass < 200; pass++)
        ridge_blocks(&f.shared, &f.problem, 16, f.scratch, x);
    assert_near(x, want, 5e-5);
    ridge_blocks(&f.shared, &f.problem, 64, f.scratch, whole);
    assert_near(whole, want, 1e-3); /* from far away: the first solution is as good as its gradient */
    ridge_blocks(&f.shared, &f.problem, 64, f.scratch, whole);
    assert_near(whole, want, 2e-5);
}

static void test_blocks_get_there(void **state)
{
    (void)state;
    for_all(check_blocks);
}

static double objective(const float *x)
{
    double value = 0;
    for (int64_t i = 0; i < f.D; i++) {
        value += f.problem.reg * (double)x[i] * (double)x[i];
        for (int64_t j = 0; j < f.D; j++)
            value += (double)x[i] * f.gram[i * f.D + j] * (double)x[j];
    }
    for (int64_t k = 0; k < f.problem.count; k++) {
        double s = 0;
        for (int64_t j = 0; j < f.D; j++)
            s += (double)f.rows[f.index[k] * f.D + j] * (double)x[j];
        value += (double)f.weight[k] * s * s - 2 * ((double)f.weight[k] + f.shared.shift) * s;
    }
    return value;
}

static void test_every_step_makes_the_objective_smaller(void **state)
{
    (void)state;
    make(48, LONGEST, true, 0.2);
    float cg[WIDEST] = {0}, blocks[WIDEST] = {0};
    double cg_was = 0, blocks_was = 0;
    for (int n = 0; n < 5; n++) {
        ridge_cg(&f.shared, &f.problem, 1, f.scratch, cg);
        ridge_blocks(&f.shared, &f.problem, 16, f.scratch, blocks);
        assert_true(objective(cg) < cg_was && objective(blocks) < blocks_was);
        cg_was = objective(cg);
        blocks_was = objective(blocks);
    }
    mem_free(f.scratch);
}

static void test_predictions_are_products(void **state)
{
    (void)state;
    make(32, 70, false, 0);
    float x[32], out[70];
    for (int j = 0; j < 32; j++)
        x[j] = (float)j / 32;
    ridge_predict(&f.shared, &f.problem, x, out);
    for (int k = 0; k < 70; k++) {
        double want = 0;
        for (int j = 0; j < 32; j++)
            want += (double)x[j] * (double)f.rows[f.index[k] * 32 + j];
        assert_true(fabs((double)out[k] - want) < 1e-5);
    }
    mem_free(f.scratch);
}

static void test_the_gram_matrix_is_the_sum_of_squares(void **state)
{
    (void)state;
    static double out[3][WIDEST * WIDEST];
    for (int64_t count = 0; count <= ROWS; count += 75) {
        make(48, 0, false, 0);
        mem_free(f.scratch);
        for (int n = 0; n < 3; n++) {
            test_memory own;
            medley_runtime *threads = test_runtime(&own, 1 << n);
            assert_ok(ridge_gram(threads, f.rows, count, 48, out[n], err));
            assert_memory_equal(out[n], out[0], sizeof *out);
            test_runtime_end(threads, &own);
        }
        for (int64_t i = 0; i < 48; i++)
            for (int64_t j = 0; j < 48; j++) {
                double want = 0;
                for (int64_t n = 0; n < count; n++)
                    want += (double)f.rows[n * 48 + i] * (double)f.rows[n * 48 + j];
                assert_true(fabs(out[0][i * 48 + j] - want) <= 1e-5);
            }
    }
    BRUTAL(rt, &memory, ridge_gram(rt, f.rows, ROWS, 48, out[0], err), (void)0);
}

static void test_what_cannot_be_solved_does_not_pass_for_a_solution(void **state)
{
    (void)state;
    float x[16];
    make(16, 3, false, 0);
    for (int j = 0; j < 16 * 16; j++)
        f.gram_single[j] = -1;
    ridge_exact(&f.shared, &f.problem, f.scratch, x);
    assert_true(isnan(x[0]));
    mem_free(f.scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cholesky_solves),
        cmocka_unit_test(test_what_rounding_lost_is_put_back),
        cmocka_unit_test(test_conjugate_gradient_gets_there),
        cmocka_unit_test(test_blocks_get_there),
        cmocka_unit_test(test_every_step_makes_the_objective_smaller),
        cmocka_unit_test(test_predictions_are_products),
        cmocka_unit_test(test_the_gram_matrix_is_the_sum_of_squares),
        cmocka_unit_test(test_what_cannot_be_solved_does_not_pass_for_a_solution),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
