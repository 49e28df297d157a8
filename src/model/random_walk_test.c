/* RP3beta, and P3alpha as RP3beta with beta = 0. */
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/random_walk.h"
#include "tensor/topk.h"

extern const model_class model_p3alpha, model_rp3beta;

enum { USERS = 130, ITEMS = 140, EACH = 15, SEED = 6 };

/* "key=value key=value" */
static walk_params values_of(const model_class *class, const char *settings)
{
    walk_params v;
    char copy[256], *next;
    memset(&v, 0x5a, sizeof v);
    medley_params_reset(class->params, &v);
    snprintf(copy, sizeof copy, "%s", settings);
    for (char *key = strtok_r(copy, " ", &next); key != NULL; key = strtok_r(NULL, " ", &next)) {
        char *value = strchr(key, '=');
        *value++ = '\0';
        assert_ok(medley_param_set(medley_param_find(class->params, key), &v, value, err));
    }
    return v;
}

static void make_matrix(const medley_runtime *rt, csr_owner *out)
{
    static uint32_t user[USERS * EACH], item[USERS * EACH];
    static float rating[USERS * EACH];
    int64_t count = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint64_t i = 0; i < EACH && u % 10 != 9; i++, count++) {
            const double x = random_uniform(5, u, i);
            user[count] = u;
            item[count] = (uint32_t)(x * x * (ITEMS - 1)); /* the last item has no users */
            rating[count] = (float)(random_bits(6, u, i) % 6);
        }
    assert_ok(csr_build(rt, USERS, ITEMS, user, item, rating, count, out, err));
}

static double power_of(double share, double alpha)
{
    return share > 0 ? pow(share, alpha) : 0;
}

/* The slow twin, from the definitions: W [I, I] of dense probabilities, before anything is dropped. */
static void walk_naively(const csr *m, const walk_params *p, double beta, double w[ITEMS][ITEMS])
{
    static double x[USERS][ITEMS], from_user[USERS][ITEMS], from_item[ITEMS][USERS];
    double popularity[ITEMS] = {0}, user_sum[USERS] = {0}, item_sum[ITEMS] = {0};
    memset(x, 0, sizeof x);
    for (int u = 0; u < USERS; u++)
        for (int64_t at = m->start[u]; at < m->start[u + 1]; at++) {
            x[u][m->index[at]] = p->feedback == 0 ? 1 : (double)m->value[at];
            user_sum[u] += x[u][m->index[at]];
            item_sum[m->index[at]] += x[u][m->index[at]];
            popularity[m->index[at]]++;
        }
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++) {
            from_user[u][i] = x[u][i] > 0 ? power_of(x[u][i] / user_sum[u], p->alpha) : 0;
            from_item[i][u] = x[u][i] > 0 ? power_of(x[u][i] / item_sum[i], p->alpha) : 0;
        }
    for (int i = 0; i < ITEMS; i++)
        for (int j = 0; j < ITEMS; j++) {
            double sum = 0;
            for (int u = 0; u < USERS; u++)
                sum += from_item[i][u] * from_user[u][j];
            w[i][j] = i != j && sum > 0 ? sum / power_of(popularity[j], beta) : 0;
        }
}

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Row i keeps at most K of the highest of W_i, up to rounding. */
static void assert_row(const csr *weights, int i, const double *w, const walk_params *p)
{
    double sorted[ITEMS], kept = 0;
    memcpy(sorted, w, sizeof sorted);
    qsort(sorted, ITEMS, sizeof *sorted, descending);
    int64_t count = 0;
    for (; count < ITEMS && count < p->neighbours && sorted[count] > 0; count++)
        kept += sorted[count];
    assert_int_equal(csr_row_count(weights, i), count);
    for (int64_t at = weights->start[i]; at < weights->start[i + 1]; at++) {
        const double exact = w[weights->index[at]];
        assert_true(exact >= sorted[count - 1] * (1 - 1e-6));
        assert_true(fabs((double)weights->value[at] - exact / (p->normalise_similarity ? kept : 1)) <=
                    1e-6 * fabs((double)weights->value[at]));
    }
}

static void assert_fits(const model_class *class, const char *settings)
{
    static double w[ITEMS][ITEMS];
    const walk_params v = values_of(class, settings);
    float *first = NULL;
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, threads);
        csr_owner matrix;
        model_state s = {0};
        scoring how;
        make_matrix(rt, &matrix);
        const training data = {.users = USERS, .items = ITEMS, .matrix = matrix.view, .seed = SEED};
        assert_ok(class->fit(rt, &v, &data, &s, err));
        assert_ok(class->scoring(&v, &s, USERS, ITEMS, &how, err));
        walk_naively(&matrix.view, &v, class == &model_p3alpha ? 0 : v.beta, w);
        for (int i = 0; i < ITEMS; i++)
            assert_row(&how.sparse, i, w[i], &v);
        const size_t bytes = (size_t)csr_count(&how.sparse) * sizeof(float);
        if (first == NULL) {
            first = test_malloc(bytes);
            memcpy(first, how.sparse.value, bytes);
        }
        assert_memory_equal(first, how.sparse.value, bytes);
        model_state_release(&s);
        csr_release(&matrix);
        test_runtime_end(rt, &memory);
    }
    test_free(first);
}

static void test_the_weights_are_those_of_dense_probabilities(void **state)
{
    (void)state;
    assert_fits(&model_p3alpha, "neighbours=20");
    assert_fits(&model_p3alpha, "neighbours=1000 alpha=0.5 feedback=rating");
    assert_fits(&model_rp3beta, "neighbours=10");
    assert_fits(&model_rp3beta, "neighbours=10 alpha=1.7 beta=0.3 normalise_similarity=true");
    assert_fits(&model_rp3beta, "neighbours=10 alpha=0 beta=2 feedback=rating");
    assert_fits(&model_rp3beta, "neighbours=3 alpha=0.8 beta=0.5 feedback=rating normalise_similarity=true");
}

/* Users a = {0, 1}, b = {1, 2}. From item 1: to a or b by 1/2, on to 0, 1 or 2: W_10 = 1/2 1/2 = W_12;
 * from item 0: to a, on to 1 by 1/2; popularity of 1 is 2. */
static void test_the_worked_example_comes_out(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const uint32_t user[] = {0, 0, 1, 1}, item[] = {0, 1, 1, 2}, index[] = {1, 0, 2, 1}, known_item[] = {2, 0, 2};
    static const int64_t start[] = {0, 1, 3, 4}, known_start[] = {0, 3};
    const float value[] = {0.25f, 0.25f, 0.25f, 0.25f}, left_value[] = {0.5f, 0.5f};
    const walk_params v = values_of(&model_rp3beta, "beta=1");
    const histories known = {1, known_start, known_item, NULL, NULL, false, NULL};
    csr_owner matrix;
    model_state s = {0};
    scoring how;
    left_sides left;
    assert_ok(csr_build(rt, 2, 3, user, item, NULL, 4, &matrix, err));
    const training data = {.users = 2, .items = 3, .matrix = matrix.view};
    assert_ok(model_rp3beta.fit(rt, &v, &data, &s, err));
    assert_ok(model_rp3beta.scoring(&v, &s, 2, 3, &how, err));
    assert_memory_equal(how.sparse.start, start, sizeof start);
    assert_memory_equal(how.sparse.index, index, sizeof index);
    assert_memory_equal(how.sparse.value, value, sizeof value);
    assert_ok(model_encode(rt, &model_rp3beta, &v, &s, &how, &known, &left, err));
    assert_int_equal(csr_count(&left.weights.view), 2);
    assert_memory_equal(left.weights.value, left_value, sizeof left_value);
    left_sides_release(&left);
    model_state_release(&s);
    csr_release(&matrix);
    test_runtime_end(rt, &memory);
}

/* P_ui^alpha from ratings 3 (1 before), 1 and -2, which takes nobody anywhere. */
static void test_a_history_steps_by_its_ratings(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    static const int64_t start[] = {0, 0, 4};
    static const uint32_t item[] = {1, 0, 2, 1};
    static const float rating[] = {1, 1, -2, 3};
    const float expected[] = {(float)sqrt(0.25), (float)sqrt(0.75), 0};
    const walk_params v = values_of(&model_p3alpha, "alpha=0.5 feedback=rating");
    const histories known = {2, start, item, rating, NULL, false, NULL};
    const scoring how = {.form = SCORING_LINEAR_SPARSE, .items = 3};
    left_sides left;
    assert_ok(model_encode(rt, &model_p3alpha, &v, NULL, &how, &known, &left, err));
    assert_int_equal(csr_row_count(&left.weights.view, 0), 0);
    assert_memory_equal(left.weights.view.value, expected, sizeof expected);
    left_sides_release(&left);
    test_runtime_end(rt, &memory);
}

static void test_settings_that_the_data_cannot_serve_are_refused(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    static const int64_t start[] = {0, 1};
    static const uint32_t index[] = {0};
    static const float value[] = {-0.5f};
    const walk_params v = values_of(&model_rp3beta, "feedback=rating");
    training data = {.users = 1, .items = 1, .matrix = {1, 1, start, index, NULL}};
    model_state s = {0};
    assert_fails(model_rp3beta.fit(rt, &v, &data, &s, err), MEDLEY_E_CONFIG, "the data has no ratings");
    data.matrix.value = value;
    assert_fails(model_rp3beta.fit(rt, &v, &data, &s, err), MEDLEY_E_CONFIG, "the data has a rating of -0.5");
    test_runtime_end(rt, &memory);
}

static void test_one_item_and_no_interactions_are_fine(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    static const int64_t start[] = {0, 0};
    const walk_params v = values_of(&model_rp3beta, "normalise_similarity=true");
    for (int64_t items = 0; items <= 2; items++) {
        const training data = {.users = 1, .items = items, .matrix = {1, items, start, NULL, NULL}};
        model_state s = {0};
        scoring how;
        assert_ok(model_rp3beta.fit(rt, &v, &data, &s, err));
        assert_ok(model_rp3beta.scoring(&v, &s, 1, items, &how, err));
        assert_int_equal(csr_count(&how.sparse), 0);
        model_state_release(&s);
    }
    test_runtime_end(rt, &memory);
}

/* What a caller does: the state is the caller's, also when a step fails. */
static medley_status fit_and_encode(const medley_runtime *rt, const walk_params *v, const training *data,
                                    const histories *known, model_state *s, left_sides *left, medley_error *err)
{
    scoring how;
    medley_status status;
    TRY_DONE(model_rp3beta.fit(rt, v, data, s, err));
    TRY_DONE(model_rp3beta.scoring(v, s, data->users, data->items, &how, err));
    TRY_DONE(model_encode(rt, &model_rp3beta, v, s, &how, known, left, err));
done:
    if (status != MEDLEY_OK)
        model_state_release(s);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    static const int64_t start[] = {0, 2};
    static const uint32_t item[] = {3, 1};
    const walk_params v = values_of(&model_rp3beta, "feedback=rating");
    const histories known = {1, start, item, NULL, NULL, false, NULL};
    csr_owner matrix;
    model_state s = {0};
    left_sides left = {0};
    make_matrix(rt, &matrix);
    const training data = {.users = USERS, .items = ITEMS, .matrix = matrix.view};
    BRUTAL(rt, &memory, fit_and_encode(rt, &v, &data, &known, &s, &left, err),
           (left_sides_release(&left), model_state_release(&s)));
    csr_release(&matrix);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_weights_are_those_of_dense_probabilities),
        cmocka_unit_test(test_the_worked_example_comes_out),
        cmocka_unit_test(test_a_history_steps_by_its_ratings),
        cmocka_unit_test(test_settings_that_the_data_cannot_serve_are_refused),
        cmocka_unit_test(test_one_item_and_no_interactions_are_fine),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
