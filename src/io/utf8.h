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

/* The general category of a code point as a bit, to be compared with a set of them. Not a code point: 0. */
enum {
    UTF8_LETTER = 0x3e,           /* Lu Ll Lt Lm Lo */
    UTF8_NONSPACING = 1 << 6,     /* Mn */
    UTF8_MARK = 0x1c0,            /* Mn Mc Me */
    UTF8_DIGIT = 1 << 9,          /* Nd */
    UTF8_LETTER_NUMBER = 1 << 10, /* Nl */
    UTF8_NUMBER = 0xe00,          /* Nd Nl No */
    UTF8_CONNECTOR = 1 << 12,     /* Pc */
    UTF8_PUNCTUATION = 0x7f000,   /* Pc Pd Ps Pe Pi Pf Po */
    UTF8_CONTROL = 0x3c000000,    /* Cc Cf Cs Co */
};
uint32_t utf8_category(uint32_t point);

/* Writes a code point as UTF-8; returns the length. */
int utf8_write(uint32_t point, char out[4]);

/* The lower case of a code point, where that is one code point too. */
uint32_t utf8_lower(uint32_t point);

/* Whether a cluster of characters that users see as one ends between `a` and `b`. *state: 0 at the start of a text. */
bool utf8_cluster_ends(uint32_t a, uint32_t b, int32_t *state);

/* Brings well-formed UTF-8 into a normal form, in `buffer` as bytes, *written of them. Returns the units of the
 * buffer that it takes; when that is more than `room`, nothing is there. -1: it is not well-formed. */
typedef enum utf8_form { UTF8_NFC, UTF8_NFD, UTF8_NFKC, UTF8_NFKD, UTF8_FORMS } utf8_form;
int64_t utf8_normalize(const char *bytes, size_t length, utf8_form form, int32_t *buffer, int64_t room,
                       size_t *written);

/* Writes bytes to out [3 * length], each longest beginning of a well-formed character that breaks off, and each other
 * byte that is not well-formed, as U+FFFD: Unicode's practice, and Python's. Returns the length. */
size_t utf8_mend(const char *bytes, size_t length, char *out);

#endif
