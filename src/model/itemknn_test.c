#include "testing.h"

#include <math.h>
#include <stdlib.h>

#include "model/model.h"
#include "tensor/topk.h"

extern const model_class model_itemknn;

enum { USERS = 200, ITEMS = 230, SEED = 6 };

/* The table's own struct is the model's business: values are set by name. */
typedef struct values {
    _Alignas(16) char bytes[128];
} values;

static values values_of(const char *neighbours, const char *shrinkage, const char *feedback)
{
    values v;
    assert_true(model_itemknn.params_size <= sizeof v);
    medley_params_reset(model_itemknn.params, &v);
    assert_ok(medley_param_set(medley_param_find(model_itemknn.params, "neighbours"), &v, neighbours, err));
    assert_ok(medley_param_set(medley_param_find(model_itemknn.params, "shrinkage"), &v, shrinkage, err));
    assert_ok(medley_param_set(medley_param_find(model_itemknn.params, "feedback"), &v, feedback, err));
    return v;
}

static void make_matrix(const medley_runtime *rt, csr_owner *out)
{
    static uint32_t user[USERS * 20], item[USERS * 20];
    static float rating[USERS * 20];
    int64_t count = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint64_t i = 0; i < 20 && u % 10 != 9; i++, count++) {
            const double x = random_uniform(5, u, i);
            user[count] = u;
            item[count] = (uint32_t)(x * x * (ITEMS - 1)); /* the last item has no users */
            rating[count] = (float)(random_bits(6, u, i) % 11) / 2 - 1;
        }
    assert_ok(csr_build(rt, USERS, ITEMS, user, item, rating, count, out, err));
}

static int best_first(const void *a, const void *b)
{
    const topk_entry *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* The slow twin: expected[j][i] = s_ij for the K nearest j of each i, from a dense matrix. */
static void fit_naively(const csr *x, bool binary, int64_t neighbours, double shrinkage,
                        float expected[ITEMS][ITEMS])
{
    static double dense[USERS][ITEMS];
    static topk_entry list[ITEMS];
    memset(dense, 0, sizeof dense);
    memset(expected, 0, sizeof(float) * ITEMS * ITEMS);
    for (int64_t u = 0; u < USERS; u++)
        for (int64_t at = x->start[u]; at < x->start[u + 1]; at++)
            dense[u][x->index[at]] = binary ? 1 : (double)x->value[at];
    for (uint32_t i = 0; i < ITEMS; i++) {
        int64_t count = 0;
        for (uint32_t j = 0; j < ITEMS; j++) {
            double dot = 0, own = 0, other = 0;
            for (int64_t u = 0; u < USERS; u++) {
                dot += dense[u][i] * dense[u][j];
                own += dense[u][i] * dense[u][i];
                other += dense[u][j] * dense[u][j];
            }
            const float s = (float)(dot / (sqrt(own) * sqrt(other) + shrinkage));
            if (i != j && s > 0)
                list[count++] = (topk_entry){s, j, random_bits(SEED, i, j)};
        }
        qsort(list, (size_t)count, sizeof *list, best_first);
        for (int64_t n = 0; n < count && n < neighbours; n++)
            expected[list[n].item][i] = list[n].score;
    }
}

static void assert_fits(const char *neighbours, const char *shrinkage, const char *feedback)
{
    static float expected[ITEMS][ITEMS];
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, threads);
        const values v = values_of(neighbours, shrinkage, feedback);
        csr_owner matrix;
        model_state s = {0};
        scoring how;
        make_matrix(rt, &matrix);
        const training data = {.users = USERS, .items = ITEMS, .matrix = matrix.view, .seed = SEED};
        assert_ok(model_itemknn.fit(rt, &v, &data, &s, err));
        assert_ok(model_itemknn.scoring(NULL, &s, USERS, ITEMS, &how, err));
        assert_int_equal(how.form, SCORING_LINEAR_SPARSE);
        fit_naively(&matrix.view, strcmp(feedback, "binary") == 0, atol(neighbours), strtod(shrinkage, NULL),
                    expected);
        int64_t at = 0;
        for (uint32_t j = 0; j < ITEMS; j++) {
            assert_int_equal(how.sparse.start[j], at);
            for (uint32_t i = 0; i < ITEMS; i++)
                if (expected[j][i] > 0) {
                    assert_int_equal(how.sparse.index[at], i);
                    assert_true(how.sparse.value[at] == expected[j][i]);
                    at++;
                }
        }
        assert_int_equal(csr_count(&how.sparse), at);
        assert_true(at > 0);
        model_state_release(&s);
        csr_release(&matrix);
        test_runtime_end(rt, &memory);
    }
}

static void test_the_weights_are_those_of_a_dense_computation(void **state)
{
    (void)state;
    assert_fits("100", "0", "binary");
    assert_fits("5", "0", "binary"); /* few distinct cosines: ties at the end of the lists */
    assert_fits("1", "0.5", "binary");
    assert_fits("1000", "10", "binary");
    assert_fits("20", "0", "rating");
    assert_fits("7", "3", "rating");
}

/* Users {0, 1}, {0, 1}, {1, 2}: s_01 = 2 / sqrt(2 * 3), s_12 = 1 / sqrt(3 * 1), s_02 = 0. */
static void test_the_worked_example_comes_out(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const uint32_t user[] = {0, 0, 1, 1, 2, 2}, item[] = {0, 1, 0, 1, 1, 2};
    const values v = values_of("1", "0", "binary");
    csr_owner matrix;
    model_state s = {0};
    scoring how;
    assert_ok(csr_build(rt, 3, 3, user, item, NULL, 6, &matrix, err));
    const training data = {.users = 3, .items = 3, .matrix = matrix.view};
    assert_ok(model_itemknn.fit(rt, &v, &data, &s, err));
    assert_ok(model_itemknn.scoring(NULL, &s, 3, 3, &how, err));
    /* The one neighbour of 0 is 1, of 1 is 0, of 2 is 1; row j holds what j contributes to. */
    static const int64_t start[] = {0, 1, 3, 3};
    static const uint32_t index[] = {1, 0, 2};
    const float value[] = {(float)(2 / sqrt(6)), (float)(2 / sqrt(6)), (float)(1 / sqrt(3))};
    assert_memory_equal(how.sparse.start, start, sizeof start);
    assert_memory_equal(how.sparse.index, index, sizeof index);
    for (int i = 0; i < 3; i++)
        assert_true(fabsf(how.sparse.value[i] - value[i]) < 1e-7f);
    model_state_release(&s);
    csr_release(&matrix);
    test_runtime_end(rt, &memory);
}

static void test_rating_feedback_needs_ratings(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    static const int64_t start[] = {0, 0};
    const values v = values_of("5", "0", "rating");
    const training data = {.users = 1, .items = 2, .matrix = {1, 2, start, NULL, NULL}};
    model_state s = {0};
    assert_fails(model_itemknn.fit(rt, &v, &data, &s, err), MEDLEY_E_CONFIG, "the data has no ratings");
    test_runtime_end(rt, &memory);
}

static void test_one_item_and_no_interactions_are_fine(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    static const int64_t start[] = {0, 0};
    const values v = values_of("5", "0", "binary");
    for (int64_t items = 0; items <= 2; items++) {
        const training data = {.users = 1, .items = items, .matrix = {1, items, start, NULL, NULL}};
        model_state s = {0};
        scoring how;
        assert_ok(model_itemknn.fit(rt, &v, &data, &s, err));
        assert_ok(model_itemknn.scoring(NULL, &s, 1, items, &how, err));
        assert_int_equal(csr_count(&how.sparse), 0);
        model_state_release(&s);
    }
    test_runtime_end(rt, &memory);
}

static void test_rows_that_lead_outside_are_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t start[4];
        uint32_t index[3];
        const char *message;
    } cases[] = {
        {{0, 1, 2, 3}, {0, 3, 1}, "tensor 'weights.index': 3 is outside 0..2"},
        {{1, 1, 2, 3}, {0, 1, 1}, "tensor 'weights.start' does not ascend from 0 to 3"},
        {{0, 1, 2, 4}, {0, 1, 1}, "tensor 'weights.start' does not ascend"},
        {{0, 2, 1, 3}, {0, 1, 1}, "tensor 'weights.start' does not ascend"},
        {{0, -5, 2, 3}, {0, 1, 1}, "tensor 'weights.start' does not ascend"},
        {{0, INT64_MAX, 2, 3}, {0, 1, 1}, "tensor 'weights.start' does not ascend"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, 1);
        model_state s = {0};
        scoring how;
        const int64_t starts = 4, count = 3;
        int64_t *start;
        uint32_t *index;
        float *value;
        assert_ok(model_add(rt, &s, "weights.start", TENSOR_I64, 1, &starts, &start, err));
        assert_ok(model_add(rt, &s, "weights.index", TENSOR_U32, 1, &count, &index, err));
        assert_fails(model_itemknn.scoring(NULL, &s, 1, 3, &how, err), MEDLEY_E_FORMAT,
                     "tensor 'weights.value' is missing");
        assert_ok(model_add(rt, &s, "weights.value", TENSOR_F32, 1, &count, &value, err));
        memcpy(start, cases[c].start, sizeof cases[c].start);
        memcpy(index, cases[c].index, sizeof cases[c].index);
        assert_fails(model_itemknn.scoring(NULL, &s, 1, 3, &how, err), MEDLEY_E_FORMAT, cases[c].message);
        model_state_release(&s);
        test_runtime_end(rt, &memory);
    }
}

/* What a caller does: the state is the caller's, also when fitting fails. */
static medley_status fit_or_release(const medley_runtime *rt, const values *v, const training *data,
                                    model_state *s, medley_error *err)
{
    const medley_status status = model_itemknn.fit(rt, v, data, s, err);
    if (status != MEDLEY_OK)
        model_state_release(s);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const values v = values_of("5", "0", "binary");
    csr_owner matrix;
    model_state s = {0};
    make_matrix(rt, &matrix);
    const training data = {.users = USERS, .items = ITEMS, .matrix = matrix.view};
    BRUTAL(rt, &memory, fit_or_release(rt, &v, &data, &s, err), model_state_release(&s));
    csr_release(&matrix);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_weights_are_those_of_a_dense_computation),
        cmocka_unit_test(test_the_worked_example_comes_out),
        cmocka_unit_test(test_rating_feedback_needs_ratings),
        cmocka_unit_test(test_one_item_and_no_interactions_are_fine),
        cmocka_unit_test(test_rows_that_lead_outside_are_refused),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
