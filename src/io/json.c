#define json_real jansson_real /* jansson's constructor has the name of our reader */
#include <jansson.h>
#undef json_real
#undef json_is_object
#undef json_is_array

#include <math.h>

#include "io/json.h"

#include "base/base.h"

enum { DEPTH_MOST = 64 };

/* `json` is never defined: its pointers are jansson's. const json_t * is of no use with jansson. */
static json_t *of(const json *value)
{
    return (json_t *)(uintptr_t)value;
}

static json *ours(json_t *value)
{
    return (json *)value;
}

/* Whether brackets nest deeper than DEPTH_MOST, whatever else is wrong with the document. */
static bool too_deep(const char *bytes, size_t length)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        const char c = bytes[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted)
            i += c == '\\';
        else if ((c == '[' || c == '{') && ++depth > DEPTH_MOST)
            return true;
        else if (c == ']' || c == '}')
            depth--;
    }
    return false;
}

medley_status json_parse(const char *name, const char *bytes, size_t length, json **out, medley_error *err)
{
    json_error_t why;
    *out = NULL;
    if (too_deep(bytes, length))
        return fail(err, MEDLEY_E_FORMAT, "%s: nested deeper than the %d levels accepted", name, DEPTH_MOST);
    *out = ours(json_loadb(length > 0 ? bytes : "", length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why));
    if (*out != NULL)
        return MEDLEY_OK;
    if (json_error_code(&why) == json_error_out_of_memory)
        return fail(err, MEDLEY_E_NOMEM, "%s: out of memory", name);
    return fail(err, MEDLEY_E_FORMAT, "%s:%d:%d: %s", name, why.line, why.column, why.text);
}

/* A failed allocation is kept as a second reference to the object or array it happened in, which
 * needs no memory; whoever takes the value in takes the failure over. */
static bool has_failed(const json *value)
{
    return (json_is_object(value) || json_is_array(value)) && of(value)->refcount > 1;
}

static void keep_failure(json *container)
{
    if (!has_failed(container))
        json_incref(of(container));
}

static bool take_failure(json *value)
{
    if (!has_failed(value))
        return false;
    json_decref(of(value));
    return true;
}

void json_free(json *value)
{
    (void)take_failure(value);
    json_decref(of(value));
}

const json *json_member(const json *object, const char *key)
{
    return ours(json_object_get(of(object), key));
}

const char *json_text(const json *object, const char *key)
{
    return json_as_text(json_member(object, key));
}

bool json_int(const json *object, const char *key, int64_t *out)
{
    return json_as_int(json_member(object, key), out);
}

bool json_real(const json *object, const char *key, double *out)
{
    return json_as_real(json_member(object, key), out);
}

bool json_bool(const json *object, const char *key, bool *out)
{
    const json_t *value = of(json_member(object, key));
    if (!json_is_boolean(value))
        return false;
    *out = json_is_true(value);
    return true;
}

int64_t json_count(const json *container)
{
    const json_t *c = of(container);
    return (int64_t)(json_is_array(container) ? json_array_size(c) : json_object_size(c));
}

const json *json_at(const json *container, int64_t index, const char **key)
{
    if (key != NULL)
        *key = NULL;
    if (index < 0 || index >= json_count(container))
        return NULL;
    if (json_is_array(container))
        return ours(json_array_get(of(container), (size_t)index));
    void *member = json_object_iter(of(container));
    for (; index > 0; index--)
        member = json_object_iter_next(of(container), member);
    if (key != NULL)
        *key = json_object_iter_key(member);
    return ours(json_object_iter_value(member));
}

const json *json_next(const json *object, void **walk, const char **key)
{
    json_t *whole = of(object);
    *walk = *walk == NULL ? json_object_iter(whole) : json_object_iter_next(whole, *walk);
    *key = *walk != NULL ? json_object_iter_key(*walk) : NULL;
    return ours(json_object_iter_value(*walk));
}

bool json_is_object(const json *value)
{
    return value != NULL && json_typeof(of(value)) == JSON_OBJECT;
}

bool json_is_array(const json *value)
{
    return value != NULL && json_typeof(of(value)) == JSON_ARRAY;
}

bool json_as_int(const json *value, int64_t *out)
{
    if (!json_is_integer(of(value)))
        return false;
    *out = json_integer_value(of(value));
    return true;
}

bool json_as_real(const json *value, double *out)
{
    if (!json_is_number(of(value)))
        return false;
    *out = json_number_value(of(value));
    return true;
}

const char *json_as_text(const json *value)
{
    return json_string_value(of(value));
}

json *json_new_object(void)
{
    return ours(json_object());
}

json *json_new_array(void)
{
    return ours(json_array());
}

void json_set(json *object, const char *key, json *value)
{
    const bool failed = take_failure(value);
    if (object == NULL)
        json_free(value);
    else if (json_object_set_new_nocheck(of(object), key, of(value)) != 0 || failed)
        keep_failure(object);
}

void json_append(json *array, json *value)
{
    const bool failed = take_failure(value);
    if (array == NULL)
        json_free(value);
    else if (json_array_append_new(of(array), of(value)) != 0 || failed)
        keep_failure(array);
}

/* Unchecked: text that is not UTF-8 is found by json_render, which can say so. */
static json *new_text(const char *value)
{
    return ours(value != NULL ? json_string_nocheck(value) : json_null());
}

void json_set_text(json *object, const char *key, const char *value)
{
    json_set(object, key, new_text(value));
}

void json_set_int(json *object, const char *key, int64_t value)
{
    json_set(object, key, ours(json_integer(value)));
}

void json_set_real(json *object, const char *key, double value)
{
    json_set(object, key, ours(isfinite(value) ? json_pack("f", value) : json_null()));
}

void json_set_bool(json *object, const char *key, bool value)
{
    json_set(object, key, ours(json_boolean(value)));
}

void json_append_text(json *array, const char *value)
{
    json_append(array, new_text(value));
}

void json_append_int(json *array, int64_t value)
{
    json_append(array, ours(json_integer(value)));
}

static int append_piece(const char *bytes, size_t length, void *out)
{
    text *t = out;
    text_append(t, bytes, length);
    return t->failed ? -1 : 0;
}

medley_status json_render(const json *value, int indent, text *out, medley_error *err)
{
    if (value == NULL || has_failed(value))
        return fail(err, MEDLEY_E_NOMEM, "out of memory while building JSON");
    const size_t flags = JSON_INDENT((size_t)indent) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17);
    const bool whole = json_dump_callback(of(value), append_piece, out, flags) == 0;
    TRY(text_status(out, err));
    return whole ? MEDLEY_OK : fail(err, MEDLEY_E_FORMAT, "a text for JSON is not UTF-8, or memory ran out");
}
