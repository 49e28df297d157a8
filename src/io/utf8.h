/* Text encodings of inputs: UTF-8 checked, Latin-1 converted (utf8proc behind). */
#ifndef IO_UTF8_H
#define IO_UTF8_H

#include "base/base.h"

/* The offset of the first byte that is not well-formed UTF-8, or -1. */
int64_t utf8_invalid_at(const char *bytes, size_t length);

/* Writes ISO 8859-1 bytes as UTF-8 to out [2 * length]; returns the length written. */
size_t utf8_from_latin1(const char *bytes, size_t length, char *out);

#endif
