/* libyaml allocates by itself; its memory does not pass through the runtime's allocator. */
#include "io/yaml.h"

#include <yaml.h>

#include "base/base.h"

enum { BYTES_MOST = 1 << 20, NODES_MOST = 100000, DEPTH_MOST = 16 };

struct yaml_document {
    arena parts; /* nodes and texts */
    yaml_node root;
};

typedef struct reader {
    const char *name;
    yaml_document *document;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; owned */
    bool has_event;
    idmap keys;      /* "<number of the mapping>:<key>" */
    text key;        /* the one being looked up there */
    yaml_node *open; /* children of the collections that are being read, innermost last */
    int64_t open_count, open_capacity;
    int64_t nodes, maps; /* so far */
    int depth;
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
    return fail(err, MEDLEY_E_FORMAT, "%s:%d: %s; accepted: keys with scalars, lists or mappings", r->name,
                line_of(r), what);
}

/* What an event that may not stand where it does is called. */
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
    [YAML_MAPPING_START_EVENT] = "a mapping",
    [YAML_MAPPING_END_EVENT] = "the end of a mapping",
};

static medley_status refuse_marks(const reader *r, const yaml_char_t *anchor, const yaml_char_t *tag,
                                  medley_error *err)
{
    if (anchor != NULL)
        return refuse(r, "an anchor (&)", err);
    return tag != NULL ? refuse(r, "a tag (!)", err) : MEDLEY_OK;
}

/* The text of a scalar that is only its text. */
static medley_status read_scalar(reader *r, const char **out, medley_error *err)
{
    if (r->event.type != YAML_SCALAR_EVENT)
        return refuse(r, event_names[r->event.type], err);
    const char *value = (const char *)r->event.data.scalar.value;
    const size_t length = r->event.data.scalar.length;
    TRY(refuse_marks(r, r->event.data.scalar.anchor, r->event.data.scalar.tag, err));
    if (memchr(value, '\0', length) != NULL)
        return refuse(r, "a NUL character", err);
    return arena_text(&r->document->parts, value, length, out, err);
}

static medley_status note_key(reader *r, int64_t map, const char *key, medley_error *err)
{
    uint32_t index;
    const int64_t known = r->keys.count;
    r->key.length = 0;
    text_format(&r->key, "%lld:", (long long)map);
    text_add(&r->key, key);
    TRY(text_status(&r->key, err));
    TRY(idmap_add(&r->keys, r->key.bytes, (size_t)r->key.length, &index, err));
    if (r->keys.count == known)
        return fail(err, MEDLEY_E_FORMAT, "%s:%d: key '%s' is given twice", r->name, line_of(r), key);
    return MEDLEY_OK;
}

static medley_status read_node(reader *r, yaml_node *node, medley_error *err);

/* Reads children up to the event `end`, then moves them from the stack of open ones to their place. */
static medley_status read_children(reader *r, yaml_event_type_t end, yaml_node *node, medley_error *err)
{
    const int64_t first = r->open_count, map = ++r->maps;
    if (++r->depth > DEPTH_MOST)
        return fail(err, MEDLEY_E_FORMAT, "%s:%d: nested deeper than %d", r->name, line_of(r), DEPTH_MOST);
    for (;;) {
        yaml_node child = {0};
        TRY(next(r, err));
        if (r->event.type == end)
            break;
        child.line = line_of(r);
        if (end == YAML_MAPPING_END_EVENT) {
            TRY(read_scalar(r, &child.key, err));
            TRY(note_key(r, map, child.key, err));
            TRY(next(r, err));
        }
        TRY(read_node(r, &child, err));
        TRY(mem_reserve(r->document->parts.rt, &r->open, &r->open_capacity, r->open_count + 1, sizeof child, err));
        r->open[r->open_count++] = child;
    }
    yaml_node *children;
    node->count = r->open_count - first;
    TRY(arena_alloc(&r->document->parts, node->count, sizeof *children, &children, err));
    if (node->count > 0)
        memcpy(children, r->open + first, (size_t)node->count * sizeof *children);
    node->children = children;
    r->open_count = first;
    r->depth--;
    return MEDLEY_OK;
}

/* The value that starts with the current event. */
static medley_status read_node(reader *r, yaml_node *node, medley_error *err)
{
    if (++r->nodes > NODES_MOST)
        return fail(err, MEDLEY_E_FORMAT, "%s:%d: more than %d values", r->name, line_of(r), NODES_MOST);
    switch (r->event.type) {
    case YAML_SEQUENCE_START_EVENT:
        node->kind = YAML_LIST;
        TRY(refuse_marks(r, r->event.data.sequence_start.anchor, r->event.data.sequence_start.tag, err));
        return read_children(r, YAML_SEQUENCE_END_EVENT, node, err);
    case YAML_MAPPING_START_EVENT:
        node->kind = YAML_MAP;
        TRY(refuse_marks(r, r->event.data.mapping_start.anchor, r->event.data.mapping_start.tag, err));
        return read_children(r, YAML_MAPPING_END_EVENT, node, err);
    default:
        node->kind = YAML_SCALAR;
        return read_scalar(r, &node->value, err);
    }
}

static medley_status read_stream(reader *r, medley_error *err)
{
    TRY(next(r, err)); /* the stream's start */
    TRY(next(r, err));
    if (r->event.type == YAML_STREAM_END_EVENT)
        return MEDLEY_OK;
    TRY(next(r, err)); /* behind the document's start */
    const bool is_empty = r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.length == 0 &&
                          r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE; /* comments only */
    if (!is_empty && r->event.type != YAML_MAPPING_START_EVENT)
        return refuse(r, event_names[r->event.type], err);
    if (!is_empty)
        TRY(read_node(r, &r->document->root, err));
    TRY(next(r, err)); /* the document's end */
    TRY(next(r, err));
    return r->event.type == YAML_STREAM_END_EVENT ? MEDLEY_OK : refuse(r, event_names[r->event.type], err);
}

static medley_status fill(yaml_document *document, const char *name, const char *bytes, size_t length,
                          medley_error *err)
{
    reader r = {.name = name, .document = document, .key.rt = document->parts.rt};
    if (!yaml_parser_initialize(&r.parser))
        return fail(err, MEDLEY_E_NOMEM, "%s: out of memory", name);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(length > 0 ? bytes : ""), length);
    idmap_init(&r.keys, document->parts.rt);
    const medley_status status = read_stream(&r, err);
    if (r.has_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    idmap_release(&r.keys);
    text_release(&r.key);
    mem_free(r.open);
    return status;
}

medley_status yaml_parse(const medley_runtime *rt, const char *name, const char *bytes, size_t length,
                         yaml_document **out, medley_error *err)
{
    *out = NULL;
    if (length > BYTES_MOST)
        return fail(err, MEDLEY_E_FORMAT, "%s: %zu bytes; up to %d are accepted", name, length, BYTES_MOST);
    yaml_document *document;
    TRY(mem_alloc_zero(rt, 1, sizeof *document, &document, err));
    document->parts.rt = rt;
    document->root = (yaml_node){.kind = YAML_MAP, .line = 1};
    const medley_status status = fill(document, name, bytes, length, err);
    if (status == MEDLEY_OK)
        *out = document;
    else
        yaml_document_free(document);
    return status;
}

const yaml_node *yaml_root(const yaml_document *document)
{
    return &document->root;
}

void yaml_document_free(yaml_document *document)
{
    if (document != NULL)
        arena_release(&document->parts);
    mem_free(document);
}

const yaml_node *yaml_child(const yaml_node *node, const char *key)
{
    if (node == NULL || node->kind != YAML_MAP)
        return NULL;
    for (int64_t i = 0; i < node->count; i++)
        if (strcmp(node->children[i].key, key) == 0)
            return &node->children[i];
    return NULL;
}

/* ---- flat mappings ---- */

static medley_status refuse_nested(const char *name, const yaml_node *node, medley_error *err)
{
    return fail(err, MEDLEY_E_FORMAT, "%s:%d: %s; accepted: keys with a scalar or a list of scalars", name,
                node->count > 0 ? node->children[0].line : node->line,
                node->kind == YAML_MAP ? "a nested mapping" : "a list");
}

static medley_status join_items(const char *name, const yaml_node *list, text *out, medley_error *err)
{
    for (int64_t i = 0; i < list->count; i++) {
        const yaml_node *item = &list->children[i];
        if (item->kind != YAML_SCALAR)
            return refuse_nested(name, item, err);
        if (strchr(item->value, ',') != NULL)
            return fail(err, MEDLEY_E_FORMAT, "%s:%d: item '%s' of '%s' holds a comma, which separates items",
                        name, item->line, item->value, list->key);
        text_add(out, i > 0 ? "," : "");
        text_add(out, item->value);
    }
    return text_status(out, err);
}

static medley_status walk_pairs(const char *name, const yaml_node *map, text *items, yaml_pair pair, void *context,
                                medley_error *err)
{
    for (int64_t i = 0; i < map->count; i++) {
        const yaml_node *node = &map->children[i];
        const char *value = node->value;
        if (node->kind == YAML_MAP)
            return refuse_nested(name, node, err);
        if (node->kind == YAML_LIST) {
            items->length = 0;
            text_add(items, "");
            TRY(join_items(name, node, items, err));
            value = items->bytes;
        }
        TRY(pair(context, node->key, value, node->line, err));
    }
    return MEDLEY_OK;
}

medley_status yaml_read(const medley_runtime *rt, const char *name, const char *bytes, size_t length,
                        yaml_pair pair, void *context, medley_error *err)
{
    yaml_document *document;
    text items = {.rt = rt};
    TRY(yaml_parse(rt, name, bytes, length, &document, err));
    const medley_status status = walk_pairs(name, &document->root, &items, pair, context, err);
    text_release(&items);
    yaml_document_free(document);
    return status;
}

/* ---- writing ---- */

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
