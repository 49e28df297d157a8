#include "testing.h"

#include "base/base.h"
#include "data/words.h"

/* "word:letters " of each */
static const char *listed(const medley_runtime *rt, const char *bytes, size_t length, text *out)
{
    words w = {bytes, length, 0};
    text word = {.rt = rt};
    out->length = 0;
    text_add(out, "");
    for (int64_t letters; (letters = words_next(&w, &word)) > 0;)
        text_format(out, "%.*s:%lld ", (int)word.length, word.bytes, (long long)letters);
    text_release(&word);
    return out->bytes;
}

static void test_words_are_folded_runs_of_letters_and_digits(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"... -- !", ""},
        {"a", "a:1 "},
        {"The CAT, 2nd cat.", "the:3 cat:3 2nd:3 cat:3 "},
        {"Straße ÉTÉ", "strasse:6 été:3 "},
        {"don't", "don:3 t:1 "},
        {"\xff"
         "ab\xc3",
         "ab:2 "},
        {"a\xe2\x80\x94"
         "b",
         "a:1 b:1 "},
        {"日本 x", "日本:2 x:1 "},
    };
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    text out = {.rt = rt};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(listed(rt, cases[i].text, strlen(cases[i].text), &out), cases[i].want);
    assert_string_equal(listed(rt, "x\0y", 3, &out), "x:1 y:1 ");
    assert_string_equal(listed(rt, "abc", 2, &out), "ab:2 ");
    text_release(&out);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words_are_folded_runs_of_letters_and_digits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
