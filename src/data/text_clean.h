/* Text as people wrote it: markup and entities resolved, one Unicode form, single spaces. libxml2 and utf8proc. */
#ifndef DATA_TEXT_CLEAN_H
#define DATA_TEXT_CLEAN_H

#include "base/base.h"

typedef struct text_clean_options {
    bool lower_case;
} text_clean_options;

/* Appends the cleaned text: HTML to text where it looks like HTML (a tag or an entity), Unicode NFKC, control
 * characters and white space of any kind as one space, none at either end, and lower case if asked for. What is
 * not UTF-8 becomes U+FFFD. Fails with E_NOMEM. */
MEDLEY_MUST_USE medley_status text_clean(const medley_runtime *rt, const text_clean_options *options,
                                         const char *bytes, size_t length, text *out, medley_error *err);

#endif
