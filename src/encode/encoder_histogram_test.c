#include "testing.h"

#include <math.h>

#include "encode/encoder.h"
#include "encode/image.h"

extern const encoder_class encoder_histogram;

/* The descriptor's layout, as encoder_histogram.c says. */
enum { SIDE = 128, COLOURS = 100, BLOCKS = 10, SHAPES = 128, NUMBERS = BLOCKS * COLOURS + 2 * SHAPES, MOST = 40 };

typedef void (*painter)(int64_t x, int64_t y, int64_t side, uint8_t rgb[3]);

typedef struct opened {
    max_align_t params[64];
    encoder *e;
} opened;

static medley_status open_with(const medley_runtime *rt, const char *name, const char *value, opened *out,
                               medley_error *err)
{
    assert_true(encoder_histogram.params_size <= sizeof out->params);
    medley_params_reset(encoder_histogram.params, out->params);
    if (name != NULL)
        TRY(medley_param_set(medley_param_find(encoder_histogram.params, name), out->params, value, err));
    return encoder_histogram.open(rt, out->params, &out->e, err);
}

/* The sample of a picture of side × side pixels, by way of a PNG file's bytes. */
static medley_status prepare_painted(const medley_runtime *rt, encoder *e, painter paint, int64_t side,
                                     sample *out, medley_error *err)
{
    static uint8_t pixels[4 * SIDE * 4 * SIDE * 3];
    void *png = NULL;
    size_t length = 0;
    *out = (sample){0};
    for (int64_t y = 0; y < side; y++)
        for (int64_t x = 0; x < side; x++)
            paint(x, y, side, pixels + 3 * (y * side + x));
    medley_status status = image_encode(rt, pixels, side, side, IMAGE_PNG, 90, &png, &length, err);
    if (status == MEDLEY_OK)
        status = encoder_histogram.prepare(e, png, length, out, err);
    mem_free(png);
    return status;
}

static void describe(painter paint, int64_t side, float out[NUMBERS])
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    opened o;
    sample s;
    assert_ok(open_with(rt, NULL, NULL, &o, err));
    assert_ok(prepare_painted(rt, o.e, paint, side, &s, err));
    assert_int_equal(s.bytes, NUMBERS * sizeof *out);
    assert_int_equal(s.size, 1);
    memcpy(out, s.data, s.bytes);
    sample_release(&s);
    encoder_histogram.close(o.e);
    test_runtime_end(rt, &memory);
}

static void set(uint8_t rgb[3], int r, int g, int b)
{
    rgb[0] = (uint8_t)r;
    rgb[1] = (uint8_t)g;
    rgb[2] = (uint8_t)b;
}

static void white(int64_t x, int64_t y, int64_t side, uint8_t rgb[3])
{
    (void)x, (void)y, (void)side;
    set(rgb, 255, 255, 255);
}

static void black(int64_t x, int64_t y, int64_t side, uint8_t rgb[3])
{
    (void)x, (void)y, (void)side;
    set(rgb, 0, 0, 0);
}

static void red(int64_t x, int64_t y, int64_t side, uint8_t rgb[3])
{
    (void)x, (void)y, (void)side;
    set(rgb, 255, 0, 0);
}

static void white_left(int64_t x, int64_t y, int64_t side, uint8_t rgb[3])
{
    (x < side / 2 ? white : black)(x, y, side, rgb);
}

static void upright_stripes(int64_t x, int64_t y, int64_t side, uint8_t rgb[3])
{
    (16 * x / side % 2 == 0 ? white : black)(x, y, side, rgb);
}

static void level_stripes(int64_t x, int64_t y, int64_t side, uint8_t rgb[3])
{
    upright_stripes(y, x, side, rgb);
}

static void falling_stripes(int64_t x, int64_t y, int64_t side, uint8_t rgb[3])
{
    const double wave = sin((double)(x + y) / (double)side * 60);
    const int light = (int)(127.5 + 127 * wave);
    set(rgb, light, light, light);
}

static float square(float x)
{
    return x * x;
}

/* What a bin has of a block, before roots: blocks sum to 1. */
static float share(const float d[NUMBERS], int block, int l, int a, int b)
{
    return square(d[block * COLOURS + (l * 5 + a) * 5 + b]);
}

/* White is L* 100, black 0, both without tint; sRGB red is 53.24, 80.09, 67.20: L* at 1.597 of bins 0..3; a* at
 * 2 + 2 √0.8009 = 3.790 of bins 0..4; b* at 2 + 2 √0.6720 = 3.639. */
static void test_plain_colours_fill_the_bins_that_they_lie_between(void **state)
{
    static float d[NUMBERS];
    (void)state;
    describe(white, SIDE, d);
    for (int block = 0; block < BLOCKS; block++)
        assert_true(share(d, block, 3, 2, 2) > 0.95F);
    describe(black, SIDE, d);
    for (int block = 0; block < BLOCKS; block++)
        assert_true(share(d, block, 0, 2, 2) > 0.95F);
    describe(red, SIDE, d);
    for (int block = 0; block < BLOCKS; block++) {
        assert_true(fabs((double)share(d, block, 2, 4, 4) - 0.597 * 0.790 * 0.639) < 2e-3);
        assert_true(fabs((double)share(d, block, 1, 3, 3) - 0.403 * 0.210 * 0.361) < 2e-3);
        assert_true(share(d, block, 2, 1, 1) == 0 && share(d, block, 3, 4, 4) == 0);
    }
    for (int i = BLOCKS * COLOURS; i < NUMBERS; i++) /* no edges */
        assert_true(d[i] == 0);
}

static void test_places_have_histograms_of_their_own(void **state)
{
    static float d[NUMBERS];
    (void)state;
    describe(white_left, SIDE, d);
    assert_true(fabsf(share(d, 0, 3, 2, 2) - 0.5F) < 0.02F);
    assert_true(fabsf(share(d, 0, 0, 2, 2) - 0.5F) < 0.02F);
    for (int row = 0; row < 3; row++) {
        assert_true(share(d, 1 + 3 * row, 3, 2, 2) > 0.95F);
        assert_true(fabsf(share(d, 2 + 3 * row, 3, 2, 2) - 0.5F) < 0.02F);
        assert_true(share(d, 3 + 3 * row, 0, 2, 2) > 0.95F);
    }
}

/* How the edges of a scale are shared among directions. */
static float direction(const float d[NUMBERS], int scale, int of)
{
    float sum = 0;
    for (int cell = 0; cell < 16; cell++)
        sum += square(d[BLOCKS * COLOURS + scale * SHAPES + cell * 8 + of]);
    return sum;
}

static void test_stripes_fill_the_bins_of_their_direction(void **state)
{
    static const struct {
        painter paint;
        int direction;
    } cases[] = {{upright_stripes, 0}, {falling_stripes, 2}, {level_stripes, 4}};
    static float d[NUMBERS];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        describe(cases[i].paint, SIDE, d);
        for (int scale = 0; scale < 2; scale++) {
            float all = 0;
            for (int of = 0; of < 8; of++)
                all += direction(d, scale, of);
            assert_true(fabsf(all - 1) < 1e-5F);
            assert_true(direction(d, scale, cases[i].direction) > 0.9F);
        }
    }
    describe(white_left, SIDE, d); /* the edge is in the two columns in the middle */
    for (int cell = 0; cell < 16; cell++) {
        float of_cell = 0;
        for (int of = 0; of < 8; of++)
            of_cell += d[BLOCKS * COLOURS + cell * 8 + of];
        assert_true((cell % 4 == 1 || cell % 4 == 2) == (of_cell > 0));
    }
}

static void test_the_size_of_a_picture_does_not_matter(void **state)
{
    static const painter paints[] = {white_left, falling_stripes, red};
    static float d[NUMBERS], larger[NUMBERS];
    (void)state;
    for (size_t i = 0; i < sizeof paints / sizeof *paints; i++) {
        double distance = 0;
        describe(paints[i], SIDE, d);
        describe(paints[i], 4 * SIDE, larger);
        for (int j = 0; j < NUMBERS; j++)
            distance += (double)square(d[j] - larger[j]);
        assert_true(distance < 12 * 0.05); /* of 12 blocks of length 1 */
    }
}

static void test_what_is_no_picture_is_refused(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    opened o;
    sample s;
    (void)state;
    assert_ok(open_with(rt, NULL, NULL, &o, err));
    assert_fails(encoder_histogram.prepare(o.e, "abc", 3, &s, err), MEDLEY_E_FORMAT, "");
    assert_null(s.data);
    assert_fails(encoder_histogram.prepare(o.e, "", 0, &s, err), MEDLEY_E_FORMAT, "");
    const sample foreign = {(void *)(uintptr_t) "abc", 3, 1};
    float *rows;
    int64_t length;
    assert_fails(encoder_histogram.fit(o.e, &foreign, 1, &rows, &length, err), MEDLEY_E_FORMAT,
                 "histogram: a sample of 3 bytes");
    encoder_histogram.close(o.e);
    test_runtime_end(rt, &memory);
}

/* Samples of random descriptors; every seventh item has none. */
static void make_samples(sample *out, int64_t count, float (*numbers)[NUMBERS])
{
    for (int64_t i = 0; i < count; i++) {
        for (int64_t j = 0; j < NUMBERS; j++)
            numbers[i][j] = (float)random_uniform(1, (uint64_t)i, (uint64_t)j);
        out[i] = i % 7 == 6 ? (sample){0} : (sample){numbers[i], NUMBERS * sizeof(float), 1};
    }
}

static double distance(const float *a, const float *b, int64_t first, int64_t end)
{
    double sum = 0;
    for (int64_t j = first; j < end; j++)
        sum += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
    return sum;
}

/* With all components a PCA turns and shifts: distances are those of the weighted descriptors. */
static void test_vectors_lie_as_far_apart_as_descriptors_for_any_number_of_threads(void **state)
{
    static float numbers[MOST][NUMBERS], first[MOST * MOST];
    sample samples[MOST];
    (void)state;
    make_samples(samples, MOST, numbers);
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, threads);
        opened o;
        float *rows;
        int64_t length;
        assert_ok(open_with(rt, "power", "1", &o, err));
        assert_ok(encoder_histogram.fit(o.e, samples, MOST, &rows, &length, err));
        assert_int_equal(length, 34); /* 35 pictures, about their mean */
        const size_t bytes = (size_t)(MOST * length) * sizeof *rows;
        if (threads == 1)
            memcpy(first, rows, bytes);
        assert_memory_equal(rows, first, bytes);
        for (int64_t i = 0; i < MOST; i++)
            for (int64_t j = 0; j < i && i % 7 != 6 && j % 7 != 6; j++) {
                const double want = 0.5 / 2 * distance(numbers[i], numbers[j], 0, COLOURS) +
                                    0.5 / 18 * distance(numbers[i], numbers[j], COLOURS, BLOCKS * COLOURS) +
                                    0.5 / 2 * distance(numbers[i], numbers[j], BLOCKS * COLOURS, NUMBERS);
                const double got = distance(rows + i * length, rows + j * length, 0, length);
                assert_true(fabs(got - want) < 1e-4 * want);
            }
        mem_free(rows);
        encoder_histogram.close(o.e);
        test_runtime_end(rt, &memory);
    }
}

static void test_whitened_vectors_vary_alike_in_every_dimension(void **state)
{
    static float numbers[MOST][NUMBERS];
    sample samples[MOST];
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    opened o;
    float *rows;
    int64_t length;
    (void)state;
    make_samples(samples, MOST, numbers);
    assert_ok(open_with(rt, "power", "0", &o, err));
    assert_ok(encoder_histogram.fit(o.e, samples, MOST, &rows, &length, err));
    for (int64_t j = 0; j < length; j++) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < MOST; i++) { /* rows without a picture are 0 here */
            sum += (double)rows[i * length + j];
            squares += (double)rows[i * length + j] * (double)rows[i * length + j];
        }
        assert_true(fabs(sum) < 1e-4 && fabs(squares - 1) < 1e-4);
    }
    mem_free(rows);
    encoder_histogram.close(o.e);
    test_runtime_end(rt, &memory);
}

static void test_pictures_that_are_alike_are_refused_and_two_that_differ_are_enough(void **state)
{
    static float numbers[MOST][NUMBERS];
    sample samples[4] = {{0}};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    opened o;
    float *rows;
    int64_t length;
    (void)state;
    assert_ok(open_with(rt, NULL, NULL, &o, err));
    make_samples(samples, 2, numbers);
    assert_ok(encoder_histogram.fit(o.e, samples, 0, &rows, &length, err)); /* that is for the caller to tell */
    assert_int_equal(length, 0);
    mem_free(rows);
    assert_ok(encoder_histogram.fit(o.e, samples, 2, &rows, &length, err));
    assert_int_equal(length, 1);
    assert_true(rows[0] == -rows[1] && rows[0] != 0);
    mem_free(rows);
    assert_fails(
        encoder_histogram.fit(o.e, samples, 1, &rows, &length, err), MEDLEY_E_FORMAT,
        "histogram: 1 pictures without a difference; vectors are made of differences: at least 2 pictures "
        "that differ are needed");
    samples[1] = samples[3] = samples[0];
    assert_fails(encoder_histogram.fit(o.e, samples, 4, &rows, &length, err), MEDLEY_E_FORMAT,
                 "histogram: 3 pictures without a difference");
    assert_null(rows);
    encoder_histogram.close(o.e);
    test_runtime_end(rt, &memory);
}

static medley_status prepare_and_fit(const medley_runtime *rt, medley_error *err)
{
    opened o = {.e = NULL};
    sample samples[2] = {{0}};
    float *rows = NULL;
    int64_t length;
    medley_status status = open_with(rt, "iterations", "0", &o, err);
    for (int i = 0; i < 2 && status == MEDLEY_OK; i++)
        status = prepare_painted(rt, o.e, i == 0 ? red : level_stripes, SIDE, &samples[i], err);
    if (status == MEDLEY_OK)
        status = encoder_histogram.fit(o.e, samples, 2, &rows, &length, err);
    mem_free(rows);
    sample_release(&samples[0]);
    sample_release(&samples[1]);
    encoder_histogram.close(o.e);
    return status;
}

static void test_memory_that_runs_out_is_told(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    (void)state;
    BRUTAL(rt, &memory, prepare_and_fit(rt, err), (void)0);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_colours_fill_the_bins_that_they_lie_between),
        cmocka_unit_test(test_places_have_histograms_of_their_own),
        cmocka_unit_test(test_stripes_fill_the_bins_of_their_direction),
        cmocka_unit_test(test_the_size_of_a_picture_does_not_matter),
        cmocka_unit_test(test_what_is_no_picture_is_refused),
        cmocka_unit_test(test_vectors_lie_as_far_apart_as_descriptors_for_any_number_of_threads),
        cmocka_unit_test(test_whitened_vectors_vary_alike_in_every_dimension),
        cmocka_unit_test(test_pictures_that_are_alike_are_refused_and_two_that_differ_are_enough),
        cmocka_unit_test(test_memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
