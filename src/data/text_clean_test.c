#include "data/text_clean.h"

#include "fixture.h"

static void assert_cleaned(const char *bytes, size_t length, bool lower_case, const char *want)
{
    const text_clean_options options = {.lower_case = lower_case};
    text out = {.rt = rt};
    text_append(&out, "", 0);
    assert_ok(text_clean(rt, &options, bytes, length, &out, err));
    if (strcmp(out.bytes, want) != 0)
        fail_msg("'%.*s' became '%s', not '%s'", (int)length, bytes, out.bytes, want);
    text_release(&out);
}

static void test_markup_becomes_text(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *want;
    } cases[] = {
        {"Tom &amp; Jerry &#39;s &eacute;", "Tom & Jerry 's \xc3\xa9"},
        {"<p>One<br>Two</p><ul><li>a</li><li>b</li></ul>", "One Two a b"},
        {"a <b>bo</b>ld word and <i>it</i>alics", "a bold word and italics"},
        {"<script>alert('x')</script>Text<style>p {}</style>", "Text"},
        {"<!-- hidden -->Seen", "Seen"},
        {"a < b & c > d", "a < b & c > d"},
        {"I <3 you", "I <3 you"},
        {"AT&T; R&D", "AT&T; R&D"},
        {"<a href=\"http://x\">link", "link"},
        {"unclosed <b", "unclosed <b"},
        {"&nbsp;x&nbsp;", "x"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_cleaned(cases[i].bytes, strlen(cases[i].bytes), false, cases[i].want);
}

static void test_unicode_has_one_form_and_spaces_are_single(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *want;
    } cases[] = {
        {"  a \t\r\n b\x01"
         "c\x7f ",
         "a b c"},
        {"cafe\xcc\x81", "caf\xc3\xa9"},                        /* e, acute: composed */
        {"\xef\xac\x81sh \xef\xbc\xa1\xef\xbc\x91", "fish A1"}, /* ligature, full width */
        {"a\xc2\xa0"
         "b\xe3\x80\x80"
         "c\xe2\x80\xa8"
         "d",
         "a b c d"},
        {"\xef\xbb\xbfzero\xe2\x80\x8bwidth soft\xc2\xadhyphen", "zerowidth softhyphen"},
        {"q\xcc\xa3\xcc\x87 q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87 q\xcc\xa3\xcc\x87"}, /* marks in one order */
        {"bad \xe9 byte", "bad \xef\xbf\xbd byte"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"   ", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_cleaned(cases[i].bytes, strlen(cases[i].bytes), false, cases[i].want);
    assert_cleaned("GR\xc3\x9c\xc3\x9f"
                   "E Tom",
                   11, true,
                   "gr\xc3\xbc\xc3\x9f"
                   "e tom");
    assert_cleaned("a\0b", 3, false, "a b");
}

/* What is clean stays as it is: cleaning twice is cleaning once. */
static void test_cleaning_twice_is_cleaning_once(void **state)
{
    (void)state;
    static const char *const words[] = {"word",         " ",
                                        "\xc3\xa9",     "e\xcc\x81",
                                        "\xef\xac\x81", "\n",
                                        "\xe2\x80\x8b", "\xe3\x80\x80",
                                        "\xea\xb0\x80", "o\xcc\xa3\xcc\x82",
                                        "\xe0\xa4\x95", "!"};
    const text_clean_options options = {.lower_case = false};
    for (uint64_t n = 0; n < 200; n++) {
        text source = {.rt = rt}, once = {.rt = rt};
        text_append(&once, "", 0);
        for (uint64_t i = 0; i < n * 5; i++)
            text_add(&source, words[random_bits(1, n, i) % (sizeof words / sizeof *words)]);
        text_append(&source, "", 0);
        assert_ok(text_clean(rt, &options, source.bytes, (size_t)source.length, &once, err));
        assert_cleaned(once.bytes, (size_t)once.length, false, once.bytes);
        text_release(&source);
        text_release(&once);
    }
}

static void test_long_and_hostile_texts_end(void **state)
{
    (void)state;
    text marks = {.rt = rt}, tags = {.rt = rt}, out = {.rt = rt};
    const text_clean_options options = {.lower_case = true};
    text_add(&marks, "a");
    for (int i = 0; i < 200000; i++)
        text_add(&marks, i % 2 == 0 ? "\xcc\xa3" : "\xcc\x81");
    for (int i = 0; i < 100000; i++)
        text_add(&tags, "<div>");
    text_add(&tags, "end");
    assert_ok(text_clean(rt, &options, marks.bytes, (size_t)marks.length, &out, err));
    assert_true(out.length > 300000);
    assert_ok(text_clean(rt, &options, tags.bytes, (size_t)tags.length, &out, err));
    text_release(&marks);
    text_release(&tags);
    text_release(&out);
}

static medley_status clean_once(const char *bytes, medley_error *err)
{
    const text_clean_options options = {.lower_case = true};
    text out = {.rt = rt};
    const medley_status status = text_clean(rt, &options, bytes, strlen(bytes), &out, err);
    text_release(&out);
    return status;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, clean_once("<p>A longer \xc3\xa9 text &amp; more of it</p>", err), (void)0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_markup_becomes_text),
        TEST(test_unicode_has_one_form_and_spaces_are_single),
        TEST(test_cleaning_twice_is_cleaning_once),
        TEST(test_long_and_hostile_texts_end),
        TEST(test_every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
