/* Pre-tokenizers: where the words are that the model sees one by one. */
#include "encode/character.h"
#include "encode/tokenizer_inside.h"

/* Segments of a text, each a match or what lies between matches, become pieces as `behavior` has it. */
typedef struct segments {
    work *w;
    split_behavior behavior;
    bool invert;     /* what lies between is the match */
    piece held;      /* not yet pushed: the next segment may join it */
    bool held_match; /* it ends with a match */
} segments;

static medley_status push_held(segments *g, medley_error *err)
{
    const piece held = g->held;
    g->held = (piece){held.end, held.end, false};
    return work_push(g->w, &g->w->next, held, err);
}

static medley_status add_segment(segments *g, piece p, bool match, medley_error *err)
{
    if (p.start == p.end)
        return MEDLEY_OK;
    match = match != g->invert;
    const bool some = g->held.end > g->held.start;
    const bool joins = some && (g->behavior == SPLIT_CONTIGUOUS             ? match == g->held_match
                                : g->behavior == SPLIT_MERGED_WITH_PREVIOUS ? match && !g->held_match
                                : g->behavior == SPLIT_MERGED_WITH_NEXT     ? !match && g->held_match
                                                                            : false);
    if (!joins) {
        TRY(push_held(g, err));
        g->held = p;
    }
    g->held.end = g->behavior == SPLIT_REMOVED && match ? g->held.start : p.end;
    g->held_match = match;
    return MEDLEY_OK;
}

static medley_status split_by_pattern(work *w, const pattern *p, split_behavior behavior, bool invert, piece in,
                                      medley_error *err)
{
    segments g = {.w = w, .behavior = behavior, .invert = invert, .held = {in.start, in.start, false}};
    int64_t kept = in.start;
    for (int64_t at = in.start, stop; at < in.end; at = stop) {
        stop = p->match(p, w->bytes, at, in.end);
        if (stop > at) {
            TRY(add_segment(&g, (piece){kept, at, in.first && kept == in.start}, false, err));
            TRY(add_segment(&g, (piece){at, stop, in.first && at == in.start}, true, err));
            kept = stop;
        } else {
            point_at(w->bytes, at, &stop);
        }
    }
    TRY(add_segment(&g, (piece){kept, in.end, in.first && kept == in.start}, false, err));
    return push_held(&g, err);
}

static medley_status split_split(work *w, const step *s, piece in, medley_error *err)
{
    return split_by_pattern(w, &s->pattern, s->behavior, s->invert, in, err);
}

static medley_status behavior_read(reading *r, const json *object, step *s, medley_error *err)
{
    static const char *const names[SPLIT_BEHAVIORS] = {
        [SPLIT_REMOVED] = "Removed",
        [SPLIT_ISOLATED] = "Isolated",
        [SPLIT_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
        [SPLIT_MERGED_WITH_NEXT] = "MergedWithNext",
        [SPLIT_CONTIGUOUS] = "Contiguous",
    };
    const char *const name = json_text(object, "behavior");
    s->behavior = SPLIT_ISOLATED;
    for (split_behavior b = 0; name != NULL && b < SPLIT_BEHAVIORS; b++)
        if (strcmp(name, names[b]) == 0) {
            s->behavior = b;
            return MEDLEY_OK;
        }
    return name == NULL ? MEDLEY_OK
                        : fail(err, MEDLEY_E_FORMAT,
                               "%s: %s: behavior '%s': accepted are Removed, Isolated, MergedWithPrevious, "
                               "MergedWithNext, Contiguous",
                               r->path, s->class->type, name);
}

static medley_status split_read(reading *r, const json *object, step *s, medley_error *err)
{
    json_bool(object, "invert", &s->invert);
    TRY(behavior_read(r, object, s, err));
    return pattern_read(r, "Split", json_member(object, "pattern"), &s->pattern, err);
}

/* Cuts by what single characters are: spaces go, those that stand alone are pieces. */
typedef enum role { IN_WORD, SPACE, ALONE } role;

static bool is_ascii_punctuation(uint32_t point)
{
    return (point >= '!' && point <= '/') || (point >= ':' && point <= '@') || (point >= '[' && point <= '`') ||
           (point >= '{' && point <= '~');
}

static bool is_punctuation(uint32_t point)
{
    return point < 0x80 ? is_ascii_punctuation(point) : character_is(point, CHARACTER_PUNCTUATION);
}

static role bert_role(uint32_t point)
{
    if (point < 0x80)
        return (point | 0x20) >= 'a' && (point | 0x20) <= 'z' ? IN_WORD
               : character_is_space(point)                    ? SPACE
               : is_ascii_punctuation(point)                  ? ALONE
                                                              : IN_WORD;
    return character_is_space(point) ? SPACE : is_punctuation(point) ? ALONE : IN_WORD;
}

static medley_status bert_split(work *w, const step *s, piece in, medley_error *err)
{
    (void)s;
    int64_t kept = in.start;
    for (int64_t at = in.start, next; at < in.end; at = next) {
        const role is = bert_role(point_at(w->bytes, at, &next));
        if (is == IN_WORD)
            continue;
        TRY(work_push(w, &w->next, (piece){kept, at, in.first && kept == in.start}, err));
        if (is == ALONE)
            TRY(work_push(w, &w->next, (piece){at, next, in.first && at == in.start}, err));
        kept = next;
    }
    return work_push(w, &w->next, (piece){kept, in.end, in.first && kept == in.start}, err);
}

/* A pattern of single characters. */
#define CHARACTERS(name, is)                                                                  \
    static int64_t match_##name(const pattern *p, const char *bytes, int64_t at, int64_t end) \
    {                                                                                         \
        (void)p, (void)end;                                                                   \
        int64_t next;                                                                         \
        const uint32_t point = point_at(bytes, at, &next);                                    \
        return (is) ? next : at;                                                              \
    }
CHARACTERS(space, character_is_space(point))
CHARACTERS(punctuation, is_punctuation(point))
CHARACTERS(numeric, point < 0x80 ? point >= '0' && point <= '9' : character_is(point, CHARACTER_NUMERIC))
#undef CHARACTERS

/* \w+|[^\w\s]+ */
static int64_t match_words(const pattern *p, const char *bytes, int64_t at, int64_t end)
{
    (void)p;
    int64_t next;
    const bool word = character_is(point_at(bytes, at, &next), CHARACTER_WORD);
    while (at < end) {
        const uint32_t point = point_at(bytes, at, &next);
        if (character_is_space(point) || character_is(point, CHARACTER_WORD) != word)
            break;
        at = next;
    }
    return at;
}

static medley_status whitespace_split(work *w, const step *s, piece in, medley_error *err)
{
    (void)s;
    return split_by_pattern(w, &(pattern){.match = match_words}, SPLIT_REMOVED, true, in, err);
}

static medley_status spaces_split(work *w, const step *s, piece in, medley_error *err)
{
    (void)s;
    return split_by_pattern(w, &(pattern){.match = match_space}, SPLIT_REMOVED, false, in, err);
}

static medley_status punctuation_split(work *w, const step *s, piece in, medley_error *err)
{
    return split_by_pattern(w, &(pattern){.match = match_punctuation}, s->behavior, false, in, err);
}

static medley_status digits_split(work *w, const step *s, piece in, medley_error *err)
{
    return split_by_pattern(w, &(pattern){.match = match_numeric}, s->each ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS,
                            false, in, err);
}

static medley_status digits_read(reading *r, const json *object, step *s, medley_error *err)
{
    (void)r, (void)err;
    json_bool(object, "individual_digits", &s->each);
    return MEDLEY_OK;
}

static medley_status byte_level_split(work *w, const step *s, piece in, medley_error *err)
{
    if (s->prepend == PREPEND_ALWAYS && w->bytes[in.start] != ' ') {
        char *to;
        const int64_t length = in.end - in.start;
        TRY(work_room(w, length + 1, &to, err));
        *to = ' ';
        memcpy(to + 1, w->bytes + in.start, (size_t)length);
        in = (piece){w->length, w->length + length + 1, in.first};
        w->length = in.end;
    }
    if (!s->split)
        return work_push(w, &w->next, in, err);
    return split_by_pattern(w, &(pattern){.match = pattern_match_gpt2}, SPLIT_ISOLATED, false, in, err);
}

static medley_status byte_level_read(reading *r, const json *object, step *s, medley_error *err)
{
    (void)err;
    bool prefix = true;
    json_bool(object, "add_prefix_space", &prefix);
    s->prepend = prefix ? PREPEND_ALWAYS : PREPEND_NEVER;
    s->split = true;
    json_bool(object, "use_regex", &s->split);
    r->t->byte_level = true;
    return MEDLEY_OK;
}

/* Spaces become the replacement, which also begins the text, and pieces begin with it. */
static medley_status metaspace_split(work *w, const step *s, piece in, medley_error *err)
{
    char *to;
    const int64_t grown = (in.end - in.start) * s->content_length + s->content_length;
    TRY(work_room(w, grown, &to, err));
    const char *const before = to, *const mark = s->content;
    const size_t length = (size_t)s->content_length;
    const bool marked = w->bytes[in.start] == ' ' ||
                        (in.end - in.start >= s->content_length && memcmp(w->bytes + in.start, mark, length) == 0);
    if (!marked && (s->prepend == PREPEND_ALWAYS || (s->prepend == PREPEND_FIRST && in.first))) {
        memcpy(to, mark, length);
        to += length;
    }
    for (int64_t at = in.start; at < in.end; at++) {
        if (w->bytes[at] == ' ') {
            memcpy(to, mark, length);
            to += length;
        } else {
            *to++ = w->bytes[at];
        }
    }
    in = (piece){w->length, w->length + (to - before), in.first};
    w->length = in.end;
    return s->split ? split_by_pattern(w, &s->pattern, SPLIT_MERGED_WITH_NEXT, false, in, err)
                    : work_push(w, &w->next, in, err);
}

static medley_status metaspace_read(reading *r, const json *object, step *s, medley_error *err)
{
    static const char *const schemes[PREPEND_SCHEMES] = {"always", "first", "never"};
    const char *replacement = json_text(object, "replacement"), *scheme = json_text(object, "prepend_scheme");
    bool prefix = true;
    if (json_bool(object, "add_prefix_space", &prefix) && !prefix)
        s->prepend = PREPEND_NEVER;
    s->split = true;
    json_bool(object, "split", &s->split);
    if (replacement == NULL)
        replacement = "\xe2\x96\x81";
    if (scheme != NULL) {
        s->prepend = 0;
        while (s->prepend < PREPEND_SCHEMES && strcmp(scheme, schemes[s->prepend]) != 0)
            s->prepend++;
    }
    if (s->prepend == PREPEND_SCHEMES)
        return fail(err, MEDLEY_E_FORMAT, "%s: Metaspace: prepend_scheme '%s': accepted are always, first, never",
                    r->path, scheme);
    if (*replacement == '\0' || text_character(replacement, strlen(replacement)) != (int)strlen(replacement))
        return fail(err, MEDLEY_E_FORMAT, "%s: Metaspace: replacement '%s' is not one character", r->path,
                    replacement);
    r->t->heeds_first = r->t->heeds_first || s->prepend == PREPEND_FIRST;
    s->content_length = (int64_t)strlen(replacement);
    TRY(reading_text(r, replacement, (size_t)s->content_length, &s->content, err));
    s->pattern = pattern_literal(s->content, s->content_length);
    return MEDLEY_OK;
}

const step_class pretokenizer_classes[] = {
    {"BertPreTokenizer", NULL, NULL, bert_split},
    {"Whitespace", NULL, NULL, whitespace_split},
    {"WhitespaceSplit", NULL, NULL, spaces_split},
    {"Punctuation", behavior_read, NULL, punctuation_split},
    {"Digits", digits_read, NULL, digits_split},
    {"Split", split_read, NULL, split_split},
    {"ByteLevel", byte_level_read, NULL, byte_level_split},
    {"Metaspace", metaspace_read, NULL, metaspace_split},
    {NULL, NULL, NULL, NULL},
};
