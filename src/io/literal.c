#include "io/literal.h"

#include "io/utf8.h"

typedef struct literal_scan {
    arena *a;
    const char *start, *at, *end;
    medley_error *err;
} literal_scan;

static medley_status refuse(const literal_scan *s, const char *reason)
{
    return fail(s->err, MEDLEY_E_FORMAT, "byte %lld: %s", (long long)(s->at - s->start) + 1, reason);
}

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(literal_scan *s)
{
    while (s->at < s->end && space(*s->at))
        s->at++;
}

static bool next_is(literal_scan *s, char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* ---- texts ---- */

static bool hex(const char *at, const char *end, int digits, uint32_t *out)
{
    *out = 0;
    if (end - at < digits)
        return false;
    for (int i = 0; i < digits; i++) {
        const char c = (char)(at[i] | 32);
        const int digit = at[i] >= '0' && at[i] <= '9' ? at[i] - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

static char *put_point(char *to, uint32_t point)
{
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        point = 0xfffd; /* half of a pair, as Python may write it */
    const int more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    *to++ = (char)(lead[more] | point >> (6 * more));
    for (int i = more - 1; i >= 0; i--)
        *to++ = (char)(0x80 | (point >> (6 * i) & 0x3f));
    return to;
}

/* \xXX, \uXXXX or \UXXXXXXXX from the letter on, and the second half of a pair. */
static medley_status take_point(literal_scan *s, char **to)
{
    const int digits = *s->at == 'x' ? 2 : *s->at == 'u' ? 4 : 8;
    uint32_t point, low;
    if (!hex(s->at + 1, s->end, digits, &point))
        return refuse(s, "an escape without its digits");
    if (point == 0)
        return refuse(s, "a NUL character");
    s->at += 1 + digits;
    if (point >= 0xd800 && point < 0xdc00 && s->end - s->at >= 6 && s->at[0] == '\\' && s->at[1] == 'u' &&
        hex(s->at + 2, s->end, 4, &low) && low >= 0xdc00 && low <= 0xdfff) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        s->at += 6;
    }
    *to = put_point(*to, point);
    return MEDLEY_OK;
}

/* What stands behind a backslash. */
static medley_status take_escape(literal_scan *s, char **to)
{
    static const char letters[] = "\"'\\/bfnrtav\n", meant[] = "\"'\\/\b\f\n\r\t\a\v";
    const char *letter = *s->at != '\0' ? strchr(letters, *s->at) : NULL;
    if (*s->at == 'x' || *s->at == 'u' || *s->at == 'U')
        return take_point(s, to);
    if (letter == NULL)
        return refuse(s, "an escape that neither JSON nor Python knows");
    if (*letter != '\n') /* a line that goes on */
        *(*to)++ = meant[letter - letters];
    s->at++;
    return MEDLEY_OK;
}

/* From the opening quote on. A text never grows when its escapes are replaced (\xe9: 4 bytes to 2). */
static medley_status take_text(literal_scan *s, const char **out, size_t *length)
{
    const char quote = *s->at++;
    const char *end = s->at;
    char *to;
    while (end < s->end && *end != quote)
        end += *end == '\\' && end + 1 < s->end ? 2 : 1;
    if (end >= s->end)
        return refuse(s, "a text that is not closed");
    TRY(arena_alloc(s->a, end - s->at + 1, 1, &to, s->err));
    *out = to;
    while (s->at < end) {
        if (*s->at == '\0')
            return refuse(s, "a NUL character");
        if (*s->at != '\\') {
            *to++ = *s->at++;
            continue;
        }
        s->at++;
        TRY(take_escape(s, &to));
    }
    *to = '\0';
    *length = (size_t)(to - *out);
    s->at = end + 1;
    return MEDLEY_OK;
}

/* ---- values ---- */

static medley_status take_value(literal_scan *s, int depth, literal *out);

/* What a bracket opens, up to `close`. */
static medley_status take_members(literal_scan *s, char close, int depth, literal *out)
{
    struct literal **next = &out->first;
    const bool dict = close == '}';
    size_t ignored;
    out->kind = dict ? LITERAL_DICT : LITERAL_LIST;
    s->at++;
    for (bool first = true; !next_is(s, close); first = false) {
        if (!first && !next_is(s, ','))
            return refuse(s, s->at == s->end ? (dict ? "a dict that is not closed" : "a list that is not closed")
                                             : "no ',' between values");
        if (!first && next_is(s, close)) /* Python allows it: (1,) */
            return MEDLEY_OK;
        literal *member;
        const char *key = NULL;
        skip_space(s);
        if (dict && (s->at == s->end || (*s->at != '"' && *s->at != '\'')))
            if (s->end - s->at < 2 || *s->at != 'u' || (s->at[1] != '"' && s->at[1] != '\''))
                return refuse(s, "no key where one is needed");
        if (dict) {
            s->at += *s->at == 'u';
            TRY(take_text(s, &key, &ignored));
            if (!next_is(s, ':'))
                return refuse(s, "no ':' behind a key");
        }
        TRY(arena_alloc(s->a, 1, sizeof *member, &member, s->err));
        *member = (literal){.key = key};
        TRY(take_value(s, depth + 1, member));
        *next = member;
        next = &member->next;
    }
    return MEDLEY_OK;
}

static medley_status take_word(literal_scan *s, literal *out)
{
    static const struct {
        const char *name;
        literal_kind kind;
        double number;
    } words[] = {
        {"null", LITERAL_NONE, 0},  {"None", LITERAL_NONE, 0},  {"nan", LITERAL_NONE, 0},
        {"NaN", LITERAL_NONE, 0},   {"true", LITERAL_BOOL, 1},  {"True", LITERAL_BOOL, 1},
        {"false", LITERAL_BOOL, 0}, {"False", LITERAL_BOOL, 0},
    };
    const char *end = s->at;
    while (end < s->end && !space(*end) && strchr(",]})", *end) == NULL)
        end++;
    const size_t length = (size_t)(end - s->at);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (length == strlen(words[i].name) && memcmp(s->at, words[i].name, length) == 0) {
            out->kind = words[i].kind;
            out->number = words[i].number;
            s->at = end;
            return MEDLEY_OK;
        }
    out->kind = LITERAL_NUMBER;
    if (!number_real(s->at, length, &out->number))
        return refuse(s, "no value where one is needed");
    s->at = end;
    return MEDLEY_OK;
}

static medley_status take_value(literal_scan *s, int depth, literal *out)
{
    skip_space(s);
    if (s->at == s->end)
        return refuse(s, "no value where one is needed");
    if (depth > LITERAL_DEEPEST)
        return refuse(s, "nested deeper than 64 levels");
    const bool prefixed = *s->at == 'u' && s->end - s->at > 1 && (s->at[1] == '"' || s->at[1] == '\'');
    s->at += prefixed;
    switch (*s->at) {
    case '"':
    case '\'':
        out->kind = LITERAL_TEXT;
        return take_text(s, &out->text, &out->length);
    case '{':
        return take_members(s, '}', depth, out);
    case '[':
        return take_members(s, ']', depth, out);
    case '(':
        return take_members(s, ')', depth, out);
    default:
        return take_word(s, out);
    }
}

medley_status literal_parse(arena *a, const char *bytes, size_t length, literal **out, medley_error *err)
{
    literal_scan s = {.a = a, .start = bytes, .at = bytes, .end = bytes + length, .err = err};
    literal *root;
    *out = NULL;
    const int64_t wrong = utf8_invalid_at(bytes, length);
    if (wrong >= 0)
        return fail(err, MEDLEY_E_FORMAT, "byte %lld: 0x%02x is not UTF-8", (long long)wrong + 1,
                    (unsigned)(unsigned char)bytes[wrong]);
    TRY(arena_alloc(a, 1, sizeof *root, &root, err));
    *root = (literal){.kind = LITERAL_NONE};
    TRY(take_value(&s, 1, root));
    skip_space(&s);
    if (s.at < s.end)
        return refuse(&s, "text behind the value");
    *out = root;
    return MEDLEY_OK;
}

const literal *literal_member(const literal *dict, const char *key)
{
    if (dict == NULL || dict->kind != LITERAL_DICT)
        return NULL;
    for (const literal *m = dict->first; m != NULL; m = m->next)
        if (strcmp(m->key, key) == 0)
            return m;
    return NULL;
}

const char *literal_text(const literal *dict, const char *key)
{
    const literal *m = literal_member(dict, key);
    return m != NULL && m->kind == LITERAL_TEXT ? m->text : NULL;
}
