#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/neighbours.h"
#include "model/neighbours_twin.h"

extern const model_class model_itemknn;

enum { USERS = 200, ITEMS = 230, SEED = 6 };

/* "key=value key=value" */
static neighbours_params values_of(const char *settings)
{
    neighbours_params v;
    char copy[256], *next;
    medley_params_reset(model_itemknn.params, &v);
    snprintf(copy, sizeof copy, "%s", settings);
    for (char *key = strtok_r(copy, " ", &next); key != NULL; key = strtok_r(NULL, " ", &next)) {
        char *value = strchr(key, '=');
        *value++ = '\0';
        assert_ok(medley_param_set(medley_param_find(model_itemknn.params, key), &v, value, err));
    }
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
            rating[count] = (float)(random_bits(6, u, i) % 11) / 2;
        }
    assert_ok(csr_build(rt, USERS, ITEMS, user, item, rating, count, out, err));
}

/* The slow twin: expected[j][i] = s_ij for the K nearest j of each i. */
static void fit_naively(const csr *x, const neighbours_params *p, const twin_settings *s,
                        float expected[ITEMS][ITEMS])
{
    static twin t;
    memset(&t, 0, sizeof t);
    t.rows = t.fitted = ITEMS;
    t.columns = USERS;
    for (int64_t u = 0; u < USERS; u++)
        for (int64_t at = x->start[u]; at < x->start[u + 1]; at++) {
            t.there[x->index[at]][u] = true;
            t.x[x->index[at]][u] = p->feedback == FEEDBACK_BINARY ? 1 : (double)x->value[at];
        }
    twin_weigh(&t, s);
    twin_centre(&t, s);
    for (int i = 0; i < ITEMS; i++) {
        float near[ITEMS];
        twin_nearest(&t, s, i, i, p->neighbours, SEED, (uint64_t)i, near);
        for (int j = 0; j < ITEMS; j++)
            expected[j][i] = near[j];
    }
}

static void assert_weights(const csr *weights, float expected[ITEMS][ITEMS])
{
    int64_t at = 0;
    for (uint32_t j = 0; j < ITEMS; j++) {
        assert_int_equal(weights->start[j], at);
        for (uint32_t i = 0; i < ITEMS; i++)
            if (expected[j][i] > 0) {
                assert_int_equal(weights->index[at], i);
                assert_true(weights->value[at] == expected[j][i]);
                at++;
            }
    }
    assert_int_equal(csr_count(weights), at);
    assert_true(at > ITEMS);
}

static void assert_fits(const char *similarity, const char *weighting, const char *settings)
{
    static float expected[ITEMS][ITEMS];
    char all[256];
    snprintf(all, sizeof all, "similarity=%s weighting=%s %s", similarity, weighting, settings);
    const neighbours_params v = values_of(all);
    const twin_settings plain = {similarity, weighting, v.shrinkage, v.alpha, v.beta, v.k1, v.b};
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, threads);
        csr_owner matrix;
        model_state s = {0};
        scoring how;
        make_matrix(rt, &matrix);
        const training data = {.users = USERS, .items = ITEMS, .matrix = matrix.view, .seed = SEED};
        if (threads == 1)
            fit_naively(&matrix.view, &v, &plain, expected);
        assert_ok(model_itemknn.fit(rt, &v, &data, &s, err));
        assert_ok(model_itemknn.scoring(NULL, &s, USERS, ITEMS, &how, err));
        assert_int_equal(how.form, SCORING_LINEAR_SPARSE);
        assert_weights(&how.sparse, expected);
        model_state_release(&s);
        csr_release(&matrix);
        test_runtime_end(rt, &memory);
    }
}

static void test_the_weights_are_those_of_a_dense_computation(void **state)
{
    (void)state;
    assert_fits("cosine", "none", "neighbours=100");
    assert_fits("cosine", "none", "neighbours=5"); /* few distinct cosines: ties at the end of the lists */
    assert_fits("cosine", "none", "neighbours=2 shrinkage=0.5");
    assert_fits("cosine", "none", "neighbours=1000 shrinkage=10");
    assert_fits("cosine", "none", "neighbours=20 feedback=rating");
    assert_fits("adjusted_cosine", "none", "neighbours=20 feedback=rating");
    assert_fits("pearson", "none", "neighbours=20 feedback=rating shrinkage=1");
    assert_fits("asymmetric_cosine", "none", "neighbours=30 alpha=0.2");
    assert_fits("jaccard", "none", "neighbours=7");
    assert_fits("dice", "none", "neighbours=7 shrinkage=2");
    assert_fits("tversky", "none", "neighbours=9 alpha=0.75 beta=0.25");
    assert_fits("dot", "none", "neighbours=9 shrinkage=1");
    assert_fits("cosine", "tfidf", "neighbours=30");
    assert_fits("cosine", "bm25", "neighbours=30");
    assert_fits("dot", "bm25", "neighbours=30 k1=1.2 b=0.75 feedback=rating");
    assert_fits("adjusted_cosine", "tfidf", "neighbours=30 feedback=rating");
}

/* Users {0, 1}, {0, 1}, {1, 2}: s_01 = 2 / sqrt(2 * 3), s_12 = 1 / sqrt(3 * 1), s_02 = 0. */
static void test_the_worked_example_comes_out(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const uint32_t user[] = {0, 0, 1, 1, 2, 2}, item[] = {0, 1, 0, 1, 1, 2};
    const neighbours_params v = values_of("neighbours=1");
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

static void test_settings_that_the_data_cannot_serve_are_refused(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    static const int64_t start[] = {0, 2};
    static const uint32_t index[] = {0, 1};
    static const float value[] = {3, -1};
    static const struct {
        const char *settings;
        const float *rating;
        const char *message;
    } cases[] = {
        {"feedback=rating", NULL, "feedback: rating, but the data has no ratings; binary is accepted"},
        {"weights=rating", NULL, "weights: rating, but the data has no ratings; binary is accepted"},
        {"similarity=pearson", value, "similarity: pearson compares ratings, but feedback is binary"},
        {"similarity=adjusted_cosine", value, "similarity: adjusted_cosine compares ratings"},
        {"weighting=bm25 feedback=rating", value, "weighting: bm25, but the data has a rating of -1"},
        {"weighting=tfidf feedback=rating", value, "weighting: tfidf, but the data has a rating of -1"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const neighbours_params v = values_of(cases[c].settings);
        const training data = {.users = 1, .items = 2, .matrix = {1, 2, start, index, cases[c].rating}};
        model_state s = {0};
        assert_fails(model_itemknn.fit(rt, &v, &data, &s, err), MEDLEY_E_CONFIG, cases[c].message);
    }
    test_runtime_end(rt, &memory);
}

/* Ratings of 0, -0 and huge ones: what is no number makes no neighbour. */
static void test_extreme_ratings_give_finite_weights(void **state)
{
    (void)state;
    static const int64_t start[] = {0, 3, 6};
    static const uint32_t index[] = {0, 1, 2, 0, 1, 2};
    static const float value[] = {0, 3e38f, 3e38f, 0, 3e38f, 1e-38f};
    static const char *const settings[] = {"", "weighting=bm25 b=1", "weighting=tfidf similarity=dot",
                                           "similarity=pearson", "similarity=jaccard"};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    for (size_t c = 0; c < sizeof settings / sizeof *settings; c++) {
        char all[128];
        snprintf(all, sizeof all, "feedback=rating %s", settings[c]);
        const neighbours_params v = values_of(all);
        const training data = {.users = 2, .items = 3, .matrix = {2, 3, start, index, value}};
        model_state s = {0};
        scoring how;
        assert_ok(model_itemknn.fit(rt, &v, &data, &s, err));
        assert_ok(model_itemknn.scoring(NULL, &s, 2, 3, &how, err));
        for (int64_t at = 0; at < csr_count(&how.sparse); at++)
            assert_true(isfinite(how.sparse.value[at]) && how.sparse.value[at] > 0);
        model_state_release(&s);
    }
    test_runtime_end(rt, &memory);
}

static void test_histories_count_with_their_latest_ratings_on_request(void **state)
{
    (void)state;
    static const int64_t start[] = {0, 3, 3};
    static const uint32_t item[] = {2, 0, 2};
    static const float rating[] = {1, 4, 3};
    const float latest[] = {4, 3};
    const histories rated = {2, start, item, rating, NULL, false, NULL},
                    bare = {2, start, item, NULL, NULL, false, NULL};
    const scoring how = {.form = SCORING_LINEAR_SPARSE, .items = 3};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    for (int weighted = 0; weighted < 2; weighted++)
        for (int has = 0; has < 2; has++) {
            const neighbours_params v = values_of(weighted ? "weights=rating" : "weights=binary");
            left_sides left = {0};
            assert_ok(model_itemknn.encode(rt, &v, NULL, &how, has ? &rated : &bare, &left, err));
            assert_int_equal(csr_row_count(&left.weights.view, 0), 2);
            assert_int_equal(csr_row_count(&left.weights.view, 1), 0);
            if (weighted && has)
                assert_memory_equal(left.weights.view.value, latest, sizeof latest);
            else
                assert_null(left.weights.view.value);
            left_sides_release(&left);
        }
    test_runtime_end(rt, &memory);
}

static void test_one_item_and_no_interactions_are_fine(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    static const int64_t start[] = {0, 0};
    const neighbours_params v = values_of("neighbours=5");
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
static medley_status fit_or_release(const medley_runtime *rt, const neighbours_params *v, const training *data,
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
    const neighbours_params v =
        values_of("neighbours=5 feedback=rating similarity=adjusted_cosine weighting=bm25");
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
        cmocka_unit_test(test_settings_that_the_data_cannot_serve_are_refused),
        cmocka_unit_test(test_extreme_ratings_give_finite_weights),
        cmocka_unit_test(test_histories_count_with_their_latest_ratings_on_request),
        cmocka_unit_test(test_one_item_and_no_interactions_are_fine),
        cmocka_unit_test(test_rows_that_lead_outside_are_refused),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
