#include "testing.h"

#include <unistd.h>

#include "io/fingerprint.h"
#include "io/npy.h"

#include "fixture.h"

static char source[4096];

static int start(void **state)
{
    set_up(state);
    snprintf(source, sizeof source, "%s/x.npy", folder);
    return 0;
}

static medley_status open_and_release(medley_error *err)
{
    npy n;
    TRY(npy_open(source, &n, err));
    npy_release(&n);
    return MEDLEY_OK;
}

/* A file of that dictionary and `data` zero bytes, padded as NumPy does to `align` bytes. */
static void put(const char *version, const char *dictionary, size_t data, size_t align)
{
    char bytes[1024] = {0};
    size_t length = strlen(dictionary);
    const size_t start = (10 + length + 1 + align - 1) / align * align;
    memcpy(bytes, "\x93NUMPY", 6);
    memcpy(bytes + 6, version, 2);
    bytes[8] = (char)(start - 10);
    memcpy(bytes + 10, dictionary, length);
    memset(bytes + 10 + length, ' ', start - 10 - length);
    bytes[start - 1] = '\n';
    (void)unlink(source); /* a new file: ext4 flushes one that is emptied and written again */
    test_write(source, bytes, start + data);
}

/* What numpy.save wrote for array([[1, 2, 3], [4, 5, 6]], float32) in NumPy 1.24. */
static void test_the_bytes_are_those_of_numpy(void **state)
{
    (void)state;
    static const char header[] =
        "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
        "                                                          \n";
    const float values[] = {1, 2, 3, 4, 5, 6};
    size_t length;
    assert_ok(npy_write(rt, source, NPY_F32, 2, 3, values, NULL, err));
    char *bytes = test_read(source, &length);
    assert_int_equal(sizeof header - 1, 128);
    assert_int_equal(length, 128 + sizeof values);
    assert_memory_equal(bytes, header, 128);
    assert_memory_equal(bytes + 128, values, sizeof values);
    test_read_end(bytes);
}

static void test_every_type_and_shape_comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        [NPY_U8] = 1, [NPY_U32] = 4, [NPY_I32] = 4, [NPY_I64] = 8, [NPY_F16] = 2, [NPY_F32] = 4, [NPY_F64] = 8};
    static const int64_t shapes[][2] = {{0, 0}, {1, 0}, {24, 0}, {0, 5}, {6, 4}, {1, 24}, {24, 1}};
    unsigned char data[8 * 24];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7);
    for (int type = NPY_U8; type <= NPY_F64; type++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            const int64_t rows = shapes[i][0], columns = shapes[i][1];
            npy n;
            assert_int_equal(npy_type_size((npy_type)type), sizes[type]);
            assert_ok(npy_write(rt, source, (npy_type)type, rows, columns, data, NULL, err));
            assert_ok(npy_open(source, &n, err));
            assert_int_equal(n.type, type);
            assert_int_equal(n.rows, rows);
            assert_int_equal(n.columns, columns);
            assert_int_equal((uintptr_t)n.data % 64, 0);
            assert_memory_equal(n.data, data, (size_t)(rows * (columns > 0 ? columns : 1)) * sizes[type]);
            npy_release(&n);
        }
}

static void test_the_fingerprint_is_that_of_the_file(void **state)
{
    (void)state;
    const int64_t values[] = {1, -2, 3};
    fingerprint *written, *read;
    char written_hex[FINGERPRINT_SIZE], read_hex[FINGERPRINT_SIZE];
    size_t length;
    assert_ok(fingerprint_create(rt, &written, err));
    assert_ok(fingerprint_create(rt, &read, err));
    assert_ok(npy_write(rt, source, NPY_I64, 3, 0, values, written, err));
    char *bytes = test_read(source, &length);
    fingerprint_add(read, bytes, length);
    fingerprint_hex(written, written_hex);
    fingerprint_hex(read, read_hex);
    assert_string_equal(written_hex, read_hex);
    test_read_end(bytes);
    fingerprint_free(written);
    fingerprint_free(read);
}

static void test_other_writers_spellings_are_read(void **state)
{
    (void)state;
    static const char *const dictionaries[] = {
        "{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}",
        "{\"descr\":\"<f4\",\"fortran_order\":False,\"shape\":(2,3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3,), }",
        "{ 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2 , 3 ) , }",
    };
    for (size_t i = 0; i < sizeof dictionaries / sizeof *dictionaries; i++) {
        npy n;
        put("\x01\x00", dictionaries[i], 24, 64);
        assert_ok(npy_open(source, &n, err));
        assert_int_equal(n.type, NPY_F32);
        assert_int_equal(n.rows, 2);
        assert_int_equal(n.columns, 3);
        npy_release(&n);
    }
}

/* numpy.save(array(["ab", "c"])) */
static void test_texts_have_a_width(void **state)
{
    (void)state;
    npy n;
    put("\x01\x00", "{'descr': '<U3', 'fortran_order': False, 'shape': (2,), }", 24, 64);
    assert_ok(npy_open(source, &n, err));
    assert_int_equal(n.type, NPY_TEXT);
    assert_int_equal(n.width, 3);
    assert_int_equal(n.rows, 2);
    assert_int_equal(npy_bytes(&n), 24);
    npy_release(&n);
    assert_fails(npy_write(rt, source, NPY_TEXT, 2, 0, "", NULL, err), MEDLEY_E_ARGUMENT, "is no shape");
}

#define GOOD "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"

static void test_what_is_not_accepted_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary, *message;
    } cases[] = {
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }",
         "type '>f4'; accepted: |u1, <u4, <i4, <i8, <f2, <f4, <f8, <U"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }", "type '|O'; accepted"},
        {"{'descr': '<U', 'fortran_order': False, 'shape': (2, 3), }", "type '<U'; accepted"},
        {"{'descr': '<U0', 'fortran_order': False, 'shape': (2, 3), }", "type '<U0'; accepted"},
        {"{'descr': '>U2', 'fortran_order': False, 'shape': (2, 3), }", "type '>U2'; accepted"},
        {"{'descr': '<U2', 'fortran_order': False, 'shape': (2, 3), }",
         "holds 24 bytes of data; its header's shape needs 48"},
        {"{'descr': '<U4611686018427', 'fortran_order': False, 'shape': (4611686018427, 3), }", "holds 24 bytes"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }", "not one plain type"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", "row order is accepted"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3), }", "not True or False"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "not (rows,) or (rows, columns)"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }", "not (rows,) or (rows, columns)"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3), }", "not (rows,) or (rows, columns)"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 3), }", "not (rows,)"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 0), }", "an array of 0 columns"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }",
         "holds 24 bytes of data; its header's shape needs 36"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "holds 24 bytes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904), }",
         "holds 24"},
        {"{'descr': '<f4', 'fortran_order': False, }", "keys are not descr, fortran_order and shape"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", "keys are not"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1, }", "keys are not"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } import os", "more than a dictionary"},
        {"{'descr': '<f4' 'fortran_order': False}", "not a dictionary"},
        {"['descr']", "not a dictionary"},
        {"", "not a dictionary"},
        {"{", "not a dictionary"},
        {"{'descr", "not a dictionary"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("\x01\x00", cases[i].dictionary, 24, 64);
        assert_fails(open_and_release(err), MEDLEY_E_FORMAT, cases[i].message);
    }
    put("\x02\x00", GOOD, 24, 64);
    assert_fails(open_and_release(err), MEDLEY_E_FORMAT, ".npy version 2.0; accepted: 1.0");
    put("\x01\x00", GOOD, 24, 16);
    assert_fails(open_and_release(err), MEDLEY_E_FORMAT, "data starts at byte 80; a multiple of 64 is accepted");
    put("\x01\x00", GOOD, 25, 64);
    assert_fails(open_and_release(err), MEDLEY_E_FORMAT, "holds 25 bytes of data");
}

static void test_a_truncated_file_is_refused(void **state)
{
    (void)state;
    const float values[] = {1, 2, 3, 4, 5, 6};
    size_t whole;
    assert_ok(npy_write(rt, source, NPY_F32, 6, 0, values, NULL, err));
    char *bytes = test_read(source, &whole);
    for (size_t length = 0; length < whole; length++) {
        (void)unlink(source);
        test_write(source, bytes, length);
        assert_fails(open_and_release(err), MEDLEY_E_FORMAT, "x.npy: ");
    }
    test_read_end(bytes);
}

static void test_another_type_or_shape_than_needed_is_refused(void **state)
{
    (void)state;
    npy n;
    const uint32_t values[] = {1, 2, 3, 4};
    assert_ok(npy_write(rt, source, NPY_U32, 4, 0, values, NULL, err));
    assert_ok(npy_open_as(source, NPY_U32, 4, &n, err));
    npy_release(&n);
    assert_ok(npy_open_as(source, NPY_U32, -1, &n, err));
    npy_release(&n);
    assert_fails(npy_open_as(source, NPY_F32, 4, &n, err), MEDLEY_E_FORMAT, "type '<u4'; '<f4' is needed here");
    assert_null(n.data);
    assert_fails(npy_open_as(source, NPY_U32, 5, &n, err), MEDLEY_E_FORMAT, "4 values; 5 are needed here");
    assert_ok(npy_write(rt, source, NPY_U32, 2, 2, values, NULL, err));
    assert_fails(npy_open_as(source, NPY_U32, 2, &n, err), MEDLEY_E_FORMAT, "2 columns; one dimension is needed");
    assert_fails(npy_open(folder, &n, err), MEDLEY_E_IO, "Is a directory");
    assert_fails(npy_write(rt, source, NPY_U32, -1, 0, values, NULL, err), MEDLEY_E_ARGUMENT,
                 "[-1, 0] is no shape");
    assert_fails(npy_write(rt, source, NPY_U32, INT64_MAX, 2, values, NULL, err), MEDLEY_E_ARGUMENT,
                 "is no shape");
}

static void test_writing_can_fail_anywhere(void **state)
{
    (void)state;
    const float values[] = {1, 2, 3, 4, 5, 6};
    FULL_DISK(rt, &memory, npy_write(rt, source, NPY_F32, 2, 3, values, NULL, err), (void)0, (void)0);
    BRUTAL(rt, &memory, npy_write(rt, source, NPY_F32, 2, 3, values, NULL, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_bytes_are_those_of_numpy, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_type_and_shape_comes_back, start, tear_down),
        cmocka_unit_test_setup_teardown(test_the_fingerprint_is_that_of_the_file, start, tear_down),
        cmocka_unit_test_setup_teardown(test_other_writers_spellings_are_read, start, tear_down),
        cmocka_unit_test_setup_teardown(test_texts_have_a_width, start, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_accepted_is_named, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_truncated_file_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_another_type_or_shape_than_needed_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_writing_can_fail_anywhere, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
