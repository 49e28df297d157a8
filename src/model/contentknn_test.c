#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/tfidf.h"
#include "io/catalog.h"
#include "model/model.h"
#include "tensor/topk.h"

extern const model_class model_contentknn;

enum { ITEMS = 150, WORDS = 60, SEED = 6 };

/* The table's own struct is the model's business: values are set by name. */
typedef struct values {
    _Alignas(16) char bytes[128];
} values;

/* "key=value key=value" */
static values values_of(const char *settings)
{
    static char copy[256]; /* texts are borrowed */
    char *next;
    values v;
    assert_true(model_contentknn.params_size <= sizeof v);
    medley_params_reset(model_contentknn.params, &v);
    snprintf(copy, sizeof copy, "%s", settings);
    for (char *key = strtok_r(copy, " ", &next); key != NULL; key = strtok_r(NULL, " ", &next)) {
        char *value = strchr(key, '=');
        *value++ = '\0';
        assert_ok(medley_param_set(medley_param_find(model_contentknn.params, key), &v, value, err));
    }
    return v;
}

static catalog_text text_of(const char *string)
{
    return (catalog_text){string, strlen(string)};
}

/* Items of words w0.., the first of them in most; every tenth has none. */
static const char *make_catalog(int64_t count)
{
    const char *path = test_path(folder, "catalog.db");
    catalog_writer *w;
    (void)remove(path);
    assert_ok(catalog_create(rt, path, &w, err));
    for (int64_t i = 0; i < count; i++) {
        char id[24], words[400] = "", genre[40];
        size_t used = 0;
        number_print(id, sizeof id, "%lld", (long long)i);
        number_print(genre, sizeof genre, "{\"genre\": \"kind%lld\"}", (long long)i % 3);
        for (uint64_t n = 0; n < 12 && i % 10 != 9; n++) {
            const double x = random_uniform(1, (uint64_t)i, n);
            used += (size_t)number_print(words + used, sizeof words - used, "w%d ", (int)(x * x * WORDS));
        }
        const catalog_item item = {.id = text_of(id), .text = text_of(words), .attributes = text_of(genre)};
        assert_ok(catalog_add_item(w, i, &item, err));
    }
    assert_ok(catalog_finish(w, err));
    return path;
}

static int best_first(const void *a, const void *b)
{
    const topk_entry *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* The slow twin: expected[j][i] = cos(t_i, t_j) for the K nearest j of each i. */
static void fit_naively(const csr *words, int64_t neighbours, float expected[ITEMS][ITEMS])
{
    static double dense[ITEMS][WORDS + 3];
    topk_entry list[ITEMS];
    memset(dense, 0, sizeof dense);
    memset(expected, 0, sizeof(float) * ITEMS * ITEMS);
    for (int64_t i = 0; i < ITEMS; i++)
        for (int64_t at = words->start[i]; at < words->start[i + 1]; at++)
            dense[i][words->index[at]] = (double)words->value[at];
    for (uint32_t i = 0; i < ITEMS; i++) {
        int64_t count = 0;
        for (uint32_t j = 0; j < ITEMS; j++) {
            double dot = 0;
            for (int w = 0; w < WORDS + 3; w++)
                dot += dense[i][w] * dense[j][w];
            if (i != j && dot > 0)
                list[count++] = (topk_entry){(float)dot, j, random_bits(SEED, i, j)};
        }
        qsort(list, (size_t)count, sizeof *list, best_first);
        for (int64_t n = 0; n < count && n < neighbours; n++)
            expected[list[n].item][i] = list[n].score;
    }
}

static void assert_fits(const char *settings, const tfidf_options *options, int64_t neighbours)
{
    static float expected[ITEMS][ITEMS];
    static const int64_t nobody[] = {0, 0};
    const char *catalog = make_catalog(ITEMS);
    const values v = values_of(settings);
    csr_owner words;
    assert_ok(tfidf_items(rt, catalog, options, NULL, ITEMS, &words, err));
    fit_naively(&words.view, neighbours, expected);
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory more;
        medley_runtime *runtime = test_runtime(&more, threads);
        model_state s = {0};
        scoring how;
        /* training has seen no item: all are cold */
        const training data = {.users = 1,
                               .items = ITEMS,
                               .matrix = {1, ITEMS, nobody, NULL, NULL},
                               .catalog = catalog,
                               .seed = SEED};
        assert_ok(model_contentknn.fit(runtime, &v, &data, &s, err));
        assert_ok(model_contentknn.scoring(&v, &s, 1, ITEMS, &how, err));
        int64_t at = 0;
        for (uint32_t j = 0; j < ITEMS; j++)
            for (uint32_t i = 0; i < ITEMS; i++)
                if (expected[j][i] > 0) {
                    assert_int_equal(how.sparse.index[at], i);
                    assert_true(how.sparse.value[at] == expected[j][i]);
                    at++;
                }
        assert_int_equal(csr_count(&how.sparse), at);
        assert_true(at > ITEMS);
        model_state_release(&s);
        test_runtime_end(runtime, &more);
    }
    csr_release(&words);
}

static void test_the_weights_are_those_of_a_dense_computation(void **state)
{
    (void)state;
    const tfidf_options preset = {.title = true, .body = true, .attributes = "", .min_items = 1, .max_share = 0.5};
    const tfidf_options more = {
        .body = true, .attributes = "genre", .min_items = 3, .max_share = 1, .sublinear = true};
    const tfidf_options genre = {.attributes = "genre", .min_items = 1, .max_share = 1};
    assert_fits("neighbours=20", &preset, 20);
    assert_fits("neighbours=1000", &preset, 1000);
    assert_fits("fields=genre,text min_items=3 max_share=1 sublinear=true", &more, 100);
    assert_fits("fields=genre max_share=1 neighbours=7", &genre, 7); /* all cosines are 1: ties */
}

static void test_a_history_of_one_item_recommends_what_it_resembles(void **state)
{
    (void)state;
    static const int64_t nobody[] = {0, 0}, start[] = {0, 1};
    static const uint32_t item[] = {1};
    static const char *const texts[] = {"red green", "red blue", "yellow", "blue black"};
    const char *path = test_path(folder, "four.db");
    const values v = values_of("max_share=1");
    const histories known = {1, start, item, NULL, NULL, false, NULL};
    catalog_writer *w;
    model_state s = {0};
    scoring how;
    left_sides left;
    assert_ok(catalog_create(rt, path, &w, err));
    for (int64_t i = 0; i < 4; i++) {
        const catalog_item row = {.id = text_of(texts[i]), .text = text_of(texts[i])};
        assert_ok(catalog_add_item(w, i, &row, err));
    }
    assert_ok(catalog_finish(w, err));
    const training data = {.users = 1, .items = 4, .matrix = {1, 4, nobody, NULL, NULL}, .catalog = path};
    assert_ok(model_contentknn.fit(rt, &v, &data, &s, err));
    assert_ok(model_contentknn.scoring(&v, &s, 1, 4, &how, err));
    assert_ok(model_encode(rt, &model_contentknn, &v, &s, &how, &known, &left, err));
    assert_int_equal(csr_count(&left.weights.view), 1);
    /* "red" and "blue" are in two texts, the others' other words in one: both resemble it by the same cosine */
    const double two = log(5.0 / 3) + 1, one = log(5.0 / 2) + 1,
                 cosine = two / sqrt(two * two + one * one) / sqrt(2);
    assert_int_equal(csr_row_count(&how.sparse, 1), 2);
    for (int64_t n = 0; n < 2; n++) {
        assert_int_equal(how.sparse.index[how.sparse.start[1] + n], n == 0 ? 0 : 3);
        assert_true(fabs((double)how.sparse.value[how.sparse.start[1] + n] - cosine) < 1e-6);
    }
    left_sides_release(&left);
    model_state_release(&s);
}

static void test_stores_without_what_is_read_are_refused(void **state)
{
    (void)state;
    static const int64_t nobody[] = {0, 0};
    const char *catalog = make_catalog(3);
    training data = {.users = 1, .items = 3, .matrix = {1, 3, nobody, NULL, NULL}};
    model_state s = {0};
    values v = values_of("");
    assert_fails(model_contentknn.fit(rt, &v, &data, &s, err), MEDLEY_E_CONFIG, "the store has no item table");
    data.catalog = catalog;
    v = values_of("fields=title");
    assert_fails(model_contentknn.fit(rt, &v, &data, &s, err), MEDLEY_E_CONFIG, "no item has words that count");
    v = values_of("fields=,");
    assert_fails(model_contentknn.fit(rt, &v, &data, &s, err), MEDLEY_E_CONFIG, "no item has words that count");
    v = values_of("fields=text,genres");
    assert_fails(model_contentknn.fit(rt, &v, &data, &s, err), MEDLEY_E_NOT_FOUND, "did you mean 'genre'?");
    v = values_of("weights=rating");
    assert_fails(model_contentknn.fit(rt, &v, &data, &s, err), MEDLEY_E_CONFIG, "weights: rating, but");
}

/* What a caller does: the state is the caller's, also when fitting fails. */
static medley_status fit_or_release(const values *v, const training *data, model_state *s, medley_error *err)
{
    const medley_status status = model_contentknn.fit(rt, v, data, s, err);
    if (status != MEDLEY_OK)
        model_state_release(s);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    static const int64_t nobody[] = {0, 0};
    const values v = values_of("fields=text,genre max_share=1");
    const training data = {
        .users = 1, .items = 8, .matrix = {1, 8, nobody, NULL, NULL}, .catalog = make_catalog(8)};
    model_state s = {0};
    BRUTAL(rt, &memory, fit_or_release(&v, &data, &s, err), model_state_release(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_weights_are_those_of_a_dense_computation),
        cmocka_unit_test(test_a_history_of_one_item_recommends_what_it_resembles),
        cmocka_unit_test(test_stores_without_what_is_read_are_refused),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
