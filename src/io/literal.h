/* Values as JSON or Python writes them: {"id": 18, 'name': u'Drama'}, [None, True], ('a', 1.5).
 *
 * Published tables hold both, sometimes in one column. Trees live in the caller's arena. */
#ifndef IO_LITERAL_H
#define IO_LITERAL_H

#include "base/base.h"

enum { LITERAL_DEEPEST = 64 };

typedef enum literal_kind {
    LITERAL_NONE, /* null, None, NaN */
    LITERAL_BOOL,
    LITERAL_NUMBER,
    LITERAL_TEXT,
    LITERAL_LIST, /* a list or tuple */
    LITERAL_DICT,
} literal_kind;

typedef struct literal {
    literal_kind kind;
    double number;         /* also 0 or 1 of a BOOL */
    const char *text;      /* TEXT: UTF-8 without NUL, NUL-ended */
    size_t length;         /* of text */
    const char *key;       /* of a dict's member */
    struct literal *first; /* of a list or dict */
    struct literal *next;  /* in its list or dict */
} literal;

/* Parses one whole value. Fails with E_FORMAT, "byte 17: a list that is not closed", and E_NOMEM. */
MEDLEY_MUST_USE medley_status literal_parse(arena *a, const char *bytes, size_t length, literal **out,
                                            medley_error *err);

/* A dict's member, or NULL; `dict` may be NULL or something else. */
const literal *literal_member(const literal *dict, const char *key);
/* Its text, or NULL when it has no such text. */
const char *literal_text(const literal *dict, const char *key);

#endif
