/* Experiments with variants of a model, and with feature matrices: when they are made again, and what follows. */
#include <medley/medley.h>

#include <math.h>

#include "base/base.h"
#include "fixture.h"
#include "io/file.h"
#include "run_operation.h"

static int make_data(void **state)
{
    set_up(state);
    RUN(medley_synth, NULL, "out", "/raw", "users", "60", "items", "30", "interactions_per_user", "8", "genres",
        "3");
    return 0;
}

/* An experiment in YAML: `more` are its features and models. */
static medley_status experiment(const char *out, const char *more, medley_report **r, medley_error *why)
{
    const char *path = test_path(folder, "exp.yaml");
    medley_config *c = NULL;
    text t = {.rt = rt};
    text_format(&t, "out: %s\nprepare: {format: movielens, input: %s}\n", test_path(folder, out),
                test_path(folder, "raw"));
    text_add(&t, "split: {name: main, strategy: random}\nsweep: {search: grid}\nmetric: ndcg@5\n"
                 "evaluate: {cutoffs: [5], intervals: 10}\n");
    text_add(&t, more);
    assert_ok(text_status(&t, err));
    test_write_text(path, t.bytes);
    text_release(&t);
    TRY(medley_config_create(rt, &c, why));
    medley_status status = medley_config_load(c, path, why);
    if (status == MEDLEY_OK)
        status = medley_experiment(rt, c, r, why);
    medley_config_free(c);
    return status;
}

static const char *step(const medley_report *r, const char *name)
{
    for (int64_t i = 0; i < medley_report_rows(r, "steps"); i++)
        if (strcmp(medley_report_text(r, "steps", i, "step"), name) == 0)
            return medley_report_text(r, "steps", i, "what");
    return "";
}

static bool contains(const char *path, const char *what)
{
    char *bytes = test_read(test_path(folder, path), NULL);
    const bool found = strstr(bytes, what) != NULL;
    test_read_end(bytes);
    return found;
}

/* ---- variants ---- */

#define VARIANTS                                                                       \
    "models:\n  popularity: default\n  near10: {model: itemknn, neighbours: [2, 3]}\n" \
    "  far-away: {model: itemknn, neighbours: [20, 30]}\nseeds: [0, 1]\n"              \
    "compare: {resamples: 20, baseline: near10}\n"

static void test_variants_of_a_model_are_rows_of_their_own_to_the_end(void **state)
{
    (void)state;
    medley_report *r;
    int rows[3] = {0};
    assert_ok(experiment("variants", VARIANTS, &r, err));
    for (int64_t i = 0; i < medley_report_rows(r, "results"); i++) {
        static const char *const names[] = {"popularity", "near10", "far-away"};
        for (int m = 0; m < 3; m++)
            rows[m] += strcmp(medley_report_text(r, "results", i, "model"), names[m]) == 0;
    }
    assert_int_equal(rows[0] + rows[1] + rows[2], (int)medley_report_rows(r, "results"));
    assert_true(rows[0] == 1 && rows[1] >= 1 && rows[2] >= 1);
    medley_report_free(r);
    assert_true(contains("variants/results.tsv", "\nfar-away\t0\t"));
    assert_true(contains("variants/runs/near10/config.yaml", "model: itemknn"));
    assert_true(contains("variants/runs/near10-seed1/config.yaml", "model: itemknn"));
    assert_true(contains("variants/runs/trials.tsv", "\nnear10\t"));
    assert_true(contains("variants/comparison/values.csv", "far-away"));
    assert_true(contains("variants/comparison/report.html", "near10"));
    assert_true(contains("variants/comparison/report.html", "near10 (2 seeds)") ||
                !contains("variants/results.tsv", "\nnear10\t1\t"));
    assert_ok(experiment("variants", VARIANTS, &r, err));
    assert_string_equal(step(r, "evaluate"), "up to date");
    assert_string_equal(step(r, "compare"), "up to date");
    medley_report_free(r);
}

static void test_a_variant_that_is_none_is_refused_before_anything_is_made(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"models: {mine: {model: itemkn}}\n",
         "exp.yaml:7: models.mine.model: unknown 'itemkn' (did you mean 'itemknn'?); see medley list models"},
        {"models: {mine: {model: itemknn}}\ncompare: {baseline: minne}\n",
         "compare: baseline: unknown 'minne' (did you mean 'mine'?)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        medley_report *r;
        assert_fails(experiment("never", cases[i][0], &r, err), MEDLEY_E_CONFIG, cases[i][1]);
        assert_false(file_exists(test_path(folder, "never")));
    }
}

/* ---- features ---- */

/* What a run of the experiment did. */
static void assert_steps(const char *out, const char *more, const char *group, const char *features,
                         const char *evaluate)
{
    medley_report *r;
    assert_ok(experiment(out, more, &r, err));
    if (strcmp(step(r, group), features) != 0 || strcmp(step(r, "evaluate"), evaluate) != 0)
        fail_msg("%s: '%s', evaluate: '%s'; expected '%s', '%s'", group, step(r, group), step(r, "evaluate"),
                 features, evaluate);
    medley_report_free(r);
}

/* Vectors of the synthetic films 1..30, two numbers each; `twist` turns them. */
static void write_vectors(const char *name, double twist)
{
    text rows = {.rt = rt};
    for (int i = 1; i <= 30; i++)
        text_format(&rows, "%d,%.4f,%.4f\n", i, sin(i + twist), cos(i * (1 + twist)));
    assert_ok(text_status(&rows, err));
    test_write_text(test_path(folder, name), rows.bytes);
    text_release(&rows);
}

static void test_matrices_are_imported_once_and_models_follow_them(void **state)
{
    (void)state;
    char more[1000];
    write_vectors("visual.csv", 0);
    write_vectors("textual.csv", 1);
    snprintf(more, sizeof more,
             "import: {visual: {input: %s}, textual: {input: %s}}\n"
             "models: {ease: {l2: 10}, by_looks: {model: contentknn, features: visual, neighbours: 5}, "
             "by_words: {model: contentknn, features: textual, neighbours: 5}}\ncompare: {resamples: 10}\n",
             test_path(folder, "visual.csv"), test_path(folder, "textual.csv"));
    assert_steps("imported", more, "import", "made", "on test");
    assert_steps("imported", more, "import", "up to date", "up to date");
    char *trials = test_read(test_path(folder, "imported/runs/trials.tsv"), NULL);
    write_vectors("textual.csv", 1); /* written again, the same */
    assert_steps("imported", more, "import", "made", "up to date");
    write_vectors("textual.csv", 2);
    assert_steps("imported", more, "import", "made", "on test");
    char *after = test_read(test_path(folder, "imported/runs/trials.tsv"), NULL);
    int kept = 0;
    char *left;
    for (char *line = strtok_r(after, "\n", &left); line != NULL; line = strtok_r(NULL, "\n", &left))
        kept += strstr(trials, line) != NULL;
    assert_int_equal(kept, 1 + 2); /* the header, ease, and what looks at visual alone */
    test_read_end(trials);
    test_read_end(after);
    /* the same from nothing */
    assert_steps("imported_fresh", more, "import", "made", "on test");
    for (int i = 0; i < 2; i++) {
        static const char *const names[][2] = {
            {"imported/runs/by_words/model.safetensors", "imported_fresh/runs/by_words/model.safetensors"},
            {"imported/runs/by_looks/model.safetensors", "imported_fresh/runs/by_looks/model.safetensors"}};
        size_t length, other;
        char *a = test_read(test_path(folder, names[i][0]), &length),
             *b = test_read(test_path(folder, names[i][1]), &other);
        assert_int_equal(length, other);
        assert_memory_equal(a, b, length);
        test_read_end(a);
        test_read_end(b);
    }
}

static void test_imports_that_cannot_be_are_refused_before_anything_is_made(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"import: {visual: {input: /none}}\nmodels: {ease: default}\n",
         "import.visual.input: '/none' is not there"},
        {"import: {visual: {}}\nmodels: {ease: default}\n", "import.visual"},
        {"import: {visual: {ids: /none}}\nmodels: {ease: default}\n", "import.visual.input is missing"},
        {"import: {a: {input: /}}\nextract: {a: {encoder: tfidf}}\nmodels: {ease: default}\n",
         "import.a: extract.a makes a matrix of that name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        medley_report *r;
        medley_error got = {MEDLEY_OK, ""};
        assert_int_not_equal(experiment("never", cases[i][0], &r, &got), MEDLEY_OK);
        if (strstr(got.message, cases[i][1]) == NULL)
            fail_msg("'%s', expected '%s'", got.message, cases[i][1]);
        assert_false(file_exists(test_path(folder, "never")));
    }
}

/* Whose pictures are p<film>.bmp of 2 x 2 pixels. */
static void draw(int film, unsigned char shade)
{
    unsigned char bmp[54 + 16] = {
        'B', 'M', 70, [10] = 54, [14] = 40, [18] = 2, [22] = 2, [26] = 1, [28] = 24, [34] = 16};
    char name[40];
    for (int i = 54; i < 70; i++)
        bmp[i] = (unsigned char)(shade + 13 * i * film);
    snprintf(name, sizeof name, "pictured/p%d.bmp", film);
    test_write(test_path(folder, name), bmp, sizeof bmp);
}

/* A store of twelve products with pictures. */
static void make_pictured(void)
{
    text rows = {.rt = rt}, items = {.rt = rt};
    assert_ok(file_make_folder(rt, test_path(folder, "pictured"), err));
    text_add(&rows, "user,item,rating\n");
    text_add(&items, "id,picture\n");
    for (int u = 0; u < 12; u++)
        for (int i = 0; i < 6; i++)
            text_format(&rows, "u%d,i%d,3\n", u, (u * 5 + i * (1 + u % 2)) % 12);
    for (int i = 0; i < 12; i++) {
        text_format(&items, "i%d,p%d.bmp\n", i, i);
        draw(i, 0);
    }
    test_write_text(test_path(folder, "pictured/rows.csv"), rows.bytes);
    test_write_text(test_path(folder, "pictured/items.csv"), items.bytes);
    text_release(&rows);
    text_release(&items);
    RUN(medley_prepare, NULL, "format", "delimited", "input", "/pictured", "file", "rows.csv", "store", "/gallery",
        "user", "user", "item", "item", "rating", "rating", "items_file", "items.csv", "item_id", "id",
        "item_title", "", "item_image", "picture");
}

static medley_report *look_at_gallery(void)
{
    medley_report *r;
    RUN(medley_experiment, &r, "out", "/looked", "store", "/gallery", "split.name", "main", "split.strategy",
        "random", "extract.visual.encoder", "histogram", "models.looks.model", "contentknn",
        "models.looks.features", "visual", "models.ease.l2", "10", "metric", "ndcg@5", "evaluate.intervals", "0",
        "compare.resamples", "10");
    return r;
}

static void assert_gallery(const char *extract, const char *evaluate)
{
    medley_report *r = look_at_gallery();
    assert_string_equal(step(r, "extract"), extract);
    assert_string_equal(step(r, "evaluate"), evaluate);
    medley_report_free(r);
}

static void test_pictures_that_change_are_extracted_again_and_what_saw_them_is_fitted_again(void **state)
{
    (void)state;
    make_pictured();
    assert_gallery("made", "on test");
    assert_gallery("up to date", "up to date");
    draw(3, 0); /* written again, the same */
    assert_gallery("made", "up to date");
    char *before = test_read(test_path(folder, "looked/runs/looks/config.yaml"), NULL);
    draw(3, 101);
    assert_gallery("made", "on test");
    char *after = test_read(test_path(folder, "looked/runs/looks/config.yaml"), NULL);
    assert_string_not_equal(before, after); /* it names another matrix */
    test_read_end(before);
    test_read_end(after);
    assert_ok(file_remove_tree(rt, test_path(folder, "pictured/p4.bmp"), err));
    assert_gallery("made", "on test");
    assert_gallery("up to date", "up to date");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants_of_a_model_are_rows_of_their_own_to_the_end),
        cmocka_unit_test(test_a_variant_that_is_none_is_refused_before_anything_is_made),
        cmocka_unit_test(test_matrices_are_imported_once_and_models_follow_them),
        cmocka_unit_test(test_imports_that_cannot_be_are_refused_before_anything_is_made),
        cmocka_unit_test(test_pictures_that_change_are_extracted_again_and_what_saw_them_is_fitted_again),
    };
    return cmocka_run_group_tests(tests, make_data, tear_down);
}
