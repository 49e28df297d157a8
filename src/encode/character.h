/* What a character is to the library whose ids tokenizers must give: Unicode, of the ages of its tables. */
#ifndef ENCODE_CHARACTER_H
#define ENCODE_CHARACTER_H

#include "base/base.h"

typedef enum character_set {
    CHARACTER_NONSPACING,  /* accents, to BERT */
    CHARACTER_MARK,        /* accents, to StripAccents */
    CHARACTER_PUNCTUATION, /* categories P; not yet $+<=>^`|~, which BERT adds */
    CHARACTER_LETTER,      /* \p{L} */
    CHARACTER_NUMBER,      /* \p{N} */
    CHARACTER_NUMERIC,     /* categories N */
    CHARACTER_WORD,        /* \w */
    CHARACTER_CONTROL, /* what BERT's cleaning removes, but NUL's neighbours tab and line ends, which are spaces */
    CHARACTER_SETS
} character_set;
bool character_is(uint32_t point, character_set set);

bool character_is_space(uint32_t point);     /* White_Space, \s */
bool character_is_ideograph(uint32_t point); /* CJK, as BERT's list has it */
bool character_is_late(uint32_t point);      /* normal forms leave it alone */

/* Writes the lower case; returns the length. */
enum { CHARACTER_LOWER_MOST = 4 };
int character_lower(uint32_t point, char out[CHARACTER_LOWER_MOST]);

#endif
