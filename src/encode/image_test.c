#include "testing.h"

#include "encode/image.h"
#include "io/file.h"
#include "io/safetensors.h"

static medley_runtime *rt;
static test_memory memory;
static const image_limits small = {.pixels_most = 1 << 20, .bytes_most = 1 << 20};

static char *picture(const char *name, size_t *length)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/image/%s", MEDLEY_SOURCE_DIR, name);
    return test_read(path, length);
}

static safetensors *recordings(void)
{
    safetensors *s = NULL;
    assert_ok(safetensors_open(rt, MEDLEY_SOURCE_DIR "/tests/parity/images.safetensors", &s, err));
    return s;
}

/* ---- pictures that Pillow reads ---- */

/* Formats that keep every bit, and JPEG by the same library, come out as from Pillow; other JPEG libraries may
 * round once. */
static void check_picture(const char *name, const named_tensor *want)
{
    size_t length;
    int worst = 0;
    char *const bytes = picture(name, &length);
    image got;
    assert_ok(image_decode(rt, bytes, length, 0, &small, &got, err));
    if (got.height != want->shape[0] || got.width != want->shape[1])
        fail_msg("%s: %lldx%lld", name, (long long)got.width, (long long)got.height);
    assert_int_equal(got.original_width, got.width);
    assert_int_equal(got.original_height, got.height);
    for (int64_t i = 0; i < 3 * got.width * got.height; i++) {
        const int gap = abs(got.pixels[i] - ((const uint8_t *)want->data)[i]);
        worst = gap > worst ? gap : worst;
    }
    if (worst > (strncmp(name, "jpeg", 4) == 0 || strcmp(name, "webp") == 0 ? 2 : 0))
        fail_msg("%s: differs from Pillow by %d", name, worst);
    image_release(&got);
    test_read_end(bytes);
}

static void test_pictures_of_every_kind_are_what_pillow_makes_of_them(void **state)
{
    (void)state;
    safetensors *s = recordings();
    int count = 0;
    for (int64_t i = 0; safetensors_at(s, i) != NULL; i++) {
        const named_tensor *t = safetensors_at(s, i);
        if (strncmp(t->name, "decode.", 7) == 0) {
            check_picture(t->name + 7, t);
            count++;
        }
    }
    assert_true(count >= 40);
    safetensors_close(s);
}

/* What every reader makes of a picture, by way of the files that image_encode writes. */
static void test_pictures_are_written_and_read_again(void **state)
{
    (void)state;
    enum { W = 33, H = 21 };
    static const struct {
        image_format format;
        int most;
    } forms[] = {{IMAGE_JPEG, 12}, {IMAGE_PNG, 0}, {IMAGE_WEBP, 16}};
    uint8_t pixels[3 * W * H];
    for (int i = 0; i < 3 * W * H; i++)
        pixels[i] = (uint8_t)(i / 3 % W * 3 + i / (3 * W) * 4 + 20 * (i % 3));
    for (int form = 0; form < 3; form++) {
        void *bytes, *again;
        size_t length, length_again;
        image got;
        assert_ok(image_encode(rt, pixels, W, H, forms[form].format, 95, &bytes, &length, err));
        assert_ok(image_encode(rt, pixels, W, H, forms[form].format, 95, &again, &length_again, err));
        assert_int_equal(length, length_again);
        assert_memory_equal(bytes, again, length);
        assert_ok(image_decode(rt, bytes, length, 0, &small, &got, err));
        assert_int_equal(got.width, W);
        assert_int_equal(got.height, H);
        for (int i = 0; i < 3 * W * H; i++)
            assert_true(abs(got.pixels[i] - pixels[i]) <= forms[form].most);
        image_release(&got);
        mem_free(bytes);
        mem_free(again);
    }
}

static void test_what_cannot_be_written_is_refused(void **state)
{
    (void)state;
    uint8_t pixel[3] = {0};
    void *bytes;
    size_t length;
    assert_fails(image_encode(rt, pixel, 0, 1, IMAGE_PNG, 90, &bytes, &length, err), MEDLEY_E_LIMIT, "0x1");
    assert_fails(image_encode(rt, pixel, 1, 70000, IMAGE_PNG, 90, &bytes, &length, err), MEDLEY_E_LIMIT,
                 "1x70000");
}

/* ---- shrinking ---- */

static void test_a_jpeg_is_shrunk_while_it_is_read_as_far_as_it_may(void **state)
{
    (void)state;
    enum { W = 130, H = 70 };
    static const struct {
        int64_t least, width, height;
    } cases[] = {{0, 130, 70}, {71, 130, 70}, {36, 130, 70}, {35, 65, 35}, {17, 33, 18}, {1, 17, 9}, {8, 17, 9}};
    static uint8_t pixels[3 * W * H];
    memset(pixels, 77, sizeof pixels);
    void *bytes;
    size_t length;
    assert_ok(image_encode(rt, pixels, W, H, IMAGE_JPEG, 90, &bytes, &length, err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        image got;
        assert_ok(image_decode(rt, bytes, length, cases[i].least, &small, &got, err));
        assert_int_equal(got.width, cases[i].width);
        assert_int_equal(got.height, cases[i].height);
        assert_int_equal(got.original_width, W);
        assert_int_equal(got.original_height, H);
        assert_int_equal(got.pixels[0], 77);
        image_release(&got);
    }
    mem_free(bytes);
}

/* ---- what is refused ---- */

static void test_bad_pictures_are_refused_in_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        medley_status status;
        const char *message;
    } cases[] = {
        {"bad_empty", MEDLEY_E_FORMAT, "an empty file"},
        {"bad_text", MEDLEY_E_FORMAT,
         "begins with the bytes 3c 68, as no picture does: JPEG, PNG, WebP, GIF, TIFF and BMP are accepted"},
        {"bad_png_bomb", MEDLEY_E_LIMIT, "PNG of 60000x60000 pixels: at most 1048576 are accepted"},
        {"bad_png_short", MEDLEY_E_FORMAT, "a truncated or corrupt PNG"},
        {"bad_png_nothing", MEDLEY_E_FORMAT, "a truncated, corrupt or unknown kind of PNG"},
        {"bad_jpeg_bomb", MEDLEY_E_LIMIT, "JPEG of 60000x60000 pixels: at most 1048576 are accepted"},
        {"bad_jpeg_short", MEDLEY_E_FORMAT, "a corrupt or unknown kind of JPEG: Corrupt JPEG data"},
        {"bad_tiff_float", MEDLEY_E_FORMAT,
         "a TIFF of 1 bands of float (b-w): 8 or 16 bits of grey or colours are"},
        {"bad_tiff_lab", MEDLEY_E_FORMAT, "uchar (lab): 8 or 16 bits of grey or colours are accepted"},
        {"bad_bmp_1_bit", MEDLEY_E_FORMAT,
         "a BMP of 1 bits, compression 0: 8, 24 and 32 bits, not compressed, are"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length;
        char *const bytes = picture(cases[i].name, &length);
        image got;
        assert_fails(image_decode(rt, bytes, length, 0, &small, &got, err), cases[i].status, cases[i].message);
        assert_null(got.pixels);
        test_read_end(bytes);
    }
}

static void test_a_file_that_is_too_long_is_refused(void **state)
{
    (void)state;
    const image_limits none = {.pixels_most = 100, .bytes_most = 10};
    image got;
    assert_fails(image_decode(rt, "01234567890", 11, 0, &none, &got, err), MEDLEY_E_LIMIT,
                 "11 bytes: at most 10 are accepted");
}

/* Cut at every tenth: refused, unless all pixels were there. */
static void test_truncated_pictures_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "jpeg", "jpeg_progressive", "jpeg_cmyk", "jpeg_restarts", "png", "png_palette", "webp", "webp_alpha",
        "gif",  "gif_animated",     "tiff",      "tiff_lzw",      "bmp", "bmp_palette"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length;
        char *const bytes = picture(names[i], &length);
        for (size_t tenth = 1; tenth < 10; tenth++) {
            image got;
            medley_error error = {MEDLEY_OK, ""};
            const size_t kept = length * tenth / 10;
            char *const part = test_malloc(kept); /* a sanitizer sees a read behind it */
            memcpy(part, bytes, kept);
            const medley_status status = image_decode(rt, part, kept, 0, &small, &got, &error);
            const bool whole = status == MEDLEY_OK && (tenth == 9 || strcmp(names[i], "gif_animated") == 0);
            if (!whole && (status != MEDLEY_E_FORMAT || got.pixels != NULL))
                fail_msg("%s, %d tenths of it: %s '%s'", names[i], (int)tenth, medley_status_name(status),
                         error.message);
            image_release(&got);
            test_free(part);
        }
        test_read_end(bytes);
    }
}

/* A JPEG without its last two bytes, which say that it ends, has all its pixels. */
static void test_a_jpeg_without_its_end_mark_is_read(void **state)
{
    (void)state;
    size_t length;
    char *const bytes = picture("jpeg", &length);
    image got;
    assert_ok(image_decode(rt, bytes, length - 2, 0, &small, &got, err));
    image_release(&got);
    test_read_end(bytes);
}

/* ---- memory and threads ---- */

static medley_status decode_and_release(const char *bytes, size_t length, medley_error *err)
{
    image got;
    const medley_status status = image_decode(rt, bytes, length, 0, &small, &got, err);
    image_release(&got);
    return status;
}

static void test_decoding_survives_failing_allocations(void **state)
{
    (void)state;
    static const char *const names[] = {"jpeg", "jpeg_cmyk", "jpeg_turned", "png", "bmp", "tiff_turned"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length;
        char *const bytes = picture(names[i], &length);
        BRUTAL(rt, &memory, decode_and_release(bytes, length, err), (void)0);
        test_read_end(bytes);
    }
}

static void test_encoding_survives_failing_allocations(void **state)
{
    (void)state;
    const uint8_t pixels[12] = {0};
    void *bytes = NULL;
    size_t length;
    BRUTAL(rt, &memory, image_encode(rt, pixels, 2, 2, IMAGE_PNG, 90, &bytes, &length, err), mem_free(bytes));
}

typedef struct shared_work {
    char *bytes[3];
    size_t length[3];
    uint64_t sums[64];
} shared_work;

static medley_status sum_one(void *context, int64_t task, int worker, medley_error *err)
{
    shared_work *work = context;
    image got;
    (void)worker;
    TRY(image_decode(rt, work->bytes[task % 3], work->length[task % 3], 0, &small, &got, err));
    for (int64_t i = 0; i < 3 * got.width * got.height; i++)
        work->sums[task] = 31 * work->sums[task] + got.pixels[i];
    image_release(&got);
    return MEDLEY_OK;
}

static void test_threads_may_decode_at_once(void **state)
{
    (void)state;
    shared_work work = {.sums = {0}};
    const char *const names[] = {"jpeg", "png", "webp"};
    for (int i = 0; i < 3; i++)
        work.bytes[i] = picture(names[i], &work.length[i]);
    assert_ok(parallel_run(rt, 64, sum_one, &work, err));
    for (int i = 3; i < 64; i++)
        assert_true(work.sums[i] == work.sums[i % 3]);
    for (int i = 0; i < 3; i++)
        test_read_end(work.bytes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pictures_of_every_kind_are_what_pillow_makes_of_them),
        cmocka_unit_test(test_pictures_are_written_and_read_again),
        cmocka_unit_test(test_what_cannot_be_written_is_refused),
        cmocka_unit_test(test_a_jpeg_is_shrunk_while_it_is_read_as_far_as_it_may),
        cmocka_unit_test(test_bad_pictures_are_refused_in_one_line),
        cmocka_unit_test(test_a_file_that_is_too_long_is_refused),
        cmocka_unit_test(test_truncated_pictures_are_refused),
        cmocka_unit_test(test_a_jpeg_without_its_end_mark_is_read),
        cmocka_unit_test(test_decoding_survives_failing_allocations),
        cmocka_unit_test(test_encoding_survives_failing_allocations),
        cmocka_unit_test(test_threads_may_decode_at_once),
    };
    rt = test_runtime(&memory, 4);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_runtime_end(rt, &memory);
    return failed;
}
