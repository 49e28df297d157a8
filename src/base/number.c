#include "base/number.h"

#include <locale.h>
#include <math.h>
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
        if (__builtin_mul_overflow(value, 10, &value) ||
            (negative ? __builtin_sub_overflow(value, digit, &value)
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

/* strtod with '.' as the decimal point, whatever locale the host program has set. */
static double real_in_c_locale(const char *copy, char **end)
{
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t before = c != (locale_t)0 ? uselocale(c) : (locale_t)0;
    const double value = strtod(copy, end);
    if (c != (locale_t)0) {
        uselocale(before);
        freelocale(c);
    }
    return value;
}

bool number_real(const char *text, size_t length, double *out)
{
    /* Up to 15 digits and a power of ten within 10^22 are exact in double, so one division gives
     * the nearest value (Clinger 1990); nearly every number in data takes this way. */
    static const double power[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
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
    const double value = real_in_c_locale(copy, &end);
    if (*end != '\0' || !isfinite(value))
        return false;
    *out = value;
    return true;
}
