#include "model/vector_neighbours.h"

#include "made_features.h"

#include "model/model.h"
#include "tensor/topk.h"

enum { ITEMS = 1100, MATRICES = 3, LONGEST = 37, SEED = 8 }; /* more than a tile, and no multiple of anything */

static test_memory memory;
static medley_runtime *rt;
static char *folder, store[4200];
static const char *const names[MATRICES] = {"one", "two", "three"};
static const int lengths[MATRICES] = {LONGEST, 8, 3};
static float matrix[MATRICES][ITEMS * LONGEST];

/* Each matrix lacks some items, some items have no row, and "three" has many equal rows. */
static bool lacks(int k, int i)
{
    return (i + 3 * k) % 11 == 0 || i % 100 == 50;
}

static void make_matrices(void)
{
    snprintf(store, sizeof store, "%s", test_path(folder, "store"));
    made_items(rt, store, ITEMS);
    for (int k = 0; k < MATRICES; k++) {
        for (int i = 0; i < ITEMS; i++)
            for (int j = 0; j < lengths[k]; j++) {
                const uint64_t row = (uint64_t)(k == 2 ? i % 13 : i);
                matrix[k][i * lengths[k] + j] =
                    lacks(k, i) ? NAN : (float)(random_uniform(21 + (uint64_t)k, row, (uint64_t)j) - 0.3);
            }
        made_features(rt, store, names[k], matrix[k], ITEMS, lengths[k]);
    }
}

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    folder = test_folder();
    make_matrices();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    return 0;
}

/* ---- the slow twin ---- */

typedef struct near_case {
    const char *features;
    int count, of[MATRICES];
    double weight[MATRICES];
    bool center;
    int64_t most;
} near_case;

static const near_case cases[] = {
    {"one", 1, {0}, {1}, false, 10},
    {"two", 1, {1}, {1}, true, 10},
    {"three", 1, {2}, {1}, false, 25}, /* ties */
    {"one,two", 2, {0, 1}, {1, 1}, true, 50},
    {" two:0.25 , one:3,three", 3, {1, 0, 2}, {0.25, 3, 1}, true, 20},
    {"one,two:2", 2, {0, 1}, {1, 2}, false, 5000},
};

static float unit[MATRICES][ITEMS * LONGEST];

static void make_units(bool center)
{
    for (int k = 0; k < MATRICES; k++) {
        double mean[LONGEST] = {0}, count = 0;
        for (int i = 0; i < ITEMS; i++)
            count += !lacks(k, i);
        for (int i = 0; center && i < ITEMS; i++)
            for (int j = 0; !lacks(k, i) && j < lengths[k]; j++)
                mean[j] += (double)matrix[k][i * lengths[k] + j] / count;
        for (int i = 0; i < ITEMS; i++) {
            double square = 0;
            for (int j = 0; !lacks(k, i) && j < lengths[k]; j++) {
                const double x = (double)matrix[k][i * lengths[k] + j] - mean[j];
                square += x * x;
            }
            for (int j = 0; !lacks(k, i) && j < lengths[k]; j++)
                unit[k][i * lengths[k] + j] =
                    (float)(((double)matrix[k][i * lengths[k] + j] - mean[j]) / sqrt(square));
        }
    }
}

static float similarity(const near_case *c, int i, int j)
{
    double sum = 0, total = 0;
    for (int m = 0; m < c->count; m++) {
        const int k = c->of[m], F = lengths[k];
        double dot = 0;
        if (lacks(k, i) || lacks(k, j))
            continue;
        for (int f = 0; f < F; f++)
            dot += (double)unit[k][i * F + f] * (double)unit[k][j * F + f];
        sum += c->weight[m] * dot;
        total += c->weight[m];
    }
    return total > 0 ? (float)(sum / total) : 0;
}

static int best_first(const void *a, const void *b)
{
    const topk_entry *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

static void assert_row(const near_case *c, const csr *got, uint32_t i)
{
    static topk_entry list[ITEMS];
    int64_t count = 0;
    for (uint32_t j = 0; j < ITEMS; j++) {
        const float s = i != j ? similarity(c, (int)i, (int)j) : 0;
        if (s > 0)
            list[count++] = (topk_entry){s, j, random_bits(SEED, i, j)};
    }
    qsort(list, (size_t)count, sizeof *list, best_first);
    count = count < c->most ? count : c->most;
    assert_int_equal(csr_row_count(got, i), count);
    for (int64_t n = 0; n < count; n++) {
        assert_int_equal(got->index[got->start[i] + n], list[n].item);
        assert_true(got->value[got->start[i] + n] == list[n].score);
    }
}

static void test_neighbours_are_those_of_a_plain_computation_for_any_number_of_threads(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        const near_case *c = &cases[at];
        make_units(c->center);
        for (int threads = 1; threads <= 4; threads *= 2) {
            test_memory more;
            medley_runtime *runtime = test_runtime(&more, threads);
            vector_spaces spaces;
            csr_owner got;
            assert_ok(vector_spaces_read(runtime, store, ITEMS, c->features, c->center, &spaces, err));
            assert_ok(vector_neighbours(runtime, &spaces, c->most, SEED, &got, err));
            for (uint32_t i = 0; i < ITEMS; i += threads == 2 ? 1 : 37)
                assert_row(c, &got.view, i);
            assert_int_equal(csr_row_count(&got.view, 50), 0); /* which no matrix has */
            csr_release(&got);
            vector_spaces_release(&spaces);
            test_runtime_end(runtime, &more);
        }
    }
}

static void test_settings_that_cannot_be_taken_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *features;
        medley_status status;
        const char *message;
    } bad[] = {
        {" , ", MEDLEY_E_CONFIG, "names none; see medley features list"},
        {"one:", MEDLEY_E_CONFIG, "'one:' is no name with a weight; accepted: such as visual:0.5"},
        {"one:0", MEDLEY_E_CONFIG, "'one:0' is no name with a weight"},
        {"one:-1,two", MEDLEY_E_CONFIG, "'one:-1' is no name with a weight"},
        {"one:1e999", MEDLEY_E_CONFIG, "'one:1e999' is no name with a weight"},
        {"one:1:2", MEDLEY_E_CONFIG, "'one:1:2' is no name with a weight"},
        {"one,tow", MEDLEY_E_NOT_FOUND, "did you mean 'two'?"},
        {"one,one,one,one,one,one,one,one,one", MEDLEY_E_CONFIG, "names more than 8"},
    };
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
        vector_spaces spaces;
        assert_fails(vector_spaces_read(rt, store, ITEMS, bad[at].features, true, &spaces, err), bad[at].status,
                     bad[at].message);
        vector_spaces_release(&spaces);
    }
}

static medley_status search(medley_error *err)
{
    vector_spaces spaces;
    csr_owner got = {0};
    medley_status status = vector_spaces_read(rt, store, ITEMS, "two,three", true, &spaces, err);
    if (status == MEDLEY_OK)
        status = vector_neighbours(rt, &spaces, 5, SEED, &got, err);
    csr_release(&got);
    vector_spaces_release(&spaces);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, search(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neighbours_are_those_of_a_plain_computation_for_any_number_of_threads),
        cmocka_unit_test(test_settings_that_cannot_be_taken_are_refused),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
