/* Text encodings of inputs: UTF-8 checked and taken apart, Latin-1 converted (utf8proc behind). */
#ifndef IO_UTF8_H
#define IO_UTF8_H

#include "base/base.h"

/* The offset of the first byte that is not well-formed UTF-8, or -1. */
int64_t utf8_invalid_at(const char *bytes, size_t length);

/* Writes ISO 8859-1 bytes as UTF-8 to out [2 * length]; returns the length written. */
size_t utf8_from_latin1(const char *bytes, size_t length, char *out);

/* The length of the well-formed character at the front of `bytes`, of which `length` are there, and its code point;
 * 0: there is none. */
int utf8_point(const char *bytes, size_t length, uint32_t *point);

/* Whether a code point is a letter or a number: general categories L and N. */
bool utf8_is_alphanumeric(uint32_t point);

/* Writes the full case folding of a code point as UTF-8; returns the length. */
enum { UTF8_FOLDED_MOST = 16 };
int utf8_fold(uint32_t point, char out[UTF8_FOLDED_MOST]);

#endif
