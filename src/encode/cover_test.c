#include "encode/cover.h"

#include "encode/image.h"

#include "fixture.h"

static uint8_t pixels[COVER_HEIGHT * COVER_WIDTH * 3], other[COVER_HEIGHT * COVER_WIDTH * 3];

static item_look look_of(int palette, int pattern, int light, int genre, uint64_t seed)
{
    return (item_look){.seed = seed, .genre = genre, .style = {palette, pattern, light, 0, 0}};
}

static double mean_of(const uint8_t *p, int channel)
{
    double sum = 0;
    for (int i = 0; i < COVER_WIDTH * COVER_HEIGHT; i++)
        sum += p[i * 3 + channel];
    return sum / (COVER_WIDTH * COVER_HEIGHT);
}

static void test_a_look_is_one_picture(void **state)
{
    (void)state;
    const item_look a = look_of(1, 2, 1, 7, 99), b = look_of(1, 2, 1, 7, 100);
    cover_draw(&a, pixels);
    cover_draw(&a, other);
    assert_memory_equal(pixels, other, sizeof pixels);
    cover_draw(&b, other);
    assert_memory_not_equal(pixels, other, sizeof pixels);
}

/* Warm palettes have more red than blue, cold ones less; light covers are lighter. Whatever else is drawn. */
static void test_palette_and_light_show(void **state)
{
    (void)state;
    for (int palette = 0; palette < PALETTES; palette++)
        for (int pattern = 0; pattern < PATTERNS; pattern++)
            for (int genre = 0; genre < GENRES_MOST; genre++) {
                double last = 0;
                for (int light = 0; light < LIGHTS; light++) {
                    const item_look look =
                        look_of(palette, pattern, light, genre, (uint64_t)(genre + 100 * pattern));
                    cover_draw(&look, pixels);
                    const double red = mean_of(pixels, 0), green = mean_of(pixels, 1), blue = mean_of(pixels, 2);
                    assert_true(palette < PALETTES / 2 ? red > blue : red < blue);
                    assert_true(red + green + blue > last);
                    last = red + green + blue;
                }
            }
}

/* Sums of how green changes from left to right and from top to bottom, above the shapes and the bar. */
static void changes(double *across, double *down)
{
    *across = *down = 0;
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < COVER_WIDTH - 1; x++) {
            const uint8_t *p = pixels + (y * COVER_WIDTH + x) * 3 + 1;
            *across += abs(p[3] - p[0]);
            *down += abs(p[3 * COVER_WIDTH] - p[0]);
        }
}

static void test_patterns_show(void **state)
{
    (void)state;
    for (int pattern = 0; pattern < PATTERNS; pattern++) {
        double across, down;
        const item_look look = look_of(3, pattern, 1, 0, 5);
        cover_draw(&look, pixels);
        changes(&across, &down);
        if (pattern == 0)
            assert_true(down > 1.3 * across); /* rows */
        else if (pattern == 1)
            assert_true(across > 1.3 * down); /* columns */
        else if (pattern != 4)
            assert_true(across < 1.3 * down && down < 1.3 * across);
        for (int before = 0; before < pattern; before++) {
            const item_look another = look_of(3, before, 1, 0, 5);
            cover_draw(&another, other);
            assert_memory_not_equal(pixels, other, sizeof pixels);
        }
    }
}

static void test_a_painted_cover_can_be_decoded(void **state)
{
    (void)state;
    const item_look look = look_of(4, 5, 2, 17, 3);
    void *bytes;
    size_t length;
    image m = {0};
    double error = 0;
    assert_ok(cover_paint(rt, &look, &bytes, &length, err));
    assert_ok(image_decode(rt, bytes, length, 0, &image_limits_default, &m, err));
    cover_draw(&look, pixels);
    assert_int_equal(m.width, COVER_WIDTH);
    assert_int_equal(m.height, COVER_HEIGHT);
    for (size_t i = 0; i < sizeof pixels; i++)
        error += abs(m.pixels[i] - pixels[i]) / (double)sizeof pixels;
    assert_true(error < 12); /* of the grain */
    image_release(&m);
    mem_free(bytes);
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    const item_look look = look_of(0, 3, 0, 1, 3);
    void *bytes;
    size_t length;
    BRUTAL(rt, &memory, cover_paint(rt, &look, &bytes, &length, err), mem_free(bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_look_is_one_picture),
        cmocka_unit_test(test_palette_and_light_show),
        cmocka_unit_test(test_patterns_show),
        cmocka_unit_test(test_a_painted_cover_can_be_decoded),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
