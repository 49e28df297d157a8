#include "testing.h"

#include <stdlib.h>

#include "io/event_file.h"

#include "fixture.h"

static void test_the_crc_is_castagnolis(void **state)
{
    (void)state;
    /* RFC 3720, B.4, and the check value of the catalogue of CRCs */
    unsigned char bytes[32];
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c(bytes, 32), 0x8a9136aaU);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(bytes, 32), 0x62a8ab43U);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(crc32c(bytes, 32), 0x46dd794eU);
    assert_int_equal(crc32c("123456789", 9), 0xe3069283U);
    assert_int_equal(crc32c("", 0), 0);
    /* ((crc >> 15) | (crc << 17)) + 0xa282ead8 */
    assert_int_equal(crc32c_masked("123456789", 9),
                     (uint32_t)((0xe3069283U >> 15 | 0xe3069283U << 17) + 0xa282ead8U));
}

static uint64_t little(const char *bytes, int count)
{
    uint64_t number = 0;
    for (int i = count; i-- > 0;)
        number = number << 8 | (unsigned char)bytes[i];
    return number;
}

/* Checks a frame and steps over it; the length of its content. */
static int64_t frame(const char **at, const char **content)
{
    const uint64_t length = little(*at, 8);
    assert_int_equal(little(*at + 8, 4), crc32c_masked(*at, 8));
    *content = *at + 12;
    assert_int_equal(little(*content + length, 4), crc32c_masked(*content, (size_t)length));
    *at = *content + length + 4;
    return (int64_t)length;
}

static void test_records_are_framed_events(void **state)
{
    (void)state;
    /* wall_time 1.5; version, or step 300, summary {value {tag "loss", simple_value 0.5}} */
    static const char first[] = "\x09\0\0\0\0\0\0\xf8\x3f\x1a\x0d"
                                "brain.Event:2";
    static const char second[] = "\x09\0\0\0\0\0\0\xf8\x3f\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15\0\0\0\x3f";
    text out = {.rt = rt};
    const char *content;
    event_file_begin(&out, 1.5);
    event_file_scalar(&out, 1.5, 300, "loss", 0.5F);
    assert_ok(text_status(&out, err));
    const char *at = out.bytes;
    assert_int_equal(frame(&at, &content), sizeof first - 1);
    assert_memory_equal(content, first, sizeof first - 1);
    assert_int_equal(frame(&at, &content), sizeof second - 1);
    assert_memory_equal(content, second, sizeof second - 1);
    assert_ptr_equal(at, out.bytes + out.length);
    text_release(&out);
}

static void test_long_tags_are_counted_right(void **state)
{
    (void)state;
    char tag[301];
    memset(tag, 'x', 300);
    tag[300] = '\0';
    text out = {.rt = rt};
    const char *content;
    event_file_scalar(&out, 0, 0, tag, 1);
    const char *at = out.bytes;
    /* time 9, step 2, summary: key and 2 bytes of length, value: the same, tag: the same, 300, number 5 */
    assert_int_equal(frame(&at, &content), 9 + 2 + 3 + 3 + 3 + 300 + 5);
    assert_int_equal((unsigned char)content[12] | (unsigned char)content[13] << 8, 0xb7 | 0x02 << 8);
    text_release(&out);
}

static medley_status write_some(medley_error *err)
{
    text out = {.rt = rt};
    event_file_begin(&out, 1);
    for (int i = 0; i < 100; i++)
        event_file_scalar(&out, 1, i, "loss", (float)i);
    const medley_status status = text_status(&out, err);
    text_release(&out);
    return status;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, write_some(err), (void)0);
}

/* The program that the files are for, where there is one. */
static void test_tensorboard_reads_it(void **state)
{
    (void)state;
    static const char script[] =
        "import sys\n"
        "from tensorboard.backend.event_processing.event_file_loader import EventFileLoader\n"
        "from tensorboard.util import tensor_util\n"
        "events = list(EventFileLoader(sys.argv[1]).Load())\n"
        "assert events[0].file_version == 'brain.Event:2', events[0]\n"
        "got = [(e.step, e.wall_time, v.tag, float(tensor_util.make_ndarray(v.tensor)))\n"
        "       for e in events[1:] for v in e.summary.value]\n"
        "want = [(s, 1e9 + s, t, s + 0.25) for s in (1, 200, 1 << 40) for t in ('loss', 'recall@20')]\n"
        "want = [(s, w, t, float(__import__('numpy').float32(v))) for s, w, t, v in want]\n"
        "assert got == want, got\n";
    static const int64_t steps[] = {1, 200, (int64_t)1 << 40};
    const char *python = getenv("MEDLEY_TEST_PYTHON");
    char command[8192];
    python = python != NULL ? python : "python3";
    snprintf(command, sizeof command, "%s -c 'import tensorboard' 2>/dev/null", python);
    if (system(command) != 0) {
        print_message("skipped: %s has no package tensorboard\n", python);
        skip();
    }
    text out = {.rt = rt};
    event_file_begin(&out, 1e9);
    for (int i = 0; i < 3; i++) {
        event_file_scalar(&out, 1e9 + (double)steps[i], steps[i], "loss", (float)steps[i] + 0.25F);
        event_file_scalar(&out, 1e9 + (double)steps[i], steps[i], "recall@20", (float)steps[i] + 0.25F);
    }
    assert_ok(text_status(&out, err));
    test_write(test_path(folder, "events.out.tfevents.medley"), out.bytes, (size_t)out.length);
    test_write_text(test_path(folder, "read.py"), script);
    text_release(&out);
    snprintf(command, sizeof command, "%s %s %s 2>%s", python, test_path(folder, "read.py"),
             test_path(folder, "events.out.tfevents.medley"), test_path(folder, "said"));
    if (system(command) != 0) {
        char *said = test_read(test_path(folder, "said"), NULL);
        fail_msg("%s", said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_crc_is_castagnolis),      cmocka_unit_test(test_records_are_framed_events),
        cmocka_unit_test(test_long_tags_are_counted_right), cmocka_unit_test(test_every_allocation_can_fail),
        cmocka_unit_test(test_tensorboard_reads_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
