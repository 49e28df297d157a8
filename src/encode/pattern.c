/* Patterns that cut texts. The regular expressions of published tokenizers are few: each is a function here. */
#include "encode/character.h"
#include "encode/tokenizer_inside.h"

typedef enum kind { LETTER, NUMBER, SPACE, OTHER } kind;

static kind kind_at(const char *bytes, int64_t at, int64_t *next)
{
    const uint32_t point = point_at(bytes, at, next);
    if (point < 0x80) {
        if ((point | 0x20) >= 'a' && (point | 0x20) <= 'z')
            return LETTER;
        if (point >= '0' && point <= '9')
            return NUMBER;
        return character_is_space(point) ? SPACE : OTHER;
    }
    if (character_is(point, CHARACTER_LETTER))
        return LETTER;
    if (character_is(point, CHARACTER_NUMBER))
        return NUMBER;
    return character_is_space(point) ? SPACE : OTHER;
}

/* The end of the run of characters of one kind that starts at `at`; *last is where its last character starts. */
static int64_t run_end(const char *bytes, int64_t at, int64_t end, kind of, int64_t *last)
{
    int64_t next;
    while (at < end && kind_at(bytes, at, &next) == of) {
        *last = at;
        at = next;
    }
    return at;
}

/* 's 't 're 've 'm 'll 'd */
static int64_t contraction_end(const char *bytes, int64_t at, int64_t end)
{
    if (bytes[at] != '\'' || end - at < 2)
        return at;
    switch (bytes[at + 1]) {
    case 's':
    case 't':
    case 'm':
    case 'd':
        return at + 2;
    case 'r':
    case 'v':
        return end - at > 2 && bytes[at + 2] == 'e' ? at + 3 : at;
    case 'l':
        return end - at > 2 && bytes[at + 2] == 'l' ? at + 3 : at;
    default:
        return at;
    }
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
int64_t pattern_match_gpt2(const pattern *p, const char *bytes, int64_t at, int64_t end)
{
    (void)p;
    const int64_t contraction = contraction_end(bytes, at, end);
    if (contraction > at)
        return contraction;
    int64_t next, last = at;
    kind of = kind_at(bytes, at, &next);
    const int64_t after = next;
    if (bytes[at] == ' ' && after < end)
        of = kind_at(bytes, after, &next);
    else
        next = after;
    if (of != SPACE)
        return run_end(bytes, next, end, of, &last);
    const int64_t stop = run_end(bytes, at, end, SPACE, &last);
    return stop == end || last == at ? stop : last; /* the last space belongs to the word behind it */
}

/* 's|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+ */
static int64_t match_clip(const pattern *p, const char *bytes, int64_t at, int64_t end)
{
    (void)p;
    const int64_t contraction = contraction_end(bytes, at, end);
    if (contraction > at)
        return contraction;
    int64_t next, last;
    const kind of = kind_at(bytes, at, &next);
    return of == SPACE ? at : of == NUMBER ? next : run_end(bytes, next, end, of, &last);
}

/* <\|startoftext\|>|<\|endoftext\|>| and the one above */
static int64_t match_clip_special(const pattern *p, const char *bytes, int64_t at, int64_t end)
{
    static const char *const special[] = {"<|startoftext|>", "<|endoftext|>"};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        const size_t length = strlen(special[i]);
        if ((size_t)(end - at) >= length && memcmp(bytes + at, special[i], length) == 0)
            return at + (int64_t)length;
    }
    return match_clip(p, bytes, at, end);
}

static int64_t match_spaces(const pattern *p, const char *bytes, int64_t at, int64_t end)
{
    (void)p;
    int64_t last;
    return run_end(bytes, at, end, SPACE, &last);
}

static int64_t match_blanks(const pattern *p, const char *bytes, int64_t at, int64_t end)
{
    (void)p;
    int64_t stop = at;
    while (stop < end && bytes[stop] == ' ')
        stop++;
    return stop - at >= 2 ? stop : at;
}

static int64_t match_literal(const pattern *p, const char *bytes, int64_t at, int64_t end)
{
    return p->length <= end - at && memcmp(bytes + at, p->literal, (size_t)p->length) == 0 ? at + p->length : at;
}

pattern pattern_literal(const char *bytes, int64_t length)
{
    return (pattern){match_literal, bytes, length};
}

#define CLIP_WORDS "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"

static const struct {
    const char *expression;
    int64_t (*match)(const pattern *p, const char *bytes, int64_t at, int64_t end);
} expressions[] = {
    {"\\s+", match_spaces},
    {" {2,}", match_blanks},
    {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", pattern_match_gpt2},
    {CLIP_WORDS, match_clip},
    {"<\\|startoftext\\|>|<\\|endoftext\\|>|" CLIP_WORDS, match_clip_special},
};

medley_status pattern_read(reading *r, const char *owner, const json *value, pattern *out, medley_error *err)
{
    const char *literal = json_text(value, "String"), *expression = json_text(value, "Regex");
    if (literal != NULL && *literal != '\0') {
        const size_t length = strlen(literal);
        *out = pattern_literal(NULL, (int64_t)length);
        return reading_text(r, literal, length, &out->literal, err);
    }
    if (expression == NULL)
        return fail(err, MEDLEY_E_FORMAT, "%s: %s: 'pattern' must be {\"String\": ...} or {\"Regex\": ...}",
                    r->path, owner);
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++)
        if (strcmp(expression, expressions[i].expression) == 0) {
            out->match = expressions[i].match;
            return MEDLEY_OK;
        }
    return fail(err, MEDLEY_E_FORMAT,
                "%s: %s: regular expression '%s' is not known: accepted are \\s+, ' {2,}', GPT-2's and CLIP's",
                r->path, owner, expression);
}
