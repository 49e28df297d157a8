/* Numbers from text that need not end with NUL, and to text; no locale, nothing before or after allowed. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <medley/status.h>

/* An optional sign and decimal digits. False: not of that form, or outside int64_t. */
bool number_int(const char *text, size_t length, int64_t *out);

/* Decimal or scientific notation of up to 511 characters. False: not of that form, or not finite
 * ("nan", 1e999). The nearest double, as strtod gives. */
bool number_real(const char *text, size_t length, double *out);

/* As snprintf and vsnprintf, with '.' as the decimal point whatever locale the host program has set. */
int number_print(char *text, size_t size, const char *format, ...) MEDLEY_PRINTF(3, 4);
int number_vprint(char *text, size_t size, const char *format, va_list values) MEDLEY_PRINTF(3, 0);

/* Writes the shortest decimal that reads back as the same number, as snprintf writes. */
int number_format(double value, char *text, size_t size);

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
