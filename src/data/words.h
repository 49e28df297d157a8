/* The words of a text: runs of letters or digits (Unicode), case folded. */
#ifndef DATA_WORDS_H
#define DATA_WORDS_H

#include "base/base.h"

/* Where a text is read. What is not UTF-8 lies between words. */
typedef struct words {
    const char *bytes;
    size_t length, at;
} words;

/* Puts the next word into *out, in place of what it held, and returns how many letters of the text it is: folding may make
 * more of them. 0: no more words. What memory did not suffice for is told by text_status. */
int64_t words_next(words *w, text *out);

#endif
