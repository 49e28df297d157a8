#include "testing.h"

#include <stdio.h>
#include <unistd.h>

#include "io/safetensors.h"

#include "fixture.h"

static char source[4096];

static int start(void **state)
{
    set_up(state);
    snprintf(source, sizeof source, "%s/model.safetensors", folder);
    return 0;
}

static const double doubles[] = {1.5, -2.5};
static const int64_t longs[] = {INT64_MIN, 7};
static const float floats[] = {1, 2, 3, 4, 5, 6};
static const int32_t ints[] = {-1};
static const uint32_t unsigneds[] = {UINT32_MAX, 1, 2, 3};
static const uint8_t bytes3[] = {1, 2, 3};

static const named_tensor tensors[] = {
    {"double", TENSOR_F64, 1, {2}, doubles},
    {"long", TENSOR_I64, 2, {2, 1}, longs},
    {"float \"x\"", TENSOR_F32, 3, {1, 3, 2}, floats},
    {"scalar", TENSOR_I32, 0, {0}, ints},
    {"none", TENSOR_F32, 2, {0, 5}, NULL},
    {"unsigned", TENSOR_U32, 4, {1, 2, 2, 1}, unsigneds},
    {"\xc3\xa9", TENSOR_U8, 1, {3}, bytes3},
};
enum { COUNT = sizeof tensors / sizeof *tensors };
static const char *const metadata[] = {"model", "ease", "note", "two\nlines"};

static medley_status write_all(medley_error *err)
{
    return safetensors_write(rt, source, tensors, COUNT, metadata, 4, err);
}

static medley_status open_and_close(medley_error *err)
{
    safetensors *s;
    TRY(safetensors_open(rt, source, &s, err));
    safetensors_close(s);
    return MEDLEY_OK;
}

static void assert_all_there(void)
{
    safetensors *s;
    assert_ok(safetensors_open(rt, source, &s, err));
    for (int i = 0; i < COUNT; i++) {
        const named_tensor *want = &tensors[i], *got = safetensors_find(s, want->name);
        assert_non_null(got);
        assert_int_equal(got->type, want->type);
        assert_int_equal(got->rank, want->rank);
        assert_memory_equal(got->shape, want->shape, (size_t)want->rank * sizeof *want->shape);
        assert_int_equal(named_tensor_bytes(got), named_tensor_bytes(want));
        if (want->data != NULL)
            assert_memory_equal(got->data, want->data, (size_t)named_tensor_bytes(want));
    }
    assert_int_equal((uintptr_t)safetensors_find(s, "double")->data % 64, 0);
    assert_null(safetensors_find(s, "other"));
    assert_null(safetensors_find(s, "__metadata__"));
    assert_string_equal(safetensors_metadata(s, "model"), "ease");
    assert_string_equal(safetensors_metadata(s, "note"), "two\nlines");
    assert_null(safetensors_metadata(s, "other"));
    safetensors_close(s);
    safetensors_close(NULL);
}

static void test_tensors_and_metadata_come_back(void **state)
{
    (void)state;
    assert_ok(write_all(err));
    assert_all_there();
}

static void test_the_bytes_are_those_of_the_format(void **state)
{
    (void)state;
    static const char json[] = "{\"a\": {\"dtype\": \"U8\", \"shape\": [3], \"data_offsets\": [0, 3]}}";
    const named_tensor a = {"a", TENSOR_U8, 1, {3}, bytes3};
    size_t length;
    assert_ok(safetensors_write(rt, source, &a, 1, NULL, 0, err));
    char *content = test_read(source, &length);
    assert_int_equal(length, 128 + 3);
    assert_memory_equal(content, "\x78\0\0\0\0\0\0\0", 8);
    assert_memory_equal(content + 8, json, sizeof json - 1);
    for (size_t i = 8 + sizeof json - 1; i < 128; i++)
        assert_int_equal(content[i], ' ');
    assert_memory_equal(content + 128, bytes3, 3);
    test_read_end(content);
    assert_ok(safetensors_write(rt, source, NULL, 0, NULL, 0, err));
    assert_ok(open_and_close(err));
}

/* A file of that header, not padded, and `data` zero bytes. */
static void put(const char *header, size_t data)
{
    char content[4096] = {0};
    const size_t length = strlen(header);
    assert_true(8 + length + data <= sizeof content);
    content[0] = (char)(length & 0xff);
    content[1] = (char)(length >> 8);
    memcpy(content + 8, header, length);
    (void)unlink(source); /* a new file: ext4 flushes one that is emptied and written again */
    test_write(source, content, 8 + length + data);
}

#define TENSOR(name, type, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void test_headers_of_others_are_read(void **state)
{
    (void)state;
    put("{" TENSOR("b", "U8", "[2]", "[3,5]") "," TENSOR("a", "U8", "[3]", "[0,3]") "," TENSOR("e", "U8", "[0]",
                                                                                               "[3,3]") "}",
        5);
    assert_ok(open_and_close(err));
    put("{\"__metadata__\":{\"format\":\"pt\"}}", 0);
    assert_ok(open_and_close(err));
    put("{}", 0);
    assert_ok(open_and_close(err));
}

static void test_hostile_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *message;
    } cases[] = {
        {"[]", 0, "the header is not an object"},
        {"3", 0, "the header is not an object"},
        {"{", 0, "model.safetensors:1:"},
        {"{\"a\":1}", 0, "tensor 'a': has no 'dtype'"},
        {"{" TENSOR("a", "F16", "[2]", "[0,4]") "}", 4, "of type 'F16'; accepted: F32, F64, I64, I32, U32, U8"},
        {"{" TENSOR("a", "U8", "3", "[0,3]") "}", 3, "'shape' is not a list of up to 4 sizes"},
        {"{" TENSOR("a", "U8", "[1,1,1,1,3]", "[0,3]") "}", 3, "'shape' is not a list of up to 4 sizes"},
        {"{" TENSOR("a", "U8", "[-3]", "[0,3]") "}", 3, "'shape' is not a list of up to 4 sizes"},
        {"{" TENSOR("a", "U8", "[3.0]", "[0,3]") "}", 3, "'shape' is not a list of up to 4 sizes"},
        {"{" TENSOR("a", "U8", "[3]", "[0,4]") "}", 3, "'data_offsets' is not two places inside the file"},
        {"{" TENSOR("a", "U8", "[3]", "[3,0]") "}", 3, "'data_offsets' is not two places inside the file"},
        {"{" TENSOR("a", "U8", "[3]", "[-3,0]") "}", 3, "'data_offsets' is not two places inside the file"},
        {"{" TENSOR("a", "U8", "[3]", "[0,3,3]") "}", 3, "'data_offsets' is not two places inside the file"},
        {"{" TENSOR("a", "U8", "[3]", "[0,9223372036854775807]") "}", 3, "'data_offsets' is not two places"},
        {"{" TENSOR("a", "U8", "[4]", "[0,3]") "}", 3, "'shape' and 'data_offsets' are of different sizes"},
        {"{" TENSOR("a", "F32", "[4611686018427387905]", "[0,4]") "}", 4, "are of different sizes"},
        {"{" TENSOR("a", "F32", "[4294967296,4294967296,4294967296,4]", "[0,0]") "}", 0, "are of different sizes"},
        {"{" TENSOR("a", "U8", "[3]", "[0,3]") "," TENSOR("b", "U8", "[3]", "[2,5]") "}", 5,
         "overlaps another one"},
        {"{" TENSOR("a", "U8", "[3]", "[0,3]") "," TENSOR("b", "U8", "[3]", "[0,3]") "}", 3,
         "overlaps another one"},
        {"{" TENSOR("a", "U8", "[2]", "[1,3]") "}", 3, "stands behind a hole"},
        {"{" TENSOR("a", "U8", "[2]", "[0,2]") "}", 3, "1 bytes at its end belong to no tensor"},
        {"{" TENSOR("a", "U8", "[3]", "[0,3]") "," TENSOR("a", "U8", "[3]", "[0,3]") "}", 3,
         "duplicate object key"},
        {"{\"__metadata__\":{\"n\":1}}", 0, "'__metadata__' is not an object of texts"},
        {"{\"__metadata__\":[]}", 0, "'__metadata__' is not an object of texts"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "}", 4, "its data is not aligned to its type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(cases[i].header, cases[i].data);
        assert_fails(open_and_close(err), MEDLEY_E_FORMAT, cases[i].message);
    }
    test_write(source, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    assert_fails(open_and_close(err), MEDLEY_E_FORMAT, "not a safetensors file, or cut short");
    test_write(source, "\x01\x00\x00\x01\0\0\0\0", 8);
    assert_int_equal(truncate(source, 32 << 20), 0); /* grows it, sparse */
    assert_fails(open_and_close(err), MEDLEY_E_FORMAT, "a header of 16777217 bytes; up to 16777216 are accepted");
}

static void test_a_truncated_file_is_refused(void **state)
{
    (void)state;
    size_t whole;
    assert_ok(write_all(err));
    char *content = test_read(source, &whole);
    for (size_t length = 0; length < whole; length++) {
        (void)unlink(source);
        test_write(source, content, length);
        assert_fails(open_and_close(err), MEDLEY_E_FORMAT, "model.safetensors");
    }
    test_read_end(content);
}

static void test_what_cannot_be_written_is_refused(void **state)
{
    (void)state;
    const named_tensor unaligned[] = {{"a", TENSOR_U8, 1, {3}, bytes3}, {"b", TENSOR_F32, 1, {6}, floats}};
    const named_tensor deep = {"a", TENSOR_U8, 5, {1}, bytes3}, negative = {"a", TENSOR_U8, 1, {-1}, bytes3};
    assert_fails(safetensors_write(rt, source, unaligned, 2, NULL, 0, err), MEDLEY_E_ARGUMENT,
                 "tensor 'b' would not be aligned: put wider types first");
    assert_fails(safetensors_write(rt, source, &deep, 1, NULL, 0, err), MEDLEY_E_ARGUMENT,
                 "rank 5; 0..4 is accepted");
    assert_fails(safetensors_write(rt, source, &negative, 1, NULL, 0, err), MEDLEY_E_ARGUMENT,
                 "too large or of rank 1");
    assert_fails(safetensors_write(rt, source, &deep, TENSOR_COUNT_MOST + 1, NULL, 0, err), MEDLEY_E_ARGUMENT,
                 "4097 tensors");
    assert_fails(safetensors_write(rt, source, NULL, 0, metadata, 3, err), MEDLEY_E_ARGUMENT, "metadata in pairs");
    assert_int_equal(access(source, F_OK), -1);
}

static void test_a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    const named_tensor a = {"a", TENSOR_U8, 1, {3}, bytes3};
    assert_ok(write_all(err));
    FULL_DISK(rt, &memory, safetensors_write(rt, source, &a, 1, NULL, 0, err), assert_all_there(), (void)0);
    BRUTAL(rt, &memory, write_all(err), (void)0);
    BRUTAL(rt, &memory, open_and_close(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tensors_and_metadata_come_back, start, tear_down),
        cmocka_unit_test_setup_teardown(test_the_bytes_are_those_of_the_format, start, tear_down),
        cmocka_unit_test_setup_teardown(test_headers_of_others_are_read, start, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_headers_are_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_truncated_file_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_written_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failed_write_leaves_the_old_file, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
