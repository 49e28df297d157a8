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
