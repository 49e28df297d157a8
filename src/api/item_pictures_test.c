#include "api/item_pictures.h"

#include <medley/medley.h>

#include "encode/image.h"
#include "testing.h"

static test_memory memory;
static medley_runtime *rt;
static char *folder;

#include "run_operation.h"

enum { SIDE = 16 };

static void write_picture(const char *name, uint8_t red, uint8_t green, uint8_t blue)
{
    uint8_t bytes[54 + SIDE * SIDE * 3] = "BM";
    bytes[2] = sizeof bytes & 0xff;
    bytes[3] = sizeof bytes >> 8;
    bytes[10] = 54;
    bytes[14] = 40;
    bytes[18] = bytes[22] = SIDE;
    bytes[26] = 1;
    bytes[28] = 24;
    for (int i = 0; i < SIDE * SIDE; i++) {
        bytes[54 + 3 * i] = blue;
        bytes[55 + 3 * i] = green;
        bytes[56 + 3 * i] = red;
    }
    test_write(test_path(folder, name), bytes, sizeof bytes);
}

/* a and b are alike, c has a picture that is none, d has none. */
static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    folder = test_folder();
    write_picture("red.bmp", 250, 0, 0);
    write_picture("green.bmp", 0, 250, 0);
    test_write_text(test_path(folder, "broken.bmp"), "BM");
    test_write_text(test_path(folder, "items.csv"),
                    "id,name,picture,kind\na,A,red.bmp,x|y\nb,B,green.bmp,x|y\nc,C,broken.bmp,y\nd,D,,z\n");
    RUN(medley_prepare, NULL, "format", "catalogue", "input", "/items.csv", "store", "/store", "image", "picture",
        "categories", "kind");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    return 0;
}

static bool is_near(const uint8_t *pixel, int red, int green, int blue)
{
    return abs(pixel[0] - red) < 30 && abs(pixel[1] - green) < 30 && abs(pixel[2] - blue) < 30;
}

/* Columns of pixels from the left in which the colour is first seen, or -1. */
static int64_t first_seen(const image *m, int red, int green, int blue)
{
    for (int64_t x = 0; x < m->width; x++)
        for (int64_t y = 0; y < m->height; y++)
            if (is_near(m->pixels + 3 * (y * m->width + x), red, green, blue))
                return x;
    return -1;
}

static void read_sheet(const char *name, image *out)
{
    size_t length;
    char *bytes = test_read(test_path(folder, name), &length);
    assert_ok(image_decode(rt, bytes, length, 0, &image_limits_default, out, err));
    test_read_end(bytes);
}

static void test_a_sheet_shows_the_item_and_then_those_alike(void **state)
{
    medley_report *r;
    image sheet;
    double number;
    (void)state;
    RUN(medley_similar, &r, "store", "/store", "space", "attribute:kind", "items", "a", "top_k", "2", "sheet",
        "/sheet.jpg");
    assert_true(medley_report_number(r, "sheet", 0, "without_picture", &number) && number == 1);
    medley_report_free(r);
    read_sheet("sheet.jpg", &sheet);
    const int64_t red = first_seen(&sheet, 250, 0, 0), green = first_seen(&sheet, 0, 250, 0);
    assert_true(red >= 0 && green > red && green < sheet.width);
    image_release(&sheet);
}

static void test_items_can_be_drawn_at_random(void **state)
{
    medley_report *r, *again;
    (void)state;
    RUN(medley_similar, &r, "store", "/store", "space", "attribute:kind", "random_items", "3", "top_k", "1",
        "seed", "5");
    RUN(medley_similar, &again, "store", "/store", "space", "attribute:kind", "random_items", "3", "top_k", "1",
        "seed", "5");
    assert_int_equal(medley_report_rows(r, "similar"), 3);
    for (int64_t i = 0; i < 3; i++) {
        const char *const asked = medley_report_text(r, "similar", i, "similar_to");
        assert_string_equal(asked, medley_report_text(again, "similar", i, "similar_to"));
        for (int64_t j = 0; j < i; j++)
            assert_string_not_equal(asked, medley_report_text(r, "similar", j, "similar_to"));
    }
    medley_report_free(r);
    medley_report_free(again);
}

/* a and b share both, c one of them; d has nobody and no neighbour's value. */
static void test_agreement_is_of_the_nearest(void **state)
{
    medley_report *r;
    double precision, chance;
    (void)state;
    RUN(medley_similar, &r, "store", "/store", "space", "attribute:kind", "agreement", "kind", "top_k", "1");
    assert_true(medley_report_number(r, "agreement", 0, "precision", &precision) && precision == 0.75);
    assert_true(medley_report_number(r, "agreement", 0, "by_chance", &chance) && chance == 0.5);
    medley_report_free(r);
}

static void test_what_cannot_be_drawn_is_refused(void **state)
{
#define SIMILAR(...)               \
    run(medley_similar, NULL, err, \
        (const char *const[]){"store", "/store", "space", "attribute:kind", __VA_ARGS__, NULL})
    (void)state;
    assert_fails(SIMILAR("items", "a", "sheet", "/sheet.gif"), MEDLEY_E_CONFIG,
                 "/sheet.gif'; accepted: a path that ends with .jpg, .png or .webp");
    assert_fails(SIMILAR("items", "a", "sheet", "/sheet.jpg", "images", "/none"), MEDLEY_E_CONFIG,
                 "sheet: none of the items has a picture in '");
    assert_fails(SIMILAR("items", "a", "sheet", "/sheet.jpg", "top_k", "5000"), MEDLEY_E_LIMIT,
                 "sheet: 1 rows of 5001 pictures; accepted: up to 4096 pictures");
    assert_fails(SIMILAR("agreement", "kind", "items", "a"), MEDLEY_E_CONFIG, "agreement: is of all items");
    assert_fails(SIMILAR("items", "a", "random_items", "2"), MEDLEY_E_CONFIG, "give either items, item_file or");
}

static void test_memory_that_runs_out_is_told(void **state)
{
    medley_report *r = NULL;
    (void)state;
    BRUTAL(rt, &memory,
           run(medley_similar, &r, err,
               (const char *const[]){"store", "/store", "space", "attribute:kind", "items", "a,b", "top_k", "2",
                                     "sheet", "/sheet.jpg", NULL}),
           medley_report_free(r));
    BRUTAL(rt, &memory,
           run(medley_similar, &r, err,
               (const char *const[]){"store", "/store", "space", "attribute:kind", "agreement", "kind", NULL}),
           medley_report_free(r));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_sheet_shows_the_item_and_then_those_alike),
        TEST(test_items_can_be_drawn_at_random),
        TEST(test_agreement_is_of_the_nearest),
        TEST(test_what_cannot_be_drawn_is_refused),
        TEST(test_memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
