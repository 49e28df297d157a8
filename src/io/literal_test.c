#include "io/literal.h"

#include "io/json.h"

#include "fixture.h"

/* A value in one notation: n, b0, 1.5, "text", [..], {"key": ..}. */
static void show(const literal *v, text *out)
{
    char number[32];
    switch (v->kind) {
    case LITERAL_NONE:
        text_add(out, "n");
        break;
    case LITERAL_BOOL:
        text_add(out, v->number != 0 ? "b1" : "b0");
        break;
    case LITERAL_NUMBER:
        number_format(v->number, number, sizeof number);
        text_add(out, number);
        break;
    case LITERAL_TEXT:
        assert_int_equal(strlen(v->text), v->length);
        text_format(out, "\"%s\"", v->text);
        break;
    default:
        text_add(out, v->kind == LITERAL_DICT ? "{" : "[");
        for (const literal *m = v->first; m != NULL; m = m->next) {
            if (v->kind == LITERAL_DICT)
                text_format(out, "%s: ", m->key);
            show(m, out);
            text_add(out, m->next != NULL ? ", " : "");
        }
        text_add(out, v->kind == LITERAL_DICT ? "}" : "]");
    }
}

static void assert_value(const char *bytes, const char *want)
{
    arena a = {.rt = rt};
    text shown = {.rt = rt};
    literal *value;
    assert_ok(literal_parse(&a, bytes, strlen(bytes), &value, err));
    show(value, &shown);
    assert_ok(text_status(&shown, err));
    assert_string_equal(shown.bytes, want);
    text_release(&shown);
    arena_release(&a);
}

static void test_json_and_python_are_read(void **state)
{
    (void)state;
    assert_value("[{'id': 16, 'name': 'Animation'}, {\"id\": 35, \"name\": \"It's\"}]",
                 "[{id: 16, name: \"Animation\"}, {id: 35, name: \"It's\"}]");
    assert_value(" {u'a': u\"x\", 'b': None, 'c': True, 'd': false, 'e': null, 'f': nan} ",
                 "{a: \"x\", b: n, c: b1, d: b0, e: n, f: n}");
    assert_value("('a', 1.50, (1,), [], {}, -3e2,)", "[\"a\", 1.5, [1], [], {}, -300]");
    assert_value("'\\xe9\\u00e9\\ud83d\\ude00\\U0001F600'",
                 "\"\xc3\xa9\xc3\xa9\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"");
    assert_value("'\\ud800 \\' \\\" \\n\\t\\/\\\\'", "\"\xef\xbf\xbd ' \" \n\t/\\\"");
    assert_value("\"caf\xc3\xa9\"", "\"caf\xc3\xa9\"");
    assert_value("''", "\"\"");
}

static void test_what_is_no_value_is_named_by_its_byte(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *want;
    } cases[] = {
        {"", "byte 1: no value where one is needed"},
        {"   ", "byte 4: no value where one is needed"},
        {"[1, 2", "byte 6: a list that is not closed"},
        {"{'a': 1", "byte 8: a dict that is not closed"},
        {"{'a': 1 'b': 2}", "byte 9: no ',' between values"},
        {"{a: 1}", "byte 2: no key where one is needed"},
        {"{u: 1}", "byte 2: no key where one is needed"},
        {"{'a' 1}", "byte 6: no ':' behind a key"},
        {"['abc", "byte 3: a text that is not closed"},
        {"'a\\'", "byte 2: a text that is not closed"},
        {"'\\q'", "byte 3: an escape that neither JSON nor Python knows"},
        {"'\\u12'", "byte 3: an escape without its digits"},
        {"'\\x00'", "byte 3: a NUL character"},
        {"[1,,2]", "byte 4: no value where one is needed"},
        {"[,]", "byte 2: no value where one is needed"},
        {"12a", "byte 1: no value where one is needed"},
        {"[1] x", "byte 5: text behind the value"},
        {"'\xe9'", "byte 2: 0xe9 is not UTF-8"},
        {"__import__('os')", "byte 1: no value where one is needed"},
    };
    arena a = {.rt = rt};
    literal *value;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_fails(literal_parse(&a, cases[i].bytes, strlen(cases[i].bytes), &value, err), MEDLEY_E_FORMAT,
                     cases[i].want);
        assert_null(value);
    }
    assert_fails(literal_parse(&a, "'a\0b'", 5, &value, err), MEDLEY_E_FORMAT, "byte 3: a NUL character");
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    assert_fails(literal_parse(&a, deep, 200, &value, err), MEDLEY_E_FORMAT, "nested deeper than 64 levels");
    assert_ok(literal_parse(&a, deep + 36, 128, &value, err));
    arena_release(&a);
}

static void test_members_are_found_by_key(void **state)
{
    (void)state;
    arena a = {.rt = rt};
    literal *v;
    assert_ok(literal_parse(&a, "{'a': 'x', 'b': 1}", 18, &v, err));
    assert_string_equal(literal_text(v, "a"), "x");
    assert_null(literal_text(v, "b"));
    assert_null(literal_text(v, "c"));
    assert_int_equal(literal_member(v, "b")->kind, LITERAL_NUMBER);
    assert_null(literal_member(v->first, "a"));
    assert_null(literal_member(NULL, "a"));
    arena_release(&a);
}

/* io/json's tree as the same notation. */
static void show_json(const json *v, text *out)
{
    int64_t whole;
    if (json_as_text(v) != NULL) {
        text_format(out, "\"%s\"", json_as_text(v));
    } else if (json_as_int(v, &whole)) {
        text_format(out, "%lld", (long long)whole);
    } else {
        const bool object = json_is_object(v);
        text_add(out, object ? "{" : "[");
        for (int64_t i = 0; i < json_count(v); i++) {
            const char *key;
            const json *m = json_at(v, i, &key);
            text_add(out, i > 0 ? ", " : "");
            if (object)
                text_format(out, "%s: ", key);
            show_json(m, out);
        }
        text_add(out, object ? "}" : "]");
    }
}

static void test_json_means_what_the_json_parser_says(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "[1, 22, -3]", "{\"a\": {\"b\": [\"\\u20ac\\n\", \"\\\"\"]}, \"c\": \"\"}",
        "[\"\\ud83d\\ude00\", [], {}, {\"k\": [[[7]]]}]", " [ 1 ,\t{ \"x\" : \"y\" } ]\n"};
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        text want = {.rt = rt};
        json *v;
        assert_ok(json_parse("x", documents[i], strlen(documents[i]), &v, err));
        show_json(v, &want);
        assert_value(documents[i], want.bytes);
        json_free(v);
        text_release(&want);
    }
}

static medley_status parse_once(const char *bytes, medley_error *err)
{
    arena a = {.rt = rt};
    literal *value;
    const medley_status status = literal_parse(&a, bytes, strlen(bytes), &value, err);
    arena_release(&a);
    return status;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    text big = {.rt = rt};
    text_add(&big, "[");
    for (int i = 0; i < 3000; i++)
        text_format(&big, "%s{'key': 'text %d'}", i > 0 ? ", " : "", i);
    text_add(&big, "]");
    BRUTAL(rt, &memory, parse_once(big.bytes, err), (void)0);
    text_release(&big);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_json_and_python_are_read),  TEST(test_what_is_no_value_is_named_by_its_byte),
        TEST(test_members_are_found_by_key),  TEST(test_json_means_what_the_json_parser_says),
        TEST(test_every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
