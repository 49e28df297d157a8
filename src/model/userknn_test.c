#include "testing.h"

#include <math.h>
#include <stdio.h>

#include "model/neighbours.h"
#include "model/neighbours_twin.h"

extern const model_class model_userknn;

enum { USERS = 110, ITEMS = 90, EACH = 12, SEED = 6 };

/* "key=value key=value" */
static neighbours_params values_of(const char *settings)
{
    neighbours_params v;
    char copy[256], *next;
    medley_params_reset(model_userknn.params, &v);
    snprintf(copy, sizeof copy, "%s", settings);
    for (char *key = strtok_r(copy, " ", &next); key != NULL; key = strtok_r(NULL, " ", &next)) {
        char *value = strchr(key, '=');
        *value++ = '\0';
        assert_ok(medley_param_set(medley_param_find(model_userknn.params, key), &v, value, err));
    }
    return v;
}

/* Events of every user but each tenth; `more` adds some that training has not seen. */
typedef struct events {
    int64_t start[USERS + 1];
    uint32_t user[USERS * (EACH + 3)], item[USERS * (EACH + 3)];
    float rating[USERS * (EACH + 3)];
} events;

static histories make_events(events *e, bool more, bool users)
{
    int64_t count = 0;
    for (uint32_t u = 0; u < USERS; u++) {
        e->start[u] = count;
        for (uint64_t i = 0; i < EACH + (more ? u % 4 : 0) && u % 10 != 9; i++, count++) {
            const double x = random_uniform(5, u, i);
            e->user[count] = u;
            e->item[count] = (uint32_t)(x * x * (ITEMS - 1)); /* the last item has no users */
            e->rating[count] = (float)(random_bits(6, u, i) % 11) / 2;
        }
    }
    e->start[USERS] = count;
    return (histories){USERS, e->start, e->item, e->rating, NULL, users, NULL};
}

static void make_matrix(const medley_runtime *rt, csr_owner *out)
{
    static events e;
    const histories h = make_events(&e, false, true);
    assert_ok(csr_build(rt, USERS, ITEMS, e.user, e.item, e.rating, h.start[USERS], out, err));
}

/* Rows 0.. of the twin are the training users, rows USERS.. the histories. */
static void fill_twin(twin *t, const csr *x, const csr *history, bool binary)
{
    memset(t, 0, sizeof *t);
    t->rows = 2 * USERS;
    t->fitted = USERS;
    t->columns = ITEMS;
    for (int64_t u = 0; u < 2 * USERS; u++) {
        const csr *m = u < USERS ? x : history;
        const int64_t row = u % USERS;
        for (int64_t at = m->start[row]; at < m->start[row + 1]; at++) {
            t->there[u][m->index[at]] = true;
            t->x[u][m->index[at]] = binary ? 1 : (double)m->value[at];
        }
    }
}

static uint64_t hash_of(const csr *history, int64_t row)
{
    uint64_t hash = 0;
    for (int64_t at = history->start[row]; at < history->start[row + 1]; at++)
        hash = random_bits(hash, history->index[at], 0);
    return hash;
}

static void assert_encodes(const char *similarity, const char *weighting, const char *settings, bool users)
{
    static float expected[USERS][USERS];
    static twin t;
    static events e;
    char all[256];
    snprintf(all, sizeof all, "similarity=%s weighting=%s %s", similarity, weighting, settings);
    const neighbours_params v = values_of(all);
    const twin_settings plain = {similarity, weighting, v.shrinkage, v.alpha, v.beta, v.k1, v.b};
    const histories known = make_events(&e, true, users);
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, threads);
        csr_owner matrix, history;
        model_state s = {0};
        scoring how;
        left_sides left;
        make_matrix(rt, &matrix);
        assert_ok(histories_matrix(rt, &known, ITEMS, true, &history, err));
        const training data = {.users = USERS, .items = ITEMS, .matrix = matrix.view, .seed = SEED};
        if (threads == 1) {
            fill_twin(&t, &matrix.view, &history.view, v.feedback == FEEDBACK_BINARY);
            twin_weigh(&t, &plain);
            twin_centre(&t, &plain);
            for (int row = 0; row < USERS; row++)
                twin_nearest(&t, &plain, USERS + row, users ? row : -1, v.neighbours, SEED,
                             hash_of(&history.view, row), expected[row]);
        }
        assert_ok(model_userknn.fit(rt, &v, &data, &s, err));
        assert_ok(model_userknn.scoring(&v, &s, USERS, ITEMS, &how, err));
        assert_int_equal(how.form, SCORING_LINEAR_SPARSE);
        assert_int_equal(how.sparse.rows, USERS);
        assert_memory_equal(how.sparse.index, matrix.index, (size_t)csr_count(&matrix.view) * sizeof(uint32_t));
        assert_ok(model_encode(rt, &model_userknn, &v, &s, &how, &known, &left, err));
        const csr *weights = &left.weights.view;
        int64_t at = 0;
        for (uint32_t row = 0; row < USERS; row++) {
            assert_int_equal(weights->start[row], at);
            for (uint32_t u = 0; u < USERS; u++)
                if (expected[row][u] > 0) {
                    assert_int_equal(weights->index[at], u);
                    assert_true(weights->value[at] == expected[row][u]);
                    at++;
                }
        }
        assert_int_equal(csr_count(weights), at);
        assert_true(at > USERS);
        left_sides_release(&left);
        model_state_release(&s);
        csr_release(&history);
        csr_release(&matrix);
        test_runtime_end(rt, &memory);
    }
}

static void test_the_neighbours_are_those_of_a_dense_computation(void **state)
{
    (void)state;
    assert_encodes("cosine", "none", "neighbours=5", true);
    assert_encodes("cosine", "none", "neighbours=5", false); /* strangers: their twin in training is a neighbour */
    assert_encodes("cosine", "none", "neighbours=1000 feedback=rating shrinkage=3", true);
    assert_encodes("pearson", "none", "neighbours=20 feedback=rating", true);
    assert_encodes("adjusted_cosine", "none", "neighbours=20 feedback=rating", false);
    assert_encodes("asymmetric_cosine", "none", "neighbours=20 alpha=0.8", true);
    assert_encodes("jaccard", "none", "neighbours=3", true);
    assert_encodes("tversky", "none", "neighbours=9 alpha=0.75 beta=0.25", true);
    assert_encodes("cosine", "tfidf", "neighbours=30", true);
    assert_encodes("dot", "bm25", "neighbours=30 feedback=rating", false);
}

/* Training: a = {0, 1}, b = {1, 2}, c = {3}. A stranger with {1, 2}: s_a = 1 / 2, s_b = 1. */
static void test_the_worked_example_comes_out(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const uint32_t user[] = {0, 0, 1, 1, 2}, item[] = {0, 1, 1, 2, 3}, known_item[] = {2, 1};
    const float rating[] = {5, 4, 3, 2, 1};
    static const int64_t start[] = {0, 2, 2};
    const float similarity[] = {0.5f, 1};
    const neighbours_params v = values_of("weights=rating");
    const histories known = {2, start, known_item, NULL, NULL, false, NULL};
    csr_owner matrix;
    model_state s = {0};
    scoring how;
    left_sides left;
    assert_ok(csr_build(rt, 3, 4, user, item, rating, 5, &matrix, err));
    const training data = {.users = 3, .items = 4, .matrix = matrix.view};
    assert_ok(model_userknn.fit(rt, &v, &data, &s, err));
    assert_ok(model_userknn.scoring(&v, &s, 3, 4, &how, err));
    assert_memory_equal(how.sparse.value, rating, sizeof rating);
    assert_ok(model_encode(rt, &model_userknn, &v, &s, &how, &known, &left, err));
    assert_int_equal(csr_row_count(&left.weights.view, 0), 2);
    assert_int_equal(csr_row_count(&left.weights.view, 1), 0); /* no history: nothing is known */
    for (int n = 0; n < 2; n++) {
        assert_int_equal(left.weights.index[n], n);
        assert_true(fabsf(left.weights.value[n] - similarity[n]) < 1e-7f);
    }
    left_sides_release(&left);
    model_state_release(&s);
    csr_release(&matrix);
    test_runtime_end(rt, &memory);
}

static void test_a_row_depends_on_nothing_but_its_history(void **state)
{
    (void)state;
    static events e;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const neighbours_params v = values_of("neighbours=4");
    const histories all = make_events(&e, true, false);
    csr_owner matrix;
    model_state s = {0};
    scoring how;
    left_sides together, alone;
    make_matrix(rt, &matrix);
    const training data = {.users = USERS, .items = ITEMS, .matrix = matrix.view, .seed = SEED};
    assert_ok(model_userknn.fit(rt, &v, &data, &s, err));
    assert_ok(model_userknn.scoring(&v, &s, USERS, ITEMS, &how, err));
    assert_ok(model_encode(rt, &model_userknn, &v, &s, &how, &all, &together, err));
    for (int64_t row = 0; row < USERS; row += 7) {
        const int64_t start[] = {0, e.start[row + 1] - e.start[row]};
        const histories moved = {1, start, e.item + e.start[row], NULL, NULL, false, NULL};
        assert_ok(model_encode(rt, &model_userknn, &v, &s, &how, &moved, &alone, err));
        const int64_t first = together.weights.start[row], count = csr_row_count(&together.weights.view, row);
        assert_int_equal(csr_count(&alone.weights.view), count);
        assert_memory_equal(alone.weights.index, together.weights.index + first, (size_t)count * sizeof(uint32_t));
        assert_memory_equal(alone.weights.value, together.weights.value + first, (size_t)count * sizeof(float));
        left_sides_release(&alone);
    }
    left_sides_release(&together);
    model_state_release(&s);
    csr_release(&matrix);
    test_runtime_end(rt, &memory);
}

static void test_no_interactions_are_fine(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    static const int64_t start[] = {0, 0, 0};
    static const uint32_t nothing[1];
    const neighbours_params v = values_of("neighbours=5 weighting=bm25");
    for (int64_t users = 0; users <= 2; users++) {
        const training data = {.users = users, .items = 2, .matrix = {users, 2, start, nothing, NULL}};
        const histories known = {users, start, nothing, NULL, NULL, true, NULL};
        model_state s = {0};
        scoring how;
        left_sides left;
        assert_ok(model_userknn.fit(rt, &v, &data, &s, err));
        assert_ok(model_userknn.scoring(&v, &s, users, 2, &how, err));
        assert_ok(model_encode(rt, &model_userknn, &v, &s, &how, &known, &left, err));
        assert_int_equal(csr_count(&left.weights.view), 0);
        left_sides_release(&left);
        model_state_release(&s);
    }
    test_runtime_end(rt, &memory);
}

/* What a caller does: the state is the caller's, also when a step fails. */
static medley_status fit_and_encode(const medley_runtime *rt, const neighbours_params *v, const training *data,
                                    const histories *known, model_state *s, left_sides *left, medley_error *err)
{
    scoring how;
    medley_status status;
    TRY_DONE(model_userknn.fit(rt, v, data, s, err));
    TRY_DONE(model_userknn.scoring(v, s, data->users, data->items, &how, err));
    TRY_DONE(model_encode(rt, &model_userknn, v, s, &how, known, left, err));
done:
    if (status != MEDLEY_OK)
        model_state_release(s);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    static events e;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const neighbours_params v =
        values_of("neighbours=5 feedback=rating similarity=adjusted_cosine weighting=bm25");
    const histories known = make_events(&e, true, true);
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

static void test_a_state_that_misses_or_bends_a_tensor_is_refused(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const neighbours_params v = values_of("neighbours=5");
    csr_owner matrix;
    model_state s = {0};
    scoring how;
    make_matrix(rt, &matrix);
    const training data = {.users = USERS, .items = ITEMS, .matrix = matrix.view};
    assert_ok(model_userknn.fit(rt, &v, &data, &s, err));
    for (int64_t t = 0; t < s.count; t++) {
        const char *name = s.tensors[t].name;
        s.tensors[t].name = "another";
        assert_fails(model_userknn.scoring(&v, &s, USERS, ITEMS, &how, err), MEDLEY_E_FORMAT, name);
        s.tensors[t].name = name;
        if (strstr(name, ".index") == NULL)
            continue;
        uint32_t *index = s.owned[t], kept = index[0];
        index[0] = USERS + ITEMS;
        assert_fails(model_userknn.scoring(&v, &s, USERS, ITEMS, &how, err), MEDLEY_E_FORMAT, name);
        index[0] = kept;
    }
    assert_ok(model_userknn.scoring(&v, &s, USERS, ITEMS, &how, err));
    model_state_release(&s);
    csr_release(&matrix);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_neighbours_are_those_of_a_dense_computation),
        cmocka_unit_test(test_the_worked_example_comes_out),
        cmocka_unit_test(test_a_row_depends_on_nothing_but_its_history),
        cmocka_unit_test(test_no_interactions_are_fine),
        cmocka_unit_test(test_a_state_that_misses_or_bends_a_tensor_is_refused),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
