#include "testing.h"

#include "encode/contact_sheet.h"

#include "base/base.h"

static medley_runtime *rt;
static test_memory memory;

static int at(const image *m, int64_t x, int64_t y, int colour)
{
    return m->pixels[3 * (y * m->width + x) + colour];
}

/* Two rows of three cells, 20 × 30: margins of 12, gaps of 4, the first column 16 apart in a frame of 2. */
static void test_pictures_stand_in_a_grid_behind_the_one_they_were_found_for(void **state)
{
    (void)state;
    uint8_t red[3 * 4] = {255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0}, blue[3] = {0, 0, 255};
    const image tall = {1, 4, red, 1, 4}, square = {1, 1, blue, 1, 1};
    const image *const cells[6] = {&tall, &square, NULL, &square, NULL, &tall};
    image sheet;
    assert_ok(contact_sheet(rt, cells, 2, 3, 20, 30, &sheet, err));
    assert_int_equal(sheet.width, 12 + 20 + 16 + 20 + 4 + 20 + 12);
    assert_int_equal(sheet.height, 12 + 30 + 4 + 30 + 12);
    assert_int_equal(at(&sheet, 0, 0, 0), 255);       /* paper */
    assert_int_equal(at(&sheet, 10, 10, 0), 64);      /* the frame */
    assert_int_equal(at(&sheet, 12, 12, 1), 255);     /* beside the tall picture, 7 × 30 in the middle of 20 */
    assert_int_equal(at(&sheet, 12 + 6, 12, 0), 255); /* it begins at (20 - 7) / 2 */
    assert_int_equal(at(&sheet, 12 + 6, 12, 1), 0);
    assert_int_equal(at(&sheet, 12 + 12, 41, 1), 0);
    assert_int_equal(at(&sheet, 12 + 13, 41, 1), 255);
    assert_int_equal(at(&sheet, 48, 12 + 4, 2), 255); /* the square, 20 × 20, above it paper */
    assert_int_equal(at(&sheet, 48, 12 + 4, 0), 255);
    assert_int_equal(at(&sheet, 48, 12 + 5, 0), 0);
    assert_int_equal(at(&sheet, 48, 12 + 25, 0), 255);
    assert_int_equal(at(&sheet, 72, 12, 0), 216); /* an empty cell */
    assert_int_equal(at(&sheet, 91, 41, 2), 216);
    assert_int_equal(at(&sheet, 92, 41, 2), 255);
    assert_int_equal(at(&sheet, 48, 46, 1), 216); /* the second row */
    assert_int_equal(at(&sheet, 72 + 6, 46 + 29, 1), 0);
    image_release(&sheet);
}

static void test_a_sheet_that_no_format_holds_is_refused(void **state)
{
    (void)state;
    image sheet;
    assert_fails(contact_sheet(rt, NULL, 1000, 2, 10, 100, &sheet, err), MEDLEY_E_LIMIT,
                 "a sheet of 2x1000 cells of 10x100 pixels: at most 65500 pixels a side");
    assert_fails(contact_sheet(rt, NULL, 0, 2, 10, 100, &sheet, err), MEDLEY_E_LIMIT, "2x0 cells");
}

static void test_drawing_survives_failing_allocations(void **state)
{
    (void)state;
    uint8_t blue[3] = {0, 0, 255};
    const image square = {1, 1, blue, 1, 1};
    const image *const cells[2] = {&square, &square};
    image sheet;
    BRUTAL(rt, &memory, contact_sheet(rt, cells, 1, 2, 9, 7, &sheet, err), image_release(&sheet));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pictures_stand_in_a_grid_behind_the_one_they_were_found_for),
        cmocka_unit_test(test_a_sheet_that_no_format_holds_is_refused),
        cmocka_unit_test(test_drawing_survives_failing_allocations),
    };
    rt = test_runtime(&memory, 1);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_runtime_end(rt, &memory);
    return failed;
}
