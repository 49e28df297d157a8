#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

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
    const int length = vsnprintf(NULL, 0, format, values);
    if (length >= 0 && reserve(t, length)) {
        vsnprintf(t->bytes + t->length, (size_t)length + 1, format, again);
        t->length += length;
    }
    va_end(again);
    va_end(values);
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
