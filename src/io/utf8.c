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
