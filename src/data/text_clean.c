#include <libxml/HTMLparser.h> /* before base.h: it names free */
#include <utf8proc.h>

#include "data/text_clean.h"

enum {
    SEGMENT_BYTES = 1024,  /* normalised at once: sorting combining marks is quadratic */
    SEGMENT_POINTS = 8192, /* at least 18 (the longest decomposition, of 3 bytes) for every 3 bytes */
    MARKUP_DEEPEST = 1000, /* elements open at once; what is nested deeper is left out */
};

/* ---- markup ---- */

static bool letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

/* A tag, a comment or an entity: "a < b & c" is none. */
static bool looks_like_markup(const char *bytes, size_t length)
{
    for (size_t i = 0; i + 2 < length; i++) {
        if (bytes[i] == '<' && (letter(bytes[i + 1]) || bytes[i + 1] == '/' || bytes[i + 1] == '!') &&
            memchr(bytes + i, '>', length - i) != NULL)
            return true;
        if (bytes[i] != '&')
            continue;
        size_t at = i + 1 + (bytes[i + 1] == '#');
        while (at < length && at < i + 12 && (letter(bytes[at]) || (bytes[at] >= '0' && bytes[at] <= '9')))
            at++;
        if (at < length && bytes[at] == ';' && at > i + 1)
            return true;
    }
    return false;
}

/* Elements that do not part the words beside them. */
static bool runs_on(const char *name)
{
    static const char *const inside[] = {"a", "abbr", "b",      "em",  "font", "i", "mark",
                                         "s", "span", "strong", "sub", "sup",  "u"};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (strcmp(inside[i], name) == 0)
            return true;
    return false;
}

static void part_words(text *out, const xmlChar *name)
{
    if (!runs_on((const char *)name))
        text_append(out, " ", 1);
}

static void start_element(void *context, const xmlChar *name, const xmlChar **attributes)
{
    (void)attributes;
    part_words(context, name);
}

static void end_element(void *context, const xmlChar *name)
{
    part_words(context, name);
}

static void take_characters(void *context, const xmlChar *characters, int length)
{
    text_append(context, (const char *)characters, (size_t)length);
}

static void ignore_characters(void *context, const xmlChar *characters, int length)
{
    (void)context;
    (void)characters;
    (void)length;
}

/* HTML to text as a stream of events: no tree is built, whatever the markup. Scripts and styles are left out. */
static medley_status remove_markup(const char *bytes, size_t length, text *out, medley_error *err)
{
    htmlSAXHandler events = {
        .startElement = start_element,
        .endElement = end_element,
        .characters = take_characters,
        .ignorableWhitespace = take_characters,
        .cdataBlock = ignore_characters,
    };
    htmlParserCtxtPtr parser = htmlCreatePushParserCtxt(&events, out, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
    if (parser == NULL)
        return fail(err, MEDLEY_E_NOMEM, "out of memory for an HTML parser");
    (void)htmlCtxtUseOptions(parser, HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
    for (size_t at = 0; at < length && parser->nameNr < MARKUP_DEEPEST;) {
        const size_t piece = length - at < 4096 ? length - at : 4096;
        (void)htmlParseChunk(parser, bytes + at, (int)piece, 0);
        at += piece;
    }
    (void)htmlParseChunk(parser, NULL, 0, 1);
    htmlFreeParserCtxt(parser);
    return text_status(out, err);
}

/* ---- characters ---- */

static bool plain_ascii(const char *bytes, size_t length)
{
    unsigned char high = 0;
    for (size_t i = 0; i < length; i++)
        high |= (unsigned char)bytes[i];
    return high < 0x80;
}

/* Where to cut: behind a space if there is one, else between characters. */
static size_t segment_end(const char *bytes, size_t length)
{
    if (length <= SEGMENT_BYTES)
        return length;
    for (size_t end = SEGMENT_BYTES; end > SEGMENT_BYTES / 2; end--)
        if (bytes[end - 1] == ' ' || bytes[end - 1] == '\n')
            return end;
    size_t end = SEGMENT_BYTES;
    while (end > 1 && ((unsigned char)bytes[end] & 0xc0) == 0x80)
        end--;
    return end;
}

/* Unicode NFKC, then lower case if asked for. What is not UTF-8 becomes U+FFFD. */
static void normalise_segment(const char *bytes, size_t length, bool lower_case, text *out)
{
    utf8proc_int32_t points[SEGMENT_POINTS + 1]; /* re-encoding ends the text with NUL */
    utf8proc_ssize_t count = 0;
    int last_class = UTF8PROC_BOUNDCLASS_START;
    for (size_t at = 0; at < length;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t used =
            utf8proc_iterate((const utf8proc_uint8_t *)bytes + at, (utf8proc_ssize_t)(length - at), &point);
        if (used <= 0) {
            point = 0xfffd;
            used = 1;
        }
        const utf8proc_ssize_t added =
            utf8proc_decompose_char(point, points + count, SEGMENT_POINTS - count,
                                    UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_STABLE, &last_class);
        if (added > 0 && added <= SEGMENT_POINTS - count)
            count += added;
        at += (size_t)used;
    }
    /* Marks of one letter in the order of their classes: utf8proc sorts only what it decomposes as a whole. */
    for (utf8proc_ssize_t i = 1; i < count; i++) {
        const utf8proc_int32_t point = points[i];
        const int order = utf8proc_get_property(point)->combining_class;
        utf8proc_ssize_t to = i;
        while (order > 0 && to > 0 && utf8proc_get_property(points[to - 1])->combining_class > order) {
            points[to] = points[to - 1];
            to--;
        }
        points[to] = point;
    }
    count = utf8proc_normalize_utf32(points, count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    for (utf8proc_ssize_t i = 0; i < count; i++) {
        utf8proc_uint8_t bytes_of[4];
        const utf8proc_int32_t point = lower_case ? utf8proc_tolower(points[i]) : points[i];
        text_append(out, (const char *)bytes_of, (size_t)utf8proc_encode_char(point, bytes_of));
    }
}

static void normalise(const char *bytes, size_t length, bool lower_case, text *out)
{
    if (!plain_ascii(bytes, length)) {
        for (size_t at = 0, end; at < length; at += end) {
            end = segment_end(bytes + at, length - at);
            normalise_segment(bytes + at, end, lower_case, out);
        }
        return;
    }
    const int64_t start = out->length;
    text_append(out, bytes, length);
    for (int64_t i = start; lower_case && i < out->length; i++)
        if (out->bytes[i] >= 'A' && out->bytes[i] <= 'Z')
            out->bytes[i] = (char)(out->bytes[i] + 32);
}

/* 1: it parts words; -1: it is not there at all. */
static int spacing(utf8proc_int32_t point)
{
    if (point == 0x200b || point == 0xfeff || point == 0xad)
        return -1; /* zero width space, byte order mark, soft hyphen */
    if (point < 0x80)
        return point <= 0x20 || point == 0x7f;
    const utf8proc_category_t category = utf8proc_category(point);
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_ZS ||
           category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

/* Appends with one space for any number of spaces and control characters, none at either end. */
static void collapse(const char *bytes, size_t length, text *out)
{
    bool pending = false, started = false;
    size_t plain = 0, at = 0; /* what is between is appended as it is */
    while (at < length) {
        utf8proc_int32_t point = (unsigned char)bytes[at];
        const size_t used = point < 0x80 ? 1
                                         : (size_t)utf8proc_iterate((const utf8proc_uint8_t *)bytes + at,
                                                                    (utf8proc_ssize_t)(length - at), &point);
        const int kind = spacing(point);
        if (kind != 0) {
            text_append(out, bytes + plain, at - plain);
            pending |= kind > 0;
            plain = at + used;
        } else if (pending || !started) {
            if (started)
                text_append(out, " ", 1);
            pending = false;
            started = true;
        }
        at += used;
    }
    text_append(out, bytes + plain, length - plain);
}

medley_status text_clean(const medley_runtime *rt, const text_clean_options *options, const char *bytes,
                         size_t length, text *out, medley_error *err)
{
    text words = {.rt = rt}, normal = {.rt = rt};
    medley_status status = MEDLEY_OK;
    if (looks_like_markup(bytes, length)) {
        TRY_DONE(remove_markup(bytes, length, &words, err));
        bytes = words.bytes;
        length = (size_t)words.length;
    }
    if (options->lower_case || !plain_ascii(bytes, length)) {
        normalise(bytes, length, options->lower_case, &normal);
        TRY_DONE(text_status(&normal, err));
        bytes = normal.bytes;
        length = (size_t)normal.length;
    }
    collapse(bytes, length, out);
    status = text_status(out, err);
done:
    text_release(&words);
    text_release(&normal);
    return status;
}
