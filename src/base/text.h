/* A growing text with a sticky error: append freely, check once at the end. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <medley/runtime.h>

/* All zero but `rt` is an empty text. `bytes` ends with NUL once anything was appended. */
typedef struct text {
    const medley_runtime *rt;
    char *bytes;
    int64_t length, capacity;
    bool failed; /* an append found no memory; later ones do nothing */
} text;

void text_append(text *t, const char *bytes, size_t length);
void text_add(text *t, const char *string);
void text_format(text *t, const char *format, ...) MEDLEY_PRINTF(2, 3); /* '.' is the decimal point */
/* Appends with a space for each control character: they would break lines and columns. */
void text_add_plain(text *t, const char *string);
/* Appends `width` - (what was appended since `start`, in code points) spaces, if positive. */
void text_pad(text *t, int64_t start, int width);

/* E_NOMEM when an append failed, else OK; an empty text then holds "". */
MEDLEY_MUST_USE medley_status text_status(text *t, medley_error *err);
void text_release(text *t);

/* Bytes of the well-formed UTF-8 character that starts at `bytes`, of which `length` are there; 0: none does. */
int text_character(const char *bytes, size_t length);

/* Code points in UTF-8 `bytes`: what a terminal shows in as many columns, mostly. */
int text_width(const char *bytes, size_t length);

#endif
