#include "testing.h"

#include <math.h>

#include "model/model.h"

extern const model_class model_ease;

/* With few users the model inverts a matrix of users, with many one of items. */
enum { USERS = 150, FEW_USERS = 30, ITEMS = 90 };

static double l2 = 20;

static void make_matrix(const medley_runtime *rt, int64_t users, csr_owner *out)
{
    static uint32_t user[USERS * 20], item[USERS * 20];
    int64_t count = 0;
    for (uint32_t u = 0; u < users; u++)
        for (uint64_t i = 0; i < 20 && u % 10 != 9; i++, count++) {
            const double x = random_uniform(5, u, i);
            user[count] = u;
            item[count] = (uint32_t)(x * x * (ITEMS - 1)); /* the last item has no users */
        }
    assert_ok(csr_build(rt, users, ITEMS, user, item, NULL, count, out, err));
}

/* P = (XᵀX + l2 I)⁻¹ by Gauss-Jordan without pivoting, in double. */
static void invert_naively(const csr *x, double inverse[ITEMS][ITEMS])
{
    static double g[ITEMS][ITEMS];
    for (int i = 0; i < ITEMS; i++)
        for (int j = 0; j < ITEMS; j++) {
            g[i][j] = i == j ? l2 : 0;
            inverse[i][j] = i == j;
        }
    for (int64_t u = 0; u < x->rows; u++)
        for (int64_t a = x->start[u]; a < x->start[u + 1]; a++)
            for (int64_t b = x->start[u]; b < x->start[u + 1]; b++)
                g[x->index[a]][x->index[b]]++;
    for (int k = 0; k < ITEMS; k++)
        for (int i = 0; i < ITEMS; i++) {
            const double factor = i == k ? (g[k][k] - 1) / g[k][k] : g[i][k] / g[k][k];
            for (int j = 0; j < ITEMS; j++) {
                const double row = g[k][j], other = inverse[k][j];
                g[i][j] -= factor * row;
                inverse[i][j] -= factor * other;
            }
        }
}

static void check_weights(int64_t users)
{
    static double inverse[ITEMS][ITEMS];
    static float first[ITEMS * ITEMS];
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, threads);
        csr_owner matrix;
        model_state s = {0};
        scoring how;
        make_matrix(rt, users, &matrix);
        const training data = {.users = users, .items = ITEMS, .matrix = matrix.view};
        assert_ok(model_ease.fit(rt, &l2, &data, &s, err));
        assert_ok(model_ease.scoring(NULL, &s, users, ITEMS, &how, err));
        assert_int_equal(how.form, SCORING_LINEAR_DENSE);
        if (threads == 1) {
            memcpy(first, how.dense, sizeof first);
            invert_naively(&matrix.view, inverse);
            for (int j = 0; j < ITEMS; j++)
                for (int i = 0; i < ITEMS; i++) {
                    const double b = i == j ? 0 : -inverse[j][i] / inverse[i][i];
                    assert_true(fabs((double)how.dense[j * ITEMS + i] - b) <= 1e-7 * fabs(b) + 1e-12);
                }
        }
        assert_memory_equal(how.dense, first, sizeof first);
        model_state_release(&s);
        csr_release(&matrix);
        test_runtime_end(rt, &memory);
    }
}

static void test_the_weights_are_those_of_the_paper(void **state)
{
    (void)state;
    check_weights(USERS);
}

static void test_few_users_give_the_same_weights_the_short_way(void **state)
{
    (void)state;
    check_weights(FEW_USERS);
}

/* Two items that the same two of three users have: G = [2+l, 2; 2, 2+l], so B = 2 / (2 + l) off the diagonal. */
static void test_the_worked_example_comes_out(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const uint32_t user[] = {0, 0, 2, 2}, item[] = {0, 1, 0, 1};
    const double l = 3;
    csr_owner matrix;
    model_state s = {0};
    assert_ok(csr_build(rt, 3, 2, user, item, NULL, 4, &matrix, err));
    const training data = {.users = 3, .items = 2, .matrix = matrix.view};
    assert_ok(model_ease.fit(rt, &l, &data, &s, err));
    const float *weights = s.tensors[0].data;
    static const float expected[] = {0, 0.4f, 0.4f, 0};
    for (int i = 0; i < 4; i++)
        assert_true(fabsf(weights[i] - expected[i]) < 1e-7f);
    model_state_release(&s);
    csr_release(&matrix);
    test_runtime_end(rt, &memory);
}

static void test_ratings_do_not_matter(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const uint32_t user[] = {0, 0, 1}, item[] = {0, 1, 1};
    const float rating[] = {5, -2, 3};
    csr_owner binary, rated;
    model_state a = {0}, b = {0};
    assert_ok(csr_build(rt, 2, 2, user, item, NULL, 3, &binary, err));
    assert_ok(csr_build(rt, 2, 2, user, item, rating, 3, &rated, err));
    const training of_binary = {.users = 2, .items = 2, .matrix = binary.view};
    const training of_rated = {.users = 2, .items = 2, .matrix = rated.view};
    assert_ok(model_ease.fit(rt, &l2, &of_binary, &a, err));
    assert_ok(model_ease.fit(rt, &l2, &of_rated, &b, err));
    assert_memory_equal(a.tensors[0].data, b.tensors[0].data, 4 * sizeof(float));
    model_state_release(&a);
    model_state_release(&b);
    csr_release(&binary);
    csr_release(&rated);
    test_runtime_end(rt, &memory);
}

static void test_weights_of_another_number_of_items_are_refused(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    model_state s = {0};
    scoring how;
    const int64_t shape[] = {3, 4};
    float *weights;
    assert_fails(model_ease.scoring(NULL, &s, 1, 3, &how, err), MEDLEY_E_FORMAT, "tensor 'weights' is missing");
    assert_ok(model_add(rt, &s, "weights", TENSOR_F32, 2, shape, &weights, err));
    assert_fails(model_ease.scoring(NULL, &s, 1, 3, &how, err), MEDLEY_E_FORMAT,
                 "is F32 [3, 4], expected F32 [3, 3]");
    model_state_release(&s);
    test_runtime_end(rt, &memory);
}

/* What a caller does: the state is the caller's, also when fitting fails. */
static medley_status fit_or_release(const medley_runtime *rt, const training *data, model_state *s,
                                    medley_error *err)
{
    const medley_status status = model_ease.fit(rt, &l2, data, s, err);
    if (status != MEDLEY_OK)
        model_state_release(s);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    for (int64_t users = FEW_USERS; users <= USERS; users += USERS - FEW_USERS) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, 2);
        csr_owner matrix;
        model_state s = {0};
        make_matrix(rt, users, &matrix);
        const training data = {.users = users, .items = ITEMS, .matrix = matrix.view};
        BRUTAL(rt, &memory, fit_or_release(rt, &data, &s, err), model_state_release(&s));
        csr_release(&matrix);
        test_runtime_end(rt, &memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_weights_are_those_of_the_paper),
        cmocka_unit_test(test_few_users_give_the_same_weights_the_short_way),
        cmocka_unit_test(test_the_worked_example_comes_out),
        cmocka_unit_test(test_ratings_do_not_matter),
        cmocka_unit_test(test_weights_of_another_number_of_items_are_refused),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
