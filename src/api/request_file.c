#include "api/request_file.h"

#include <math.h>

#include "io/records.h"
#include "io/utf8.h"

enum { COLUMNS_MOST = 4, WHERE_LONGEST = 600, ID_SHOWN = 100 };

/* ---- lines ---- */

typedef struct request_field {
    const char *bytes;
    size_t length;
} request_field;

/* One line; `where` names it in messages. */
typedef medley_status (*request_line)(void *context, const char *where, const request_field *fields, int count,
                                      medley_error *err);

typedef struct request_reader {
    const char *path, *accepted; /* "user, item" */
    int least, most;
    request_line take;
    void *context;
    int columns; /* of the first line; 0: none was read */
} request_reader;

/* Shortened, so that a message never loses its end. */
static void name_line(const char *path, int64_t line, char where[WHERE_LONGEST])
{
    const size_t length = strlen(path), shown = length > 500 ? 500 : length;
    number_print(where, WHERE_LONGEST, "%s%s:%lld", shown < length ? "..." : "", path + length - shown,
                 (long long)line);
}

static medley_status take_line(request_reader *r, const char *bytes, size_t length, int64_t line,
                               medley_error *err)
{
    request_field fields[COLUMNS_MOST] = {{bytes, length}};
    char where[WHERE_LONGEST];
    int64_t count = 1;
    for (const char *at = bytes; (at = memchr(at, '\t', (size_t)(bytes + length - at))) != NULL; count++) {
        at++;
        if (count <= COLUMNS_MOST)
            fields[count - 1].length = (size_t)(at - 1 - fields[count - 1].bytes);
        if (count < COLUMNS_MOST)
            fields[count] = (request_field){at, (size_t)(bytes + length - at)};
    }
    name_line(r->path, line, where);
    if (count < r->least || count > r->most)
        return fail(err, MEDLEY_E_FORMAT, "%s: %lld column%s; accepted, apart by tabs: %s", where,
                    (long long)count, count == 1 ? "" : "s", r->accepted);
    if (r->columns != 0 && count != r->columns)
        return fail(err, MEDLEY_E_FORMAT, "%s: %lld column%s; the first line has %d", where, (long long)count,
                    count == 1 ? "" : "s", r->columns);
    r->columns = (int)count;
    return r->take(r->context, where, fields, (int)count, err);
}

static medley_status take_block(request_reader *r, const record_block *block, medley_error *err)
{
    int64_t line = block->first_line;
    for (const char *at = block->bytes, *end; at < block->bytes + block->length; at = end + 1, line++) {
        end = memchr(at, '\n', (size_t)(block->bytes + block->length - at));
        const size_t whole = (size_t)(end - at), length = whole > 0 && end[-1] == '\r' ? whole - 1 : whole;
        if (length > 0)
            TRY(take_line(r, at, length, line, err));
    }
    return MEDLEY_OK;
}

static medley_status read_lines(const medley_runtime *rt, request_reader *r, medley_error *err)
{
    const records_options lines = {.delimiter = "\t"};
    record_block block = {0};
    records *source;
    bool more = true;
    TRY(records_open(rt, r->path, lines, &source, err));
    medley_status status = MEDLEY_OK;
    while (status == MEDLEY_OK && more) {
        status = records_next(source, &block, &more, err);
        if (status == MEDLEY_OK && more)
            status = take_block(r, &block, err);
    }
    if (status == MEDLEY_OK && r->columns == 0)
        status =
            fail(err, MEDLEY_E_FORMAT, "%s: holds no line; accepted, apart by tabs: %s", r->path, r->accepted);
    mem_free(block.bytes);
    records_close(source);
    return status;
}

medley_status request_find(request_ids ids, const char *where, const char *id, size_t length, uint32_t *out,
                           medley_error *err)
{
    char buffer[16], known[ID_SHOWN + 32] = "";
    *out = idmap_find(ids.map, id, length);
    if (*out != IDMAP_NONE)
        return MEDLEY_OK;
    if (ids.map->count > 0) {
        size_t shown;
        const char *one = idmap_id(ids.map, 0, buffer, &shown);
        number_print(known, sizeof known, ", '%.*s' for one", shown < ID_SHOWN ? (int)shown : ID_SHOWN, one);
    }
    return fail(err, MEDLEY_E_NOT_FOUND, "%s: '%.*s' is no %s, which has %lld%s", where,
                length < ID_SHOWN ? (int)length : ID_SHOWN, id, ids.what, (long long)ids.map->count, known);
}

/* ---- ids and pairs ---- */

typedef struct row_reading {
    request_ids first, second;
    request_rows *out;
} row_reading;

static medley_status take_ids(void *context, const char *where, const request_field *fields, int count,
                              medley_error *err)
{
    const row_reading *reading = context;
    request_rows *out = reading->out;
    /* A file of one column holds what would be the last one. */
    const request_ids kinds[] = {count == 1 ? reading->second : reading->first, reading->second};
    TRY(mem_reserve(out->rt, &out->first, &out->first_capacity, out->count + 1, sizeof *out->first, err));
    TRY(request_find(kinds[0], where, fields[0].bytes, fields[0].length, &out->first[out->count], err));
    if (count == 2) {
        TRY(mem_reserve(out->rt, &out->second, &out->second_capacity, out->count + 1, sizeof *out->second, err));
        TRY(request_find(kinds[1], where, fields[1].bytes, fields[1].length, &out->second[out->count], err));
    }
    out->count++;
    return MEDLEY_OK;
}

static medley_status read_rows(const medley_runtime *rt, const char *path, const char *accepted, int most,
                               request_ids first, request_ids second, request_rows *out, medley_error *err)
{
    row_reading reading = {first, second, out};
    request_reader r = {
        .path = path, .accepted = accepted, .least = 1, .most = most, .take = take_ids, .context = &reading};
    *out = (request_rows){.rt = rt};
    const medley_status status = read_lines(rt, &r, err);
    if (status != MEDLEY_OK)
        request_rows_release(out);
    return status;
}

medley_status request_read_ids(const medley_runtime *rt, const char *path, request_ids ids, request_rows *out,
                               medley_error *err)
{
    return read_rows(rt, path, "an id", 1, ids, ids, out, err);
}

medley_status request_read_candidates(const medley_runtime *rt, const char *path, request_ids owners,
                                      request_ids items, request_rows *out, medley_error *err)
{
    return read_rows(rt, path, "item, or user and item", 2, owners, items, out, err);
}

void request_rows_release(request_rows *r)
{
    mem_free(r->first);
    mem_free(r->second);
    *r = (request_rows){0};
}

/* ---- people ---- */

typedef struct person_event {
    uint32_t person, item;
    float rating;
    int64_t timestamp, line;
} person_event;

typedef struct people_reading {
    const medley_runtime *rt;
    request_ids items;
    idmap *names;
    person_event *events;
    int64_t count, capacity;
} people_reading;

static medley_status take_event(void *context, const char *where, const request_field *fields, int count,
                                medley_error *err)
{
    people_reading *r = context;
    person_event e = {.line = r->count};
    double rating = 0;
    if (fields[0].length == 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: an empty name of a person; one byte or more is accepted", where);
    if (utf8_invalid_at(fields[0].bytes, fields[0].length) >= 0 ||
        memchr(fields[0].bytes, '\0', fields[0].length) != NULL)
        return fail(err, MEDLEY_E_FORMAT, "%s: a person's name is not UTF-8 text without NUL", where);
    TRY(request_find(r->items, where, fields[1].bytes, fields[1].length, &e.item, err));
    if (count > 2 && (!number_real(fields[2].bytes, fields[2].length, &rating) || !isfinite((float)rating)))
        return fail(err, MEDLEY_E_FORMAT, "%s: rating '%.*s'; a number is accepted", where,
                    fields[2].length < ID_SHOWN ? (int)fields[2].length : ID_SHOWN, fields[2].bytes);
    if (count > 3 && !number_int(fields[3].bytes, fields[3].length, &e.timestamp))
        return fail(err, MEDLEY_E_FORMAT, "%s: timestamp '%.*s'; whole seconds since 1970 are accepted", where,
                    fields[3].length < ID_SHOWN ? (int)fields[3].length : ID_SHOWN, fields[3].bytes);
    TRY(idmap_add(r->names, fields[0].bytes, fields[0].length, &e.person, err));
    TRY(mem_reserve(r->rt, &r->events, &r->capacity, r->count + 1, sizeof *r->events, err));
    e.rating = (float)rating;
    r->events[r->count++] = e;
    return MEDLEY_OK;
}

static int by_person_and_time(const void *a, const void *b)
{
    const person_event *x = a, *y = b;
    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    if (x->timestamp != y->timestamp)
        return x->timestamp < y->timestamp ? -1 : 1;
    return x->line < y->line ? -1 : 1;
}

static medley_status lay_out(const people_reading *r, int columns, histories_owner *out, medley_error *err)
{
    const int64_t rows = r->names->count;
    TRY(mem_alloc_zero(r->rt, rows + 1, sizeof *out->start, &out->start, err));
    TRY(mem_alloc(r->rt, r->count, sizeof *out->item, &out->item, err));
    if (columns > 2)
        TRY(mem_alloc(r->rt, r->count, sizeof *out->rating, &out->rating, err));
    if (columns > 3)
        TRY(mem_alloc(r->rt, r->count, sizeof *out->timestamp, &out->timestamp, err));
    for (int64_t i = 0; i < r->count; i++) {
        const person_event *e = &r->events[i];
        out->start[e->person + 1] = i + 1; /* sorted: the last one's stays */
        out->item[i] = e->item;
        if (out->rating != NULL)
            out->rating[i] = e->rating;
        if (out->timestamp != NULL)
            out->timestamp[i] = e->timestamp;
    }
    out->view = (histories){rows, out->start, out->item, out->rating, out->timestamp, false, NULL};
    return MEDLEY_OK;
}

medley_status request_read_people(const medley_runtime *rt, const char *path, request_ids items,
                                  request_people *out, medley_error *err)
{
    people_reading reading = {.rt = rt, .items = items, .names = &out->names};
    request_reader r = {.path = path,
                        .accepted = "person, item, rating (may be missing), timestamp (may be missing)",
                        .least = 2,
                        .most = 4,
                        .take = take_event,
                        .context = &reading};
    *out = (request_people){0};
    idmap_init(&out->names, rt);
    medley_status status = read_lines(rt, &r, err);
    if (status == MEDLEY_OK) {
        qsort(reading.events, (size_t)reading.count, sizeof *reading.events, by_person_and_time);
        status = lay_out(&reading, r.columns, &out->known, err);
    }
    mem_free(reading.events);
    if (status != MEDLEY_OK)
        request_people_release(out);
    return status;
}

void request_people_release(request_people *p)
{
    idmap_release(&p->names);
    histories_release(&p->known);
}
