#include "data/facts.h"

#include "io/json.h"

#include "fixture.h"

static void test_texts_become_json_that_reads_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"plain", "a \"b\" \\ c", "two\nlines\tand \x01\x1f",
                                        "\xc3\xa9 \xf0\x9f\x98\x80", "/"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        text out = {.rt = rt};
        json *value;
        facts_append_json(&out, texts[i], strlen(texts[i]));
        assert_ok(json_parse("x", out.bytes, (size_t)out.length, &value, err));
        assert_string_equal(json_as_text(value), texts[i]);
        json_free(value);
        text_release(&out);
    }
}

static void test_lists_hold_each_value_once_and_not_too_many(void **state)
{
    (void)state;
    static const char *const values[] = {"a", "b", "a", "", "ab", "\"a", "b", "c", "a\", \"b"};
    fact_rows f;
    facts_init(&f, rt);
    facts_row(&f, "id", 2);
    for (int most = 0; most <= 2; most += 2) {
        facts_list_begin(&f, "list", most);
        for (size_t i = 0; i < sizeof values / sizeof *values; i++)
            facts_list_add(&f, values[i], strlen(values[i]));
        facts_list_end(&f);
    }
    facts_list_begin(&f, "none", 0);
    facts_list_add(&f, "", 0);
    facts_list_end(&f);
    assert_ok(facts_status(&f, err));
    assert_string_equal(f.first->first->value, "[\"a\", \"b\", \"ab\", \"\\\"a\", \"c\", \"a\\\", \\\"b\"]");
    assert_string_equal(f.first->first->next->value, "[\"a\", \"b\"]");
    assert_null(f.first->first->next->next);
    facts_list_begin(&f, "long", 0);
    for (int i = 0; i < 2000; i++) {
        char value[16];
        facts_list_add(&f, value, (size_t)snprintf(value, sizeof value, "%d", i));
    }
    assert_int_equal(f.listed, 1000);
    facts_release(&f);
}

static void test_a_row_can_be_taken_back(void **state)
{
    (void)state;
    fact_rows f;
    facts_init(&f, rt);
    facts_row(&f, "a", 1);
    facts_row(&f, "b", 1);
    facts_drop(&f);
    facts_drop(&f); /* there is none being filled */
    facts_row(&f, "c", 1);
    facts_add_number(&f, "n", 0.1);
    facts_add_text(&f, "t", "", 0);
    facts_title(&f, "", 0);
    assert_string_equal(f.first->id, "a");
    assert_string_equal(f.first->next->id, "c");
    assert_string_equal(f.first->next->first->value, "0.1");
    assert_null(f.first->next->first->next);
    assert_null(f.first->next->title);
    assert_null(f.first->next->next);
    facts_clear(&f);
    facts_drop(&f);
    assert_null(f.first);
    facts_release(&f);
}

static void test_titles_and_texts_are_cleaned_when_asked_for(void **state)
{
    (void)state;
    static const char raw[] = " Tom &amp; <b>Jerry</b> ";
    fact_rows f;
    for (int clean = 0; clean < 3; clean++) {
        facts_init(&f, rt);
        f.clean = clean > 0;
        f.lower_case = clean > 1;
        facts_row(&f, "a", 1);
        facts_title(&f, raw, sizeof raw - 1);
        facts_text(&f, "   ", 3);
        facts_image(&f, raw, sizeof raw - 1);
        assert_ok(facts_status(&f, err));
        assert_string_equal(f.first->title, clean == 0 ? raw : clean == 1 ? "Tom & Jerry" : "tom & jerry");
        assert_true((f.first->text == NULL) == (clean > 0));
        assert_string_equal(f.first->image, raw);
        facts_release(&f);
    }
}

static medley_status fill(medley_error *err)
{
    static const char longer[10000] = "image";
    fact_rows f;
    facts_init(&f, rt);
    f.clean = true;
    for (int i = 0; i < 12 && !f.failed; i++) {
        facts_row(&f, "an id", 5);
        facts_title(&f, "A <i>title</i> of \xc3\xa9 some length", 28);
        facts_add_text(&f, "text", "a value that is long enough to need room", 40);
        facts_list_begin(&f, "list", 0);
        facts_list_add(&f, "one", 3);
        facts_list_end(&f);
        facts_image(&f, longer, sizeof longer); /* for more than one chunk of the arena */
    }
    const medley_status status = facts_status(&f, err);
    facts_release(&f);
    return status;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, fill(err), (void)0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_texts_become_json_that_reads_back), TEST(test_lists_hold_each_value_once_and_not_too_many),
        TEST(test_a_row_can_be_taken_back),           TEST(test_titles_and_texts_are_cleaned_when_asked_for),
        TEST(test_every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
