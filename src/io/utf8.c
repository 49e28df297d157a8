#include "io/utf8.h"

#include <utf8proc.h>

int64_t utf8_invalid_at(const char *bytes, size_t length)
{
    const utf8proc_uint8_t *units = (const utf8proc_uint8_t *)bytes;
    for (size_t at = 0; at < length;) {
        utf8proc_int32_t point;
        const utf8proc_ssize_t used =
            units[at] < 0x80 ? 1 : utf8proc_iterate(units + at, (utf8proc_ssize_t)(length - at), &point);
        if (used <= 0)
            return (int64_t)at;
        at += (size_t)used;
    }
    return -1;
}

size_t utf8_from_latin1(const char *bytes, size_t length, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++)
        used += (size_t)utf8proc_encode_char((unsigned char)bytes[i], (utf8proc_uint8_t *)out + used);
    return used;
}

int utf8_point(const char *bytes, size_t length, uint32_t *point)
{
    utf8proc_int32_t found;
    const utf8proc_ssize_t used =
        utf8proc_iterate((const utf8proc_uint8_t *)bytes, length < 4 ? (utf8proc_ssize_t)length : 4, &found);
    *point = used > 0 ? (uint32_t)found : 0;
    return used > 0 ? (int)used : 0;
}

bool utf8_is_alphanumeric(uint32_t point)
{
    const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)point);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO &&
           (category <= UTF8PROC_CATEGORY_LO || category >= UTF8PROC_CATEGORY_ND);
}

int utf8_fold(uint32_t point, char out[UTF8_FOLDED_MOST])
{
    enum { POINTS = UTF8_FOLDED_MOST / 4 }; /* the longest folding is of three */
    utf8proc_int32_t folded[POINTS];
    int boundary = 0, used = 0;
    const utf8proc_ssize_t count =
        utf8proc_decompose_char((utf8proc_int32_t)point, folded, POINTS, UTF8PROC_CASEFOLD, &boundary);
    for (utf8proc_ssize_t i = 0; i < count && i < POINTS; i++)
        used += (int)utf8proc_encode_char(folded[i], (utf8proc_uint8_t *)out + used);
    return used;
}

/* The bits of utf8.h are utf8proc's numbers. */
static_assert(UTF8_LETTER == (2 << UTF8PROC_CATEGORY_LO) - (1 << UTF8PROC_CATEGORY_LU), "letters");
static_assert(UTF8_NONSPACING == 1 << UTF8PROC_CATEGORY_MN, "nonspacing marks");
static_assert(UTF8_MARK == (2 << UTF8PROC_CATEGORY_ME) - (1 << UTF8PROC_CATEGORY_MN), "marks");
static_assert(UTF8_DIGIT == 1 << UTF8PROC_CATEGORY_ND, "digits");
static_assert(UTF8_LETTER_NUMBER == 1 << UTF8PROC_CATEGORY_NL, "letter numbers");
static_assert(UTF8_NUMBER == (2 << UTF8PROC_CATEGORY_NO) - (1 << UTF8PROC_CATEGORY_ND), "numbers");
static_assert(UTF8_CONNECTOR == 1 << UTF8PROC_CATEGORY_PC, "connectors");
static_assert(UTF8_PUNCTUATION == (2 << UTF8PROC_CATEGORY_PO) - (1 << UTF8PROC_CATEGORY_PC), "punctuation");
static_assert(UTF8_CONTROL == (2 << UTF8PROC_CATEGORY_CO) - (1 << UTF8PROC_CATEGORY_CC), "controls");

uint32_t utf8_category(uint32_t point)
{
    return point <= 0x10ffff ? 1u << utf8proc_category((utf8proc_int32_t)point) : 0;
}

int utf8_write(uint32_t point, char out[4])
{
    return (int)utf8proc_encode_char((utf8proc_int32_t)point, (utf8proc_uint8_t *)out);
}

uint32_t utf8_lower(uint32_t point)
{
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)point);
}

bool utf8_cluster_ends(uint32_t a, uint32_t b, int32_t *state)
{
    return utf8proc_grapheme_break_stateful((utf8proc_int32_t)a, (utf8proc_int32_t)b, state);
}

static int combining(int32_t point)
{
    return utf8proc_get_property(point)->combining_class;
}

/* Sorts a run of combining characters by class, stably; spare [count]. Linear in long runs, which utf8proc's own
 * ordering is not: there is no reason to trust that a text has none. */
static void order_run(int32_t *run, int64_t count, int32_t *spare)
{
    enum { SHORT = 16 };
    if (count <= SHORT) {
        for (int64_t i = 1; i < count; i++)
            for (int64_t k = i; k > 0 && combining(run[k - 1]) > combining(run[k]); k--) {
                const int32_t higher = run[k - 1];
                run[k - 1] = run[k];
                run[k] = higher;
            }
        return;
    }
    int64_t start[257] = {0};
    for (int64_t i = 0; i < count; i++)
        start[combining(run[i]) + 1]++;
    for (int class = 0; class < 256; class ++)
        start[class + 1] += start[class];
    for (int64_t i = 0; i < count; i++)
        spare[start[combining(run[i])]++] = run[i];
    memcpy(run, spare, (size_t)count * sizeof *run);
}

int64_t utf8_normalize(const char *bytes, size_t length, utf8_form form, int32_t *buffer, int64_t room,
                       size_t *written)
{
    static const utf8proc_option_t options[UTF8_FORMS] = {
        [UTF8_NFC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE,
        [UTF8_NFD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
        [UTF8_NFKC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
        [UTF8_NFKD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT,
    };
    int64_t count = 0;
    int used, boundary = 0;
    for (size_t at = 0; at < length; at += (size_t)used) {
        uint32_t point;
        used = utf8_point(bytes + at, length - at, &point);
        const utf8proc_ssize_t parts =
            utf8proc_decompose_char((utf8proc_int32_t)point, count < room ? buffer + count : NULL,
                                    count < room ? room - count : 0, options[form], &boundary);
        if (used == 0 || parts < 0)
            return -1;
        count += parts;
    }
    const int64_t needed = 2 * count + 1; /* half of it to sort with, and utf8proc ends with NUL */
    if (needed > room)
        return needed;
    for (int64_t start = 0, end; start < count; start = end + 1) {
        for (end = start; end < count && combining(buffer[end]) != 0;)
            end++;
        order_run(buffer + start, end - start, buffer + count);
    }
    *written = (size_t)utf8proc_reencode(buffer, count, options[form]);
    return needed;
}

/* Bytes of the longest beginning of a well-formed character at the front, at least 1. */
static size_t beginning(const unsigned char *bytes, size_t length)
{
    const unsigned char lead = bytes[0];
    if (lead < 0xc2 || lead > 0xf4)
        return 1;
    const size_t whole = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80; /* of the second byte: table 3-7 */
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    size_t used = 1;
    while (used < whole && used < length && bytes[used] >= low && bytes[used] <= high) {
        used++;
        low = 0x80, high = 0xbf;
    }
    return used;
}

size_t utf8_mend(const char *bytes, size_t length, char *out)
{
    size_t used = 0;
    for (size_t at = 0; at < length;) {
        const int64_t valid = utf8_invalid_at(bytes + at, length - at);
        const size_t sound = valid < 0 ? length - at : (size_t)valid;
        memcpy(out + used, bytes + at, sound);
        at += sound, used += sound;
        if (at < length) {
            memcpy(out + used, "\xef\xbf\xbd", 3);
            used += 3;
            at += beginning((const unsigned char *)bytes + at, length - at);
        }
    }
    return used;
}
