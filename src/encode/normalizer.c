/* Normalizers: the text as the vocabulary spells it. */
#include "encode/character.h"
#include "encode/tokenizer_inside.h"
#include "io/utf8.h"

static medley_status append(work *w, const char *bytes, int64_t length, medley_error *err)
{
    char *to;
    TRY(work_room(w, length, &to, err));
    memcpy(to, bytes, (size_t)length);
    w->length += length;
    return MEDLEY_OK;
}

/* As append, from w->bytes, which may move. */
static medley_status append_piece(work *w, int64_t start, int64_t end, medley_error *err)
{
    char *to;
    TRY(work_room(w, end - start, &to, err));
    memcpy(to, w->bytes + start, (size_t)(end - start));
    w->length += end - start;
    return MEDLEY_OK;
}

/* The end of the run of bytes below 0x80, or of those above, that starts at `at`. */
static int64_t ascii_end(const char *bytes, int64_t at, int64_t end)
{
    for (uint64_t eight; end - at >= 8; at += 8) {
        memcpy(&eight, bytes + at, 8);
        if ((eight & 0x8080808080808080u) != 0)
            break;
    }
    while (at < end && (unsigned char)bytes[at] < 0x80)
        at++;
    return at;
}

static int64_t beyond_end(const char *bytes, int64_t at, int64_t end)
{
    while (at < end && (unsigned char)bytes[at] >= 0x80)
        at++;
    return at;
}

/* Runs of ASCII through the step's table, other runs through `beyond`. */
static medley_status by_runs(work *w, const step *s, piece in, piece *out,
                             medley_status (*beyond)(work *w, const step *s, piece run, medley_error *err),
                             medley_error *err)
{
    out->start = w->length;
    out->first = in.first;
    for (int64_t at = in.start; at < in.end;) {
        const int64_t stop = ascii_end(w->bytes, at, in.end);
        char *to;
        TRY(work_room(w, stop - at, &to, err));
        const char *const before = to;
        for (int64_t i = at; i < stop; i++) {
            const unsigned char byte = s->ascii[(unsigned char)w->bytes[i]];
            *to = (char)byte;
            to += byte != STEP_DROPPED;
        }
        w->length += to - before;
        at = beyond_end(w->bytes, stop, in.end);
        if (at > stop)
            TRY(beyond(w, s, (piece){stop, at, false}, err));
    }
    out->end = w->length;
    return MEDLEY_OK;
}

static medley_status lower_run(work *w, const step *s, piece run, medley_error *err)
{
    (void)s;
    char *to;
    /* Ten code points of two bytes have a lower case of three; none is longer. */
    TRY(work_room(w, 2 * (run.end - run.start), &to, err));
    const char *const before = to;
    for (int64_t at = run.start; at < run.end;)
        to += character_lower(point_at(w->bytes, at, &at), to);
    w->length += to - before;
    return MEDLEY_OK;
}

static void ascii_table(step *s, bool lower)
{
    for (int c = 0; c < 128; c++)
        s->ascii[c] = (unsigned char)(lower && c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static medley_status lowercase_normalize(work *w, const step *s, piece in, piece *out, medley_error *err)
{
    return by_runs(w, s, in, out, lower_run, err);
}

static medley_status lowercase_read(reading *r, const json *object, step *s, medley_error *err)
{
    (void)r, (void)object, (void)err;
    ascii_table(s, true);
    return MEDLEY_OK;
}

static medley_status drop_run(work *w, piece run, character_set set, medley_error *err)
{
    for (int64_t at = run.start, next; at < run.end; at = next)
        if (!character_is(point_at(w->bytes, at, &next), set))
            TRY(append_piece(w, at, next, err));
    return MEDLEY_OK;
}

static medley_status drop_marks(work *w, const step *s, piece run, medley_error *err)
{
    (void)s;
    return drop_run(w, run, CHARACTER_MARK, err);
}

static medley_status strip_accents_normalize(work *w, const step *s, piece in, piece *out, medley_error *err)
{
    return by_runs(w, s, in, out, drop_marks, err);
}

static medley_status plain_read(reading *r, const json *object, step *s, medley_error *err)
{
    (void)r, (void)object, (void)err;
    ascii_table(s, false);
    return MEDLEY_OK;
}

/* Appends a normal form of `in`; what is younger than its tables stands between parts that have one. */
static medley_status append_form(work *w, piece in, utf8_form form, medley_error *err)
{
    for (int64_t at = in.start, stop, next = 0; at < in.end; at = next) {
        bool late = false;
        for (stop = at; stop < in.end && !late; stop = late ? stop : next)
            late = character_is_late(point_at(w->bytes, stop, &next));
        next = late ? next : stop;
        size_t written = 0;
        const size_t length = (size_t)(stop - at);
        int64_t needed = utf8_normalize(w->bytes + at, length, form, w->points, w->points_room, &written);
        if (needed > w->points_room) {
            TRY(mem_reserve(w->rt, &w->points, &w->points_room, needed, sizeof *w->points, err));
            needed = utf8_normalize(w->bytes + at, length, form, w->points, w->points_room, &written);
        }
        assert(needed >= 0);
        TRY(append(w, (const char *)w->points, (int64_t)written, err));
        TRY(append_piece(w, stop, next, err));
    }
    return MEDLEY_OK;
}

/* No character of these blocks takes part in NFC's compositions. */
static bool composed_already(const char *bytes, piece in)
{
    for (int64_t at = in.start; at < in.end;) {
        at = ascii_end(bytes, at, in.end);
        if (at < in.end) {
            const uint32_t point = point_at(bytes, at, &at);
            if (point >= 0x300 && (point < 0x2002 || point >= 0x20d0))
                return false;
        }
    }
    return true;
}

static medley_status form_normalize(work *w, piece in, piece *out, utf8_form form, medley_error *err)
{
    *out = in;
    if (form == UTF8_NFC ? composed_already(w->bytes, in) : ascii_end(w->bytes, in.start, in.end) == in.end)
        return MEDLEY_OK;
    out->start = w->length;
    TRY(append_form(w, in, form, err));
    out->end = w->length;
    return MEDLEY_OK;
}

#define FORM(name, form)                                                                                   \
    static medley_status name##_normalize(work *w, const step *s, piece in, piece *out, medley_error *err) \
    {                                                                                                      \
        (void)s;                                                                                           \
        return form_normalize(w, in, out, form, err);                                                      \
    }
FORM(nfc, UTF8_NFC)
FORM(nfd, UTF8_NFD)
FORM(nfkc, UTF8_NFKC)
FORM(nfkd, UTF8_NFKD)
#undef FORM

/* Cleaning and room around ideographs. */
static medley_status bert_clean(work *w, const step *s, piece run, medley_error *err)
{
    char *to;
    TRY(work_room(w, 2 * (run.end - run.start), &to, err)); /* an ideograph has three bytes */
    const char *const before = to;
    for (int64_t at = run.start, next; at < run.end; at = next) {
        const uint32_t point = point_at(w->bytes, at, &next);
        if (s->clean && (point == 0xfffd || character_is(point, CHARACTER_CONTROL)))
            continue;
        if (s->clean && character_is_space(point)) {
            *to++ = ' ';
            continue;
        }
        const bool alone = s->ideographs && character_is_ideograph(point);
        if (alone)
            *to++ = ' ';
        memcpy(to, w->bytes + at, (size_t)(next - at));
        to += next - at;
        if (alone)
            *to++ = ' ';
    }
    w->length += to - before;
    return MEDLEY_OK;
}

/* Each step of BERT's looks at single characters, or at runs of characters beyond ASCII: so may all, one after another. */
static medley_status bert_run(work *w, const step *s, piece run, medley_error *err)
{
    const int64_t base = w->length;
    piece now = {base, base, false};
    TRY(bert_clean(w, s, run, err));
    now.end = w->length;
    if (s->accents) {
        TRY(append_form(w, now, UTF8_NFD, err));
        now = (piece){now.end, w->length, false};
        TRY(drop_run(w, now, CHARACTER_NONSPACING, err));
        now = (piece){now.end, w->length, false};
    }
    if (s->lower) {
        TRY(lower_run(w, s, now, err));
        now = (piece){now.end, w->length, false};
    }
    memmove(w->bytes + base, w->bytes + now.start, (size_t)(now.end - now.start));
    w->length = base + (now.end - now.start);
    return MEDLEY_OK;
}

static medley_status bert_normalize(work *w, const step *s, piece in, piece *out, medley_error *err)
{
    return by_runs(w, s, in, out, bert_run, err);
}

static medley_status bert_read(reading *r, const json *object, step *s, medley_error *err)
{
    s->clean = s->ideographs = s->lower = true;
    json_bool(object, "clean_text", &s->clean);
    json_bool(object, "handle_chinese_chars", &s->ideographs);
    json_bool(object, "lowercase", &s->lower);
    s->accents = s->lower;
    json_bool(object, "strip_accents", &s->accents);
    ascii_table(s, s->lower);
    for (int c = 0; c < 128 && s->clean; c++) {
        if (c == '\t' || c == '\n' || c == '\r')
            s->ascii[c] = ' ';
        else if (c < ' ' || c == 0x7f)
            s->ascii[c] = STEP_DROPPED;
    }
    (void)r, (void)err;
    return MEDLEY_OK;
}

static medley_status strip_normalize(work *w, const step *s, piece in, piece *out, medley_error *err)
{
    (void)err;
    int64_t next;
    *out = in;
    while (s->left && out->start < out->end && character_is_space(point_at(w->bytes, out->start, &next)))
        out->start = next;
    for (int64_t at = out->end; s->right && at > out->start; out->end = at) {
        do
            at--;
        while (((unsigned char)w->bytes[at] & 0xc0) == 0x80);
        if (!character_is_space(point_at(w->bytes, at, &next)))
            break;
    }
    return MEDLEY_OK;
}

static medley_status strip_read(reading *r, const json *object, step *s, medley_error *err)
{
    (void)r, (void)err;
    s->left = s->right = true;
    json_bool(object, "strip_left", &s->left);
    json_bool(object, "strip_right", &s->right);
    return MEDLEY_OK;
}

static medley_status replace_normalize(work *w, const step *s, piece in, piece *out, medley_error *err)
{
    *out = in;
    bool changed = false;
    for (int64_t at = in.start, kept = in.start, stop; at < in.end; at = stop) {
        stop = s->pattern.match(&s->pattern, w->bytes, at, in.end);
        if (stop > at) {
            if (!changed)
                out->start = w->length;
            changed = true;
            TRY(append_piece(w, kept, at, err));
            TRY(append(w, s->content, s->content_length, err));
            kept = stop;
        } else {
            point_at(w->bytes, at, &stop);
        }
        if (stop == in.end && changed)
            TRY(append_piece(w, kept, in.end, err));
    }
    if (changed)
        out->end = w->length;
    return MEDLEY_OK;
}

static medley_status content_read(reading *r, const json *object, const char *key, step *s, medley_error *err)
{
    const char *const content = json_text(object, key);
    if (content == NULL)
        return fail(err, MEDLEY_E_FORMAT, "%s: %s: no text '%s'", r->path, s->class->type, key);
    s->content_length = (int64_t)strlen(content);
    return reading_text(r, content, (size_t)s->content_length, &s->content, err);
}

static medley_status replace_read(reading *r, const json *object, step *s, medley_error *err)
{
    TRY(pattern_read(r, "Replace", json_member(object, "pattern"), &s->pattern, err));
    return content_read(r, object, "content", s, err);
}

static medley_status prepend_normalize(work *w, const step *s, piece in, piece *out, medley_error *err)
{
    *out = in;
    if (in.start == in.end)
        return MEDLEY_OK;
    out->start = w->length;
    TRY(append(w, s->content, s->content_length, err));
    TRY(append_piece(w, in.start, in.end, err));
    out->end = w->length;
    return MEDLEY_OK;
}

static medley_status prepend_read(reading *r, const json *object, step *s, medley_error *err)
{
    return content_read(r, object, "prepend", s, err);
}

static medley_status precompiled_normalize(work *w, const step *s, piece in, piece *out, medley_error *err)
{
    return s->map != NULL ? charsmap_normalize(w, s->map, in, out, err) : (*out = in, MEDLEY_OK);
}

static medley_status precompiled_read(reading *r, const json *object, step *s, medley_error *err)
{
    const char *const code = json_text(object, "precompiled_charsmap");
    return code != NULL ? charsmap_read_base64(r, code, &s->map, err) : MEDLEY_OK;
}

const step_class normalizer_classes[] = {
    {"BertNormalizer", bert_read, bert_normalize, NULL},
    {"NFC", NULL, nfc_normalize, NULL},
    {"NFD", NULL, nfd_normalize, NULL},
    {"NFKC", NULL, nfkc_normalize, NULL},
    {"NFKD", NULL, nfkd_normalize, NULL},
    {"Lowercase", lowercase_read, lowercase_normalize, NULL},
    {"StripAccents", plain_read, strip_accents_normalize, NULL},
    {"Strip", strip_read, strip_normalize, NULL},
    {"Replace", replace_read, replace_normalize, NULL},
    {"Prepend", prepend_read, prepend_normalize, NULL},
    {"Precompiled", precompiled_read, precompiled_normalize, NULL},
    {NULL, NULL, NULL, NULL},
};
