/* Which column of a file is what: by name, by position, by type. */
#include "data/ingest_state.h"

static bool field_is(const record_block *block, delimited_field field, const char *name, size_t length)
{
    return field.end - field.start == length && memcmp(block->bytes + field.start, name, length) == 0;
}

/* Of RecBole's headers; bit n of column_at.types is type n. */
static const char *const type_names[] = {"token", "token_seq", "float", "float_seq"};

enum { TYPES = sizeof type_names / sizeof *type_names, ANY_TYPE = (1 << TYPES) - 1 };

/* What stands behind the last ':'; NULL: there is none. */
static const char *type_of(const char *cell, size_t length, size_t *type_length)
{
    for (size_t at = length; at > 0; at--)
        if (cell[at - 1] == ':') {
            *type_length = length - at;
            return cell + at;
        }
    return NULL;
}

static int type_number(const char *type, size_t length)
{
    for (int i = 0; i < TYPES; i++)
        if (strlen(type_names[i]) == length && memcmp(type_names[i], type, length) == 0)
            return i;
    return -1;
}

size_t ingest_typed_name(const char *cell, size_t length, const char **type)
{
    size_t type_length;
    const char *found = type_of(cell, length, &type_length);
    const int number = found != NULL && found - cell > 1 ? type_number(found, type_length) : -1;
    *type = number >= 0 ? type_names[number] : "";
    return number >= 0 ? (size_t)(found - cell) - 1 : length;
}

/* Refuses a header's cell whose type is none of those; a cell without a type is fine. */
static medley_status check_type(const char *path, const record_block *block, delimited_field field, int at,
                                const char *role, int accepted, medley_error *err)
{
    size_t length;
    char list[64] = "";
    const char *type = type_of(block->bytes + field.start, field.end - field.start, &length);
    const int number = type != NULL ? type_number(type, length) : -1;
    if (type == NULL || (number >= 0 && (accepted >> number & 1) != 0))
        return MEDLEY_OK;
    for (int i = 0; i < TYPES; i++)
        if ((accepted >> i & 1) != 0) {
            const size_t used = strlen(list);
            snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "", type_names[i]);
        }
    return fail(err, MEDLEY_E_FORMAT, "%s:1: column %d: type '%.*s'%s%s; accepted: %s", path, at + 1,
                length < 60 ? (int)length : 60, type, role != NULL ? " for the " : "", role != NULL ? role : "",
                list);
}

medley_status ingest_check_header(const char *path, const record_block *block, const delimited_table *table,
                                  medley_error *err)
{
    const int width = table->row_count > 0 ? (int)table->row_end[0] : 0;
    for (int at = 0; at < width; at++)
        TRY(check_type(path, block, table->fields[at], at, NULL, ANY_TYPE, err));
    return MEDLEY_OK;
}

static int find_column(bool header, const record_block *block, const delimited_field *fields, int count,
                       const char *spec, size_t length)
{
    int64_t position;
    const char *type;
    if (number_int(spec, length, &position))
        return position >= 1 && position <= count ? (int)position - 1 : -1;
    for (int i = 0; header && i < count; i++)
        if (field_is(block, fields[i], spec, length))
            return i;
    for (int i = 0; header && i < count; i++) {
        const char *cell = block->bytes + fields[i].start;
        const size_t name = ingest_typed_name(cell, fields[i].end - fields[i].start, &type);
        if (name == length && memcmp(cell, spec, length) == 0)
            return i;
    }
    return -1;
}

/* As find_column; `spec` may be several names with a '|' between them. */
static int find_any_column(bool header, const record_block *block, const delimited_field *fields, int count,
                           const char *spec, size_t length)
{
    int found = find_column(header, block, fields, count, spec, length);
    for (size_t at = 0; found < 0 && at < length;) {
        const char *end = memchr(spec + at, '|', length - at);
        const size_t next = end != NULL ? (size_t)(end - spec) : length;
        if (next > at)
            found = find_column(header, block, fields, count, spec + at, next - at);
        at = next + 1;
    }
    return found;
}

medley_status ingest_find_columns(const char *path, bool header, const record_block *block,
                                  const delimited_table *table, column_at *columns, int count, medley_error *err)
{
    const int width = table->row_count > 0 ? (int)table->row_end[0] : 0;
    for (int i = 0; i < count; i++) {
        column_at *c = &columns[i];
        c->index = -1;
        if (c->spec == NULL || c->spec[0] == '\0')
            continue;
        size_t length = strlen(c->spec);
        const bool optional = c->spec[length - 1] == '?';
        length -= optional;
        c->index = find_any_column(header, block, table->fields, width, c->spec, length);
        if (c->index >= 0 && c->types != 0)
            TRY(check_type(path, block, table->fields[c->index], c->index, c->role, c->types, err));
        if (c->index >= 0 || optional)
            continue;
        const int shown = table->fields[width - 1].end < 120 ? (int)table->fields[width - 1].end : 120;
        return fail(
            err, MEDLEY_E_FORMAT,
            "%s:1: no column '%.*s' for the %s: the first line has %d column%s, '%.*s'; is the delimiter right?",
            path, (int)length, c->spec, c->role, width, width == 1 ? "" : "s", shown, block->bytes);
    }
    return MEDLEY_OK;
}
