#include "testing.h"

#include <math.h>

#include "encode/image_preparation.h"
#include "encode/image_resample.h"
#include "io/file.h"
#include "io/safetensors.h"

static medley_runtime *rt;
static test_memory memory;

/* The picture of tools/parity/images.py. */
static image computed(int64_t width, int64_t height)
{
    image m = {width, height, test_malloc((size_t)(3 * width * height)), width, height};
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            for (int64_t c = 0; c < 3; c++)
                m.pixels[3 * (y * width + x) + c] = (uint8_t)(x * x * 7 + y * 13 * (c + 1) + x * y * 3 + c * 50);
    return m;
}

static safetensors *recordings(void)
{
    safetensors *s = NULL;
    assert_ok(safetensors_open(rt, MEDLEY_SOURCE_DIR "/tests/parity/images.safetensors", &s, err));
    return s;
}

static bool begins(const char *name, const char *part)
{
    return strncmp(name, part, strlen(part)) == 0;
}

/* ---- resizing ---- */

static void test_resizing_is_that_of_pillow_to_the_bit(void **state)
{
    (void)state;
    safetensors *s = recordings();
    const named_tensor *t;
    int count = 0;
    for (int64_t i = 0; (t = safetensors_at(s, i)) != NULL; i++) {
        long long w, h, to_w, to_h;
        int filter;
        if (sscanf(t->name, "resize.%lld.%lld.%lld.%lld.%d", &w, &h, &to_w, &to_h, &filter) != 5)
            continue;
        image m = computed(w, h);
        uint8_t *out = test_malloc((size_t)(3 * to_w * to_h));
        assert_ok(image_resize(rt, &m, (resample_filter)filter, to_w, to_h, out, err));
        if (memcmp(out, t->data, (size_t)(3 * to_w * to_h)) != 0)
            fail_msg("%s differs from Pillow", t->name);
        test_free(out);
        test_free(m.pixels);
        count++;
    }
    assert_true(count >= 40);
    safetensors_close(s);
}

/* A window of a resized picture is that part of the whole. */
static void test_a_window_is_a_part_of_the_whole(void **state)
{
    (void)state;
    image m = computed(70, 45);
    const int64_t sizes[][2] = {{33, 80}, {150, 20}, {70, 30}, {50, 45}, {9, 7}};
    for (int size = 0; size < 5; size++)
        for (int filter = 0; filter < 4; filter++) {
            const int64_t W = sizes[size][0], H = sizes[size][1];
            const resample_window w = {W, H, W / 3, H / 4, W / 2, H / 2};
            uint8_t *whole = test_malloc((size_t)(3 * W * H)),
                    *part = test_malloc((size_t)(3 * w.columns * w.rows));
            assert_ok(image_resize(rt, &m, (resample_filter)filter, W, H, whole, err));
            assert_ok(image_resample(rt, &m, (resample_filter)filter, &w, part, err));
            for (int64_t y = 0; y < w.rows; y++)
                assert_memory_equal(part + 3 * y * w.columns, whole + 3 * ((w.top + y) * W + w.left),
                                    (size_t)(3 * w.columns));
            test_free(whole);
            test_free(part);
        }
    test_free(m.pixels);
}

static void test_a_flat_picture_stays_flat(void **state)
{
    (void)state;
    image m = computed(300, 37);
    memset(m.pixels, 201, 3 * 300 * 37);
    static uint8_t out[3 * 90 * 91];
    for (int filter = 0; filter < 4; filter++) {
        assert_ok(image_resize(rt, &m, (resample_filter)filter, 90, 91, out, err));
        for (size_t i = 0; i < sizeof out; i++)
            assert_int_equal(out[i], 201);
    }
    test_free(m.pixels);
}

/* ---- preparing ---- */

static medley_status read_recorded(const char *name, image_preparation *p, medley_error *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/parity/images/%s.json", MEDLEY_SOURCE_DIR, name);
    return image_preparation_read(rt, path, p, err);
}

static void check_prepared(const named_tensor *t, const char *name, int64_t width, int64_t height)
{
    image_preparation p;
    assert_ok(read_recorded(name, &p, err));
    assert_int_equal(p.height, t->shape[1]);
    assert_int_equal(p.width, t->shape[2]);
    const int64_t count = 3 * p.height * p.width;
    image m = computed(width, height);
    float *out = test_malloc((size_t)count * sizeof *out);
    assert_ok(image_prepare(rt, &p, &m, out, err));
    for (int64_t i = 0; i < count; i++)
        if (!(fabsf(out[i] - ((const float *)t->data)[i]) <= 1e-6f))
            fail_msg("%s: %lld is %g, not %g", t->name, (long long)i, (double)out[i],
                     (double)((const float *)t->data)[i]);
    test_free(out);
    test_free(m.pixels);
}

static void test_preparing_is_that_of_the_image_processors(void **state)
{
    (void)state;
    safetensors *s = recordings();
    const named_tensor *t;
    int count = 0;
    for (int64_t i = 0; (t = safetensors_at(s, i)) != NULL; i++) {
        char name[64];
        long long width, height;
        if (!begins(t->name, "prepare.") ||
            sscanf(t->name, "prepare.%63[^.].%lld.%lld", name, &width, &height) != 3)
            continue;
        check_prepared(t, name, width, height);
        count++;
    }
    assert_true(count >= 39);
    safetensors_close(s);
}

/* 2 × 2 pixels, nothing but rescaled and normalised: (v / 255 - mean) / deviation, worked out by hand. */
static void test_values_are_rescaled_and_normalised_by_colour(void **state)
{
    (void)state;
    uint8_t pixels[12] = {0, 51, 102, 255, 0, 0, 0, 255, 0, 0, 0, 255};
    const image m = {2, 2, pixels, 2, 2};
    image_preparation p = {.crop = true,
                           .rescale = true,
                           .normalize = true,
                           .rescale_factor = 1.0 / 255,
                           .mean = {0, 0.2, 0.5},
                           .deviation = {1, 2, 0.1},
                           .height = 2,
                           .width = 2};
    float out[12];
    const float want[12] = {0, 1, 0, 0, 0, -0.1f, 0.4f, -0.1f, -1, -5, -5, 5};
    assert_ok(image_prepare(rt, &p, &m, out, err));
    for (int i = 0; i < 12; i++)
        assert_true(fabsf(out[i] - want[i]) < 1e-6f);
    p.bgr = true;
    assert_ok(image_prepare(rt, &p, &m, out, err));
    for (int i = 0; i < 12; i++)
        assert_true(fabsf(out[i] - want[(2 - i / 4) * 4 + i % 4]) < 1e-6f);
}

static void test_pictures_are_decoded_at_twice_the_size_they_are_resized_to(void **state)
{
    (void)state;
    assert_int_equal(image_preparation_least(&(image_preparation){.resize = true, .shortest_edge = 224}), 448);
    assert_int_equal(
        image_preparation_least(&(image_preparation){.resize = true, .resize_height = 100, .resize_width = 60}),
        200);
    assert_int_equal(image_preparation_least(&(image_preparation){.shortest_edge = 224}), 0);
}

static void test_a_picture_too_odd_to_resize_is_refused(void **state)
{
    (void)state;
    uint8_t pixel[3] = {0};
    const image m = {100000000, 1, pixel, 100000000, 1}; /* refused before a pixel is looked at */
    image_preparation p = {.resize = true,
                           .resize_height = 224,
                           .resize_width = 224,
                           .height = 224,
                           .width = 224,
                           .filter = RESAMPLE_LANCZOS};
    static float out[3 * 224 * 224];
    assert_fails(image_prepare(rt, &p, &m, out, err), MEDLEY_E_LIMIT,
                 "100000000 pixels side by side are too many to resize to 224");
}

/* ---- files ---- */

static void test_settings_that_cannot_be_followed_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"[1]", "an object is accepted"},
        {"{\"size\": {\"longest_edge\": 3}}",
         "size: {\"longest_edge\": 3}: a number, {\"shortest_edge\": s} or {\"height\": h, \"width\": w} of 1..4096 is"},
        {"{\"size\": 0}", "size: 0: a number"},
        {"{\"size\": 5000}", "size: 5000: a number"},
        {"{\"size\": {\"height\": 3}}", "size: {\"height\": 3}: a number"},
        {"{\"crop_size\": {\"shortest_edge\": 3}}",
         "crop_size: {\"shortest_edge\": 3}: a number or {\"height\": h"},
        {"{\"resample\": 5}", "resample: 5: 0 (nearest), 1 (Lanczos), 2 (bilinear) and 3 (bicubic) are accepted"},
        {"{\"image_mean\": [1, 2]}", "image_mean: [1, 2]: three numbers are accepted"},
        {"{\"image_std\": [1, 2, 0]}", "image_std: [1, 2, 0]: three numbers above 0 are accepted"},
        {"{\"do_resize\": 3}", "do_resize: 3: true or false is accepted"},
        {"{\"do_pad\": true}", "do_pad: true: false is accepted"},
        {"{\"rescale_factor\": -1}", "rescale_factor: -1: a number above 0 is accepted"},
        {"{\"size\": {\"shortest_edge\": 3}}",
         "do_center_crop: false: pictures of one size come out only with true"},
        {"{\"do_resize\": false}", "do_center_crop: false: pictures of one size come out only with true"},
        {"{\"image_processor_type\": \"ConvNextImageProcessor\", \"crop_pct\": 1.5, \"size\": 9}",
         "crop_pct: 1.5: a part of 1 is accepted"},
    };
    char *const folder = test_folder();
    const char *path = test_path(folder, "preprocessor_config.json");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        image_preparation p;
        test_write_text(path, cases[i][0]);
        assert_fails(image_preparation_read(rt, path, &p, err), MEDLEY_E_FORMAT, cases[i][1]);
        assert_fails(image_preparation_read(rt, path, &p, err), MEDLEY_E_FORMAT, path);
    }
    test_folder_end(folder);
}

/* ---- memory ---- */

static void test_preparing_survives_failing_allocations(void **state)
{
    (void)state;
    image m = computed(41, 60);
    float out[3 * 14 * 14];
    image_preparation p;
    BRUTAL(rt, &memory, read_recorded("clip_old", &p, err), (void)0);
    BRUTAL(rt, &memory, image_prepare(rt, &p, &m, out, err), (void)0);
    test_free(m.pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resizing_is_that_of_pillow_to_the_bit),
        cmocka_unit_test(test_a_window_is_a_part_of_the_whole),
        cmocka_unit_test(test_a_flat_picture_stays_flat),
        cmocka_unit_test(test_preparing_is_that_of_the_image_processors),
        cmocka_unit_test(test_values_are_rescaled_and_normalised_by_colour),
        cmocka_unit_test(test_pictures_are_decoded_at_twice_the_size_they_are_resized_to),
        cmocka_unit_test(test_a_picture_too_odd_to_resize_is_refused),
        cmocka_unit_test(test_settings_that_cannot_be_followed_are_refused_by_name),
        cmocka_unit_test(test_preparing_survives_failing_allocations),
    };
    rt = test_runtime(&memory, 1);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_runtime_end(rt, &memory);
    return failed;
}
