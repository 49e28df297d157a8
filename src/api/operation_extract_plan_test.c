#include <medley/medley.h>

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/features.h"
#include "io/npy.h"
#include "onnx_runtime.h"

#define FIXTURE_THREADS 2
#include "fixture.h"
#include "run_operation.h"

enum { PICTURES = 6, SIDE = 8 };

/* 24 bits, of one colour with a corner of another, by the number. */
static void write_picture(const char *name, int number)
{
    uint8_t bytes[54 + SIDE * SIDE * 3] = "BM";
    bytes[2] = sizeof bytes;
    bytes[10] = 54;
    bytes[14] = 40;
    bytes[18] = bytes[22] = SIDE;
    bytes[26] = 1;
    bytes[28] = 24;
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        bytes[54 + i] = (uint8_t)(i < 40 * (number % 3) ? 200 : number * (7 + 11 * (i % 3)));
    test_write(test_path(folder, name), bytes, sizeof bytes);
}

static int set_up_dataset(void **state)
{
    set_up(state);
    assert_int_equal(mkdir(test_path(folder, "set"), 0700), 0);
    assert_int_equal(mkdir(test_path(folder, "set/images"), 0700), 0);
    for (int i = 0; i < PICTURES; i++) {
        char name[64];
        snprintf(name, sizeof name, "set/images/p%d.bmp", i);
        write_picture(name, i + 1);
    }
    test_write_text(
        test_path(folder, "set/meta.tsv"),
        "n\tasin\tdescription\n1\tp1\ta red hat\n2\tp2\tred pens\n3\tp3\t\n4\tx\t\"a \"\"red\"\" pen\"\n");
    return 0;
}

/* Writes plan.yml, with `dataset_path` of the set in front. */
static void write_plan(const char *rest)
{
    text plan = {.rt = rt};
    text_format(&plan, "dataset_path: %s\n%s", test_path(folder, "set"), rest);
    test_write_text(test_path(folder, "plan.yml"), plan.bytes);
    text_release(&plan);
}

#define PICTURES_PLAN \
    "visual:\n  items:\n    input_path: images\n    output_path: seen\n    model: [{model_name: histogram, dimensions: 4}]\n"
#define TEXTS_PLAN                                                                                 \
    "textual:\n  items:\n    input_path: meta.tsv\n    item_column: asin\n    output_path: read\n" \
    "    model: [{model_name: tfidf, output_layers: 1, dimensions: 2, backend: sentence_transformers}]\n"

static double number(const medley_report *r, int64_t row, const char *name)
{
    double value = NAN;
    assert_true(medley_report_number(r, "extractions", row, name, &value));
    return value;
}

/* The vector of an item's file: [1, *length]. */
static void read_vector(const char *name, float *out, int64_t length)
{
    npy n;
    assert_ok(npy_open(test_path(folder, name), &n, err));
    assert_true(n.type == NPY_F32 && n.rows == 1 && n.columns == length);
    memcpy(out, n.data, (size_t)length * sizeof *out);
    npy_release(&n);
}

/* ---- what is written ---- */

static void test_vectors_lie_where_ducho_puts_them(void **state)
{
    (void)state;
    medley_report *r;
    float vector[4];
    write_plan(PICTURES_PLAN TEXTS_PLAN);
    RUN(medley_extract_plan, &r, "plan", "/plan.yml");
    assert_int_equal(medley_report_rows(r, "extractions"), 2);
    assert_true(number(r, 0, "items") == PICTURES && number(r, 0, "encoded_now") == PICTURES);
    assert_true(number(r, 1, "items") == 4 && number(r, 1, "without") == 1);
    medley_report_free(r);
    read_vector("set/seen/medley/histogram/1/p0.npy", vector, 4);
    read_vector("set/seen/medley/histogram/1/p5.npy", vector, 4);
    read_vector("set/read/sentence_transformers/tfidf/1/x.npy", vector, 2);
    assert_int_not_equal(access(test_path(folder, "set/read/sentence_transformers/tfidf/1/p3.npy"), F_OK), 0);
    char *items = test_read(test_path(folder, "set/read/sentence_transformers/tfidf/1.items.tsv"), NULL);
    assert_non_null(strstr(items, "p3\twithout\t\t\n"));
    test_read_end(items);
}

static void test_what_was_encoded_is_not_encoded_again(void **state)
{
    (void)state;
    medley_report *r;
    write_plan(PICTURES_PLAN);
    RUN(medley_extract_plan, &r, "plan", "/plan.yml");
    medley_report_free(r);
    write_picture("set/images/new.bmp", 17);
    RUN(medley_extract_plan, &r, "plan", "/plan.yml");
    assert_true(number(r, 0, "encoded_before") == PICTURES && number(r, 0, "encoded_now") == 1);
    medley_report_free(r);
}

static void test_a_store_gets_a_matrix_by_the_ids_of_its_items(void **state)
{
    (void)state;
    medley_report *r;
    features f;
    float vector[4];
    char store[4200];
    test_write_text(test_path(folder, "items.csv"), "id,name\nnobody,N\np4,P\np0,Q\n");
    RUN(medley_prepare, NULL, "format", "catalogue", "input", "/items.csv", "store", "/store");
    write_plan(PICTURES_PLAN);
    RUN(medley_extract_plan, &r, "plan", "/plan.yml", "store", "/store");
    assert_string_equal(medley_report_text(r, "extractions", 0, "features"), "visual-medley-histogram-1");
    assert_true(number(r, 0, "matched") == 2);
    medley_report_free(r);
    snprintf(store, sizeof store, "%s", test_path(folder, "store"));
    assert_ok(features_open(rt, store, 3, "visual-medley-histogram-1", &f, err));
    assert_true(f.lacks[0] && !f.lacks[1] && !f.lacks[2]);
    read_vector("set/seen/medley/histogram/1/p4.npy", vector, 4);
    assert_memory_equal(f.rows + 4, vector, sizeof vector);
    features_release(&f);
    assert_fails(
        run(medley_extract_plan, &r, err, (const char *const[]){"plan", "/plan.yml", "store", "/store", NULL}),
        MEDLEY_E_EXISTS, "'visual-medley-histogram-1' exists already");
}

typedef struct phases {
    int preparing, pictures;
    bool mixed;
} phases;

static bool see_phase(void *context, const char *phase, int64_t done, int64_t total)
{
    phases *const p = context;
    (void)done, (void)total;
    p->preparing += strcmp(phase, "preparing") == 0;
    p->pictures += strcmp(phase, "pictures") == 0;
    p->mixed |= strcmp(phase, "preparing") == 0 && p->pictures > 0;
    return true;
}

static void test_all_is_prepared_first_where_that_is_asked_for(void **state)
{
    (void)state;
    float plain[4], cached[4];
    phases seen = {0};
    write_plan(PICTURES_PLAN);
    RUN(medley_extract_plan, NULL, "plan", "/plan.yml");
    read_vector("set/seen/medley/histogram/1/p2.npy", plain, 4);
    assert_ok(file_remove_tree(rt, test_path(folder, "set/seen"), err));
    rt->progress = see_phase;
    rt->progress_context = &seen;
    RUN(medley_extract_plan, NULL, "plan", "/plan.yml", "cache", "hybrid", "precompute", "true");
    rt->progress = NULL;
    assert_true(seen.preparing > 0 && seen.pictures > 0 && !seen.mixed);
    read_vector("set/seen/medley/histogram/1/p2.npy", cached, 4);
    assert_memory_equal(plain, cached, sizeof plain);
    assert_fails(run(medley_extract_plan, NULL, err,
                     (const char *const[]){"plan", "/plan.yml", "precompute", "true", NULL}),
                 MEDLEY_E_CONFIG, "precompute: needs a cache");
}

static void test_keys_that_say_nothing_are_told_once(void **state)
{
    (void)state;
    medley_report *r;
    write_plan(
        "gpu list: 0\n"
        "visual:\n  items:\n    input_path: images\n    output_path: seen\n    model: [\n"
        "      {model_name: histogram, output_layers: [1, 2], reshape: [224, 224], preprocessing: zscore}]\n");
    RUN(medley_extract_plan, &r, "plan", "/plan.yml");
    assert_int_equal(medley_report_rows(r, "notes"), 3);
    assert_string_equal(medley_report_text(r, "notes", 0, "key"), "gpu list");
    assert_string_equal(medley_report_text(r, "notes", 1, "key"), "reshape");
    assert_int_equal(medley_report_rows(r, "extractions"), 2);
    medley_report_free(r);
}

/* ---- pretrained encoders ---- */

/* Small models, with what PyTorch makes of pictures and texts: tools/parity/encoders.py. */
#define MADE MEDLEY_SOURCE_DIR "/tests/encoders/"

static void link_export(const char *made, const char *name)
{
    char from[512], to[512];
    snprintf(from, sizeof from, MADE "%s", made);
    snprintf(to, sizeof to, "%s/exports/%s", folder, name);
    assert_int_equal(symlink(from, to), 0);
}

enum { RECORDED_LENGTH = 16 };

/* set/<output>/<id>.npy against each row of <made>/expected.tsv; a text's id is its row: t0, t1, ... */
static void assert_recorded(const char *output, const char *made, bool texts)
{
    char path[512];
    snprintf(path, sizeof path, MADE "%s/expected.tsv", made);
    char *const bytes = test_read(path, NULL);
    int row = 0;
    for (char *line = bytes; *line != '\0'; line = strchr(line, '\n') + 1, row++) {
        float got[RECORDED_LENGTH];
        double dot = 0, own = 0, want = 0;
        char *at = strchr(line, '\t') + 1;
        if (*line == '\t') /* an empty text has no vector here */
            continue;
        if (texts)
            snprintf(path, sizeof path, "set/%s/t%d.npy", output, row);
        else
            snprintf(path, sizeof path, "set/%s/%.*s.npy", output, (int)strcspn(line, "."), line);
        read_vector(path, got, RECORDED_LENGTH);
        for (int i = 0; i < RECORDED_LENGTH; i++) {
            const double number = strtod(at, &at);
            dot += number * (double)got[i];
            own += (double)got[i] * (double)got[i];
            want += number * number;
        }
        if (!(*at == '\n' && dot >= 0.9999 * sqrt(own * want) && fabs(sqrt(own / want) - 1) < 1e-3))
            fail_msg("%s: cosine to the reference %.6f, norm %g of %g, %.9s", path, dot / sqrt(own * want),
                     sqrt(own), sqrt(want), at);
    }
    test_read_end(bytes);
}

/* texts.tsv: what the recordings are of. */
static void write_recorded_texts(void)
{
    text table = {.rt = rt};
    char *const bytes = test_read(MADE "bert/expected.tsv", NULL);
    int row = 0;
    text_add(&table, "id\ttext\n");
    for (const char *line = bytes; *line != '\0'; line = strchr(line, '\n') + 1)
        text_format(&table, "t%d\t%.*s\n", row++, (int)strcspn(line, "\t"), line);
    test_write_text(test_path(folder, "set/texts.tsv"), table.bytes);
    test_read_end(bytes);
    text_release(&table);
}

#define RECORDED_PLAN                                                                                              \
    "visual:\n  items:\n    input_path: " MADE "pictures\n    output_path: seen\n    model:\n"                     \
    "    - {model_name: ResNet50, output_layers: [avgpool, 'last_hidden_state:mean'], backend: torch,\n"           \
    "       batch_size: 2, model_path: " MADE "resnet}\n"                                                          \
    "textual:\n  items:\n    input_path: texts.tsv\n    item_column: id\n    text_column: text\n"                  \
    "    output_path: read\n    model:\n"                                                                          \
    "    - {model_name: sentence-transformers/all-MiniLM-L6-v2, max_tokens: 40, backend: sentence_transformers}\n" \
    "    - {model_name: someone/new-bert, output_layers: cls, max_tokens: 40, backend: transformers}\n"            \
    "visual_textual:\n  items:\n    input_path: {visual: " MADE "pictures, textual: texts.tsv}\n"                  \
    "    output_path: {visual: both_seen, textual: both_read}\n    item_column: id\n    text_column: text\n"       \
    "    model: [{model_name: openai/clip-vit-base-patch32, max_tokens: 40, backend: transformers}]\n"

static const struct {
    const char *encoder, *output, *made;
    bool texts;
} encoded[] = {
    {"resnet-50", "seen/torch/ResNet50/avgpool", "resnet", false},
    {"resnet-50", "seen/torch/ResNet50/last_hidden_state:mean", "resnet", false},
    {"all-minilm-l6-v2", "read/sentence_transformers/sentence-transformers/all-MiniLM-L6-v2/1", "minilm", true},
    {"onnx-text", "read/transformers/someone/new-bert/cls", "bert", true},
    {"clip-vit-base-patch32-image", "both_seen/transformers/openai/clip-vit-base-patch32/1", "clip-image", false},
    {"clip-vit-base-patch32-text", "both_read/transformers/openai/clip-vit-base-patch32/1", "clip-text", true},
};
enum { ENCODED = sizeof encoded / sizeof *encoded };

static void test_exports_are_found_and_give_the_vectors_of_pytorch(void **state)
{
    (void)state;
    onnx_library *const there = onnx_runtime_or_null(rt);
    medley_report *r;
    onnx_library_close(there);
    if (there == NULL)
        skip();
    assert_int_equal(mkdir(test_path(folder, "exports"), 0700), 0);
    link_export("minilm", "all-MiniLM-L6-v2");
    link_export("bert", "new-bert");
    link_export("clip-image", "clip-vit-base-patch32-image");
    link_export("clip-text", "clip-vit-base-patch32-text");
    write_recorded_texts();
    write_plan(RECORDED_PLAN);
    RUN(medley_extract_plan, &r, "plan", "/plan.yml", "models", "/exports");
    assert_int_equal(medley_report_rows(r, "extractions"), ENCODED);
    for (int64_t i = 0; i < ENCODED; i++) {
        assert_string_equal(medley_report_text(r, "extractions", i, "encoder"), encoded[i].encoder);
        assert_true(number(r, i, "length") == RECORDED_LENGTH && number(r, i, "refused") == 0 &&
                    number(r, i, "without") == encoded[i].texts);
        assert_recorded(encoded[i].output, encoded[i].made, encoded[i].texts);
    }
    medley_report_free(r);
    RUN(medley_extract_plan, &r, "plan", "/plan.yml", "models", "/exports");
    for (int64_t i = 0; i < ENCODED; i++)
        assert_true(number(r, i, "encoded_now") == 0);
    medley_report_free(r);
}

/* ---- real pictures ---- */

static void test_real_posters_are_encoded_without_exception(void **state)
{
    (void)state;
    const char *const posters = test_data("ml-100k/posters");
    char **names;
    int64_t count;
    medley_report *r;
    if (posters == NULL)
        return;
    assert_ok(file_list(rt, posters, &names, &count, err));
    assert_ok(file_remove_tree(rt, test_path(folder, "set/images"), err));
    assert_int_equal(mkdir(test_path(folder, "set/images"), 0700), 0);
    for (int64_t i = 0; i < count && i < 20; i++) {
        char from[4200], to[4200];
        snprintf(from, sizeof from, "%s/%s", posters, names[i]);
        snprintf(to, sizeof to, "%s/set/images/%s", folder, names[i]);
        assert_int_equal(symlink(from, to), 0);
    }
    file_names_free(names, count);
    write_plan(PICTURES_PLAN);
    RUN(medley_extract_plan, &r, "plan", "/plan.yml");
    assert_true(number(r, 0, "encoded_now") + number(r, 0, "refused") == number(r, 0, "items"));
    assert_true(number(r, 0, "items") == (count < 20 ? (double)count : 20) && number(r, 0, "refused") == 0);
    medley_report_free(r);
}

/* ---- bad plans ---- */

typedef struct bad_plan {
    const char *plan; /* behind dataset_path */
    medley_status status;
    const char *want; /* behind the plan's path */
} bad_plan;

#define ITEMS "visual:\n  items:\n    input_path: images\n    output_path: o\n"
#define MODEL(rest) ITEMS "    model: [{model_name: histogram, " rest "}]\n"

static const bad_plan bad_plans[] = {
    {"", MEDLEY_E_CONFIG, "plan.yml: nothing to encode; accepted: visual, textual, visual_textual"},
    {"visal: 1\n", MEDLEY_E_CONFIG, "plan.yml:2: unknown key 'visal' of a plan (did you mean 'visual'?)"},
    {"audio: {items: {}}\n", MEDLEY_E_CONFIG, "plan.yml:2: audio: no encoder hears"},
    {"visual: 1\n", MEDLEY_E_CONFIG, "plan.yml:2: visual: accepted: a mapping"},
    {"visual: {}\n", MEDLEY_E_CONFIG, "plan.yml:2: visual has no items"},
    {"textual:\n  interactions:\n    input_path: r\n", MEDLEY_E_CONFIG,
     "plan.yml:3: textual: interactions are not encoded; accepted: items"},
    {ITEMS, MEDLEY_E_CONFIG, "plan.yml:3: visual: model: accepted: a list of {model_name: ..., ...}"},
    {ITEMS "    outputpath: x\n", MEDLEY_E_CONFIG,
     "plan.yml:6: unknown key 'outputpath' of items (did you mean 'output_path'?)"},
    {ITEMS "    model: [{output_layers: 1}]\n", MEDLEY_E_CONFIG, "plan.yml:6: a model has no model_name"},
    {ITEMS "    model: [histogram]\n", MEDLEY_E_CONFIG, "plan.yml:6: a model: accepted: a mapping"},
    {"visual:\n  items:\n    output_path: o\n    model: [{model_name: histogram}]\n", MEDLEY_E_CONFIG,
     "plan.yml:3: visual has no input_path"},
    {"visual_textual:\n  items:\n    input_path: images\n    output_path: o\n    model: [{model_name: clip}]\n",
     MEDLEY_E_CONFIG, "plan.yml:4: input_path: accepted: {visual: PATH, textual: PATH}"},
    {MODEL("dimension: 4"), MEDLEY_E_CONFIG,
     "plan.yml:6: unknown key 'dimension' of a model (did you mean 'dimensions'?)"},
    {"visual_textual:\n  items:\n    input_path: {visual: images, textual: meta.tsv}\n"
     "    output_path: {visual: o, textual: o}\n"
     "    model: [{model_name: openai/clip-vit-base-patch32, max_token: 9}]\n",
     MEDLEY_E_CONFIG, "plan.yml:6: unknown key 'max_token' of a model (did you mean 'max_tokens'?)"},
    {MODEL("fusion: concat"), MEDLEY_E_CONFIG, "plan.yml:6: unknown key 'fusion' of a model"},
    {MODEL("dimensions: 0"), MEDLEY_E_CONFIG, "plan.yml:6: dimensions: 0 is outside"},
    {MODEL("dimensions: [1, 2]"), MEDLEY_E_CONFIG, "plan.yml:6: dimensions: accepted: a single value"},
    {MODEL("output_layers: {a: 1}"), MEDLEY_E_CONFIG, "plan.yml:6: output_layers: accepted: a layer, or a list"},
    {MODEL("backend: ../up"), MEDLEY_E_CONFIG, "plan.yml:6: a folder cannot be named by backend '../up'"},
    {MODEL("output_layers: .."), MEDLEY_E_CONFIG, "plan.yml:6: a folder cannot be named by"},
    {MODEL("output_layers: [1, 1]"), MEDLEY_E_CONFIG, "is the output of line 6, too"},
    {ITEMS "    model: [{model_name: VGG19, output_layers: classifier.3}]\n", MEDLEY_E_NOT_FOUND,
     "plan.yml:6: model_name: no encoder of pictures is called 'VGG19', and no export of it is there; give its folder"},
    {"visual:\n  items:\n    input_path: none\n    output_path: o\n    model: [{model_name: histogram}]\n",
     MEDLEY_E_NOT_FOUND, "plan.yml:6: input_path: "},
    {"textual:\n  items:\n    input_path: none.tsv\n    output_path: o\n    model: [{model_name: tfidf}]\n",
     MEDLEY_E_NOT_FOUND, "plan.yml:6: "},
    {"textual:\n  items:\n    input_path: meta.tsv\n    text_column: body\n    output_path: o\n"
     "    model: [{model_name: tfidf}]\n",
     MEDLEY_E_FORMAT, "meta.tsv:1: no column 'body'"},
    {"visual: {items: [1\n", MEDLEY_E_FORMAT, "plan.yml:"},
};

static void test_bad_plans_are_refused_with_the_line_and_what_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_plans / sizeof *bad_plans; i++) {
        write_plan(bad_plans[i].plan);
        assert_fails(run(medley_extract_plan, NULL, err, (const char *const[]){"plan", "/plan.yml", NULL}),
                     bad_plans[i].status, bad_plans[i].want);
        assert_int_not_equal(access(test_path(folder, "set/o/medley"), F_OK), 0);
    }
    test_write_text(test_path(folder, "plan.yml"), PICTURES_PLAN);
    assert_fails(run(medley_extract_plan, NULL, err, (const char *const[]){"plan", "/plan.yml", NULL}),
                 MEDLEY_E_CONFIG, "plan.yml: no dataset_path");
}

static void test_two_pictures_of_one_item_are_refused(void **state)
{
    (void)state;
    write_picture("set/images/p1.png", 3);
    write_plan(PICTURES_PLAN);
    assert_fails(run(medley_extract_plan, NULL, err, (const char *const[]){"plan", "/plan.yml", NULL}),
                 MEDLEY_E_FORMAT, "'p1.bmp' and 'p1.png' are of one item, 'p1'");
}

static void test_memory_that_runs_out_is_told(void **state)
{
    (void)state;
    medley_report *r = NULL;
    write_plan(PICTURES_PLAN TEXTS_PLAN);
    RUN(medley_extract_plan, NULL, "plan", "/plan.yml");
    BRUTAL(rt, &memory, run(medley_extract_plan, &r, err, (const char *const[]){"plan", "/plan.yml", NULL}),
           medley_report_free(r));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_dataset, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_vectors_lie_where_ducho_puts_them),
        TEST(test_what_was_encoded_is_not_encoded_again),
        TEST(test_a_store_gets_a_matrix_by_the_ids_of_its_items),
        TEST(test_all_is_prepared_first_where_that_is_asked_for),
        TEST(test_keys_that_say_nothing_are_told_once),
        TEST(test_exports_are_found_and_give_the_vectors_of_pytorch),
        TEST(test_real_posters_are_encoded_without_exception),
        TEST(test_bad_plans_are_refused_with_the_line_and_what_is_accepted),
        TEST(test_two_pictures_of_one_item_are_refused),
        TEST(test_memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
