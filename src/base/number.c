#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool number_int(const char *text, size_t length, int64_t *out)
{
    size_t at = 0;
    const bool negative = length > 0 && text[0] == '-';
    if (length > 0 && (text[0] == '-' || text[0] == '+'))
        at = 1;
    if (at == length)
        return false;
    int64_t value = 0;
    for (; at < length; at++) {
        const int digit = text[at] - '0';
        if (digit < 0 || digit > 9)
            return false;
        if (__builtin_mul_overflow(value, 10, &value) || (negative ? __builtin_sub_overflow(value, digit, &value)
                                                                   : __builtin_add_overflow(value, digit, &value)))
            return false;
    }
    *out = value;
    return true;
}

/* Only characters of a decimal number: keeps strtod away from "inf", "nan", "0x1p3", spaces. */
static bool looks_decimal(const char *text, size_t length)
{
    bool digit = false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] >= '0' && text[i] <= '9')
            digit = true;
        else if (strchr("+-.eE", text[i]) == NULL || text[i] == '\0')
            return false;
    }
    return digit;
}

/* This thread's locale is "C" between the two, whatever the host program has set. */
typedef struct plain_locale {
    locale_t c, before;
} plain_locale;

static plain_locale locale_enter(void)
{
    plain_locale l = {newlocale(LC_ALL_MASK, "C", (locale_t)0), (locale_t)0};
    if (l.c != (locale_t)0)
        l.before = uselocale(l.c);
    return l;
}

static void locale_leave(plain_locale l)
{
    if (l.c != (locale_t)0) {
        uselocale(l.before);
        freelocale(l.c);
    }
}

int number_vprint(char *text, size_t size, const char *format, va_list values)
{
    const plain_locale l = locale_enter();
    const int length = vsnprintf(text, size, format, values);
    locale_leave(l);
    return length;
}

int number_print(char *text, size_t size, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const int length = number_vprint(text, size, format, values);
    va_end(values);
    return length;
}

bool number_real(const char *text, size_t length, double *out)
{
    /* Up to 15 digits and a power of ten within 10^22 are exact in double, so one division gives
     * the nearest value (Clinger 1990); nearly every number in data takes this way. */
    static const double power[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const size_t start = length > 0 && (text[0] == '-' || text[0] == '+');
    int64_t digits = 0;
    int count = 0, decimals = 0;
    bool point = false;
    size_t i = start;
    for (; i < length && count <= 15; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            digits = digits * 10 + (text[i] - '0');
            count++;
            decimals += point;
        } else if (text[i] == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (i == length && count > 0 && count <= 15) {
        const double value = (double)digits / power[decimals];
        *out = text[0] == '-' ? -value : value;
        return true;
    }

    char copy[512], *end;
    if (length >= sizeof copy || !looks_decimal(text, length))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    const plain_locale l = locale_enter();
    const double value = strtod(copy, &end);
    locale_leave(l);
    if (*end != '\0' || !isfinite(value))
        return false;
    *out = value;
    return true;
}

int number_format(double value, char *text, size_t size)
{
    char shown[32];
    double back;
    for (int digits = 15; digits <= 17; digits++) { /* %g drops zeros: 0.1 stays 0.1 */
        const int length = number_print(shown, sizeof shown, "%.*g", digits, value);
        if (number_real(shown, (size_t)length, &back) && back == value)
            break;
    }
    return snprintf(text, size, "%s", shown);
}
