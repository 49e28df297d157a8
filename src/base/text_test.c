#include "testing.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"

#include "fixture.h"

static void test_appending_grows_a_text_that_ends_with_nul(void **state)
{
    (void)state;
    text t = {.rt = rt};
    text_add(&t, "a");
    text_append(&t, "bcd", 2);
    text_append(&t, NULL, 0);
    text_format(&t, "-%d %s", 7, "x");
    assert_ok(text_status(&t, err));
    assert_string_equal(t.bytes, "abc-7 x");
    assert_int_equal(t.length, 7);
    text_append(&t, "\0z", 2);
    assert_int_equal(t.length, 9);
    assert_memory_equal(t.bytes, "abc-7 x\0z", 10);
    text_release(&t);
    text_release(&t);
}

static void test_an_empty_text_holds_an_empty_string(void **state)
{
    (void)state;
    text t = {.rt = rt};
    assert_ok(text_status(&t, err));
    assert_string_equal(t.bytes, "");
    text_release(&t);
}

static void test_long_formats_are_whole(void **state)
{
    (void)state;
    text t = {.rt = rt};
    for (int i = 0; i < 3000; i++)
        text_format(&t, "%*d", i % 50 + 1, i % 10);
    assert_ok(text_status(&t, err));
    int64_t at = 0;
    for (int i = 0; i < 3000; i++) {
        at += i % 50 + 1;
        assert_int_equal(t.bytes[at - 1], '0' + i % 10);
    }
    assert_int_equal(t.length, at);
    text_release(&t);
}

static void test_padding_counts_characters_not_bytes(void **state)
{
    (void)state;
    text t = {.rt = rt};
    text_add(&t, "|");
    text_add(&t, "\xc3\xa9t\xc3\xa9");
    text_pad(&t, 1, 5);
    text_pad(&t, 1, 2); /* wide enough */
    text_add(&t, "|");
    text_pad(&t, t.length, 2);
    text_pad(&t, t.length, -3);
    assert_ok(text_status(&t, err));
    assert_string_equal(t.bytes, "|\xc3\xa9t\xc3\xa9  |  ");
    assert_int_equal(text_width(t.bytes, (size_t)t.length), 9);
    assert_int_equal(text_width(NULL, 0), 0);
    text_release(&t);
}

static void test_plain_text_has_no_control_characters(void **state)
{
    (void)state;
    text t = {.rt = rt};
    text_add(&t, "\t"); /* what was there stays */
    text_add_plain(&t, "a\tb\nc\r\x01\x1b[0m\x7f \xc3\xa9");
    assert_ok(text_status(&t, err));
    assert_string_equal(t.bytes, "\ta b c   [0m  \xc3\xa9");
    text_release(&t);
}

/* Every code point's encoding, by the definition. */
static int encode(uint32_t point, char *out)
{
    if (point < 0x80)
        return out[0] = (char)point, 1;
    const int size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (int i = size - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(lead[size] | point);
    return size;
}

static void test_every_character_is_known_and_nothing_else(void **state)
{
    (void)state;
    char bytes[8];
    for (uint32_t point = 0; point < 0x120000; point++) {
        const int size = encode(point, bytes);
        const bool valid = point < 0x110000 && (point < 0xd800 || point > 0xdfff);
        if (text_character(bytes, sizeof bytes) != (valid ? size : 0))
            fail_msg("U+%04X", point);
        if (size > 1 && text_character(bytes, (size_t)size - 1) != 0)
            fail_msg("U+%04X without its end", point);
    }
    assert_int_equal(text_character("", 0), 0);
    /* Of all first two bytes with good ones behind, 1920 + 65536 - 4096 ... begin a character. */
    int64_t pairs[5] = {0};
    for (int first = 0x80; first < 256; first++)
        for (int other = 0; other < 256; other++) {
            const char four[] = {(char)first, (char)other, '\x80', '\x80'};
            pairs[text_character(four, 4)]++;
        }
    assert_int_equal(pairs[1], 0);
    assert_int_equal(pairs[2], 30 * 64);
    assert_int_equal(pairs[3], 16 * 64 - 32 - 32); /* no overlong forms, no surrogates */
    assert_int_equal(pairs[4], 48 + 3 * 64 + 16);  /* no overlong forms, nothing above U+10FFFF */
}

static medley_status build(text *t, medley_error *err)
{
    for (int i = 0; i < 200; i++) {
        text_add(t, "some words");
        text_format(t, "%d", i);
        text_add_plain(t, "\t");
        text_pad(t, t->length - 2, 6);
    }
    const medley_status status = text_status(t, err);
    if (status == MEDLEY_OK)
        assert_int_equal(t->length, 10 * (10 + 1 + 1 + 4) + 90 * (10 + 2 + 1 + 4) + 100 * (10 + 3 + 1 + 4));
    text_release(t);
    return status;
}

static void test_a_failed_append_is_kept_until_asked_for(void **state)
{
    (void)state;
    text t = {.rt = rt};
    memory.allowed = 0;
    text_add(&t, "lost");
    memory.allowed = -1;
    text_add(&t, "not added either");
    assert_true(t.failed);
    assert_fails(text_status(&t, err), MEDLEY_E_NOMEM, "out of memory while building a text");
    text_release(&t);
    text_add(&t, "usable again");
    assert_ok(text_status(&t, err));
    text_release(&t);
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    text t = {.rt = rt};
    BRUTAL(rt, &memory, build(&t, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appending_grows_a_text_that_ends_with_nul),
        cmocka_unit_test(test_an_empty_text_holds_an_empty_string),
        cmocka_unit_test(test_long_formats_are_whole),
        cmocka_unit_test(test_padding_counts_characters_not_bytes),
        cmocka_unit_test(test_plain_text_has_no_control_characters),
        cmocka_unit_test(test_every_character_is_known_and_nothing_else),
        cmocka_unit_test(test_a_failed_append_is_kept_until_asked_for),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
