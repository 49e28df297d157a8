#include "testing.h"

#include <stdio.h>

#include "io/yaml.h"

#include "fixture.h"

/* Writes each pair as "line key=value;". */
static medley_status note_pair(void *context, const char *key, const char *value, int line, medley_error *err)
{
    if (strcmp(key, "refuse") == 0)
        return fail(err, MEDLEY_E_CONFIG, "no such key");
    text_format(context, "%d %s=%s;", line, key, value);
    return MEDLEY_OK;
}

static medley_status read_text(const char *document, text *pairs, medley_error *err)
{
    const medley_status status = yaml_read(rt, "exp.yaml", document, strlen(document), note_pair, pairs, err);
    if (status != MEDLEY_OK)
        text_release(pairs);
    return status;
}

static void assert_pairs(const char *document, const char *want)
{
    text pairs = {.rt = rt};
    assert_ok(read_text(document, &pairs, err));
    assert_string_equal(pairs.bytes != NULL ? pairs.bytes : "", want);
    text_release(&pairs);
}

static void test_plain_keys_scalars_and_lists_are_read(void **state)
{
    (void)state;
    assert_pairs("", "");
    assert_pairs("# only a comment\n", "");
    assert_pairs("---\n", "");
    assert_pairs("\xef\xbb\xbf# with a byte order mark\na: 1\n", "2 a=1;");
    assert_pairs("model: ease\nreg: 1e-4 # comment\n\nseed:   7\n", "1 model=ease;2 reg=1e-4;4 seed=7;");
    assert_pairs("cutoffs: [5, 10, 20]\nname: x\n", "1 cutoffs=5,10,20;2 name=x;");
    assert_pairs("cutoffs:\n  - 5\n  - 10\nnone: []\nempty:\n", "1 cutoffs=5,10;4 none=;5 empty=;");
    assert_pairs("{a: 1, b: 'two'}", "1 a=1;1 b=two;");
    assert_pairs("a: \"x: # \\u00e9\"\r\nb: 'it''s'\r\n", "1 a=x: # \xc3\xa9;2 b=it's;");
    assert_pairs("a: |\n  two\n  lines\nb: 1\n", "1 a=two\nlines\n;4 b=1;");
    assert_pairs("a: 0x10\nb: yes\nc: ~\n", "1 a=0x10;2 b=yes;3 c=~;");
    assert_pairs("path: /data/it:em\ntime: 12:30\n...\n", "1 path=/data/it:em;2 time=12:30;");
}

static void test_what_is_not_accepted_is_refused_with_its_line(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a: 1\nb:\n  c: 2\n", "exp.yaml:3: a nested mapping; accepted: keys with a scalar or a list of scalars"},
        {"a: 1\n\na: 2\n", "exp.yaml:3: key 'a' is given twice"},
        {"a: [1, [2]]\n", "exp.yaml:1: a list; accepted"},
        {"a: [{b: 1}]\n", "exp.yaml:1: a nested mapping"},
        {"a:\n- x\n- 'b,c'\n", "exp.yaml:3: item 'b,c' of 'a' holds a comma"},
        {"- a\n- b\n", "exp.yaml:1: a list"},
        {"just text\n", "exp.yaml:1: a lone scalar"},
        {"a: 1\n---\nb: 2\n", "exp.yaml:2: a second document"},
        {"a: &x 1\nb: *x\n", "exp.yaml:1: an anchor (&)"},
        {"a: &x [1]\n", "exp.yaml:1: an anchor (&)"},
        {"&x\na: 1\n", "an anchor (&)"},
        {"a: 1\nb: *x\n", "exp.yaml:2: an alias (*)"},
        {"a: !!int 1\n", "exp.yaml:1: a tag (!)"},
        {"a: !x [1]\n", "exp.yaml:1: a tag (!)"},
        {"!x {a: 1}\n", "exp.yaml:1: a tag (!)"},
        {"? [a, b]\n: 1\n", "exp.yaml:1: a list"},
        {"a: 1\n b: 2\n", "exp.yaml:2: mapping values are not allowed"},
        {"a: 1\nb: [1, 2\n", "exp.yaml:3: did not find expected ',' or ']'"},
        {"a: 'open\n", "exp.yaml:2: found unexpected end of stream"},
        {"a: \"\\0\"\n", "exp.yaml:1: a NUL character"},
        {"a: 1\nb: \"caf\xe9\"\n", "exp.yaml:2: invalid trailing UTF-8 octet"},
        {"a: 1\nb: \x01\n", "exp.yaml:2: control characters are not allowed"},
        {"a: 1\n\tb: 2\n", "exp.yaml:2: found a tab character that violates indentation"},
        {"%YAML 9.9\n---\na: 1\n", "exp.yaml:1: found incompatible YAML document"},
    };
    text pairs = {.rt = rt};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(read_text(cases[i][0], &pairs, err), MEDLEY_E_FORMAT, cases[i][1]);
    assert_fails(yaml_read(rt, "exp.yaml", "a: 1\nb: \0 2\n", 12, note_pair, &pairs, err), MEDLEY_E_FORMAT,
                 "exp.yaml:2: control characters are not allowed");
    text_release(&pairs);
}

static void test_a_failure_of_the_receiver_is_passed_on(void **state)
{
    (void)state;
    text pairs = {.rt = rt};
    assert_fails(read_text("a: 1\nrefuse: 2\nb: 3\n", &pairs, err), MEDLEY_E_CONFIG, "no such key");
}

static void test_deep_and_long_documents_are_refused(void **state)
{
    (void)state;
    enum { LENGTH = (1 << 20) + 1 };
    char *document;
    text pairs = {.rt = rt};
    assert_ok(mem_alloc(rt, LENGTH + 1, 1, &document, err));
    memset(document, '[', LENGTH);
    document[LENGTH] = '\0';
    assert_fails(read_text(document, &pairs, err), MEDLEY_E_FORMAT, "1048577 bytes; up to 1048576 are accepted");
    document[LENGTH - 1] = '\0';
    assert_fails(read_text(document, &pairs, err), MEDLEY_E_FORMAT, "exp.yaml:1: ");
    memset(document, '{', LENGTH - 1);
    assert_fails(read_text(document, &pairs, err), MEDLEY_E_FORMAT, "exp.yaml:1: ");
    mem_free(document);
}

/* ---- trees ---- */

/* Writes a tree as "line key{...}", "line key[...]", "line key=value", items without a key. */
static void show(text *out, const yaml_node *node)
{
    static const char *const brackets[] = {[YAML_LIST] = "[]", [YAML_MAP] = "{}"};
    text_format(out, "%d %s", node->line, node->key != NULL ? node->key : "");
    if (node->kind == YAML_SCALAR) {
        text_format(out, "=%s;", node->value);
        assert_int_equal(node->count, 0);
        return;
    }
    assert_null(node->value);
    text_append(out, brackets[node->kind], 1);
    for (int64_t i = 0; i < node->count; i++)
        show(out, &node->children[i]);
    text_append(out, brackets[node->kind] + 1, 1);
}

static void assert_tree(const char *bytes, const char *want)
{
    yaml_document *document;
    text out = {.rt = rt};
    assert_ok(yaml_parse(rt, "exp.yaml", bytes, strlen(bytes), &document, err));
    show(&out, yaml_root(document));
    assert_string_equal(out.bytes, want);
    text_release(&out);
    yaml_document_free(document);
}

static void test_trees_keep_kinds_keys_lines_and_order(void **state)
{
    (void)state;
    assert_tree("", "1 {}");
    assert_tree("# nothing\n", "1 {}");
    assert_tree("a: 1\nb:\n  c: 2\n  d: [x, 'y,z']\ne:\n", "1 {1 a=1;2 b{3 c=2;4 d[4 =x;4 =y,z;]}5 e=;}");
    assert_tree("models:\n  - ease:\n      reg: [1, 10]\n  - pop\n  -\n    - a\n    - []\n  - {}\n",
                "1 {1 models[2 {2 ease{3 reg[3 =1;3 =10;]}}4 =pop;6 [6 =a;7 []]8 {}]}");
    assert_tree("a: {x: 1}\nb: {x: 2, y: {x: 3}}\n", "1 {1 a{1 x=1;}2 b{2 x=2;2 y{2 x=3;}}}");
}

static void test_children_are_found_by_key(void **state)
{
    (void)state;
    static const char bytes[] = "a: {b: {c: 7}}\nlist: [1]\n";
    yaml_document *document;
    assert_ok(yaml_parse(rt, "exp.yaml", bytes, strlen(bytes), &document, err));
    const yaml_node *root = yaml_root(document);
    assert_string_equal(yaml_child(yaml_child(yaml_child(root, "a"), "b"), "c")->value, "7");
    assert_null(yaml_child(root, "b"));
    assert_null(yaml_child(yaml_child(root, "none"), "b"));
    assert_null(yaml_child(yaml_child(root, "list"), "1"));
    yaml_document_free(document);
    yaml_document_free(NULL);
}

static medley_status parse_text(const char *bytes, medley_error *err)
{
    yaml_document *document;
    const medley_status status = yaml_parse(rt, "exp.yaml", bytes, strlen(bytes), &document, err);
    assert_true((status == MEDLEY_OK) == (document != NULL));
    yaml_document_free(document);
    return status;
}

static void test_a_tree_is_refused_with_its_line(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "exp.yaml:5: key 'c' is given twice"},
        {"- a\n", "exp.yaml:1: a list; accepted: keys with scalars, lists or mappings"},
        {"text\n", "exp.yaml:1: a lone scalar"},
        {"a:\n  b: &x 1\n", "exp.yaml:2: an anchor (&)"},
        {"a: [{b: &x [1]}]\n", "exp.yaml:1: an anchor (&)"},
        {"a:\n  - &x {b: 1}\n", "exp.yaml:2: an anchor (&)"},
        {"a:\n  - b: 1\n    c: *b\n", "exp.yaml:3: an alias (*)"},
        {"a:\n  <<: *b\n", "exp.yaml:2: an alias (*)"},
        {"a:\n  b: !!map {c: 1}\n", "exp.yaml:2: a tag (!)"},
        {"a:\n  {b: 1}: 2\n", "exp.yaml:2: a mapping"},
        {"a: {b: [\"\\0\"]}\n", "exp.yaml:1: a NUL character"},
        {"a:\n  b: 1\n--- {}\n", "exp.yaml:3: a second document"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(parse_text(cases[i][0], err), MEDLEY_E_FORMAT, cases[i][1]);
}

static void test_the_depth_and_the_size_of_a_tree_have_limits(void **state)
{
    (void)state;
    enum { NODES = 100000 }; /* with the root and the list, two more than its items */
    assert_ok(parse_text("a: [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]\n", err));
    assert_fails(parse_text("a:\n  [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n", err), MEDLEY_E_FORMAT,
                 "exp.yaml:2: nested deeper than 16");
    text list = {.rt = rt};
    text_add(&list, "a: [1");
    for (int i = 0; i < NODES - 3; i++)
        text_add(&list, ",1");
    text_add(&list, "]");
    assert_ok(parse_text(list.bytes, err));
    list.length--;
    text_add(&list, ",1]");
    assert_fails(parse_text(list.bytes, err), MEDLEY_E_FORMAT, "exp.yaml:1: more than 100000 values");
    text_release(&list);
}

static const char *const values[] = {
    "",
    "plain",
    "with space",
    " lead",
    "trail ",
    "1e-4",
    "-5",
    "-",
    "- x",
    "--",
    "true",
    "null",
    "NO",
    "~",
    "a,b,c",
    ",",
    "log:1e-6..1e-2",
    "x: y",
    "x #y",
    "#x",
    "[1]",
    "{a: 1}",
    "'",
    "\"",
    "\\",
    "it's",
    "two\nlines",
    "\ttab",
    "%",
    "@a",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "?",
    "...",
    "---",
    "\xc3\xa9t\xc3\xa9",
    "\xc2\x85",
    "\xc2\x80",
    "\xe2\x80\xa8",
    "\xe2\x80\xa9x",
    "\xef\xbb\xbfx",
    "\xef\xbf\xbe",
    "\x01\x1f\x7f",
    "\xf0\x9f\x8e\xac",
    "\r\n",
    "a\\nb",
    "C:\\data",
    "12:30",
    "0x10",
    "a|b",
    "(x)",
};

static medley_status compare_value(void *context, const char *key, const char *value, int line, medley_error *err)
{
    (void)line;
    (void)err;
    assert_string_equal(key, "key");
    assert_string_equal(value, (const char *)context);
    return MEDLEY_OK;
}

static void test_what_is_written_is_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        text out = {.rt = rt};
        char *copy;
        assert_ok(mem_text(rt, values[i], strlen(values[i]), &copy, err));
        yaml_write_pair(&out, "key", values[i]);
        assert_ok(text_status(&out, err));
        assert_null(strchr(out.bytes, '\n'));
        assert_ok(yaml_read(rt, "exp.yaml", out.bytes, (size_t)out.length, compare_value, copy, err));
        mem_free(copy);
        text_release(&out);
    }
}

static void test_only_what_needs_quotes_has_them(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"ease", "key: ease"},
        {"0.001", "key: 0.001"},
        {"-5", "key: -5"},
        {"5,10,20", "key: 5,10,20"},
        {"/data/my set", "key: /data/my set"},
        {"true", "key: true"},
        {"no", "key: \"no\""},
        {"", "key: \"\""},
        {"a: b", "key: \"a: b\""},
        {"a\"b\n", "key: \"a\\\"b\\u000a\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text out = {.rt = rt};
        yaml_write_pair(&out, "key", cases[i][0]);
        assert_string_equal(out.bytes, cases[i][1]);
        text_release(&out);
    }
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    text pairs = {.rt = rt};
    BRUTAL(rt, &memory, read_text("a: 1\nb: [2, 3]\n", &pairs, err), text_release(&pairs));
    BRUTAL(rt, &memory, parse_text("a: 1\nb: {c: [2, 3], d: {e: 4}}\n", err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain_keys_scalars_and_lists_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_accepted_is_refused_with_its_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failure_of_the_receiver_is_passed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deep_and_long_documents_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_trees_keep_kinds_keys_lines_and_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_children_are_found_by_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_tree_is_refused_with_its_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_depth_and_the_size_of_a_tree_have_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_written_is_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_what_needs_quotes_has_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
