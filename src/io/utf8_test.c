#include "testing.h"

#include "io/utf8.h"

/* The Unicode standard's table 3-7 (well-formed UTF-8), as ranges of each byte. */
static const struct {
    unsigned char low[4], high[4];
    size_t length;
} well_formed[] = {
    {{0x00}, {0x7f}, 1},
    {{0xc2, 0x80}, {0xdf, 0xbf}, 2},
    {{0xe0, 0xa0, 0x80}, {0xe0, 0xbf, 0xbf}, 3},
    {{0xe1, 0x80, 0x80}, {0xec, 0xbf, 0xbf}, 3},
    {{0xed, 0x80, 0x80}, {0xed, 0x9f, 0xbf}, 3},
    {{0xee, 0x80, 0x80}, {0xef, 0xbf, 0xbf}, 3},
    {{0xf0, 0x90, 0x80, 0x80}, {0xf0, 0xbf, 0xbf, 0xbf}, 4},
    {{0xf1, 0x80, 0x80, 0x80}, {0xf3, 0xbf, 0xbf, 0xbf}, 4},
    {{0xf4, 0x80, 0x80, 0x80}, {0xf4, 0x8f, 0xbf, 0xbf}, 4},
};

/* The slow twin. */
static int64_t invalid_at(const unsigned char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t used = 0;
        for (size_t row = 0; row < sizeof well_formed / sizeof *well_formed; row++) {
            size_t fits = 0;
            while (fits < well_formed[row].length && at + fits < length &&
                   bytes[at + fits] >= well_formed[row].low[fits] &&
                   bytes[at + fits] <= well_formed[row].high[fits])
                fits++;
            if (fits == well_formed[row].length)
                used = fits;
        }
        if (used == 0)
            return (int64_t)at;
        at += used;
    }
    return -1;
}

static void assert_as_the_twin(const unsigned char *bytes, size_t length)
{
    /* A copy of just that length: a sanitizer sees a read behind it. */
    char *copy = test_malloc(length);
    memcpy(copy, bytes, length);
    const int64_t got = utf8_invalid_at(copy, length), want = invalid_at(bytes, length);
    test_free(copy);
    if (got != want)
        fail_msg("%02x %02x %02x %02x (%zu bytes): %lld, expected %lld", bytes[0], bytes[1], bytes[2], bytes[3],
                 length, (long long)got, (long long)want);
}

static void test_every_sequence_of_edge_bytes_is_judged_as_the_standard_does(void **state)
{
    (void)state;
    static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                          0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                          0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
    enum { EDGES = sizeof edges };
    for (int a = 0; a < EDGES; a++)
        for (int b = 0; b < EDGES; b++)
            for (int c = 0; c < EDGES; c++)
                for (int d = 0; d < EDGES; d += c % 3 + 1) {
                    const unsigned char bytes[4] = {edges[a], edges[b], edges[c], edges[d]};
                    for (size_t length = d == 0 ? 1 : 4; length <= 4; length++)
                        assert_as_the_twin(bytes, length);
                }
}

static void test_the_first_wrong_byte_is_found_wherever_it_is(void **state)
{
    (void)state;
    char bytes[200];
    for (size_t at = 0; at < sizeof bytes; at++) {
        memset(bytes, 'x', sizeof bytes);
        bytes[at] = (char)0xe9; /* é in Latin-1 */
        assert_int_equal(utf8_invalid_at(bytes, sizeof bytes), at);
        assert_int_equal(utf8_invalid_at(bytes, at), -1);
    }
    assert_int_equal(utf8_invalid_at("", 0), -1);
}

static void test_every_latin1_byte_becomes_its_code_point(void **state)
{
    (void)state;
    char bytes[256], out[512];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    const size_t length = utf8_from_latin1(bytes, sizeof bytes, out);
    assert_int_equal(length, 128 + 2 * 128);
    assert_memory_equal(out, bytes, 128);
    for (int i = 128; i < 256; i++) {
        const unsigned char *pair = (const unsigned char *)out + 128 + 2 * (i - 128);
        assert_int_equal((pair[0] & 0x1f) << 6 | (pair[1] & 0x3f), i);
    }
    assert_int_equal(utf8_invalid_at(out, length), -1);
    assert_int_equal(utf8_from_latin1("caf\xe9", 4, out), 5);
    assert_memory_equal(out, "café", 5);
    assert_int_equal(utf8_from_latin1("", 0, out), 0);
}

static void test_a_text_is_taken_apart_into_code_points(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        int used;
        uint32_t point;
    } cases[] = {
        {"a", 1, 1, 'a'},  {"", 0, 0, 0},       {"\0", 1, 1, 0},           {"é!", 3, 2, 0xe9},
        {"é", 1, 0, 0},    {"€", 3, 3, 0x20ac}, {"😀x", 5, 4, 0x1f600},     {"😀", 3, 0, 0},
        {"\xff", 1, 0, 0}, {"\x80", 1, 0, 0},   {"\xed\xa0\x80", 3, 0, 0},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        uint32_t point;
        assert_int_equal(utf8_point(cases[c].bytes, cases[c].length, &point), cases[c].used);
        assert_int_equal(point, cases[c].point);
    }
}

static void test_letters_and_numbers_of_any_script_are_alphanumeric(void **state)
{
    (void)state;
    static const uint32_t words[] = {'a',   'Z',   '0',   0xaa,   0xb2,   0xe9,   0x3c3,
                                     0x416, 0x5d0, 0x661, 0x2165, 0x4e2d, 0x1d7ce};
    static const uint32_t others[] = {0,     ' ',   '_',    '-',    '\'',    0xa0,     0xd7,
                                      0x301, 0x903, 0x2019, 0x20ac, 0x1f600, 0x10ffff, 0x110000};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_true(utf8_is_alphanumeric(words[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(utf8_is_alphanumeric(others[i]));
}

/* From CaseFolding.txt of Unicode: rows C and F. */
static void test_case_is_folded_in_full(void **state)
{
    (void)state;
    static const struct {
        uint32_t point;
        const char *folded;
    } cases[] = {
        {'A', "a"},
        {'a', "a"},
        {'1', "1"},
        {0xc9, "é"},
        {0xdf, "ss"},
        {0x3a3, "σ"},
        {0x3c2, "σ"},
        {0x416, "ж"},
        {0x130, "i\xcc\x87"},
        {0xfb03, "ffi"},
        {0x390, "\xce\xb9\xcc\x88\xcc\x81"},
        {0x4e2d, "中"},
        {0x10400, "𐐨"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char out[UTF8_FOLDED_MOST];
        const int length = utf8_fold(cases[c].point, out);
        assert_int_equal(length, strlen(cases[c].folded));
        assert_memory_equal(out, cases[c].folded, (size_t)length);
    }
}

/* The examples of the Unicode standard, chapter 3.9. */
static void test_what_breaks_off_is_mended_as_the_standard_does(void **state)
{
    (void)state;
#define R "\xef\xbf\xbd"
    static const struct {
        const char *bytes, *mended;
    } cases[] = {
        {"", ""},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
         "A",
         R R R R R R R R "A"},
        {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf"
         "A",
         R R R R R R R R "A"},
        {"\xf4\x91\x92\x93\xff"
         "A\x80\xbf"
         "B",
         R R R R R "A" R R "B"},
        {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
         "A",
         R R R R "A"},
        {"a\xf0\x9f\x98", "a" R},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char mended[64];
        const size_t length = utf8_mend(cases[c].bytes, strlen(cases[c].bytes), mended);
        assert_int_equal(length, strlen(cases[c].mended));
        assert_memory_equal(mended, cases[c].mended, length);
    }
#undef R
}

static void test_normal_forms_are_those_of_the_standard(void **state)
{
    (void)state;
    enum { ROOM = 256 };
    static const struct {
        utf8_form form;
        const char *bytes, *normal;
    } cases[] = {
        {UTF8_NFC, "e\xcc\x81", "\xc3\xa9"},
        {UTF8_NFD, "\xc3\xa9", "e\xcc\x81"},
        {UTF8_NFD, "\xea\xb0\x81", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8"},
        {UTF8_NFC, "\xe2\x84\xab", "\xc3\x85"},
        {UTF8_NFKC, "\xef\xac\x81", "fi"},
        {UTF8_NFKD, "\xc2\xbd",
         "1\xe2\x81\x84"
         "2"},
        {UTF8_NFC, "\xef\xac\x81", "\xef\xac\x81"},
        {UTF8_NFD, "a\xcc\x81\xcc\xa7", "a\xcc\xa7\xcc\x81"}, /* the cedilla comes first */
        {UTF8_NFC, "", ""},
    };
    int32_t buffer[ROOM];
    size_t written;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const size_t length = strlen(cases[c].bytes);
        const int64_t needed = utf8_normalize(cases[c].bytes, length, cases[c].form, NULL, 0, &written);
        assert_true(needed >= 1 && needed <= ROOM);
        assert_int_equal(utf8_normalize(cases[c].bytes, length, cases[c].form, buffer, needed, &written), needed);
        assert_int_equal(written, strlen(cases[c].normal));
        assert_memory_equal(buffer, cases[c].normal, written);
    }
    assert_int_equal(utf8_normalize("\xff", 1, UTF8_NFC, buffer, ROOM, &written), -1);
}

static void test_a_long_run_of_marks_is_ordered_as_a_short_one(void **state)
{
    (void)state;
    enum { MARKS = 100 };
    static int32_t buffer[4 * MARKS + 16];
    char bytes[1 + 2 * MARKS], want[1 + 2 * MARKS];
    size_t written;
    bytes[0] = want[0] = 'a';
    for (int i = 0; i < MARKS; i++) { /* above (230) and below (202) in turn; those below come first */
        memcpy(bytes + 1 + 2 * i, i % 2 == 0 ? "\xcc\x81" : "\xcc\xa7", 2);
        memcpy(want + 1 + 2 * i, i < MARKS / 2 ? "\xcc\xa7" : "\xcc\x81", 2);
    }
    assert_int_equal(utf8_normalize(bytes, sizeof bytes, UTF8_NFD, buffer, 4 * MARKS + 16, &written),
                     2 * MARKS + 3);
    assert_int_equal(written, sizeof want);
    assert_memory_equal(buffer, want, sizeof want);
}

static void test_a_character_has_one_category(void **state)
{
    (void)state;
    assert_true((utf8_category('a') & UTF8_LETTER) != 0);
    assert_true((utf8_category(0x301) & UTF8_NONSPACING & UTF8_MARK) != 0);
    assert_true((utf8_category('7') & UTF8_DIGIT & UTF8_NUMBER) != 0);
    assert_true((utf8_category(0x2163) & UTF8_LETTER_NUMBER) != 0);
    assert_true((utf8_category('_') & UTF8_CONNECTOR & UTF8_PUNCTUATION) != 0);
    assert_true((utf8_category(0) & UTF8_CONTROL) != 0);
    assert_true((utf8_category('a') & ~UTF8_LETTER) == 0);
    assert_int_equal(utf8_category(0x110000), 0);
    assert_int_equal(utf8_lower(0xc9), 0xe9);
    char bytes[4];
    assert_int_equal(utf8_write(0x1f600, bytes), 4);
    assert_memory_equal(bytes, "\xf0\x9f\x98\x80", 4);
    int32_t cluster = 0;
    assert_false(utf8_cluster_ends('e', 0x301, &cluster));
    assert_true(utf8_cluster_ends(0x301, 'e', &cluster));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sequence_of_edge_bytes_is_judged_as_the_standard_does),
        cmocka_unit_test(test_the_first_wrong_byte_is_found_wherever_it_is),
        cmocka_unit_test(test_every_latin1_byte_becomes_its_code_point),
        cmocka_unit_test(test_a_text_is_taken_apart_into_code_points),
        cmocka_unit_test(test_letters_and_numbers_of_any_script_are_alphanumeric),
        cmocka_unit_test(test_case_is_folded_in_full),
        cmocka_unit_test(test_what_breaks_off_is_mended_as_the_standard_does),
        cmocka_unit_test(test_normal_forms_are_those_of_the_standard),
        cmocka_unit_test(test_a_long_run_of_marks_is_ordered_as_a_short_one),
        cmocka_unit_test(test_a_character_has_one_category),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
