#if defined(__x86_64__)
#include <immintrin.h> /* before base.h: it names malloc */
#endif

#include "io/json_lines.h"

/* What a string may not hold as it is: its end, an escape, a control character (a line end, too). */

static inline bool stops(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

/* The first byte from `at` on that stops a string: there is one, as every block ends with a line end. */
typedef const char *(*skip_function)(const char *at);

#if defined(__x86_64__)

/* Blocks have RECORDS_PADDING readable bytes behind them. */
__attribute__((target("avx512bw,bmi"))) static const char *skip_avx512(const char *at)
{
    for (;; at += 64) {
        const __m512i v = _mm512_loadu_si512(at);
        const uint64_t found = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')) |
                               _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\')) |
                               _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8(0x20));
        if (found != 0)
            return at + __builtin_ctzll(found);
    }
}

__attribute__((target("avx2,bmi"))) static const char *skip_avx2(const char *at)
{
    for (;; at += 32) {
        const __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)at);
        const __m256i control = _mm256_set1_epi8(0x1f);
        const __m256i found = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')),
                                                              _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'))),
                                              _mm256_cmpeq_epi8(_mm256_max_epu8(v, control), control));
        const unsigned mask = (unsigned)_mm256_movemask_epi8(found);
        if (mask != 0)
            return at + __builtin_ctz(mask);
    }
}

/* The first 16 bytes without a call: keys and most values are shorter. NULL: no stop among them. */
static inline const char *skip_short(const char *at)
{
    const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at), control = _mm_set1_epi8(0x1f);
    const __m128i found =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))),
                     _mm_cmpeq_epi8(_mm_max_epu8(v, control), control));
    const unsigned mask = (unsigned)_mm_movemask_epi8(found);
    return mask != 0 ? at + __builtin_ctz(mask) : NULL;
}

#else

static inline const char *skip_short(const char *at)
{
    for (int i = 0; i < 16; i++)
        if (stops(at[i]))
            return at + i;
    return NULL;
}

#endif

static const char *skip_portable(const char *at)
{
    while (!stops(*at))
        at++;
    return at;
}

static skip_function choose_skip(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw"))
        return skip_avx512;
    if (__builtin_cpu_supports("avx2"))
        return skip_avx2;
#endif
    return skip_portable;
}

/* A line being scanned. */
typedef struct line_scan {
    skip_function skip;
    const char *at;     /* the next byte */
    const char *fault;  /* where it is wrong */
    const char *reason; /* and how */
} line_scan;

static inline bool refuse_at(line_scan *s, const char *at, const char *reason)
{
    s->fault = at;
    s->reason = reason;
    return false;
}

static inline bool refuse(line_scan *s, const char *reason)
{
    return refuse_at(s, s->at, reason);
}

static inline void skip_space(line_scan *s)
{
    while (*s->at == ' ' || *s->at == '\t' || *s->at == '\r')
        s->at++;
}

/* From behind the opening quote to behind the closing one. */
static inline bool skip_string(line_scan *s, bool *escaped)
{
    *escaped = false;
    for (;;) {
        const char *stop = skip_short(s->at);
        s->at = stop != NULL ? stop : s->skip(s->at + 16);
        if (*s->at == '"') {
            s->at++;
            return true;
        }
        if (*s->at != '\\' || (unsigned char)s->at[1] < 0x20)
            return refuse(s, *s->at == '\n' || *s->at == '\\' ? "a string that is not closed"
                                                              : "a control character in a string");
        *escaped = true;
        s->at += 2;
    }
}

/* An object or array, from its bracket on: brackets pair up, strings close. One bit a level: an object? */
static bool skip_container(line_scan *s)
{
    uint64_t objects = 0;
    int depth = 0;
    bool escaped;
    for (;; s->at++) {
        switch (*s->at) {
        case '{':
        case '[':
            if (++depth > JSON_LINES_DEEPEST - 1)
                return refuse(s, "nested deeper than 64 levels");
            objects = objects << 1 | (*s->at == '{');
            break;
        case '}':
        case ']':
            if ((objects & 1) != (*s->at == '}'))
                return refuse(s, "brackets that do not pair up");
            objects >>= 1;
            if (--depth == 0) {
                s->at++;
                return true;
            }
            break;
        case '"':
            s->at++;
            if (!skip_string(s, &escaped))
                return false;
            s->at--;
            break;
        case '\n':
            return refuse(s, "brackets that are not closed");
        default:
            break;
        }
    }
}

static inline bool ends_value(char c)
{
    return c == ',' || c == '}' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Number, true, false or null. */
static bool skip_scalar(line_scan *s, bool *number)
{
    static const char *const words[] = {"true", "false", "null"};
    const char *start = s->at;
    while (!ends_value(*s->at))
        s->at++;
    const size_t length = (size_t)(s->at - start);
    *number = length > 0 && (*start == '-' || (unsigned)(*start - '0') < 10);
    for (size_t i = *number; i < length && *number; i++)
        if ((unsigned)(start[i] - '0') >= 10 && memchr(".eE+-", start[i], 5) == NULL)
            *number = false;
    if (*number)
        return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (length == strlen(words[i]) && memcmp(start, words[i], length) == 0)
            return true;
    return refuse_at(s, start, "no value where one is needed");
}

/* A value: type 0 is neither text nor number; start and end are those of a text inside its quotes. */
typedef struct line_value {
    const char *start, *end;
    int type;
    bool escaped;
} line_value;

static inline bool scan_value(line_scan *s, line_value *v)
{
    *v = (line_value){.start = s->at};
    if (*s->at == '"') {
        v->start = ++s->at;
        if (!skip_string(s, &v->escaped))
            return false;
        v->end = s->at - 1;
        v->type = JSON_LINES_TEXT;
        return true;
    }
    if (*s->at == '{' || *s->at == '[')
        return skip_container(s);
    bool number;
    if (!skip_scalar(s, &number))
        return false;
    v->end = s->at;
    v->type = number ? JSON_LINES_NUMBER : 0;
    return true;
}

/* The key and the colon of a member. */
static inline bool scan_key(line_scan *s, const char **start, size_t *length)
{
    bool escaped;
    if (*s->at != '"')
        return refuse(s, "no key where one is needed");
    *start = ++s->at;
    if (!skip_string(s, &escaped))
        return false;
    *length = escaped ? 0 : (size_t)(s->at - 1 - *start); /* keys we look for need no escapes */
    skip_space(s);
    if (*s->at != ':')
        return refuse(s, "no ':' behind a key");
    s->at++;
    skip_space(s);
    return true;
}

/* Behind a member: on to the next (`more`), or behind the object. */
static inline bool scan_separator(line_scan *s, bool *more)
{
    skip_space(s);
    *more = *s->at == ',';
    if (!*more && *s->at != '}')
        return refuse(s, "no ',' or '}' behind a value");
    s->at++;
    skip_space(s);
    return true;
}

/* ---- escapes of wanted texts ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool hex_unit(const char *at, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        if (hex_digit(at[i]) < 0)
            return false;
        *out = *out << 4 | (unsigned)hex_digit(at[i]);
    }
    return true;
}

static char *put_utf8(char *to, unsigned point)
{
    if (point < 0x80) {
        *to++ = (char)point;
        return to;
    }
    const int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(lead[more] | point >> (6 * more));
    for (int i = more - 1; i >= 0; i--)
        *to++ = (char)(0x80 | (point >> (6 * i) & 0x3f));
    return to;
}

/* \uXXXX from its 'u' on, with the second half of a pair; false: no character but NUL can be meant. */
static bool unescape_unit(const char **at, const char *end, char **to)
{
    unsigned point, low;
    if (end - *at < 5 || !hex_unit(*at + 1, &point))
        return false;
    *at += 5;
    if (point >= 0xd800 && point < 0xdc00) {
        if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u' || !hex_unit(*at + 2, &low) || low < 0xdc00 ||
            low > 0xdfff)
            return false;
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        *at += 6;
    }
    if (point == 0 || (point >= 0xdc00 && point <= 0xdfff))
        return false;
    *to = put_utf8(*to, point);
    return true;
}

/* Replaces the escapes of bytes[0..*length); the text never grows. */
static bool unescape(char *bytes, size_t *length)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *at = bytes, *const end = bytes + *length;
    char *to = bytes;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        at++; /* never the last byte: the string's end would be escaped */
        const char *letter = strchr(letters, *at);
        if (*at == 'u') {
            if (!unescape_unit(&at, end, &to))
                return false;
        } else if (letter != NULL) {
            *to++ = meant[letter - letters];
            at++;
        } else {
            return false;
        }
    }
    *length = (size_t)(to - bytes);
    return true;
}

/* ---- lines ---- */

typedef struct wanted_keys {
    const json_lines_key *keys;
    int count;
    size_t length[JSON_LINES_KEYS];
} wanted_keys;

static inline int find_key(const wanted_keys *w, const char *key, size_t length)
{
    for (int i = 0; i < w->count; i++)
        if (w->length[i] == length && memcmp(w->keys[i].name, key, length) == 0)
            return i;
    return -1;
}

static const char *wrong_type(int accepted)
{
    return accepted == JSON_LINES_NUMBER ? "is not a number"
           : accepted == JSON_LINES_TEXT ? "is not a text"
                                         : "is neither text nor number";
}

/* Scans the object at s->at; *key is the one a fault is about, or "". */
static bool scan_line(line_scan *s, const wanted_keys *w, line_value *values, const char **key)
{
    line_value value;
    int found = 0;
    bool more;
    *key = "";
    if (*s->at != '{')
        return refuse(s, "not a JSON object");
    s->at++;
    skip_space(s);
    more = *s->at != '}';
    s->at += !more;
    while (more) {
        const char *name;
        size_t length;
        if (!scan_key(s, &name, &length) || !scan_value(s, &value))
            return false;
        const int at = find_key(w, name, length);
        if (at >= 0) {
            *key = w->keys[at].name;
            if (values[at].start != NULL)
                return refuse_at(s, value.start, "comes twice");
            if ((value.type & w->keys[at].types) == 0)
                return refuse_at(s, value.start, wrong_type(w->keys[at].types));
            values[at] = value;
            found++;
            *key = "";
        }
        if (!scan_separator(s, &more))
            return false;
    }
    skip_space(s);
    if (*s->at != '\n')
        return refuse(s, "text behind the object");
    for (int i = 0; i < w->count && found < w->count; i++)
        if (values[i].start == NULL) {
            *key = w->keys[i].name;
            return refuse(s, "is missing");
        }
    return true;
}

static bool is_ascii(const char *bytes, size_t length)
{
    unsigned char high = 0;
    for (size_t i = 0; i < length; i++)
        high |= (unsigned char)bytes[i];
    return high < 0x80;
}

/* Writes the fields of a good line; false: an escape is wrong, and nothing was written. */
static bool emit(record_block *block, delimited_table *t, const line_value *values, int count, line_scan *s,
                 const wanted_keys *w, const char **key)
{
    for (int i = 0; i < count; i++) {
        const line_value *v = &values[i];
        const size_t start = (size_t)(v->start - block->bytes);
        size_t length = (size_t)(v->end - v->start);
        if (v->escaped && !unescape(block->bytes + start, &length)) {
            *key = w->keys[i].name;
            return refuse_at(s, v->start, "has an escape that JSON does not know");
        }
        t->ascii = t->ascii && is_ascii(block->bytes + start, length);
        t->fields[t->field_count + i] = (delimited_field){(uint32_t)start, (uint32_t)(start + length)};
    }
    t->field_count += count;
    return true;
}

static medley_status reserve_row(const medley_runtime *rt, json_lines_table *t, int count, medley_error *err)
{
    delimited_table *f = &t->fields;
    TRY(mem_reserve(rt, &f->fields, &f->field_capacity, f->field_count + count, sizeof *f->fields, err));
    return mem_reserve(rt, &f->row_end, &f->row_capacity, f->row_count + 1, sizeof *f->row_end, err);
}

static medley_status add_fault(const medley_runtime *rt, json_lines_table *t, const line_scan *s, const char *line,
                               const char *key, medley_error *err)
{
    TRY(mem_reserve(rt, &t->faults, &t->fault_capacity, t->fault_count + 1, sizeof *t->faults, err));
    t->faults[t->fault_count++] =
        (json_lines_fault){t->fields.row_count, (uint32_t)(s->fault - line) + 1, key, s->reason};
    return MEDLEY_OK;
}

medley_status json_lines_parse(const medley_runtime *rt, record_block *block, const json_lines_key *keys,
                               int count, json_lines_table *t, medley_error *err)
{
    wanted_keys wanted = {.keys = keys, .count = count};
    delimited_table *f = &t->fields;
    const char *const end = block->bytes + block->length;
    line_scan s = {.skip = choose_skip()};
    assert(count >= 1 && count <= JSON_LINES_KEYS);
    for (int i = 0; i < count; i++)
        wanted.length[i] = strlen(keys[i].name);
    f->field_count = f->row_count = t->fault_count = 0;
    f->lines = NULL;
    f->ascii = true;
    f->nul = false; /* a string holds no control character, and \u0000 is refused */
    for (const char *line = block->bytes; line < end;) {
        line_value values[JSON_LINES_KEYS] = {{NULL, NULL, 0, false}};
        const char *key;
        TRY(reserve_row(rt, t, count, err));
        s.at = line;
        skip_space(&s);
        if (*s.at == '\n') {
            const uint32_t here = (uint32_t)(s.at - block->bytes);
            f->fields[f->field_count++] = (delimited_field){here, here};
        } else if (!scan_line(&s, &wanted, values, &key) || !emit(block, f, values, count, &s, &wanted, &key)) {
            TRY(add_fault(rt, t, &s, line, key, err));
            s.at = memchr(s.at, /* not from the fault: a line end may have been an escape before */
                          '\n', (size_t)(end - s.at));
        }
        f->row_end[f->row_count++] = (uint32_t)f->field_count;
        line = s.at + 1;
    }
    return MEDLEY_OK;
}

void json_lines_release(json_lines_table *t)
{
    delimited_release(&t->fields);
    mem_free(t->faults);
    *t = (json_lines_table){.fault_count = 0};
}

bool json_lines_has(const char *line, const char *name)
{
    line_scan s = {.skip = choose_skip(), .at = line};
    line_value value;
    const char *key;
    size_t length;
    skip_space(&s);
    if (*s.at != '{')
        return false;
    s.at++;
    skip_space(&s);
    for (bool more = *s.at != '}'; more;) {
        if (!scan_key(&s, &key, &length) || !scan_value(&s, &value) || !scan_separator(&s, &more))
            return false;
        if (length == strlen(name) && memcmp(key, name, length) == 0)
            return true;
    }
    return false;
}
