/* Configuration files: one YAML mapping of plain keys to scalars or lists of scalars. */
#ifndef IO_YAML_H
#define IO_YAML_H

#include "base/base.h"

/* Receives one key; a list's items come joined by commas. `line` counts from 1. */
typedef medley_status (*yaml_pair)(void *context, const char *key, const char *value, int line, medley_error *err);

/* Reads `length` bytes; `name` stands in messages ("exp.yaml:4: ..."). Refuses, with the line:
 * what is not YAML, more than one document, nested mappings, repeated keys, anchors and aliases,
 * NUL, text that is not UTF-8. An empty file has no pairs. Passes on a failure of `pair`. */
MEDLEY_MUST_USE medley_status yaml_read(const medley_runtime *rt, const char *name, const char *bytes,
                                        size_t length, yaml_pair pair, void *context, medley_error *err);

/* Appends "key: value" with quotes where YAML needs them; no line end. */
void yaml_write_pair(text *out, const char *key, const char *value);

#endif
