#include <medley/medley.h>

#include <math.h>

#include "api/model_access.h"
#include "data/item_space.h"
#include "testing.h"

static test_memory memory;
static medley_runtime *rt;
static char *folder;

#include "run_operation.h"

enum { ITEMS = 30 };

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    folder = test_folder();
    RUN(medley_synth, NULL, "out", "/raw", "users", "50", "items", "30", "interactions_per_user", "9", "genres",
        "3");
    RUN(medley_prepare, NULL, "format", "movielens", "input", "/raw", "store", "/store");
    RUN(medley_split, NULL, "store", "/store", "name", "main", "strategy", "random");
    RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "ease", "run", "/ease");
    RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "itemknn", "neighbours", "8", "run",
        "/knn");
    RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "popularity", "run", "/popular");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    return 0;
}

#define TABLE "similar"

static medley_status similar(medley_error *err, const char *const *settings)
{
    medley_report *r = NULL;
    const medley_status status = run(medley_similar, &r, err, settings);
    medley_report_free(r);
    return status;
}
#define TRY_SIMILAR(...) similar(err, (const char *const[]){__VA_ARGS__, NULL})

static int64_t item_at(const medley_report *r, int64_t row, const medley_store *s, double *score)
{
    assert_true(medley_report_number(r, TABLE, row, "score", score));
    return medley_store_item_index(s, medley_report_text(r, TABLE, row, "item"));
}

/* Lists fall, hold every item but the asked one, and have the scores of `weight`. */
static void assert_lists(const medley_report *r, const medley_store *s, const char *const *asked, int64_t count,
                         double (*weight)(const void *, int64_t, int64_t), const void *context)
{
    assert_int_equal(medley_report_rows(r, TABLE), count * (s->items - 1));
    for (int64_t a = 0; a < count; a++) {
        bool there[ITEMS] = {false};
        double last = INFINITY;
        const int64_t self = medley_store_item_index(s, asked[a]);
        for (int64_t i = 0; i < s->items - 1; i++) {
            double score;
            const int64_t row = a * (s->items - 1) + i, item = item_at(r, row, s, &score);
            assert_string_equal(medley_report_text(r, TABLE, row, "similar_to"), asked[a]);
            assert_true(item != self && !there[item] && score <= last);
            assert_true(fabs(score - weight(context, self, item)) < 1e-6);
            there[item] = true;
            last = score;
        }
    }
}

static double dense_weight(const void *context, int64_t from, int64_t to)
{
    const scoring *how = context;
    return (double)how->dense[from * how->items + to];
}

static double sparse_weight(const void *context, int64_t from, int64_t to)
{
    const csr *m = &((const scoring *)context)->sparse;
    for (int64_t at = m->start[from]; at < m->start[from + 1]; at++)
        if (m->index[at] == to)
            return m->value != NULL ? (double)m->value[at] : 1;
    return 0;
}

static double cosine(const void *context, int64_t from, int64_t to)
{
    return item_space_cosine(context, (uint32_t)from, (uint32_t)to);
}

static const char *const asked[] = {"7", "2"};

static void test_linear_models_list_by_the_weights_of_the_item(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        double (*weight)(const void *, int64_t, int64_t);
    } runs[] = {{"/ease", dense_weight}, {"/knn", sparse_weight}};
    for (int m = 0; m < 2; m++) {
        medley_report *r;
        medley_model *model;
        assert_ok(medley_model_open(rt, test_path(folder, runs[m].path + 1), NULL, &model, err));
        RUN(medley_similar, &r, "run", runs[m].path, "items", "7,2", "top_k", "100");
        assert_lists(r, model->store, asked, 2, runs[m].weight, &model->how);
        medley_report_free(r);
        medley_model_free(model);
    }
}

static void test_a_space_lists_by_cosine(void **state)
{
    (void)state;
    static const char *const names[] = {"text", "attribute:genres", "/vectors.npy"};
    medley_store *store;
    float vectors[ITEMS * 3];
    assert_ok(medley_store_open(rt, test_path(folder, "store"), &store, err));
    assert_true(store->items <= ITEMS);
    for (int i = 0; i < ITEMS * 3; i++)
        vectors[i] = (float)(random_uniform(1, 2, (uint64_t)i) - 0.5);
    assert_ok(npy_write(rt, test_path(folder, "vectors.npy"), NPY_F32, store->items, 3, vectors, NULL, err));
    for (int n = 0; n < 3; n++) {
        medley_report *r;
        item_space space;
        const char *name = names[n][0] == '/' ? test_path(folder, names[n] + 1) : names[n];
        assert_ok(item_space_open(store, name, &space, err));
        RUN(medley_similar, &r, "store", "/store", "space", names[n], "items", "7,2", "top_k", "100");
        assert_lists(r, store, asked, 2, cosine, &space);
        medley_report_free(r);
        item_space_release(&space);
    }
    medley_store_free(store);
}

static void test_a_list_does_not_depend_on_what_else_is_asked(void **state)
{
    (void)state;
    medley_report *both, *one;
    test_write_text(test_path(folder, "wanted"), "2\n7\n");
    RUN(medley_similar, &both, "run", "/knn", "item_file", "/wanted", "top_k", "20");
    RUN(medley_similar, &one, "run", "/knn", "items", "7", "top_k", "20");
    for (int64_t i = 0; i < 20; i++)
        assert_string_equal(medley_report_text(both, TABLE, 20 + i, "item"),
                            medley_report_text(one, TABLE, i, "item"));
    medley_report_free(both);
    medley_report_free(one);
}

static void test_conditions_and_exclusions_hold(void **state)
{
    (void)state;
    medley_report *r;
    medley_store *store;
    double score;
    assert_ok(medley_store_open(rt, test_path(folder, "store"), &store, err));
    test_write_text(test_path(folder, "not"), "3\n");
    RUN(medley_similar, &r, "store", "/store", "space", "text", "items", "2", "exclude", "/not", "where",
        "title contains \"a\" and popularity > 0", "top_k", "100");
    assert_true(medley_report_rows(r, TABLE) > 0);
    for (int64_t i = 0; i < medley_report_rows(r, TABLE); i++) {
        const int64_t item = item_at(r, i, store, &score);
        assert_non_null(strchr(store->item_titles[item], 'a'));
        assert_string_not_equal(store->item_ids[item], "3");
    }
    medley_report_free(r);
    medley_store_free(store);
}

static void test_bad_requests_are_refused(void **state)
{
    (void)state;
    test_write_text(test_path(folder, "bad"), "2\nnone\n");
    assert_fails(TRY_SIMILAR("items", "2"), MEDLEY_E_CONFIG, "run: give either a run, or a store and a space");
    assert_fails(TRY_SIMILAR("items", "2", "space", "text"), MEDLEY_E_CONFIG, "or a store and a space");
    assert_fails(TRY_SIMILAR("items", "2", "run", "/knn", "space", "text"), MEDLEY_E_CONFIG, "give either");
    assert_fails(TRY_SIMILAR("run", "/knn"), MEDLEY_E_CONFIG,
                 "items: give either items, item_file or random_items");
    assert_fails(TRY_SIMILAR("run", "/knn", "items", "2,zz"), MEDLEY_E_NOT_FOUND,
                 "items: 'zz' is no item of the store");
    assert_fails(TRY_SIMILAR("run", "/knn", "item_file", "/bad"), MEDLEY_E_NOT_FOUND, "/bad:2: 'none' is no item");
    assert_fails(TRY_SIMILAR("run", "/popular", "items", "2"), MEDLEY_E_ARGUMENT,
                 "run: model popularity knows nothing of what items are alike");
    assert_fails(TRY_SIMILAR("store", "/store", "space", "attribute:genre", "items", "2"), MEDLEY_E_CONFIG,
                 "did you mean 'genres'?");
}

static void test_allocation_failures_leave_nothing(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, TRY_SIMILAR("run", "/knn", "items", "2,7", "where", "popularity > 1", "out", "/lists"),
           (void)0);
    BRUTAL(rt, &memory, TRY_SIMILAR("store", "/store", "space", "attribute:genres", "items", "2"), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear_models_list_by_the_weights_of_the_item),
        cmocka_unit_test(test_a_space_lists_by_cosine),
        cmocka_unit_test(test_a_list_does_not_depend_on_what_else_is_asked),
        cmocka_unit_test(test_conditions_and_exclusions_hold),
        cmocka_unit_test(test_bad_requests_are_refused),
        cmocka_unit_test(test_allocation_failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
