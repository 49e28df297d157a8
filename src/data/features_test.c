/* Bringing vectors in by every form, and opening them. Worked examples on a store of the items a, b, c, d. */
#include "made_store.h"

#include <math.h>

#include "data/features_input.h"
#include "io/records.h"
#include "io/safetensors.h"

#include "fixture.h"

static char store[4200], input[4200], ids[4200];
static medley_report *report;

static int start(void **state)
{
    set_up(state);
    snprintf(store, sizeof store, "%s/store", folder);
    snprintf(ids, sizeof ids, "%s/ids", folder);
    assert_ok(made_store(rt, store, "user,item\nu,a\nu,b\nv,c\nv,d\nw,a\n", NULL, err));
    assert_ok(report_create(rt, &report, err));
    return 0;
}

static int end(void **state)
{
    medley_report_free(report);
    return tear_down(state);
}

static const char *in_folder(const char *name)
{
    snprintf(input, sizeof input, "%s/%s", folder, name);
    return input;
}

/* Settings "key", "value", ..., NULL behind the store, the name x and the input. */
static medley_status import_with(const medley_runtime *runtime, const char *path, const char *const *settings,
                                 medley_error *err)
{
    features_import p;
    medley_report *told;
    medley_params_reset(features_import_table, &p);
    p.store = store;
    p.name = "x";
    p.input = path;
    for (; settings != NULL && *settings != NULL; settings += 2)
        TRY(medley_param_set(medley_param_find(features_import_table, settings[0]), &p, settings[1], err));
    TRY(report_create(runtime, &told, err));
    const medley_status status = features_import_run(runtime, &p, told, err);
    if (status == MEDLEY_OK) {
        medley_report_free(report);
        report = told;
    } else {
        medley_report_free(told);
    }
    return status;
}

#define IMPORT(...) IMPORT_(__VA_ARGS__, NULL)
#define IMPORT_(path, ...) import_with(rt, path, (const char *const[]){__VA_ARGS__}, err)
#define FORCED "force", "true"

static double told(const char *name)
{
    double value = -1;
    assert_true(medley_report_number(report, "features", 0, name, &value));
    return value;
}

/* The row of the item of an id is what is expected; NULL: it is missing. */
static void assert_row(const features *f, const char *id, const float *want)
{
    medley_store *s;
    assert_ok(store_open(rt, store, true, &s, err));
    const uint32_t item = idmap_find(&s->item_map, id, strlen(id));
    store_free(s);
    assert_true(item != IDMAP_NONE);
    assert_int_equal(f->lacks[item], want == NULL);
    const float *row = f->rows + item * f->length;
    for (int64_t i = 0; i < f->length; i++)
        if (want == NULL ? !isnan(row[i]) : row[i] != want[i])
            fail_msg("%s: value %lld is %g", id, (long long)i, (double)row[i]);
}

/* A file with that dictionary and those bytes. */
static void put_npy(const char *path, const char *dictionary, const void *data, size_t length)
{
    char bytes[2048] = "\x93NUMPY\x01\x00\x76";
    assert_true(length <= sizeof bytes - 128);
    memset(bytes + 10, ' ', 118);
    memcpy(bytes + 10, dictionary, strlen(dictionary));
    bytes[127] = '\n';
    memcpy(bytes + 128, data, length);
    test_write(path, bytes, 128 + length);
}

static void test_rows_are_matched_by_id_and_never_by_place(void **state)
{
    (void)state;
    static const float rows[5][2] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}};
    features f;
    assert_ok(npy_write(rt, in_folder("x.npy"), NPY_F32, 5, 2, rows, NULL, err));
    test_write_text(ids, "d\nz\na\r\nd\nb");
    assert_ok(IMPORT(input, "ids", ids));
    assert_true(told("vectors") == 5 && told("matched") == 3 && told("unknown") == 1 && told("duplicates") == 1);
    assert_true(told("missing") == 1 && told("coverage") == 0.75 && told("length") == 2);
    assert_string_equal(medley_report_text(report, "features", 0, "first_unknown"), "z");
    assert_string_equal(medley_report_text(report, "features", 0, "first_duplicates"), "d");
    assert_string_equal(medley_report_text(report, "features", 0, "first_missing"), "c");
    assert_ok(features_open(rt, store, 4, "x", &f, err));
    assert_int_equal(f.items, 4);
    assert_int_equal(f.length, 2);
    assert_int_equal(f.missing, 1);
    assert_string_equal(f.fingerprint, medley_report_text(report, "features", 0, "fingerprint"));
    assert_row(&f, "d", rows[0]); /* the first of two is kept */
    assert_row(&f, "a", rows[2]);
    assert_row(&f, "b", rows[4]);
    assert_row(&f, "c", NULL);
    features_release(&f);
    assert_null(f.lacks);
}

static void test_every_width_of_number_is_read(void **state)
{
    (void)state;
    /* 1, -2, the largest half, the smallest, the largest subnormal, -0 */
    static const uint16_t halves[] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x03ff, 0x8000};
    static const float want[] = {1, -2, 65504, 0x1p-24F, 1023 * 0x1p-24F, 0};
    static const double doubles[] = {1, -2, 65504, 0x1p-24, 1023 * 0x1p-24, -0.0};
    features f;
    test_write_text(ids, "c\n");
    assert_ok(npy_write(rt, in_folder("x.npy"), NPY_F16, 1, 6, halves, NULL, err));
    assert_ok(IMPORT(input, "ids", ids));
    assert_ok(features_open(rt, store, 4, "x", &f, err));
    assert_row(&f, "c", want);
    features_release(&f);
    assert_ok(npy_write(rt, input, NPY_F64, 1, 6, doubles, NULL, err));
    assert_ok(IMPORT(input, "ids", ids, "name", "wide"));
    assert_ok(features_open(rt, store, 4, "wide", &f, err));
    assert_row(&f, "c", want);
    features_release(&f);
}

/* All halves, against the definition: (-1)^s 2^(e-15) (1 + f/1024), and (-1)^s 2^-14 f/1024 for e = 0. */
static void test_every_half_is_exact(void **state)
{
    (void)state;
    for (int h = 0; h < 0x10000; h++) {
        const uint16_t half = (uint16_t)h;
        const int e = h >> 10 & 31, fraction = h & 1023;
        float got;
        medley_error why = {MEDLEY_OK, ""};
        const medley_status status = features_convert("x", "a", NPY_F16, &half, 1, &got, &why);
        assert_int_equal(status, e == 31 ? MEDLEY_E_FORMAT : MEDLEY_OK);
        const double magnitude = e == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, e - 25);
        if (e < 31)
            assert_true((double)got == ((h & 0x8000) != 0 ? -magnitude : magnitude));
    }
}

static void test_ids_are_integers_or_texts_of_any_alphabet(void **state)
{
    (void)state;
    static const uint32_t names[2][4] = {{0x65e5, 0x672c, 0, 0}, {'1', '2', 0, 0}};
    static const int64_t numbers[] = {12, -7};
    static const float rows[2][1] = {{1}, {2}};
    features f;
    assert_ok(made_store(rt, in_folder("store"), "user,item\nu,日本\nu,12\n",
                         (const char *const[]){"force", "true", NULL}, err));
    assert_ok(npy_write(rt, in_folder("x.npy"), NPY_F32, 2, 1, rows, NULL, err));
    put_npy(ids, "{'descr': '<U4', 'fortran_order': False, 'shape': (2,), }", names, sizeof names);
    assert_ok(IMPORT(input, "ids", ids));
    assert_ok(features_open(rt, store, 2, "x", &f, err));
    assert_row(&f, "日本", rows[0]);
    assert_row(&f, "12", rows[1]);
    features_release(&f);
    assert_ok(npy_write(rt, ids, NPY_I64, 2, 0, numbers, NULL, err));
    assert_ok(IMPORT(input, "ids", ids, FORCED));
    assert_true(told("unknown") == 1);
    assert_ok(features_open(rt, store, 2, "x", &f, err));
    assert_row(&f, "12", rows[0]);
    assert_row(&f, "日本", NULL);
    features_release(&f);
}

static void test_a_folder_holds_a_file_an_item(void **state)
{
    (void)state;
    static const float a[] = {1, 2, 3};
    static const double b[] = {4, 5, 6};
    static const float b_read[] = {4, 5, 6};
    features f;
    char path[4300];
    in_folder("vectors");
    assert_ok(file_make_folder(rt, input, err));
    const struct {
        const char *name;
        npy_type type;
        int64_t rows, columns;
        const void *data;
    } files[] = {{"a.npy", NPY_F32, 3, 0, a}, {"b.npy", NPY_F64, 1, 3, b}, {"zzz.npy", NPY_F32, 3, 0, a}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", input, files[i].name);
        assert_ok(npy_write(rt, path, files[i].type, files[i].rows, files[i].columns, files[i].data, NULL, err));
    }
    snprintf(path, sizeof path, "%s/readme.txt", input);
    test_write_text(path, "not a vector");
    assert_ok(IMPORT(input, "format", "folder"));
    assert_true(told("vectors") == 3 && told("matched") == 2 && told("unknown") == 1);
    assert_ok(features_open(rt, store, 4, "x", &f, err));
    assert_row(&f, "a", a);
    assert_row(&f, "b", b_read);
    assert_row(&f, "d", NULL);
    features_release(&f);
}

static void test_tables_are_read_with_and_without_a_header(void **state)
{
    (void)state;
    static const float a[] = {1, -0.5F}, c[] = {2e3F, 0};
    static const struct {
        const char *name, *text;
    } tables[] = {
        {"x.csv", "a,1,-0.5\nc,2e3,0\n"},
        {"x.csv", "id,v1,v2\na,1,-0.5\nc,2e3,0"},
        {"x.csv", ",0,1\na,1,-0.5\nc,2e3,0\n"}, /* as pandas writes */
        {"x.csv", "item,1,2\na,1,-0.5\nc,2e3,0\n"},
        {"x.csv", "\xef\xbb\xbf\r\n\"a\", 1 ,\"-0.5\"\r\n\r\n\"c\",2000.0,+0\r\n"},
        {"x.tsv", "id\tv1\tv2\na\t1\t-.5\nc\t2000\t0\n"},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        features f;
        test_write_text(in_folder(tables[i].name), tables[i].text);
        assert_ok(IMPORT(input, FORCED));
        assert_true(told("vectors") == 2 && told("matched") == 2);
        assert_ok(features_open(rt, store, 4, "x", &f, err));
        assert_row(&f, "a", a);
        assert_row(&f, "c", c);
        features_release(&f);
    }
    /* Two columns of which the first row's number is 1 could be anything: it is data. */
    test_write_text(in_folder("x.csv"), "z,1\na,2\n");
    assert_ok(IMPORT(input, FORCED));
    assert_true(told("vectors") == 2 && told("unknown") == 1);
}

static void test_safetensors_bring_their_ids_or_are_given_them(void **state)
{
    (void)state;
    static const float m[2][2] = {{1, 2}, {3, 4}}, other[2][3] = {{0}};
    static const char padded[2][3] = {{'d', 0, 0}, {'b', 0, 0}};
    const named_tensor tensors[] = {{"m", TENSOR_F32, 2, {2, 2}, m},
                                    {"other", TENSOR_F32, 2, {2, 3}, other},
                                    {"ids", TENSOR_U8, 2, {2, 3}, padded}};
    features f;
    in_folder("x.safetensors");
    assert_ok(safetensors_write(rt, input, tensors, 3, NULL, 0, err));
    assert_fails(IMPORT(input), MEDLEY_E_CONFIG, "'' is none of the matrices of");
    assert_fails(IMPORT(input, "tensor", "ids"), MEDLEY_E_CONFIG, "x.safetensors: m, other");
    assert_ok(IMPORT(input, "tensor", "m"));
    assert_ok(features_open(rt, store, 4, "x", &f, err));
    assert_row(&f, "d", m[0]);
    assert_row(&f, "b", m[1]);
    features_release(&f);
    assert_ok(safetensors_write(rt, input, tensors, 1, NULL, 0, err));
    assert_fails(IMPORT(input, FORCED), MEDLEY_E_CONFIG, "has no tensor 'ids'");
    test_write_text(ids, "a\nc\n");
    assert_ok(IMPORT(input, "ids", ids, FORCED));
    assert_ok(features_open(rt, store, 4, "x", &f, err));
    assert_row(&f, "c", m[1]);
    features_release(&f);
    test_write_text(ids, "a\n");
    assert_fails(IMPORT(input, "ids", ids, FORCED), MEDLEY_E_FORMAT, "1 ids, but");
}

/* ---- bad input ---- */

static void test_bad_tables_are_refused_with_line_and_value(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "x.csv: holds no row"},
        {"\n\n", "x.csv: holds no row"},
        {"id,v1\n", "none of its 0 ids is an item of the store"},
        {"a\n", "x.csv:1: 1 column; an id and numbers are accepted, apart by commas"},
        {"a,1,2\nb,1\n", "x.csv:2: 2 columns; the first row has 3"},
        {"a,1,2\nb,1,2,3\n", "x.csv:2: 4 columns"},
        {"a,1,2\n,1,2\n", "x.csv:2: an empty id"},
        {"a,1,2\nb,1,x\n", "x.csv:2: item 'b': value 2 of 2 is 'x'; finite float32 is accepted"},
        {"a,1,x\nb,1,2\n", "x.csv:1: item 'a': value 2 of 2 is 'x'"}, /* a header has no number */
        {"a,1,2\nb,nan,2\n", "x.csv:2: item 'b': value 1 of 2 is 'nan'"},
        {"a,1,2\nb,1,inf\n", "value 2 of 2 is 'inf'"},
        {"a,1,2\nb,1,1e39\n", "value 2 of 2 is '1e39'"},
        {"a,1,2\nb,1,\n", "value 2 of 2 is ''"},
        {"a,1,\"2\n", "x.csv:1: a quoted field that starts here is never closed"},
        {"y,5,2\nz,1,2\n", "none of its 2 ids is an item of the store ('y' for one; the store has 'a')"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_write_text(in_folder("x.csv"), cases[i].text);
        assert_fails(IMPORT(input), MEDLEY_E_FORMAT, cases[i].message);
        assert_false(file_exists(test_path(store, "features")));
    }
}

static void test_bad_arrays_are_refused_with_item_and_value(void **state)
{
    (void)state;
    static const float odd[2][2] = {{1, 2}, {3, INFINITY}};
    static const double large[2][2] = {{1, 2}, {1e39, 4}};
    static const int64_t whole[2][2] = {{1, 2}, {3, 4}};
    in_folder("x.npy");
    test_write_text(ids, "a\nb\n");
    assert_ok(npy_write(rt, input, NPY_F32, 2, 2, odd, NULL, err));
    assert_fails(IMPORT(input, "ids", ids), MEDLEY_E_FORMAT,
                 "x.npy: item 'b': value 2 of 2 is inf; finite float32 is accepted");
    assert_false(file_exists(test_path(store, "features")));
    assert_fails(IMPORT(input), MEDLEY_E_CONFIG, "ids: give the file of the rows' item ids");
    assert_fails(IMPORT(input, "ids", "none"), MEDLEY_E_NOT_FOUND, "cannot open 'none'");
    assert_fails(IMPORT(input, "ids", ids, "tensor", "t"), MEDLEY_E_CONFIG, "tensor: format npy has none");
    assert_ok(npy_write(rt, input, NPY_F64, 2, 2, large, NULL, err));
    assert_fails(IMPORT(input, "ids", ids), MEDLEY_E_FORMAT, "item 'b': value 1 of 2 is 1e+39");
    assert_ok(npy_write(rt, input, NPY_I64, 2, 2, whole, NULL, err));
    assert_fails(IMPORT(input, "ids", ids), MEDLEY_E_FORMAT, "no real numbers; accepted: <f2, <f4, <f8");
    assert_ok(npy_write(rt, input, NPY_F64, 4, 0, large, NULL, err));
    assert_fails(IMPORT(input, "ids", ids), MEDLEY_E_FORMAT, "an array of one dimension");
    put_npy(input, "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 2), }", odd, sizeof odd);
    assert_fails(IMPORT(input, "ids", ids), MEDLEY_E_FORMAT, "type '>f4'; accepted");
    assert_ok(npy_write(rt, input, NPY_F64, 2, 2, whole, NULL, err));
    test_write_text(ids, "a\n\nb\n");
    assert_fails(IMPORT(input, "ids", ids), MEDLEY_E_FORMAT, "ids:2: an empty line");
    assert_ok(npy_write(rt, ids, NPY_F64, 2, 0, large, NULL, err));
    assert_fails(IMPORT(input, "ids", ids), MEDLEY_E_FORMAT, "neither integers nor texts");
    assert_ok(npy_write(rt, ids, NPY_I64, 2, 1, whole, NULL, err));
    assert_fails(IMPORT(input, "ids", ids), MEDLEY_E_FORMAT, "an array of 1 columns; ids in one dimension");
    put_npy(ids, "{'descr': '<U1', 'fortran_order': False, 'shape': (2,), }", "a\0\0\0\0\xd8\0\0", 8);
    assert_fails(IMPORT(input, "ids", ids), MEDLEY_E_FORMAT, "id 2 is no Unicode text");
}

static void test_bad_folders_are_refused_with_the_file(void **state)
{
    (void)state;
    static const float v[] = {1, 2, NAN, 4};
    char path[4300];
    in_folder("vectors");
    snprintf(path, sizeof path, "%s/inner", input);
    assert_ok(file_make_folder(rt, path, err));
    assert_fails(IMPORT(input), MEDLEY_E_FORMAT, "holds no <id>.npy, but the folder 'inner'");
    assert_ok(file_remove_tree(rt, path, err));
    assert_fails(IMPORT(input), MEDLEY_E_FORMAT, "a folder without an .npy");
    snprintf(path, sizeof path, "%s/a.npy", input);
    assert_ok(npy_write(rt, path, NPY_F32, 2, 0, v, NULL, err));
    snprintf(path, sizeof path, "%s/b.npy", input);
    assert_ok(npy_write(rt, path, NPY_F32, 4, 0, v, NULL, err));
    assert_fails(IMPORT(input), MEDLEY_E_FORMAT, "b.npy: 4 numbers; the folder's first vector has 2");
    assert_ok(npy_write(rt, path, NPY_F32, 2, 2, v, NULL, err));
    assert_fails(IMPORT(input), MEDLEY_E_FORMAT, "b.npy: [2, 2] numbers; one vector is accepted");
    assert_ok(npy_write(rt, path, NPY_F32, 1, 2, v + 2, NULL, err));
    assert_fails(IMPORT(input), MEDLEY_E_FORMAT, "b.npy: item 'b': value 1 of 2 is nan");
    test_write_text(path, "text");
    assert_fails(IMPORT(input), MEDLEY_E_FORMAT, "b.npy: not a .npy file");
    assert_fails(IMPORT(input, "ids", ids), MEDLEY_E_CONFIG, "ids: format folder names its items itself");
    assert_false(file_exists(test_path(store, "features")));
}

static void test_bad_names_and_formats_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"", "../x", ".x", "a/b", "a b", "a,b", "é"};
    test_write_text(in_folder("x.csv"), "a,1\n");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_fails(IMPORT(input, "name", names[i]), MEDLEY_E_CONFIG, "letters, digits, '_', '-' and '.'");
    assert_fails(IMPORT("none.csv"), MEDLEY_E_NOT_FOUND, "cannot open 'none.csv'");
    test_write_text(in_folder("x.dat"), "a,1\n");
    assert_fails(IMPORT(input), MEDLEY_E_CONFIG, "x.dat' does not say what it is; accepted: npy|folder|csv|tsv");
    assert_ok(IMPORT(input, "format", "csv"));
    assert_fails(IMPORT(input, "format", "csv"), MEDLEY_E_EXISTS, "'x' exists already in the store");
    test_write_text(input, "b,2\n");
    assert_ok(IMPORT(input, "format", "csv", FORCED));
}

/* ---- opening ---- */

static void put_features(const char *store_folder, const char *name, const float *rows, int64_t items)
{
    char path[4400];
    snprintf(path, sizeof path, "%s/features/%s", store_folder, name);
    assert_ok(npy_write(rt, path, NPY_F32, items, 2, rows, NULL, err));
}

static void test_what_was_made_of_other_data_is_stale(void **state)
{
    (void)state;
    static const float changed[4][2] = {{9, 2}, {3, 4}, {NAN, NAN}, {5, 6}};
    features f;
    test_write_text(in_folder("x.csv"), "a,1,2\nb,3,4\n");
    assert_ok(IMPORT(input));
    assert_ok(features_open(rt, store, 4, "x", &f, err));
    features_release(&f);
    put_features(store, "x.npy", changed[0], 4);
    assert_fails(features_open(rt, store, 4, "x", &f, err), MEDLEY_E_STALE, "x.npy is not the matrix that x.json");
    put_features(store, "x.npy", changed[0], 3);
    assert_fails(features_open(rt, store, 4, "x", &f, err), MEDLEY_E_STALE, "3 rows, but the store has 4 items");
    /* The same features in a store of as many other items. */
    assert_ok(IMPORT(input, FORCED));
    char other[4300], kept[4300], moved[4400];
    snprintf(other, sizeof other, "%s/other", folder);
    assert_ok(made_store(rt, other, "user,item\nu,a\nu,b\nv,c\nv,e\n", NULL, err));
    snprintf(kept, sizeof kept, "%s/features", store);
    snprintf(moved, sizeof moved, "%s/features", other);
    assert_ok(file_rename(rt, kept, moved, err));
    assert_fails(features_open(rt, other, 4, "x", &f, err), MEDLEY_E_STALE, "'x' is of other items than those of");
    assert_null(f.lacks);
}

static void test_damaged_features_are_refused(void **state)
{
    (void)state;
    static const float partly[4][2] = {{1, 2}, {3, NAN}, {5, 6}, {7, 8}},
                       infinite[4][2] = {{1, 2}, {3, -INFINITY}};
    static const damage damages[] = {
        {"x.json", NULL, NULL, MEDLEY_E_NOT_FOUND, "says what it was made from; import it again"},
        {"x.json", NULL, "", MEDLEY_E_FORMAT, "x.json"},
        {"x.json", "medley-features-1", "medley-features-9", MEDLEY_E_FORMAT,
         "format 'medley-features-9'; accepted"},
        {"x.json", "\"fingerprint", "\"footprint", MEDLEY_E_FORMAT, "items_fingerprint or fingerprint is missing"},
        {"x.npy", NULL, "", MEDLEY_E_FORMAT, "x.npy"},
        {"x.npy", NULL, NULL, MEDLEY_E_NOT_FOUND, "has none, so no 'x'; see medley features import"},
    };
    features f;
    test_write_text(in_folder("x.csv"), "a,1,2\nb,3,4\n");
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        assert_ok(IMPORT(input, FORCED));
        damage_apply(rt, test_path(store, "features"), &damages[i]);
        assert_fails(features_open(rt, store, 4, "x", &f, err), damages[i].status, damages[i].want);
        assert_null(f.lacks);
    }
    assert_ok(IMPORT(input, FORCED));
    put_npy(test_path(store, "features/x.npy"), "{'descr': '<i4', 'fortran_order': False, 'shape': (4, 2), }",
            partly, sizeof partly);
    assert_fails(features_open(rt, store, 4, "x", &f, err), MEDLEY_E_FORMAT,
                 "values of 4 bytes in 2 columns; float32 in 1..1048576");
    put_features(store, "x.npy", partly[0], 4);
    assert_fails(features_open(rt, store, 4, "x", &f, err), MEDLEY_E_FORMAT, "row 1 is NaN in 1 of 2 values; all");
    put_features(store, "x.npy", infinite[0], 4);
    assert_fails(features_open(rt, store, 4, "x", &f, err), MEDLEY_E_FORMAT, "row 1 holds infinite numbers");
}

static void test_an_unknown_name_is_refused_with_those_there_are(void **state)
{
    (void)state;
    features f;
    assert_fails(features_open(rt, NULL, 4, "x", &f, err), MEDLEY_E_NOT_FOUND, "no store to seek it in");
    assert_fails(features_open(rt, store, 4, "x", &f, err), MEDLEY_E_NOT_FOUND, "has none, so no 'x'");
    test_write_text(in_folder("x.csv"), "a,1,2\nb,3,4\n");
    assert_ok(IMPORT(input, "name", "visual"));
    assert_ok(IMPORT(input, "name", "textual"));
    assert_fails(features_open(rt, store, 4, "visaul", &f, err), MEDLEY_E_NOT_FOUND,
                 "no 'visaul' in the store (did you mean 'visual'?); it has textual, visual");
    assert_fails(features_open(rt, store, 4, "../x", &f, err), MEDLEY_E_NOT_FOUND, "no '../x' in the store");
}

static void test_what_is_there_is_listed_and_shown(void **state)
{
    (void)state;
    double value;
    test_write_text(in_folder("x.csv"), "a,3,4\nb,0,0\nz,1,1\n");
    assert_ok(IMPORT(input, "name", "visual"));
    assert_ok(IMPORT(input, "name", "audio"));
    medley_report_free(report);
    assert_ok(report_create(rt, &report, err));
    assert_ok(features_list_run(rt, store, report, err));
    assert_int_equal(medley_report_rows(report, "features"), 2);
    assert_string_equal(medley_report_text(report, "features", 0, "name"), "audio");
    assert_string_equal(medley_report_text(report, "features", 1, "source"), "x.csv");
    assert_true(medley_report_number(report, "features", 1, "missing", &value) && value == 2);
    medley_report_free(report);
    assert_ok(report_create(rt, &report, err));
    assert_ok(features_show_run(rt, store, "visual", report, err));
    assert_true(told("length") == 2 && told("missing") == 2 && told("unknown") == 1 && told("zero_vectors") == 1);
    assert_true(told("least_value") == 0 && told("largest_value") == 4 && told("mean_norm") == 2.5);
}

/* ---- many ---- */

/* Rows over many blocks of text come out as they were written, the same bytes for 1, 2 and 4 threads. */
static void test_threads_change_nothing(void **state)
{
    (void)state;
    enum { ITEMS = 600, LENGTH = 150 };
    text rows = {.rt = rt}, table = {.rt = rt};
    char prints[3][FINGERPRINT_SIZE];
    features f;
    text_add(&rows, "user,item\n");
    for (int i = 0; i < ITEMS; i++)
        text_format(&rows, "u,i%d\n", i);
    assert_ok(made_store(rt, store, rows.bytes, (const char *const[]){"force", "true", NULL}, err));
    for (int i = ITEMS; i-- > 0;) {
        text_format(&table, "i%d", i);
        for (int j = 0; j < LENGTH; j++)
            text_format(&table, ",%.9g", random_uniform(1, (uint64_t)i, (uint64_t)j));
        text_add(&table, "\n");
    }
    assert_true(table.length > 3 * RECORDS_BLOCK);
    test_write_text(in_folder("x.csv"), table.bytes);
    for (int t = 0; t < 3; t++) {
        test_memory own;
        medley_runtime *runtime = test_runtime(&own, 1 << t);
        medley_report_free(report);
        report = NULL;
        assert_ok(import_with(runtime, input, (const char *const[]){FORCED, NULL}, err));
        medley_report_free(report);
        report = NULL;
        test_runtime_end(runtime, &own);
        assert_ok(features_open(rt, store, ITEMS, "x", &f, err));
        memcpy(prints[t], f.fingerprint, sizeof prints[t]);
        for (int i = 0; i < ITEMS; i++)
            for (int j = 0; j < LENGTH; j++) {
                const double want = random_uniform(1, (uint64_t)i, (uint64_t)j);
                assert_true(fabs((double)f.rows[i * LENGTH + j] - want) < 1e-7);
            }
        features_release(&f);
    }
    assert_string_equal(prints[0], prints[1]);
    assert_string_equal(prints[0], prints[2]);
    text_release(&rows);
    text_release(&table);
}

/* ---- failing ---- */

static void drop_report(void)
{
    medley_report_free(report);
    report = NULL;
}

static void test_importing_can_fail_anywhere(void **state)
{
    (void)state;
    static const float rows[2][2] = {{1, 2}, {3, 4}};
    char array[4200], table[4200], vectors[4200], path[4300], tensors[4200];
    features f;
    const named_tensor one[] = {{"m", TENSOR_F32, 2, {2, 2}, rows}};
    snprintf(array, sizeof array, "%s", in_folder("x.npy"));
    snprintf(table, sizeof table, "%s", in_folder("x.csv"));
    snprintf(vectors, sizeof vectors, "%s", in_folder("vectors"));
    snprintf(tensors, sizeof tensors, "%s", in_folder("x.safetensors"));
    snprintf(path, sizeof path, "%s/a.npy", vectors);
    assert_ok(npy_write(rt, array, NPY_F32, 2, 2, rows, NULL, err));
    assert_ok(file_make_folder(rt, vectors, err));
    assert_ok(npy_write(rt, path, NPY_F32, 2, 0, rows, NULL, err));
    assert_ok(safetensors_write(rt, tensors, one, 1, NULL, 0, err));
    test_write_text(table, "a,1,2\nb,3,4\n");
    test_write_text(ids, "a\nz\n");
    drop_report();
    BRUTAL(rt, &memory, IMPORT(array, "ids", ids, FORCED), drop_report());
    BRUTAL(rt, &memory, IMPORT(table, FORCED), drop_report());
    BRUTAL(rt, &memory, IMPORT(vectors, FORCED), drop_report());
    BRUTAL(rt, &memory, IMPORT(tensors, "ids", ids, FORCED), drop_report());
    FULL_DISK(rt, &memory, IMPORT(table, FORCED), (void)0, drop_report());
    assert_ok(IMPORT(table, FORCED));
    drop_report();
    BRUTAL(rt, &memory, features_open(rt, store, 4, "x", &f, err), features_release(&f));
    BRUTAL(rt, &memory, features_open(rt, store, 4, "x", &f, err), features_release(&f));
}

/* A full disk leaves what can be opened, or is refused: never numbers that are not those of the json. */
static void test_a_full_disk_leaves_no_false_features(void **state)
{
    (void)state;
    static const float first[] = {1, 2}, second[] = {5, 6};
    char old[4200], new[4200];
    int opened = 0;
    features f;
    snprintf(old, sizeof old, "%s", in_folder("old.csv"));
    snprintf(new, sizeof new, "%s", in_folder("new.csv"));
    test_write_text(old, "a,1,2\n");
    test_write_text(new, "a,5,6\n");
    for (int64_t allowed = 1;; allowed++) {
        assert_ok(IMPORT(old, FORCED));
        struct file_faults faults = {allowed};
        rt->faults = &faults;
        const medley_status status = import_with(rt, new, (const char *const[]){FORCED, NULL}, NULL);
        rt->faults = NULL;
        const medley_status got = features_open(rt, store, 4, "x", &f, NULL);
        assert_true(got == MEDLEY_OK || got == MEDLEY_E_STALE);
        if (got == MEDLEY_OK)
            assert_row(&f, "a", status == MEDLEY_OK ? second : first);
        opened += got == MEDLEY_OK;
        features_release(&f);
        if (status == MEDLEY_OK)
            break;
    }
    assert_true(opened > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_are_matched_by_id_and_never_by_place, start, end),
        cmocka_unit_test_setup_teardown(test_every_width_of_number_is_read, start, end),
        cmocka_unit_test_setup_teardown(test_every_half_is_exact, start, end),
        cmocka_unit_test_setup_teardown(test_ids_are_integers_or_texts_of_any_alphabet, start, end),
        cmocka_unit_test_setup_teardown(test_a_folder_holds_a_file_an_item, start, end),
        cmocka_unit_test_setup_teardown(test_tables_are_read_with_and_without_a_header, start, end),
        cmocka_unit_test_setup_teardown(test_safetensors_bring_their_ids_or_are_given_them, start, end),
        cmocka_unit_test_setup_teardown(test_bad_tables_are_refused_with_line_and_value, start, end),
        cmocka_unit_test_setup_teardown(test_bad_arrays_are_refused_with_item_and_value, start, end),
        cmocka_unit_test_setup_teardown(test_bad_folders_are_refused_with_the_file, start, end),
        cmocka_unit_test_setup_teardown(test_bad_names_and_formats_are_refused, start, end),
        cmocka_unit_test_setup_teardown(test_what_was_made_of_other_data_is_stale, start, end),
        cmocka_unit_test_setup_teardown(test_damaged_features_are_refused, start, end),
        cmocka_unit_test_setup_teardown(test_an_unknown_name_is_refused_with_those_there_are, start, end),
        cmocka_unit_test_setup_teardown(test_what_is_there_is_listed_and_shown, start, end),
        cmocka_unit_test_setup_teardown(test_threads_change_nothing, start, end),
        cmocka_unit_test_setup_teardown(test_importing_can_fail_anywhere, start, end),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_no_false_features, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
