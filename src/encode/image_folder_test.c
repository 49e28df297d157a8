#include "testing.h"

#include "encode/image.h"
#include "encode/image_folder.h"
#include "io/file.h"

static medley_runtime *rt;
static test_memory memory;
static char *folder;

/* A picture of W × H that compresses badly, as folder/in/name; returns its length. */
static size_t put(const char *name, int64_t width, int64_t height, image_format format)
{
    uint8_t *pixels = test_malloc((size_t)(3 * width * height));
    void *bytes;
    size_t length;
    for (int64_t i = 0; i < 3 * width * height; i++)
        pixels[i] = (uint8_t)(random_bits(3, 0, (uint64_t)i) >> 56);
    assert_ok(image_encode(rt, pixels, width, height, format, 95, &bytes, &length, err));
    test_write(test_path(folder, name), bytes, length);
    mem_free(bytes);
    test_free(pixels);
    return length;
}

static medley_status run(const image_folder_params *p, medley_report **report, medley_error *err)
{
    *report = NULL;
    medley_status status = report_create(rt, report, err);
    if (status == MEDLEY_OK)
        status = image_folder_run(rt, p, *report, err);
    if (status != MEDLEY_OK) {
        medley_report_free(*report);
        *report = NULL;
    }
    return status;
}

static image_folder_params params(void)
{
    image_folder_params p;
    medley_params_reset(image_folder_table, &p);
    static char in[4096], out[4096];
    snprintf(in, sizeof in, "%s/in", folder);
    snprintf(out, sizeof out, "%s/out", folder);
    p.input = in;
    p.out = out;
    return p;
}

static void check_fact(const medley_report *report, const char *name, int64_t want)
{
    double got;
    if (!medley_report_number(report, "images", 0, name, &got) || got != (double)want)
        fail_msg("%s is not %lld", name, (long long)want);
}

static image decoded(const char *name)
{
    size_t length;
    char *const bytes = test_read(test_path(folder, name), &length);
    image m;
    assert_ok(image_decode(rt, bytes, length, 0, &image_limits_default, &m, err));
    test_read_end(bytes);
    return m;
}

static int set_up(void **state)
{
    (void)state;
    folder = test_folder();
    assert_ok(file_make_folder(rt, test_path(folder, "in/more"), err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_end(folder);
    return 0;
}

static void test_large_pictures_are_made_smaller_and_bad_ones_listed(void **state)
{
    (void)state;
    const size_t small = put("in/small.jpg", 20, 10, IMAGE_JPEG),
                 large = put("in/large.jpg", 200, 100, IMAGE_JPEG);
    const size_t drawing = put("in/drawing.png", 90, 180, IMAGE_PNG);
    put("in/thin.png", 8, 100, IMAGE_PNG);
    put("in/low.png", 40, 3, IMAGE_PNG);
    size_t length;
    char *const whole = test_read(test_path(folder, "in/large.jpg"), &length);
    test_write(test_path(folder, "in/cut.jpg"), whole, length / 2);
    test_write_text(test_path(folder, "in/nothing.jpg"), "");
    test_write_text(test_path(folder, "in/notes\t.txt"), "hello");

    image_folder_params p = params();
    p.compress_if_kb_larger_than = 10;
    p.resize_target_longest_edge = 60;
    p.target_quality = 80;
    p.min_height = 5;
    p.max_aspect = 4;
    medley_report *report;
    assert_ok(run(&p, &report, err));
    check_fact(report, "files", 8);
    check_fact(report, "kept", 1);
    check_fact(report, "compressed", 2);
    check_fact(report, "refused", 5);
    check_fact(report, "folders", 1);
    check_fact(report, "bytes_before", (int64_t)(small + large + drawing));
    medley_report_free(report);

    char *const list = test_read(test_path(folder, "out/images.tsv"), NULL);
    assert_string_equal(
        list, "file\treason\n"
              "cut.jpg\ta truncated JPEG\n"
              "low.png\t40x3 pixels: at least 1x5 are accepted\n"
              "notes .txt\tbegins with the bytes 68 65, as no picture does: JPEG, PNG, WebP, GIF, TIFF and BMP "
              "are accepted\n"
              "nothing.jpg\tan empty file\n"
              "thin.png\t8x100 pixels: an aspect up to 4 is accepted\n");
    test_read_end(list);

    image m = decoded("out/large.jpg");
    assert_int_equal(m.width, 60);
    assert_int_equal(m.height, 30);
    image_release(&m);
    m = decoded("out/drawing.jpg");
    assert_int_equal(m.width, 30);
    assert_int_equal(m.height, 60);
    image_release(&m);
    m = decoded("out/small.jpg");
    assert_int_equal(m.width, 20);
    image_release(&m);

    size_t after;
    char *const untouched = test_read(test_path(folder, "in/large.jpg"), &after);
    assert_int_equal(after, length);
    assert_memory_equal(untouched, whole, length);
    test_read_end(untouched);
    test_read_end(whole);
}

/* Neither a.webp nor a.png may become a.jpg, whoever comes first. */
static void test_pictures_that_would_get_the_same_name_are_kept(void **state)
{
    (void)state;
    put("in/a.png", 60, 60, IMAGE_PNG);
    put("in/a.webp", 60, 60, IMAGE_WEBP);
    put("in/a.b.png", 60, 60, IMAGE_PNG);
    image_folder_params p = params();
    p.compress_if_kb_larger_than = 1;
    p.target_quality = 20;
    medley_report *report;
    assert_ok(run(&p, &report, err));
    check_fact(report, "kept", 2);
    check_fact(report, "compressed", 1);
    assert_true(file_exists(test_path(folder, "out/a.png")) && file_exists(test_path(folder, "out/a.webp")));
    assert_true(file_exists(test_path(folder, "out/a.b.jpg")));
    medley_report_free(report);
}

static void test_what_does_not_get_smaller_is_kept(void **state)
{
    (void)state;
    const size_t before = put("in/a.jpg", 60, 60, IMAGE_JPEG);
    image_folder_params p = params();
    p.compress_if_kb_larger_than = 1;
    p.target_quality = 100;
    medley_report *report;
    assert_ok(run(&p, &report, err));
    check_fact(report, "kept", 1);
    check_fact(report, "bytes_after", (int64_t)before);
    medley_report_free(report);
}

static void test_places_that_are_not_accepted_are_refused(void **state)
{
    (void)state;
    put("in/a.jpg", 10, 10, IMAGE_JPEG);
    image_folder_params p = params();
    medley_report *report;
    assert_ok(run(&p, &report, err));
    medley_report_free(report);
    assert_fails(run(&p, &report, err), MEDLEY_E_EXISTS, "out");
    p.force = true;
    assert_ok(run(&p, &report, err));
    medley_report_free(report);
    p.input = p.out;
    assert_fails(run(&p, &report, err), MEDLEY_E_CONFIG, "is the input: another folder is accepted");
    p.input = "/nowhere/at/all";
    assert_fails(run(&p, &report, err), MEDLEY_E_NOT_FOUND, "input: '/nowhere/at/all' is no folder");
}

static void test_a_failing_allocation_leaves_nothing(void **state)
{
    (void)state;
    put("in/a.jpg", 40, 10, IMAGE_JPEG);
    put("in/b.jpg", 3, 3, IMAGE_JPEG);
    image_folder_params p = params();
    p.resize_target_longest_edge = 20;
    p.min_width = 5;
    p.force = true;
    medley_report *report;
    rt->threads = 1; /* so that allocations come in one order */
    BRUTAL(rt, &memory, run(&p, &report, err), medley_report_free(report));
    rt->threads = 3;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_large_pictures_are_made_smaller_and_bad_ones_listed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_pictures_that_would_get_the_same_name_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_does_not_get_smaller_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_places_that_are_not_accepted_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failing_allocation_leaves_nothing, set_up, tear_down),
    };
    rt = test_runtime(&memory, 3);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_runtime_end(rt, &memory);
    return failed;
}
