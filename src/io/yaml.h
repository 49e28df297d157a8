/* Configuration files in YAML: a tree of mappings, lists and scalars, and nothing else YAML has. */
#ifndef IO_YAML_H
#define IO_YAML_H

#include "base/base.h"

typedef enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP } yaml_kind;

typedef struct yaml_node {
    yaml_kind kind;
    const char *key;   /* of a mapping's member; NULL in lists and at the root */
    const char *value; /* of a scalar: its text, "" for an empty one; else NULL */
    int line;          /* of the key, or of the item; counts from 1 */
    int64_t count;     /* of children */
    const struct yaml_node *children;
} yaml_node;

/* A tree; owns every node and text of it. */
typedef struct yaml_document yaml_document;

/* Reads `length` bytes into a tree; `name` stands in messages ("exp.yaml:4: ..."). Refuses, with the
 * line: what is not YAML, more than one document, a root that is no mapping, keys that are no scalars,
 * repeated keys, anchors, aliases and tags, NUL, text that is not UTF-8, nesting deeper than 16, more
 * than 100,000 nodes. An empty file is an empty mapping. Fails with E_FORMAT, E_NOMEM. */
MEDLEY_MUST_USE medley_status yaml_parse(const medley_runtime *rt, const char *name, const char *bytes,
                                         size_t length, yaml_document **out, medley_error *err);
/* The mapping that the document is. Borrowed. */
const yaml_node *yaml_root(const yaml_document *document);
/* NULL is fine. (Not yaml_free: libyaml exports that name, and would call ours.) */
void yaml_document_free(yaml_document *document);

/* The child of that key, or NULL; also when `node` is NULL or no mapping. */
const yaml_node *yaml_child(const yaml_node *node, const char *key);

/* Receives one key; a list's items come joined by commas. `line` counts from 1. */
typedef medley_status (*yaml_pair)(void *context, const char *key, const char *value, int line, medley_error *err);

/* As yaml_parse for one mapping of keys to scalars or lists of scalars, and refuses what is nested
 * deeper. Passes on a failure of `pair`. */
MEDLEY_MUST_USE medley_status yaml_read(const medley_runtime *rt, const char *name, const char *bytes,
                                        size_t length, yaml_pair pair, void *context, medley_error *err);

/* Appends "key: value" with quotes where YAML needs them; no line end. */
void yaml_write_pair(text *out, const char *key, const char *value);

#endif
