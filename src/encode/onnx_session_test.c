#include "testing.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "encode/onnx_session.h"
#include "base/base.h"
#include "io/file.h"
#include "onnx_runtime.h"

static test_memory memory;
static medley_runtime *rt;
static onnx_library *lib;

/* Where the library is, found in another process, and whether a process finds it by its bare name. */
static char *elsewhere;
static bool loader_knows_it;

static int start_without(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    lib = NULL;
    return 0;
}

static int start(void **state)
{
    start_without(state);
    lib = onnx_runtime_or_null(rt);
    return 0;
}

static int end(void **state)
{
    (void)state;
    onnx_library_close(lib);
    test_runtime_end(rt, &memory);
    return 0;
}

#define NEEDS_LIBRARY    \
    do {                 \
        (void)state;     \
        if (lib == NULL) \
            skip();      \
    } while (0)

static onnx_session *session(const char *name)
{
    onnx_session *s;
    assert_ok(onnx_session_open(rt, lib, name, 1, &s, err));
    return s;
}

static const char *const linear = MEDLEY_SOURCE_DIR "/tests/onnx/linear.onnx";
static const char *const types = MEDLEY_SOURCE_DIR "/tests/onnx/types.onnx";
static const char *const shapes = MEDLEY_SOURCE_DIR "/tests/onnx/shapes.onnx";
static const char *const unknown = MEDLEY_SOURCE_DIR "/tests/onnx/unknown.onnx";

static const float rows[] = {1, 2, 3, 10, 20, 30, 0.5F, -0.5F, 0.25F};

static onnx_tensor rows_tensor(int64_t count)
{
    return (onnx_tensor){.name = "rows", .type = ONNX_F32, .rank = 2, .size = {count, 3}, .data = rows};
}

/* ---- the library ---- */

static void test_the_library_says_where_it_is_and_what(void **state)
{
    NEEDS_LIBRARY;
    assert_true(strstr(onnx_library_path(lib), "libonnxruntime.so") != NULL);
    assert_true(strncmp(onnx_library_version(lib), "1.", 2) == 0);
}

/* A library that was once loaded is found by its name from then on, so each search below runs in a process of its own,
 * which starts where nothing is loaded, in an empty folder, with `variable` set and nothing else that the search heeds. */
typedef struct sought {
    const char *variable, *value;
    medley_status want;
    const char *part; /* of the message or of the path found */
} sought;

static int seek(const char *folder, const sought *what)
{
    medley_error err;
    onnx_library *found;
    if (chdir(folder) != 0 || unsetenv("MEDLEY_ONNXRUNTIME") != 0 || unsetenv("VIRTUAL_ENV") != 0 ||
        unsetenv("PATH") != 0 || (what->variable != NULL && setenv(what->variable, what->value, 1) != 0))
        return 2;
    const medley_status status = onnx_library_open(rt, &found, &err);
    const char *said = status == MEDLEY_OK ? onnx_library_path(found) : err.message;
    if (status == what->want && strstr(said, what->part) != NULL)
        return 0;
    print_error("%s '%s', expected %s '...%s...'\n", medley_status_name(status), said,
                medley_status_name(what->want), what->part);
    return 1;
}

static bool search_goes(const char *folder, const sought what)
{
    int status;
    const pid_t child = fork();
    if (child == 0)
        _exit(seek(folder, &what));
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void assert_search(const char *folder, const sought what)
{
    assert_true(search_goes(folder, what));
}

static void test_a_named_library_is_taken_or_none(void **state)
{
    (void)state;
    char *folder = test_folder();
    const char *no_library = test_path(folder, "libonnxruntime.so.1");
    const sought cases[] = {
        {"MEDLEY_ONNXRUNTIME", "/nowhere", MEDLEY_E_NOT_FOUND, "MEDLEY_ONNXRUNTIME: '/nowhere' does not exist"},
        {"MEDLEY_ONNXRUNTIME", MEDLEY_SOURCE_DIR "/tests/onnx", MEDLEY_E_NOT_FOUND, "has no libonnxruntime.so"},
        {"MEDLEY_ONNXRUNTIME", no_library, MEDLEY_E_NOT_FOUND, "MEDLEY_ONNXRUNTIME: "},
        {"MEDLEY_ONNXRUNTIME", folder, MEDLEY_E_NOT_FOUND, "MEDLEY_ONNXRUNTIME: "},
    };
    test_write_text(no_library, "no library");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_search(folder, cases[i]);
    test_folder_end(folder);
}

static void test_a_search_in_vain_says_how_to_get_it(void **state)
{
    (void)state;
    if (elsewhere == NULL || loader_knows_it)
        skip();
    char *folder = test_folder();
    assert_search(folder, (sought){NULL, NULL, MEDLEY_E_NOT_FOUND, "pip install onnxruntime"});
    assert_ok(file_make_folder(rt, test_path(folder, "build/onnxruntime"), err));
    test_write_text(test_path(folder, "build/onnxruntime/libonnxruntime.so.1"), "no library");
    assert_search(folder, (sought){NULL, NULL, MEDLEY_E_NOT_FOUND, "of no use: "});
    test_folder_end(folder);
}

/* Each in turn, in folders whose names mean something to glob. */
static void test_it_is_found_wherever_it_is_looked_for(void **state)
{
    (void)state;
    if (elsewhere == NULL || loader_knows_it)
        skip();
    static const struct {
        const char *variable, *value, *place;
    } cases[] = {
        {"MEDLEY_ONNXRUNTIME", "[c]*", "[c]*"},
        {"MEDLEY_ONNXRUNTIME", "[c]*", "[c]*/lib"},
        {"VIRTUAL_ENV", "[a]*", "[a]*/lib/python3.9/site-packages/onnxruntime/capi"},
        {"PATH", "/nowhere::[b]*/bin", "[b]*/lib/python3.11/site-packages/onnxruntime/capi"},
        {"PATH", "[b]*/bin:/nowhere", "[b]*/lib/python3/dist-packages/onnxruntime/capi"},
        {"PATH", "[b]*/bin", "[b]*/local/lib/python3.11/dist-packages/onnxruntime/capi"},
        {NULL, NULL, ".venv/lib/python3.12/site-packages/onnxruntime/capi"},
        {NULL, NULL, "build/onnxruntime"},
#if defined(__x86_64__)
        {NULL, NULL, "node_modules/onnxruntime-node/bin/napi-v6/linux/x64"},
#endif
    };
    char *folder = test_folder();
    assert_ok(file_make_folder(rt, test_path(folder, "[b]*/bin"), err));
    test_write_text(test_path(folder, "[b]*/bin/python3"), "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char link[512];
        snprintf(link, sizeof link, "%s/%s/libonnxruntime.so.1", folder, cases[i].place);
        assert_ok(file_make_folder(rt, test_path(folder, cases[i].place), err));
        assert_int_equal(symlink(elsewhere, link), 0);
        assert_search(folder, (sought){cases[i].variable, cases[i].value, MEDLEY_OK, "libonnxruntime.so"});
        assert_int_equal(unlink(link), 0);
        assert_search(folder, (sought){cases[i].variable, cases[i].value, MEDLEY_E_NOT_FOUND, ""});
    }
    test_folder_end(folder);
}

/* ---- sessions ---- */

static void test_inputs_and_outputs_are_as_the_model_declares_them(void **state)
{
    NEEDS_LIBRARY;
    static const onnx_type of_types[] = {ONNX_F32, ONNX_F16, ONNX_F64, ONNX_I64,
                                         ONNX_I32, ONNX_I8,  ONNX_U8,  ONNX_BOOL};
    onnx_session *s = session(linear);
    int count;
    const onnx_port *ports = onnx_session_inputs(s, &count);
    assert_int_equal(count, 1);
    assert_string_equal(ports[0].name, "rows");
    assert_int_equal(ports[0].type, ONNX_F32);
    assert_int_equal(ports[0].rank, 2);
    assert_int_equal(ports[0].size[0], -1);
    assert_int_equal(ports[0].size[1], 3);
    ports = onnx_session_outputs(s, &count);
    assert_int_equal(count, 3);
    assert_string_equal(ports[1].name, "sums");
    assert_int_equal(ports[1].rank, 1);
    assert_int_equal(ports[2].type, ONNX_I64);
    onnx_session_close(s);
    s = session(types);
    ports = onnx_session_inputs(s, &count);
    assert_int_equal(count, 8);
    for (int i = 0; i < count; i++)
        assert_int_equal(ports[i].type, of_types[i]);
    onnx_session_close(s);
}

static void test_a_model_runs(void **state)
{
    NEEDS_LIBRARY;
    onnx_session *s = session(linear);
    for (int64_t count = 1; count <= 3; count++) {
        const onnx_tensor input = rows_tensor(count);
        onnx_tensor shape = {.name = "mine"};
        float *out;
        assert_ok(onnx_session_run(s, &input, 1, "double_rows", &shape, &out, err));
        assert_string_equal(shape.name, "mine");
        assert_int_equal(shape.rank, 2);
        assert_int_equal(shape.size[0], count);
        for (int64_t i = 0; i < 3 * count; i++)
            assert_true(out[i] == 2 * rows[i]);
        mem_free(out);
        assert_ok(onnx_session_run(s, &input, 1, "sums", &shape, &out, err));
        assert_int_equal(shape.rank, 1);
        for (int64_t i = 0; i < count; i++)
            assert_true(out[i] == rows[3 * i] + rows[3 * i + 1] + rows[3 * i + 2]);
        mem_free(out);
    }
    onnx_session_close(s);
}

static void test_no_rows_are_a_run_too(void **state)
{
    NEEDS_LIBRARY;
    onnx_session *s = session(linear);
    const onnx_tensor input = rows_tensor(0);
    onnx_tensor shape = {0};
    float *out;
    assert_ok(onnx_session_run(s, &input, 1, "double_rows", &shape, &out, err));
    assert_int_equal(shape.size[0], 0);
    mem_free(out);
    onnx_session_close(s);
}

/* 1 + 2 + 4 + … in each type: the sum has a bit of each. */
static void test_inputs_of_all_types_and_outputs_of_any_width(void **state)
{
    NEEDS_LIBRARY;
    const float f32[] = {1, -1};
    const uint16_t f16[] = {0x4000, 0xc000}; /* 2, -2 */
    const double f64[] = {4, -4};
    const int64_t i64[] = {8, -8};
    const int32_t i32[] = {16, -16};
    const int8_t i8[] = {32, -32};
    const uint8_t u8[] = {64, 128};
    const uint8_t flag[] = {1, 0};
    const float halves[] = {1, -2, 65504, 0x1p-24F, INFINITY, -0.0F};
    const onnx_tensor inputs[] = {
        {.name = "bool", .type = ONNX_BOOL, .rank = 1, .size = {2}, .data = flag},
        {.name = "f16", .type = ONNX_F16, .rank = 1, .size = {2}, .data = f16},
        {.name = "f32", .type = ONNX_F32, .rank = 1, .size = {2}, .data = f32},
        {.name = "f64", .type = ONNX_F64, .rank = 1, .size = {2}, .data = f64},
        {.name = "i64", .type = ONNX_I64, .rank = 1, .size = {2}, .data = i64},
        {.name = "i32", .type = ONNX_I32, .rank = 1, .size = {2}, .data = i32},
        {.name = "i8", .type = ONNX_I8, .rank = 1, .size = {2}, .data = i8},
        {.name = "u8", .type = ONNX_U8, .rank = 1, .size = {2}, .data = u8},
    };
    onnx_session *s = session(types);
    onnx_tensor shape = {0};
    float *out;
    assert_ok(onnx_session_run(s, inputs, 8, "wide", &shape, &out, err));
    assert_true(out[0] == 1 + 2 + 4 + 8 + 16 + 32 + 64 + 1);
    assert_true(out[1] == -1 - 2 - 4 - 8 - 16 - 32 + 128);
    mem_free(out);
    assert_ok(onnx_session_run(s, inputs, 8, "half", &shape, &out, err));
    assert_memory_equal(out, halves, sizeof halves);
    mem_free(out);
    assert_fails(onnx_session_run(s, inputs, 8, "flag", &shape, &out, err), MEDLEY_E_ARGUMENT,
                 "types.onnx: output 'flag' is of bool; f32, f16 and f64 are accepted");
    assert_null(out);
    assert_fails(onnx_session_run(s, inputs, 7, "wide", &shape, &out, err), MEDLEY_E_LIMIT, "u8");
    onnx_session_close(s);
}

static void test_a_wrong_run_is_refused(void **state)
{
    NEEDS_LIBRARY;
    onnx_session *s = session(linear);
    const onnx_tensor good = rows_tensor(1);
    onnx_tensor shape = {0}, bad = good;
    onnx_tensor many[17];
    float *out;
    assert_fails(onnx_session_run(s, &good, 1, "vector", &shape, &out, err), MEDLEY_E_ARGUMENT,
                 "linear.onnx: no output 'vector'; there are double_rows, sums, places");
    bad.name = "row";
    assert_fails(onnx_session_run(s, &bad, 1, "sums", &shape, &out, err), MEDLEY_E_ARGUMENT,
                 "linear.onnx: no input 'row'; there are rows");
    bad = good;
    bad.type = ONNX_I32;
    assert_fails(onnx_session_run(s, &bad, 1, "sums", &shape, &out, err), MEDLEY_E_ARGUMENT,
                 "input 'rows' is of f32, not i32");
    bad = good;
    bad.size[1] = 2;
    assert_fails(onnx_session_run(s, &bad, 1, "sums", &shape, &out, err), MEDLEY_E_ARGUMENT,
                 "input 'rows' has shape [1,2]; [-1,3] is accepted");
    bad.rank = 1;
    assert_fails(onnx_session_run(s, &bad, 1, "sums", &shape, &out, err), MEDLEY_E_ARGUMENT,
                 "input 'rows' has shape [1]; [-1,3] is accepted");
    bad = good;
    bad.size[0] = INT64_MAX / 2;
    assert_fails(onnx_session_run(s, &bad, 1, "sums", &shape, &out, err), MEDLEY_E_ARGUMENT, "too large");
    assert_fails(onnx_session_run(s, NULL, 0, "sums", &shape, &out, err), MEDLEY_E_LIMIT, "rows");
    for (int i = 0; i < 17; i++)
        many[i] = good;
    assert_fails(onnx_session_run(s, many, 17, "sums", &shape, &out, err), MEDLEY_E_ARGUMENT,
                 "17 inputs; at most 16 are accepted");
    onnx_session_close(s);
}

static medley_status reshape(onnx_session *s, int64_t rank, onnx_tensor *shape, float **out, medley_error *err)
{
    int64_t ones[9] = {9, 1, 1, 1, 1, 1, 1, 1, 1};
    const onnx_tensor inputs[] = {
        {.name = "data", .type = ONNX_F32, .rank = 1, .size = {9}, .data = rows},
        {.name = "shape", .type = ONNX_I64, .rank = 1, .size = {rank}, .data = ones},
    };
    return onnx_session_run(s, inputs, 2, "reshaped", shape, out, err);
}

static void test_a_shape_may_be_known_only_after_the_run(void **state)
{
    NEEDS_LIBRARY;
    onnx_session *s = session(shapes);
    onnx_tensor shape = {0};
    float *out;
    for (int64_t rank = 1; rank <= ONNX_RANK_MOST; rank++) {
        assert_ok(reshape(s, rank, &shape, &out, err));
        assert_int_equal(shape.rank, rank);
        assert_int_equal(shape.size[0], 9);
        assert_memory_equal(out, rows, sizeof rows);
        mem_free(out);
    }
    assert_fails(reshape(s, 9, &shape, &out, err), MEDLEY_E_LIMIT, "9 dimensions of f32; at most 8");
    assert_null(out);
    onnx_session_close(s);
}

static void test_what_is_no_model_is_refused_in_one_line(void **state)
{
    NEEDS_LIBRARY;
    char *folder = test_folder();
    const char *path = test_path(folder, "x.onnx");
    onnx_session *s;
    size_t length;
    char *bytes = test_read(linear, &length);
    assert_fails(onnx_session_open(rt, lib, path, 1, &s, err), MEDLEY_E_NOT_FOUND, "x.onnx");
    assert_null(s);
    test_write_text(path, "this is no model\n");
    assert_fails(onnx_session_open(rt, lib, path, 1, &s, err), MEDLEY_E_FORMAT, "x.onnx: ");
    for (size_t cut = 1; cut < length; cut += 7) {
        medley_error err;
        test_write(path, bytes, cut);
        if (onnx_session_open(rt, lib, path, 1, &s, &err) == MEDLEY_OK)
            fail_msg("%zu of %zu bytes are taken as a model", cut, length);
        assert_int_equal(err.status, MEDLEY_E_FORMAT);
        assert_null(strchr(err.message, '\n'));
    }
    assert_fails(onnx_session_open(rt, lib, unknown, 1, &s, err), MEDLEY_E_FORMAT, "unknown.onnx: ");
    assert_null(s);
    test_read_end(bytes);
    test_folder_end(folder);
}

static medley_status open_and_close(onnx_session **out, medley_error *err)
{
    return onnx_session_open(rt, lib, linear, 1, out, err);
}

static void test_want_of_memory_is_told(void **state)
{
    NEEDS_LIBRARY;
    onnx_session *s;
    onnx_library *other;
    const onnx_tensor input = rows_tensor(2);
    onnx_tensor shape = {0};
    float *out;
    BRUTAL(rt, &memory, onnx_library_open(rt, &other, err), onnx_library_close(other));
    BRUTAL(rt, &memory, open_and_close(&s, err), onnx_session_close(s));
    s = session(linear);
    BRUTAL(rt, &memory, onnx_session_run(s, &input, 1, "sums", &shape, &out, err), mem_free(out));
    onnx_session_close(s);
}

/* ---- threads ---- */

typedef struct together {
    onnx_session *s;
    float sums[64];
} together;

static medley_status run_one(void *context, int64_t task, int worker, medley_error *err)
{
    together *t = context;
    (void)worker;
    const float row[] = {(float)task, 1, 2};
    const onnx_tensor input = {.name = "rows", .type = ONNX_F32, .rank = 2, .size = {1, 3}, .data = row};
    onnx_tensor shape = {0};
    float *out;
    TRY(onnx_session_run(t->s, &input, 1, "sums", &shape, &out, err));
    t->sums[task] = out[0];
    mem_free(out);
    return MEDLEY_OK;
}

static void test_runs_of_one_session_may_come_from_several_threads(void **state)
{
    NEEDS_LIBRARY;
    together t = {.s = session(linear)};
    assert_ok(parallel_run(rt, 64, run_one, &t, err));
    for (int i = 0; i < 64; i++)
        assert_true(t.sums[i] == (float)i + 3);
    onnx_session_close(t.s);
}

/* Loads nothing into this process. */
static int look(void **state)
{
    static char path[4096];
    int pipes[2];
    start_without(state);
    assert_int_equal(pipe(pipes), 0);
    const pid_t child = fork();
    if (child == 0) {
        onnx_library *found = onnx_runtime_or_null(rt);
        const char *said = found != NULL ? onnx_library_path(found) : "";
        _exit(write(pipes[1], said, strlen(said)) < 0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(pipes[1]);
    const ssize_t length = read(pipes[0], path, sizeof path - 1);
    close(pipes[0]);
    elsewhere = length > 0 ? path : NULL;
    loader_knows_it = !search_goes("/", (sought){NULL, NULL, MEDLEY_E_NOT_FOUND, ""});
    test_runtime_end(rt, &memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_named_library_is_taken_or_none, start_without, end),
        cmocka_unit_test_setup_teardown(test_a_search_in_vain_says_how_to_get_it, start_without, end),
        cmocka_unit_test_setup_teardown(test_it_is_found_wherever_it_is_looked_for, start_without, end),
        cmocka_unit_test_setup_teardown(test_the_library_says_where_it_is_and_what, start, end),
        cmocka_unit_test_setup_teardown(test_inputs_and_outputs_are_as_the_model_declares_them, start, end),
        cmocka_unit_test_setup_teardown(test_a_model_runs, start, end),
        cmocka_unit_test_setup_teardown(test_no_rows_are_a_run_too, start, end),
        cmocka_unit_test_setup_teardown(test_inputs_of_all_types_and_outputs_of_any_width, start, end),
        cmocka_unit_test_setup_teardown(test_a_wrong_run_is_refused, start, end),
        cmocka_unit_test_setup_teardown(test_a_shape_may_be_known_only_after_the_run, start, end),
        cmocka_unit_test_setup_teardown(test_what_is_no_model_is_refused_in_one_line, start, end),
        cmocka_unit_test_setup_teardown(test_want_of_memory_is_told, start, end),
        cmocka_unit_test_setup_teardown(test_runs_of_one_session_may_come_from_several_threads, start, end),
    };
    return cmocka_run_group_tests(tests, look, NULL);
}
