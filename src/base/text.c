#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/number.h"

static bool reserve(text *t, int64_t more)
{
    if (!t->failed && mem_reserve(t->rt, &t->bytes, &t->capacity, t->length + more + 1, 1, NULL) != MEDLEY_OK)
        t->failed = true;
    return !t->failed;
}

void text_append(text *t, const char *bytes, size_t length)
{
    if (!reserve(t, (int64_t)length))
        return;
    if (length > 0)
        memcpy(t->bytes + t->length, bytes, length);
    t->length += (int64_t)length;
    t->bytes[t->length] = '\0';
}

void text_add(text *t, const char *string)
{
    text_append(t, string, strlen(string));
}

void text_format(text *t, const char *format, ...)
{
    va_list values, again;
    va_start(values, format);
    va_copy(again, values);
    const int length = number_vprint(NULL, 0, format, values);
    if (length < 0) {
        t->failed = true; /* more than INT_MAX bytes */
    } else if (reserve(t, length)) {
        number_vprint(t->bytes + t->length, (size_t)length + 1, format, again);
        t->length += length;
    }
    va_end(again);
    va_end(values);
}

void text_add_plain(text *t, const char *string)
{
    const int64_t start = t->length;
    text_add(t, string);
    for (int64_t i = start; i < t->length; i++)
        if ((unsigned char)t->bytes[i] < 0x20 || t->bytes[i] == 0x7f)
            t->bytes[i] = ' ';
}

/* Unicode 15, table 3-7: what the second byte may be depends on the first. */
int text_character(const char *bytes, size_t length)
{
    const unsigned char *p = (const unsigned char *)bytes;
    if (length == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    const int size = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    const unsigned lowest = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    const unsigned highest = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (size == 0 || length < (size_t)size || p[1] < lowest || p[1] > highest)
        return 0;
    for (int i = 2; i < size; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

int text_width(const char *bytes, size_t length)
{
    int width = 0;
    for (size_t i = 0; i < length; i++)
        width += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return width;
}

void text_pad(text *t, int64_t start, int width)
{
    if (t->failed)
        return;
    int shown = t->length > start ? text_width(t->bytes + start, (size_t)(t->length - start)) : 0;
    for (; shown < width; shown++)
        text_append(t, " ", 1);
}

medley_status text_status(text *t, medley_error *err)
{
    if (!t->failed && t->bytes == NULL)
        text_append(t, "", 0);
    return t->failed ? fail(err, MEDLEY_E_NOMEM, "out of memory while building a text") : MEDLEY_OK;
}

void text_release(text *t)
{
    mem_free(t->bytes);
    t->bytes = NULL;
    t->length = t->capacity = 0;
    t->failed = false;
}
