/* libyaml allocates by itself; its memory does not pass through the runtime's allocator. */
#include "io/yaml.h"

#include <yaml.h>

#include "base/base.h"

enum { BYTES_MOST = 1 << 20 };

typedef struct reader {
    const medley_runtime *rt;
    const char *name;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; owned */
    bool has_event;
    idmap keys;
    text value; /* of a list: its items joined */
    yaml_pair pair;
    void *context;
} reader;

static int line_of(const reader *r)
{
    return (int)r->event.start_mark.line + 1;
}

/* Reader errors (bad UTF-8, control characters) come with an offset, the others with a line. */
static medley_status fail_parser(const reader *r, const char *bytes, medley_error *err)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem != NULL ? p->problem : "not YAML";
    if (p->error == YAML_MEMORY_ERROR)
        return fail(err, MEDLEY_E_NOMEM, "%s: out of memory", r->name);
    if (p->error != YAML_READER_ERROR)
        return fail(err, MEDLEY_E_FORMAT, "%s:%zu: %s", r->name, p->problem_mark.line + 1, problem);
    size_t line = 1;
    for (size_t i = 0; i < p->problem_offset; i++)
        line += bytes[i] == '\n';
    return fail(err, MEDLEY_E_FORMAT, "%s:%zu: %s", r->name, line, problem);
}

static medley_status next(reader *r, medley_error *err)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = yaml_parser_parse(&r->parser, &r->event) != 0;
    return r->has_event ? MEDLEY_OK : fail_parser(r, (const char *)r->parser.input.string.start, err);
}

static medley_status refuse(const reader *r, const char *what, medley_error *err)
{
    return fail(err, MEDLEY_E_FORMAT, "%s:%d: %s; accepted: keys with a scalar or a list of scalars", r->name,
                line_of(r), what);
}

static const char *const event_names[] = {
    [YAML_NO_EVENT] = "nothing",
    [YAML_STREAM_START_EVENT] = "a stream",
    [YAML_STREAM_END_EVENT] = "the end of the file",
    [YAML_DOCUMENT_START_EVENT] = "a second document",
    [YAML_DOCUMENT_END_EVENT] = "the end of the document",
    [YAML_ALIAS_EVENT] = "an alias (*)",
    [YAML_SCALAR_EVENT] = "a lone scalar",
    [YAML_SEQUENCE_START_EVENT] = "a list",
    [YAML_SEQUENCE_END_EVENT] = "the end of a list",
    [YAML_MAPPING_START_EVENT] = "a nested mapping",
    [YAML_MAPPING_END_EVENT] = "the end of a mapping",
};

/* Checks that the event is a scalar that is only its text. */
static medley_status expect_scalar(const reader *r, medley_error *err)
{
    if (r->event.type != YAML_SCALAR_EVENT)
        return refuse(r, event_names[r->event.type], err);
    if (r->event.data.scalar.anchor != NULL)
        return refuse(r, "an anchor (&)", err);
    if (r->event.data.scalar.tag != NULL)
        return refuse(r, "a tag (!)", err);
    if (memchr(r->event.data.scalar.value, '\0', r->event.data.scalar.length) != NULL)
        return refuse(r, "a NUL character", err);
    return MEDLEY_OK;
}

static const char *scalar(const reader *r)
{
    return (const char *)r->event.data.scalar.value;
}

static medley_status read_list(reader *r, const char *key, medley_error *err)
{
    if (r->event.data.sequence_start.anchor != NULL)
        return refuse(r, "an anchor (&)", err);
    if (r->event.data.sequence_start.tag != NULL)
        return refuse(r, "a tag (!)", err);
    for (bool first = true;; first = false) {
        TRY(next(r, err));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return text_status(&r->value, err);
        TRY(expect_scalar(r, err));
        if (strchr(scalar(r), ',') != NULL)
            return fail(err, MEDLEY_E_FORMAT, "%s:%d: item '%s' of '%s' holds a comma, which separates items",
                        r->name, line_of(r), scalar(r), key);
        if (!first)
            text_add(&r->value, ",");
        text_add(&r->value, scalar(r));
    }
}

static medley_status note_key(reader *r, const char *key, size_t length, medley_error *err)
{
    uint32_t index;
    const int64_t known = r->keys.count;
    TRY(idmap_add(&r->keys, key, length, &index, err));
    if (r->keys.count == known)
        return fail(err, MEDLEY_E_FORMAT, "%s:%d: key '%s' is given twice", r->name, line_of(r), key);
    return MEDLEY_OK;
}

static medley_status read_pair(reader *r, arena *names, medley_error *err)
{
    const char *key;
    const int line = line_of(r);
    TRY(expect_scalar(r, err));
    TRY(note_key(r, scalar(r), r->event.data.scalar.length, err));
    TRY(arena_text(names, scalar(r), r->event.data.scalar.length, &key, err));
    TRY(next(r, err));
    r->value.length = 0;
    text_add(&r->value, "");
    if (r->event.type == YAML_SEQUENCE_START_EVENT) {
        TRY(read_list(r, key, err));
    } else {
        TRY(expect_scalar(r, err));
        text_add(&r->value, scalar(r));
        TRY(text_status(&r->value, err));
    }
    return r->pair(r->context, key, r->value.bytes, line, err);
}

static medley_status read_mapping(reader *r, arena *names, medley_error *err)
{
    if (r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.length == 0 &&
        r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return next(r, err); /* a document of comments only */
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return refuse(r, event_names[r->event.type], err);
    if (r->event.data.mapping_start.anchor != NULL)
        return refuse(r, "an anchor (&)", err);
    if (r->event.data.mapping_start.tag != NULL)
        return refuse(r, "a tag (!)", err);
    for (;;) {
        TRY(next(r, err));
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return next(r, err);
        TRY(read_pair(r, names, err));
    }
}

static medley_status read_stream(reader *r, arena *names, medley_error *err)
{
    TRY(next(r, err)); /* the stream's start */
    TRY(next(r, err));
    if (r->event.type == YAML_STREAM_END_EVENT)
        return MEDLEY_OK;
    TRY(next(r, err)); /* behind the document's start */
    TRY(read_mapping(r, names, err));
    TRY(next(r, err)); /* behind the document's end */
    return r->event.type == YAML_STREAM_END_EVENT ? MEDLEY_OK : refuse(r, event_names[r->event.type], err);
}

medley_status yaml_read(const medley_runtime *rt, const char *name, const char *bytes, size_t length,
                        yaml_pair pair, void *context, medley_error *err)
{
    if (length > BYTES_MOST)
        return fail(err, MEDLEY_E_FORMAT, "%s: %zu bytes; up to %d are accepted", name, length, BYTES_MOST);
    reader r = {.rt = rt, .name = name, .value.rt = rt, .pair = pair, .context = context};
    arena names = {.rt = rt};
    if (!yaml_parser_initialize(&r.parser))
        return fail(err, MEDLEY_E_NOMEM, "%s: out of memory", name);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(length > 0 ? bytes : ""), length);
    idmap_init(&r.keys, rt);
    const medley_status status = read_stream(&r, &names, err);
    if (r.has_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    idmap_release(&r.keys);
    text_release(&r.value);
    arena_release(&names);
    return status;
}

/* Whether every YAML reader takes `value`, written as it is, for the text or number it looks like. */
static bool is_plain(const char *value)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/.+-, |()";
    /* No texts in YAML 1.1. */
    static const char *const words[] = {"null", "yes", "no", "on", "off", "y", "n"};
    const size_t length = strlen(value);
    if (length == 0 || strspn(value, alphabet) != length || strchr("|,()- ", value[0]) != NULL ||
        value[length - 1] == ' ')
        return length > 1 && value[0] == '-' && value[1] >= '0' && value[1] <= '9' && is_plain(value + 1);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(value, words[i]) == 0)
            return false;
    return true;
}

/* The length of the character at `p`, and whether libyaml takes it for a break or refuses it bare. */
static int special_length(const unsigned char *p, unsigned *code)
{
    *code = p[0];
    if (p[0] < 0x20 || p[0] == 0x7f)
        return 1;
    if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) { /* U+0080 .. U+009F */
        *code = p[1];
        return 2;
    }
    if ((p[0] == 0xe2 || p[0] == 0xef) && p[1] >= 0x80 && p[2] >= 0x80) {
        *code = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
        return *code == 0x2028 || *code == 0x2029 || *code == 0xfeff || *code >= 0xfffe ? 3 : 0;
    }
    return 0;
}

static void write_scalar(text *out, const char *value)
{
    if (is_plain(value)) {
        text_add(out, value);
        return;
    }
    text_add(out, "\"");
    for (const unsigned char *p = (const unsigned char *)value; *p != '\0';) {
        unsigned code;
        const int special = special_length(p, &code);
        if (special > 0)
            text_format(out, "\\u%04x", code);
        else if (*p == '"' || *p == '\\')
            text_format(out, "\\%c", *p);
        else
            text_append(out, (const char *)p, 1);
        p += special > 0 ? special : 1;
    }
    text_add(out, "\"");
}

void yaml_write_pair(text *out, const char *key, const char *value)
{
    write_scalar(out, key);
    text_add(out, ": ");
    write_scalar(out, value);
}
