/* Includes the source, so that each instruction set's scanner is tested, not only this machine's best. */
#include "testing.h"

#include "io/delimited.c"

enum { OFFSETS = 64, LONGEST = 4096 };

#include "fixture.h"

typedef medley_status (*scanner)(const medley_runtime *, const record_block *, char, delimited_table *,
                                 medley_error *);

static const struct {
    const char *name;
    scanner scan;
} scanners[] = {
#if defined(__x86_64__)
    {"avx512bw", scan_avx512},
    {"avx2", scan_avx2},
#endif
    {"portable", scan_portable},
};

static bool supported(const char *name)
{
#if defined(__x86_64__)
    if (strcmp(name, "avx512bw") == 0)
        return __builtin_cpu_supports("avx512bw");
    if (strcmp(name, "avx2") == 0)
        return __builtin_cpu_supports("avx2");
#endif
    return name != NULL;
}

/* A block whose bytes start `offset` bytes behind a 64-byte boundary and end, with the padding, at the block's end. */
static record_block block_of(const char *bytes, size_t length, size_t offset, bool quotes)
{
    char *room;
    assert_ok(mem_alloc(rt, (int64_t)(offset + length + RECORDS_PADDING), 1, &room, err));
    memcpy(room + offset, bytes, length);
    memset(room + offset + length, 0, RECORDS_PADDING);
    return (record_block){
        .bytes = room + offset,
        .length = length,
        .first_line = 1,
        .quoted = quotes && memchr(bytes, '"', length) != NULL,
    };
}

static void block_end(record_block *block, size_t offset)
{
    mem_free(block->bytes - offset);
}

static void assert_same(const delimited_table *got, const delimited_table *want, const char *what)
{
    if (got->row_count != want->row_count || got->field_count != want->field_count || got->ascii != want->ascii ||
        got->nul != want->nul)
        fail_msg("%s: %lld rows, %lld fields, ascii %d, nul %d; expected %lld, %lld, %d, %d", what,
                 (long long)got->row_count, (long long)got->field_count, got->ascii, got->nul,
                 (long long)want->row_count, (long long)want->field_count, want->ascii, want->nul);
    assert_memory_equal(got->fields, want->fields, (size_t)want->field_count * sizeof *want->fields);
    assert_memory_equal(got->row_end, want->row_end, (size_t)want->row_count * sizeof *want->row_end);
    for (int64_t row = 0; row < want->row_count; row++)
        assert_int_equal(got->lines != NULL ? got->lines[row] : row, want->lines != NULL ? want->lines[row] : row);
}

/* Every scanner and the dispatching call give what the slow twin gives. The block has no quotes. */
static void assert_scanners_agree(const char *bytes, size_t length, size_t offset, char delimiter)
{
    const char name[2] = {delimiter, '\0'};
    delimited_table want = {0}, got = {0};
    record_block block = block_of(bytes, length, offset, false);
    assert_ok(delimited_parse_slow(rt, &block, name, &want, err));
    assert_ok(delimited_parse(rt, &block, name, &got, err));
    assert_same(&got, &want, "delimited_parse");
    for (size_t s = 0; s < sizeof scanners / sizeof *scanners; s++) {
        if (!supported(scanners[s].name))
            continue;
        delimited_release(&got);
        assert_ok(scanners[s].scan(rt, &block, delimiter, &got, err));
        assert_same(&got, &want, scanners[s].name);
    }
    assert_memory_equal(block.bytes, bytes, length);
    delimited_release(&want);
    delimited_release(&got);
    block_end(&block, offset);
}

static void fill_random(char *bytes, size_t length, const char *alphabet, size_t letters, uint64_t seed)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = alphabet[random_bits(seed, length, i) % letters];
    bytes[length - 1] = '\n';
}

static void test_fast_equals_slow_at_every_offset_and_length(void **state)
{
    (void)state;
    static const char alphabet[] = {'a', '7', ',', ',', '\n', '\r', '\0', (char)0xc3, (char)0xff, '"', '.', '\t'};
    char bytes[200];
    for (size_t length = 1; length <= 200; length++)
        for (size_t offset = 0; offset < OFFSETS; offset += length % 7 + 1) {
            fill_random(bytes, length, alphabet, sizeof alphabet, offset);
            assert_scanners_agree(bytes, length, offset, ',');
        }
}

static void test_fast_equals_slow_on_long_blocks(void **state)
{
    (void)state;
    static const char mostly_text[] = "abcdefghijklmnopqrstuvwxyz0123456789,,\n";
    static const char mostly_ends[] = ",\n\r";
    static const char one_delimiter[] = ",";
    static const char *const alphabets[] = {mostly_text, mostly_ends, one_delimiter};
    char bytes[LONGEST];
    for (uint64_t seed = 0; seed < 30; seed++)
        for (size_t a = 0; a < 3; a++) {
            const size_t length = LONGEST - (size_t)seed * 3;
            fill_random(bytes, length, alphabets[a], strlen(alphabets[a]), seed);
            assert_scanners_agree(bytes, length, (size_t)seed, ',');
        }
}

static void test_any_byte_can_delimit(void **state)
{
    (void)state;
    char alphabet[256], bytes[600];
    for (int i = 0; i < 256; i++)
        alphabet[i] = (char)i;
    for (int c = 1; c < 256; c++)
        if (c != '\n' && c != '\r' && c != '"') {
            fill_random(bytes, sizeof bytes, alphabet, sizeof alphabet, (uint64_t)c);
            assert_scanners_agree(bytes, sizeof bytes, 0, (char)c);
        }
}

/* Rows as text, fields separated by '|', rows by '/'. */
static void assert_parses(const char *input, const char *delimiter, bool quotes, const char *want)
{
    text shown = {.rt = rt};
    delimited_table t = {0};
    record_block block = block_of(input, strlen(input), 0, quotes);
    assert_ok(delimited_parse(rt, &block, delimiter, &t, err));
    for (int64_t row = 0, f = 0; row < t.row_count; row++) {
        text_add(&shown, row > 0 ? "/" : "");
        for (bool first = true; f < t.row_end[row]; f++, first = false) {
            text_add(&shown, first ? "" : "|");
            text_append(&shown, block.bytes + t.fields[f].start, t.fields[f].end - t.fields[f].start);
        }
    }
    assert_ok(text_status(&shown, err));
    if (strcmp(shown.bytes, want) != 0)
        fail_msg("'%s': '%s', expected '%s'", input, shown.bytes, want);
    text_release(&shown);
    delimited_release(&t);
    block_end(&block, 0);
}

static void test_worked_examples(void **state)
{
    (void)state;
    static const struct {
        const char *input, *delimiter;
        bool quotes;
        const char *want;
    } cases[] = {
        {"a,b\nc,d\n", ",", true, "a|b/c|d"},
        {"a,b\r\nc,d\r\n", ",", true, "a|b/c|d"},
        {"a\rb,c\r\r\n", ",", false, "a\rb|c\r"},
        {"\n", ",", false, ""},
        {"\r\n\n", ",", false, "/"},
        {",\n,,\n", ",", false, "|/||"},
        {"a,\"b\",c\n", ",", false, "a|\"b\"|c"},
        {"a,\"b\",c\n", ",", true, "a|b|c"},
        {"\"a,b\",\"c\nd\"\n\"e\"\"f\"\r\n", ",", true, "a,b|c\nd/e\"f"},
        {"\"\"\n\"\"\"\"\n", ",", true, "/\""},
        {"a\"b\",c\n", ",", true, "a\"b\"|c"},
        {"\"a\"b,\"c\" \n", ",", true, "ab|c "},
        {"\"a\r\n\"\r\n", ",", true, "a\r\n"},
        {"\"a\r\"\n\"\r\"\r\n", ",", true, "a\r/\r"},
        {"1::2::3\n", "::", false, "1|2|3"},
        {"1:2::3:\n", "::", false, "1:2|3:"},
        {"1:::2\n::\n", "::", false, "1|:2/|"},
        {"a:\"b::\"c::d\"\n", "::", true, "a:\"b|c::d"},
        {"a\tb c\n", "\t", true, "a|b c"},
        {"a b  c \n", " ", false, "a|b||c|"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_parses(cases[i].input, cases[i].delimiter, cases[i].quotes, cases[i].want);
}

static void test_rows_know_their_lines(void **state)
{
    (void)state;
    const char input[] = "a,\"x\ny\nz\"\nb,c\n\"\n\",\"\n\"\nd,e\n";
    delimited_table t = {0};
    record_block block = block_of(input, strlen(input), 0, true);
    assert_ok(delimited_parse(rt, &block, ",", &t, err));
    assert_int_equal(t.row_count, 4);
    const uint32_t want[] = {0, 3, 4, 7};
    assert_memory_equal(t.lines, want, sizeof want);
    delimited_release(&t);
    block_end(&block, 0);
}

/* Writes fields as RFC 4180 asks, quoting where it must and sometimes where it need not. */
static void add_field(text *out, const char *field, size_t length, const char *delimiter, bool quote)
{
    for (size_t i = 0; i < length && !quote; i++)
        quote = strchr("\"\r\n", field[i]) != NULL || field[i] == delimiter[0];
    if (!quote) {
        text_append(out, field, length);
        return;
    }
    text_add(out, "\"");
    for (size_t i = 0; i < length; i++)
        text_append(out, field[i] == '"' ? "\"\"" : &field[i], field[i] == '"' ? 2 : 1);
    text_add(out, "\"");
}

static void assert_round_trip(const char *delimiter, const char *line_end, uint64_t seed)
{
    enum { ROWS = 60, WIDTH = 5, ROOM = 24 };
    static const char alphabet[] = "ab\",\n\r:\t|; ";
    char fields[ROWS * WIDTH][ROOM];
    size_t lengths[ROWS * WIDTH];
    text out = {.rt = rt};
    for (int f = 0; f < ROWS * WIDTH; f++) {
        lengths[f] = random_bits(seed, 1, (uint64_t)f) % ROOM;
        for (size_t i = 0; i < lengths[f]; i++)
            fields[f][i] = alphabet[random_bits(seed, 2 + (uint64_t)f, i) % (sizeof alphabet - 1)];
        add_field(&out, fields[f], lengths[f], delimiter, random_bits(seed, 3, (uint64_t)f) % 4 == 0);
        text_add(&out, f % WIDTH == WIDTH - 1 ? line_end : delimiter);
    }
    delimited_table t = {0};
    record_block block = block_of(out.bytes, (size_t)out.length, 0, true);
    assert_ok(delimited_parse(rt, &block, delimiter, &t, err));
    assert_int_equal(t.row_count, ROWS);
    assert_int_equal(t.field_count, ROWS * WIDTH);
    for (int f = 0; f < ROWS * WIDTH; f++) {
        assert_int_equal(t.fields[f].end - t.fields[f].start, lengths[f]);
        assert_memory_equal(block.bytes + t.fields[f].start, fields[f], lengths[f]);
    }
    for (int row = 0; row < ROWS; row++)
        assert_int_equal(t.row_end[row], (row + 1) * WIDTH);
    delimited_release(&t);
    block_end(&block, 0);
    text_release(&out);
}

static void test_what_is_written_quoted_is_read_back(void **state)
{
    (void)state;
    static const char *const delimiters[] = {",", "\t", "::", "|", "; :|"};
    for (uint64_t seed = 0; seed < 200; seed++)
        assert_round_trip(delimiters[seed % 5], seed % 2 == 0 ? "\n" : "\r\n", seed);
}

static void test_a_table_is_reused_from_block_to_block(void **state)
{
    (void)state;
    static const char *const inputs[] = {"a,\"b\nc\"\nd,\xc3\xa9\n", "1,2,3\n", "\n", "\"x\"\n"};
    static const int64_t rows[] = {2, 1, 1, 1}, fields[] = {4, 3, 1, 1};
    delimited_table t = {0};
    for (int i = 0; i < 4; i++) {
        record_block block = block_of(inputs[i], strlen(inputs[i]), 0, true);
        assert_ok(delimited_parse(rt, &block, ",", &t, err));
        assert_int_equal(t.row_count, rows[i]);
        assert_int_equal(t.field_count, fields[i]);
        assert_int_equal(t.ascii, i > 0);
        assert_int_equal(t.lines != NULL, block.quoted);
        block_end(&block, 0);
    }
    delimited_release(&t);
}

static medley_status parse_and_release(const char *input, const char *delimiter, bool quotes, medley_error *err)
{
    delimited_table t = {0};
    char room[LONGEST + RECORDS_PADDING] = "";
    record_block block = {.bytes = room, .length = strlen(input), .quoted = quotes};
    memcpy(room, input, block.length);
    const medley_status status = delimited_parse(rt, &block, delimiter, &t, err);
    delimited_release(&t);
    return status;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    char input[2001];
    memset(input, ',', 2000);
    input[1999] = '\n';
    input[2000] = '\0';
    BRUTAL(rt, &memory, parse_and_release(input, ",", false, err), (void)0);
    BRUTAL(rt, &memory, parse_and_release(input, ",", true, err), (void)0);
    BRUTAL(rt, &memory, parse_and_release(input, ",,", false, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fast_equals_slow_at_every_offset_and_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fast_equals_slow_on_long_blocks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_any_byte_can_delimit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_worked_examples, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_know_their_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_written_quoted_is_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_table_is_reused_from_block_to_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
