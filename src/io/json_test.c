#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

/* jansson's, to make its allocations fail; jansson.h itself cannot be included beside io/json.h. */
void json_set_alloc_funcs(void *(*allocate)(size_t), void (*release)(void *));

static int64_t jansson_allowed = -1, jansson_live;

static void *count_alloc(size_t size)
{
    if (jansson_allowed >= 0 && jansson_allowed-- == 0) {
        jansson_allowed = 0;
        return NULL;
    }
    jansson_live++;
    return malloc(size);
}

static void count_free(void *block)
{
    jansson_live -= block != NULL;
    free(block);
}

#include "io/json.h"

static test_memory memory;
static medley_runtime *rt;

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 1);
    json_set_alloc_funcs(count_alloc, count_free);
    jansson_live = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(jansson_live, 0);
    test_runtime_end(rt, &memory);
    return 0;
}

static json *parse(const char *document)
{
    json *value;
    assert_ok(json_parse("x.json", document, strlen(document), &value, err));
    return value;
}

static medley_status parse_and_free(const char *bytes, size_t length, medley_error *err)
{
    json *value;
    TRY(json_parse("x.json", bytes, length, &value, err));
    json_free(value);
    return MEDLEY_OK;
}

static void test_members_are_read_by_type(void **state)
{
    (void)state;
    int64_t i;
    double d;
    bool b;
    json *o = parse("{\"text\": \"caf\\u00e9\", \"int\": -9223372036854775808, \"real\": 2.5, \"yes\": true, "
                    "\"none\": null, \"list\": [1, \"two\"], \"object\": {\"z\": 1, \"a\": 2}}");
    assert_string_equal(json_text(o, "text"), "caf\xc3\xa9");
    assert_null(json_text(o, "int"));
    assert_true(json_int(o, "int", &i));
    assert_true(i == INT64_MIN);
    assert_false(json_int(o, "real", &i));
    assert_true(json_real(o, "real", &d));
    assert_true(d == 2.5);
    assert_true(json_real(o, "int", &d));
    assert_true(json_bool(o, "yes", &b) && b);
    assert_false(json_bool(o, "none", &b));
    assert_null(json_text(o, "missing"));
    assert_null(json_member(o, "missing"));
    assert_null(json_text(NULL, "missing"));
    const json *list = json_member(o, "list"), *object = json_member(o, "object");
    assert_true(json_is_array(list) && !json_is_object(list));
    assert_int_equal(json_count(list), 2);
    assert_true(json_as_int(json_at(list, 0, NULL), &i));
    assert_int_equal(i, 1);
    assert_string_equal(json_as_text(json_at(list, 1, NULL)), "two");
    assert_null(json_at(list, 2, NULL));
    assert_null(json_at(list, -1, NULL));
    const char *key;
    assert_int_equal(json_count(object), 2);
    assert_true(json_as_int(json_at(object, 0, &key), &i));
    assert_string_equal(key, "z"); /* file order */
    assert_non_null(json_at(object, 1, &key));
    assert_string_equal(key, "a");
    assert_int_equal(json_count(NULL), 0);
    json_free(o);
    json_free(NULL);
}

static void test_bad_documents_are_refused_with_their_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "x.json:1:0: "},
        {"{\n  \"a\": }", "x.json:2:8: unexpected token near '}'"},
        {"{\"a\": 1, \"a\": 2}", "duplicate object key"},
        {"{} x", "end of file expected near 'x'"},
        {"{} {}", "end of file expected"},
        {"[1,]", "unexpected token"},
        {"[01]", "x.json:1:2: invalid token"},
        {"[\"\xff\"]", "unable to decode byte 0xff"},
        {"[\"\\u0000\"]", "\\u0000 is not allowed"},
        {"[\"\\ud800\"]", "invalid Unicode"},
        {"[9223372036854775808]", "too big integer"},
        {"[1e999]", "real number overflow"},
        {"[NaN]", "invalid token"},
        {"'a'", "invalid token"},
        {"[\"a\nb\"]", "unexpected newline"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(parse_and_free(cases[i][0], strlen(cases[i][0]), err), MEDLEY_E_FORMAT, cases[i][1]);
    assert_fails(parse_and_free("[1]\0", 4, err), MEDLEY_E_FORMAT, "x.json:1:");
}

static void test_nesting_is_bounded(void **state)
{
    (void)state;
    enum { MOST = 64, MANY = 1000000 };
    static char deep[2 * MANY];
    for (int depth = MOST; depth <= MOST + 1; depth++) {
        memset(deep, '[', (size_t)depth);
        memset(deep + depth, ']', (size_t)depth);
        const size_t length = 2 * (size_t)depth;
        if (depth == MOST)
            assert_ok(parse_and_free(deep, length, err));
        else
            assert_fails(parse_and_free(deep, length, err), MEDLEY_E_FORMAT, "nested deeper than the 64 levels");
    }
    memset(deep, '[', MANY);
    assert_fails(parse_and_free(deep, MANY, err), MEDLEY_E_FORMAT, "nested deeper");
    /* Brackets in texts do not count. */
    memset(deep, '[', MOST * 4);
    deep[1] = deep[MOST * 4 - 2] = '"';
    deep[2] = '\\', deep[3] = '"';
    deep[MOST * 4 - 1] = ']';
    assert_ok(parse_and_free(deep, MOST * 4, err));
}

/* {"name": "x\n\"y\"", "counts": [1, 2], "nested": {"ratio": 0.5, "none": null, "ok": true}} */
static medley_status build(text *out, int indent, medley_error *err)
{
    json *o = json_new_object(), *counts = json_new_array(), *nested = json_new_object();
    json_set_text(o, "name", "x\n\"y\"");
    json_append_int(counts, 1);
    json_append_int(counts, 2);
    json_append_text(counts, "three");
    json_append(counts, json_new_object());
    json_set(o, "counts", counts);
    json_set_real(nested, "ratio", 0.5);
    json_set_real(nested, "none", 1e308 * 10);
    json_set_bool(nested, "ok", true);
    json_set(o, "nested", nested);
    const medley_status status = json_render(o, indent, out, err);
    json_free(o);
    if (status != MEDLEY_OK)
        text_release(out);
    return status;
}

static void test_what_is_built_is_rendered_in_order(void **state)
{
    (void)state;
    text out = {.rt = rt};
    assert_ok(build(&out, 0, err));
    assert_string_equal(out.bytes, "{\"name\": \"x\\n\\\"y\\\"\", \"counts\": [1, 2, \"three\", {}], "
                                   "\"nested\": {\"ratio\": 0.5, \"none\": null, \"ok\": true}}");
    text_release(&out);
    assert_ok(build(&out, 2, err));
    assert_non_null(strstr(out.bytes, "{\n  \"name\": "));
    text_release(&out);
}

static void test_reals_keep_all_their_digits(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 500; i++) {
        text out = {.rt = rt};
        double want, got;
        const uint64_t bits = random_bits(3, 0, i);
        memcpy(&want, &bits, 8);
        if (!(want - want == 0))
            continue; /* not finite */
        json *o = json_new_object();
        json_set_real(o, "x", want);
        assert_ok(json_render(o, 0, &out, err));
        json_free(o);
        o = parse(out.bytes);
        assert_true(json_real(o, "x", &got));
        assert_memory_equal(&want, &got, 8);
        json_free(o);
        text_release(&out);
    }
}

static void test_a_missing_value_is_a_failure_of_the_rendering(void **state)
{
    (void)state;
    text out = {.rt = rt};
    assert_fails(json_render(NULL, 0, &out, err), MEDLEY_E_NOMEM, "out of memory while building JSON");
    json *o = json_new_object();
    json_set(o, "a", NULL);
    assert_fails(json_render(o, 0, &out, err), MEDLEY_E_NOMEM, "out of memory while building JSON");
    json_set(NULL, "a", o);
    o = json_new_array();
    json_append(o, NULL);
    json_append(o, NULL);
    assert_fails(json_render(o, 0, &out, err), MEDLEY_E_NOMEM, "out of memory while building JSON");
    json_append(NULL, o);
    json_set_int(NULL, "a", 1);
    o = json_new_object();
    json_set_text(o, "a", NULL);
    json_set_text(o, "b", "Latin-1 \xe9");
    assert_fails(json_render(o, 0, &out, err), MEDLEY_E_FORMAT, "not UTF-8");
    json_free(o);
    text_release(&out);
}

static void test_every_allocation_of_ours_can_fail(void **state)
{
    (void)state;
    text out = {.rt = rt};
    BRUTAL(rt, &memory, build(&out, 2, err), text_release(&out));
}

static void test_every_allocation_of_janssons_can_fail(void **state)
{
    (void)state;
    static const char document[] = "{\"a\": [1, 2.5, \"three\", {\"b\": null}], \"c\": true}";
    text out = {.rt = rt};
    medley_status status = MEDLEY_E_NOMEM;
    int64_t allowed = 0;
    for (; status != MEDLEY_OK; allowed++) {
        text_release(&out);
        jansson_allowed = allowed;
        status = build(&out, 2, NULL);
        assert_true(status == MEDLEY_OK || status == MEDLEY_E_NOMEM || status == MEDLEY_E_FORMAT);
        assert_int_equal(jansson_live, 0);
    }
    assert_true(allowed > 10);
    text_release(&out);
    status = MEDLEY_E_NOMEM;
    for (allowed = 0; status != MEDLEY_OK; allowed++) {
        jansson_allowed = allowed;
        status = parse_and_free(document, sizeof document - 1, NULL);
        assert_int_equal(jansson_live, 0);
    }
    assert_true(allowed > 10);
    jansson_allowed = -1;
}

static void test_members_are_walked_in_the_order_of_the_file(void **state)
{
    (void)state;
    json *whole;
    void *walk = NULL;
    const char *key;
    int64_t value;
    assert_ok(json_parse("x.json", "{\"b\": 1, \"a\": 2}", 16, &whole, err));
    assert_true(json_as_int(json_next(whole, &walk, &key), &value) && value == 1);
    assert_string_equal(key, "b");
    assert_true(json_as_int(json_next(whole, &walk, &key), &value) && value == 2);
    assert_string_equal(key, "a");
    assert_null(json_next(whole, &walk, &key));
    assert_null(key);
    json_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_members_are_read_by_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_documents_are_refused_with_their_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nesting_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_built_is_rendered_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reals_keep_all_their_digits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_missing_value_is_a_failure_of_the_rendering, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_of_ours_can_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_of_janssons_can_fail, set_up, tear_down),
        cmocka_unit_test(test_members_are_walked_in_the_order_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
