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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sequence_of_edge_bytes_is_judged_as_the_standard_does),
        cmocka_unit_test(test_the_first_wrong_byte_is_found_wherever_it_is),
        cmocka_unit_test(test_every_latin1_byte_becomes_its_code_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
