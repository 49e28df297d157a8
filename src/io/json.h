/* JSON values, read and written (jansson behind). Numbers keep all their digits. */
#ifndef IO_JSON_H
#define IO_JSON_H

#include "base/base.h"

/* A value. One owner: a value put into another belongs to it. jansson allocates by itself, so
 * these do not pass through the runtime's allocator. */
typedef struct json json;

/* Parses one whole UTF-8 document; `name` stands in messages ("dataset.json:3:17: ..."). Refuses
 * repeated keys, nesting deeper than 64 and anything behind the document. */
MEDLEY_MUST_USE medley_status json_parse(const char *name, const char *bytes, size_t length, json **out,
                                         medley_error *err);
void json_free(json *value); /* NULL is fine; frees what it holds */

/* Members of an object: NULL / false when there is none of that key and type. Borrowed. */
const json *json_member(const json *object, const char *key);
const char *json_text(const json *object, const char *key);
bool json_int(const json *object, const char *key, int64_t *out);
bool json_real(const json *object, const char *key, double *out); /* takes integers too */
bool json_bool(const json *object, const char *key, bool *out);
/* Elements of an array (or members of an object, in file order): count, then by index. key may be NULL. */
int64_t json_count(const json *container);
const json *json_at(const json *container, int64_t index, const char **key);
/* The members of an object in file order: the first for *walk = NULL, then the next, NULL behind the last. Unlike
 * json_at in a time that does not depend on how many there are. */
const json *json_next(const json *object, void **walk, const char **key);
bool json_is_object(const json *value);
bool json_is_array(const json *value);
/* The value itself as a scalar, when it is an array's element. */
bool json_as_int(const json *value, int64_t *out);
bool json_as_real(const json *value, double *out); /* takes integers too */
const char *json_as_text(const json *value);

/* Building. A failed allocation makes NULL, and every call takes NULL and passes it on as a
 * failure of json_render: build freely, check once. Fill a value before it is put into another: it
 * is gone if that one could not be made. Keys keep their order. */
json *json_new_object(void);
json *json_new_array(void);
void json_set_text(json *object, const char *key, const char *value);
void json_set_int(json *object, const char *key, int64_t value);
void json_set_real(json *object, const char *key, double value); /* not finite: null */
void json_set_bool(json *object, const char *key, bool value);
void json_set(json *object, const char *key, json *value); /* takes ownership */
void json_append(json *array, json *value);                /* takes ownership */
void json_append_text(json *array, const char *value);
void json_append_int(json *array, int64_t value);

/* Appends the document to `out`; indent 0 is one line. Fails with E_NOMEM. */
MEDLEY_MUST_USE medley_status json_render(const json *value, int indent, text *out, medley_error *err);

#endif
