/* Numbers from text that need not end with NUL; no locale, nothing before or after allowed. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An optional sign and decimal digits. False: not of that form, or outside int64_t. */
bool number_int(const char *text, size_t length, int64_t *out);

/* Decimal or scientific notation. False: not of that form, or not finite ("nan", 1e999). The
 * nearest double, as strtod gives. */
bool number_real(const char *text, size_t length, double *out);

#endif
