#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

#define ROW_NAME(name, value, text) \
    case value:                     \
        return #name;
#define ROW_TEXT(name, value, text) \
    case value:                     \
        return text;

const char *medley_status_name(medley_status status)
{
    switch ((int)status) {
        MEDLEY_STATUS_TABLE(ROW_NAME)
    }
    return "?";
}

const char *medley_status_text(medley_status status)
{
    switch ((int)status) {
        MEDLEY_STATUS_TABLE(ROW_TEXT)
    }
    return "?";
}

#define AS_TEXT(x) #x
#define VERSION_TEXT(a, b, c) AS_TEXT(a) "." AS_TEXT(b) "." AS_TEXT(c)

const char *medley_version(void)
{
    return VERSION_TEXT(MEDLEY_VERSION_MAJOR, MEDLEY_VERSION_MINOR, MEDLEY_VERSION_PATCH);
}

/* Controls are the characters of one byte below 0x20 or 0x7f, and U+0080 to U+009F, which end lines and
 * command terminals too. */
static void clean(char *message, size_t length)
{
    for (size_t at = 0; at < length;) {
        const int size = text_character(message + at, length - at);
        const unsigned char first = (unsigned char)message[at];
        if (size == 0 || (size == 1 && (first < 0x20 || first == 0x7f)))
            message[at] = '?';
        else if (size == 2 && first == 0xc2 && (unsigned char)message[at + 1] < 0xa0)
            message[at] = message[at + 1] = '?';
        at += size > 0 ? (size_t)size : 1;
    }
}

static void write_message(medley_error *err, medley_status status, const char *format, va_list values)
{
    err->status = status;
    const int full = number_vprint(err->message, sizeof err->message, format, values);
    const size_t length = full < 0                             ? 0
                          : (size_t)full < sizeof err->message ? (size_t)full
                                                               : sizeof err->message - 1;
    err->message[length] = '\0';
    clean(err->message, length);
}

medley_status fail(medley_error *err, medley_status status, const char *format, ...)
{
    if (err != NULL) {
        va_list values;
        va_start(values, format);
        write_message(err, status, format, values);
        va_end(values);
    }
    return status;
}

medley_status fail_while(medley_error *err, medley_status status, const char *format, ...)
{
    if (err != NULL) {
        char cause[sizeof err->message];
        memcpy(cause, err->message, sizeof cause);
        va_list values;
        va_start(values, format);
        write_message(err, status, format, values);
        va_end(values);
        const size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, ": %s", cause);
        clean(err->message, strlen(err->message)); /* a cause that was cut */
    }
    return status;
}

medley_status fail_errno(medley_error *err, int code, const char *verb, const char *path)
{
    const medley_status status = code == ENOENT   ? MEDLEY_E_NOT_FOUND
                                 : code == ENOMEM ? MEDLEY_E_NOMEM
                                                  : MEDLEY_E_IO;
    char reason[128] = "";
    if (strerror_r(code, reason, sizeof reason) != 0) /* the POSIX form, see CMakeLists.txt */
        snprintf(reason, sizeof reason, "error %d", code);
    return fail(err, status, "cannot %s '%s': %s", verb, path, reason);
}

void error_clear(medley_error *err)
{
    if (err != NULL) {
        err->status = MEDLEY_OK;
        err->message[0] = '\0';
    }
}
