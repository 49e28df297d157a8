#include "json_lines_twin.h"

#include "base/base.h"

#include "fixture.h"

static const json_lines_key keys[] = {
    {"user", JSON_LINES_TEXT | JSON_LINES_NUMBER}, {"item", JSON_LINES_TEXT}, {"rating", JSON_LINES_NUMBER}};
enum { KEYS = sizeof keys / sizeof *keys };

/* A block that ends where its padding does, so that a sanitizer sees a byte too far. */
static record_block block_of(const char *bytes, size_t length)
{
    record_block block = {.length = length};
    assert_ok(mem_alloc_zero(rt, (int64_t)length + RECORDS_PADDING, 1, &block.bytes, err));
    memcpy(block.bytes, bytes, length);
    return block;
}

/* "user|item|rating" of a line, or "column key reason". */
static void assert_line(const char *line, const char *want)
{
    text content = {.rt = rt}, got = {.rt = rt};
    json_lines_table t = {.fault_count = 0};
    text_format(&content, "%s\n", line);
    record_block block = block_of(content.bytes, (size_t)content.length);
    assert_ok(json_lines_parse(rt, &block, keys, KEYS, &t, err));
    assert_int_equal(t.fields.row_count, 1);
    assert_int_equal(t.fields.row_end[0], t.fields.field_count);
    for (int64_t i = 0; i < t.fields.field_count; i++) {
        text_add(&got, i > 0 ? "|" : "");
        text_append(&got, block.bytes + t.fields.fields[i].start,
                    t.fields.fields[i].end - t.fields.fields[i].start);
    }
    if (t.fault_count > 0)
        text_format(&got, "%u %s %s", t.faults[0].column, t.faults[0].key, t.faults[0].reason);
    assert_ok(text_status(&got, err));
    assert_string_equal(got.bytes, want);
    json_lines_release(&t);
    mem_free(block.bytes);
    text_release(&content);
    text_release(&got);
}

static void test_wanted_members_are_found_in_any_order(void **state)
{
    (void)state;
    assert_line("{\"user\": \"u\", \"item\": \"i\", \"rating\": 4.5}", "u|i|4.5");
    assert_line("{\"rating\":-1e3,\"item\":\"\",\"user\":17}\r", "17||-1e3");
    assert_line(" { \"a\" : [1, {\"user\": \"no\"}, \"]\"] , \"user\":\"u\" ,\"b\":{},\"item\":\"i\",\"c\":null,"
                "\"d\":true,\"rating\" : 0 } ",
                "u|i|0");
    assert_line(
        "{\"x\": \"a string of more than sixteen bytes, with \\\"quotes\\\" and a \\\\\", \"user\": \"u\", "
        "\"item\": \"an item whose name is longer than one register of sixty-four bytes, by far, you see\", "
        "\"rating\": 1}",
        "u|an item whose name is longer than one register of sixty-four bytes, by far, you see|1");
    assert_line("", "");
    assert_line("  \t", "");
}

static void test_escapes_of_wanted_texts_are_replaced(void **state)
{
    (void)state;
    assert_line("{\"user\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"item\": \"\\u0041\\u00e9\\u20AC\\ud83d\\ude00z\", "
                "\"rating\": 1}",
                "\"\\/\b\f\n\r\t|A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z|1");
    static const char *const wrong[] = {"\\x",     "\\u12",  "\\u12g4", "\\ud800", "\\ud800\\u0041",
                                        "\\udc00", "\\u0000"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[100];
        snprintf(line, sizeof line, "{\"user\": \"%s\", \"item\": \"i\", \"rating\": 1}", wrong[i]);
        assert_line(line, "11 user has an escape that JSON does not know");
    }
}

static void test_a_line_that_is_not_in_order_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *want;
    } cases[] = {
        {"x", "1  not a JSON object"},
        {"[{\"user\": 1}]", "1  not a JSON object"},
        {"{", "2  no key where one is needed"},
        {"{}", "3 user is missing"},
        {"{}}", "3  text behind the object"},
        {"{\"user\": 1, \"item\": \"i\", \"rating\": 1}}", "38  text behind the object"},
        {"{\"user\": 1, \"item\": \"i\", \"rating\": 1} {", "39  text behind the object"},
        {"{\"user\": 1, \"item\": \"i\"}", "25 rating is missing"},
        {"{\"user\": 1, \"user\": 2, \"item\": \"i\", \"rating\": 1}", "21 user comes twice"},
        {"{\"user\": [1], \"item\": \"i\", \"rating\": 1}", "10 user is neither text nor number"},
        {"{\"user\": 1, \"item\": 2, \"rating\": 1}", "21 item is not a text"},
        {"{\"user\": 1, \"item\": \"i\", \"rating\": \"1\"}", "37 rating is not a number"},
        {"{\"user\": 1, \"item\": \"i\", \"rating\": null}", "36 rating is not a number"},
        {"{\"user\": 1,}", "12  no key where one is needed"},
        {"{\"user\" 1}", "9  no ':' behind a key"},
        {"{\"user\": 1 2}", "12  no ',' or '}' behind a value"},
        {"{\"user\": nul}", "10  no value where one is needed"},
        {"{\"user\": }", "10  no value where one is needed"},
        {"{\"user\": 1x}", "10  no value where one is needed"},
        {"{\"user\": \"u}", "13  a string that is not closed"},
        {"{\"user\": \"u\\", "12  a string that is not closed"},
        {"{\"user\": \"a\tb\"}", "12  a control character in a string"},
        {"{\"a\": [1, 2}", "12  brackets that do not pair up"},
        {"{\"a\": [1, {\"b\": 2}", "19  brackets that are not closed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_line(cases[i].line, cases[i].want);
    text deep = {.rt = rt};
    for (int levels = 63; levels <= 64; levels++) {
        deep.length = 0;
        text_add(&deep, "{\"user\": 1, \"item\": \"i\", \"rating\": 1, \"x\": ");
        for (int i = 0; i < 2 * levels; i++)
            text_add(&deep, i < levels ? "[" : "]");
        text_add(&deep, "}");
        assert_line(deep.bytes, levels == 63 ? "1|i|1" : "107  nested deeper than 64 levels");
    }
    text_release(&deep);
}

static void test_rows_and_faults_keep_their_lines(void **state)
{
    (void)state;
    static const char content[] =
        "{\"user\":1,\"item\":\"a\",\"rating\":1}\n\nbad\n{\"user\":2,\"item\":\"\xc3\xa9\","
        "\"rating\":2}\n{\n";
    static const uint32_t ends[] = {3, 4, 4, 7, 7};
    json_lines_table t = {.fault_count = 0};
    for (int again = 0; again < 2; again++) { /* a table is used many times */
        record_block block = block_of(content, sizeof content - 1);
        assert_ok(json_lines_parse(rt, &block, keys, KEYS, &t, err));
        assert_int_equal(t.fields.row_count, 5);
        assert_memory_equal(t.fields.row_end, ends, sizeof ends);
        assert_int_equal(t.fault_count, 2);
        assert_int_equal(t.faults[0].row, 2);
        assert_int_equal(t.faults[1].row, 4);
        assert_false(t.fields.ascii);
        mem_free(block.bytes);
    }
    json_lines_release(&t);
}

/* Lines changed at random, checked against the slow twin; some are still JSON, most are not. */
static void test_the_slow_twin_agrees(void **state)
{
    (void)state;
    static const char *const seeds[] = {
        "{\"user\": \"u\\u00e9\", \"item\": \"i\", \"rating\": 4.5, \"x\": [1, {\"y\": \"]\"}]}",
        "{\"rating\":1e2,\"item\":\"\",\"user\":-3, \"text\": \"long enough for more than one step of the scan\"}",
        "{\"a\":{},\"user\":1,\"item\":\"\xc3\xa9\",\"rating\":10}",
    };
    static const char letters[] = "{}[]\",:\\ 0-eE.un\t";
    int accepted = 0;
    for (uint64_t n = 0; n < 30000; n++) {
        char line[200];
        const char *seed = seeds[n % 3];
        size_t length = strlen(seed);
        memcpy(line, seed, length);
        for (uint64_t change = 0; change < n / 3 % 4; change++) {
            const size_t at = (size_t)(random_bits(1, n, 3 * change) % length);
            const char letter = letters[random_bits(1, n, 3 * change + 1) % (sizeof letters - 1)];
            if (random_bits(1, n, 3 * change + 2) % 2 == 0) {
                line[at] = letter;
            } else {
                memmove(line + at, line + at + 1, length - at - 1);
                length--;
            }
        }
        line[length] = '\n';
        record_block block = block_of(line, length + 1);
        json_lines_table t = {.fault_count = 0};
        assert_ok(json_lines_parse(rt, &block, keys, KEYS, &t, err));
        const bool good = t.fields.field_count == KEYS;
        accepted += good;
        if (!twin_check(line, length, keys, KEYS, block.bytes, good ? t.fields.fields : NULL))
            fail_msg("case %llu: %.*s", (unsigned long long)n, (int)length, line);
        json_lines_release(&t);
        mem_free(block.bytes);
    }
    assert_in_range(accepted, 9000, 20000);
}

static void test_a_replaced_line_end_ends_no_line(void **state)
{
    (void)state;
    static const char content[] = "{\"user\":\"a\\nb\\nc\\x\",\"item\":\"a\",\"rating\":1}\n"
                                  "{\"user\":\"a\\nb\",\"item\":\"\\x\",\"rating\":1}\n";
    json_lines_table t = {.fault_count = 0};
    record_block block = block_of(content, sizeof content - 1);
    assert_ok(json_lines_parse(rt, &block, keys, KEYS, &t, err));
    assert_int_equal(t.fields.row_count, 2);
    assert_int_equal(t.fault_count, 2);
    json_lines_release(&t);
    mem_free(block.bytes);
}

static void test_strings_of_every_length_end_where_they_end(void **state)
{
    (void)state;
    for (int length = 0; length < 300; length++)
        for (int escape = 0; escape < 2; escape++) {
            text line = {.rt = rt}, want = {.rt = rt};
            text_add(&line, "{\"user\": 1, \"rating\": 2, \"item\": \"");
            text_add(&want, "1|");
            for (int i = 0; i < length; i++) {
                text_add(&line, escape == 1 && i == length / 2 ? "\\n" : "a");
                text_add(&want, escape == 1 && i == length / 2 ? "\n" : "a");
            }
            text_add(&line, "\"}");
            text_add(&want, "|2");
            assert_line(line.bytes, want.bytes);
            text_release(&line);
            text_release(&want);
        }
}

static void test_members_are_found_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool has;
    } cases[] = {{"{\"user\": 1}\n", true},
                 {"{\"a\": {\"user\": 1}}\n", false},
                 {"{\"a\": 1, \"user\": []}\n", true},
                 {"[\"user\"]\n", false},
                 {"{\"user\"\n", false},
                 {"\n", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        record_block block = block_of(cases[i].line, strlen(cases[i].line));
        assert_int_equal(json_lines_has(block.bytes, "user"), cases[i].has);
        mem_free(block.bytes);
    }
}

static medley_status parse_once(record_block *block, medley_error *err)
{
    json_lines_table t = {.fault_count = 0};
    const medley_status status = json_lines_parse(rt, block, keys, KEYS, &t, err);
    json_lines_release(&t);
    return status;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    static const char content[] = "{\"user\":1,\"item\":\"a\",\"rating\":1}\nbad\n";
    record_block block = block_of(content, sizeof content - 1);
    BRUTAL(rt, &memory, parse_once(&block, err), (void)0);
    mem_free(block.bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wanted_members_are_found_in_any_order),
        TEST(test_escapes_of_wanted_texts_are_replaced),
        TEST(test_a_line_that_is_not_in_order_is_refused),
        TEST(test_rows_and_faults_keep_their_lines),
        TEST(test_the_slow_twin_agrees),
        TEST(test_a_replaced_line_end_ends_no_line),
        TEST(test_strings_of_every_length_end_where_they_end),
        TEST(test_members_are_found_by_name),
        TEST(test_every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
