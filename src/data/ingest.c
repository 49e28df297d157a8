#include "data/ingest_state.h"
#include "io/utf8.h"

#include <math.h>
#include <stdarg.h>

enum { CHUNK_BYTES = 4 * 1024 * 1024 - 4096, ID_LONGEST = 4096, PREFETCH_ROWS = 8 };

/* 2100-01-01: later times are more likely milliseconds, or nonsense. */
#define TIME_LATEST INT64_C(4102444799)

medley_status ingest_create(const medley_runtime *rt, const ingest_options *options, ingest **out,
                            medley_error *err)
{
    *out = NULL;
    ingest *in;
    TRY(mem_alloc_zero(rt, 1, sizeof *in, &in, err));
    in->rt = rt;
    in->options = *options;
    in->out.rt = rt;
    in->out.texts.rt = rt;
    idmap_init(&in->table_ids, rt);
    idmap_init(&in->out.users, rt);
    idmap_init(&in->out.items, rt);
    const medley_status status = mem_alloc_zero(rt, parallel_workers(rt), sizeof *in->workers, &in->workers, err);
    if (status != MEDLEY_OK) {
        mem_free(in);
        return status;
    }
    in->worker_count = parallel_workers(rt);
    for (int i = 0; i < in->worker_count; i++) {
        idmap_init(&in->workers[i].users.map, rt);
        idmap_init(&in->workers[i].items.map, rt);
    }
    *out = in;
    return MEDLEY_OK;
}

static void release_ids(seen_ids *ids)
{
    idmap_release(&ids->map);
    mem_free(ids->first_seen);
}

void ingest_free(ingest *in)
{
    if (in == NULL)
        return;
    for (int i = 0; i < in->worker_count; i++) {
        ingest_worker *w = &in->workers[i];
        release_ids(&w->users);
        release_ids(&w->items);
        while (w->chunks != NULL) {
            row_chunk *next = w->chunks->next;
            mem_free(w->chunks);
            w->chunks = next;
        }
        mem_free(w->blocks);
        mem_free(w->block.bytes);
        mem_free(w->latin1);
        delimited_release(&w->table);
    }
    mem_free(in->workers);
    idmap_release(&in->table_ids);
    mem_free(in->table_facts);
    dataset_release(&in->out);
    mem_free(in);
}

void dataset_release(dataset *d)
{
    mem_free(d->user);
    mem_free(d->item);
    mem_free(d->rating);
    mem_free(d->timestamp);
    mem_free(d->part);
    mem_free(d->facts);
    idmap_release(&d->users);
    idmap_release(&d->items);
    arena_release(&d->texts);
    for (int64_t i = 0; i < d->source_count; i++)
        mem_free(d->sources[i].path);
    mem_free(d->sources);
    const medley_runtime *rt = d->rt;
    *d = (dataset){.rt = rt, .texts.rt = rt};
    idmap_init(&d->users, rt);
    idmap_init(&d->items, rt);
}

/* Names and values come from outside: what is shown of them is one line of UTF-8. */
static void make_showable(char *shown)
{
    const size_t length = strlen(shown);
    for (size_t at = 0; at < length;) {
        const int size = text_character(shown + at, length - at);
        if (size == 0 || (unsigned char)shown[at] < 0x20 || shown[at] == 0x7f)
            shown[at] = '?';
        at += size > 0 ? (size_t)size : 1;
    }
}

medley_status ingest_add_source(ingest *in, const char *path, int64_t *index, medley_error *err)
{
    dataset *d = &in->out;
    TRY(mem_reserve(in->rt, &d->sources, &in->source_capacity, d->source_count + 1, sizeof *d->sources, err));
    ingest_source *s = &d->sources[d->source_count];
    *s = (ingest_source){0};
    TRY(mem_text(in->rt, path, strlen(path), &s->path, err));
    make_showable(s->path);
    *index = d->source_count++;
    return MEDLEY_OK;
}

/* ---- bad rows ---- */

int64_t ingest_line(const ingest_worker *w, int64_t row)
{
    return w->block.first_line + (w->table.lines != NULL ? w->table.lines[row] : row);
}

void ingest_bad(ingest_worker *w, int64_t line, int column, const char *format, ...)
{
    if (w->bad_count++ >= INGEST_BAD_ROWS_KEPT) /* a worker's lines ascend: the first are kept */
        return;
    ingest_bad_row *bad = &w->bad[w->bad_count - 1];
    bad->line = line;
    bad->column = column;
    va_list values;
    va_start(values, format);
    number_vprint(bad->reason, sizeof bad->reason, format, values);
    va_end(values);
    make_showable(bad->reason);
}

/* The worker whose next bad row (the first not yet taken) is the earliest in the file; NULL: none. */
static ingest_worker *earliest_bad(ingest *in)
{
    ingest_worker *first = NULL;
    for (int i = 0; i < in->worker_count; i++) {
        ingest_worker *w = &in->workers[i];
        const int64_t kept = w->bad_count < INGEST_BAD_ROWS_KEPT ? w->bad_count : INGEST_BAD_ROWS_KEPT;
        if (w->bad_taken < kept &&
            (first == NULL || w->bad[w->bad_taken].line < first->bad[first->bad_taken].line))
            first = w;
    }
    return first;
}

static void describe_bad(const ingest_source *s, const ingest_bad_row *bad, char *message, size_t size)
{
    if (bad->column > 0)
        snprintf(message, size, "%s:%lld: column %d: %s", s->path, (long long)bad->line, bad->column, bad->reason);
    else
        snprintf(message, size, "%s:%lld: %s", s->path, (long long)bad->line, bad->reason);
}

medley_status ingest_settle(ingest *in, int64_t source, medley_error *err)
{
    dataset *d = &in->out;
    ingest_source *s = &d->sources[source];
    for (int i = 0; i < in->worker_count; i++) {
        s->rows += in->workers[i].rows;
        s->bad += in->workers[i].bad_count;
    }
    if (s->rows == 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: no rows; at least one is needed", s->path);

    char message[400];
    ingest_worker *w = earliest_bad(in);
    const bool stop = in->options.on_error == ON_ERROR_STOP ||
                      (in->options.on_error == ON_ERROR_AUTO && s->bad * 1000 > s->rows);
    if (w != NULL && stop) {
        describe_bad(s, &w->bad[w->bad_taken], message, sizeof message);
        return fail(err, MEDLEY_E_FORMAT, "%s (%lld of %lld rows are bad; on_error: skip leaves them out)",
                    message, (long long)s->bad, (long long)s->rows);
    }
    int64_t told = 0;
    for (; w != NULL && told < INGEST_BAD_ROWS_KEPT; w = earliest_bad(in), told++) {
        ingest_bad_row *bad = &w->bad[w->bad_taken++];
        describe_bad(s, bad, message, sizeof message);
        runtime_log(in->rt, MEDLEY_LOG_WARNING, "skipped: %s", message);
        bad->source = source;
        if (d->bad_kept < INGEST_BAD_ROWS_KEPT)
            d->bad[d->bad_kept++] = *bad;
    }
    if (s->bad > told)
        runtime_log(in->rt, MEDLEY_LOG_WARNING, "skipped: %lld more rows of %s", (long long)(s->bad - told),
                    s->path);
    return MEDLEY_OK;
}

void ingest_start_file(ingest *in)
{
    for (int i = 0; i < in->worker_count; i++)
        in->workers[i].rows = in->workers[i].bad_count = in->workers[i].bad_taken = 0;
}

/* The table of the worker's block, with room for conversions when the block needs them. */
medley_status ingest_parse_block(ingest *in, ingest_worker *w, const char *delimiter, text_encoding encoding,
                                 medley_error *err)
{
    TRY(delimited_parse(in->rt, &w->block, delimiter, &w->table, err));
    if (encoding == ENCODING_LATIN1 && !w->table.ascii)
        TRY(mem_reserve(in->rt, &w->latin1, &w->latin1_capacity, 2 * (int64_t)w->block.length, 1, err));
    return MEDLEY_OK;
}

/* ---- columns ---- */

static bool field_is(const record_block *block, delimited_field field, const char *name, size_t length)
{
    return field.end - field.start == length && memcmp(block->bytes + field.start, name, length) == 0;
}

static int find_column(bool header, const record_block *block, const delimited_field *fields, int count,
                       const char *spec, size_t length)
{
    int64_t position;
    if (number_int(spec, length, &position))
        return position >= 1 && position <= count ? (int)position - 1 : -1;
    for (int i = 0; header && i < count; i++)
        if (field_is(block, fields[i], spec, length))
            return i;
    return -1;
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
        c->index = find_column(header, block, table->fields, width, c->spec, length);
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

/* ---- fields ---- */

bool ingest_text(ingest_worker *w, text_encoding encoding, delimited_field field, int64_t line, int column,
                 const char **bytes, size_t *length)
{
    *bytes = w->block.bytes + field.start;
    *length = field.end - field.start;
    if (w->table.nul && memchr(*bytes, '\0', *length) != NULL) {
        ingest_bad(w, line, column, "a NUL byte; accepted: text");
        return false;
    }
    if (w->table.ascii)
        return true;
    if (encoding == ENCODING_LATIN1) {
        *length = utf8_from_latin1(*bytes, *length, w->latin1);
        *bytes = w->latin1;
        return true;
    }
    const int64_t wrong = utf8_invalid_at(*bytes, *length);
    if (wrong >= 0)
        ingest_bad(w, line, column, "byte 0x%02x is not UTF-8; for ISO 8859-1 set encoding: latin1",
                   (unsigned)(unsigned char)(*bytes)[wrong]);
    return wrong < 0;
}

/* The field as an id, or false and a bad row. */
static bool take_id(ingest_worker *w, text_encoding encoding, delimited_field field, int64_t line, int column,
                    const char **id, size_t *length)
{
    if (!ingest_text(w, encoding, field, line, column + 1, id, length))
        return false;
    if (*length > 0 && *length <= ID_LONGEST)
        return true;
    ingest_bad(w, line, column + 1, "an id of %zu bytes; accepted: 1..%d bytes", *length, ID_LONGEST);
    return false;
}

static medley_status add_id(const medley_runtime *rt, seen_ids *ids, const char *id, size_t length, uint64_t place,
                            uint32_t *index, medley_error *err)
{
    const int64_t before = ids->map.count;
    TRY(idmap_add(&ids->map, id, length, index, err));
    if (ids->map.count > before) {
        TRY(mem_reserve(rt, &ids->first_seen, &ids->capacity, ids->map.count, sizeof *ids->first_seen, err));
        ids->first_seen[*index] = place;
    }
    return MEDLEY_OK;
}

/* Eight digits at once, as in "Quickly parsing eight digits" (Lemire 2022); false: not all digits. */
static inline bool eight_digits(uint64_t v, uint64_t *out)
{
    const uint64_t low = v - 0x3030303030303030u;
    if (((low | (v + 0x4646464646464646u)) & 0x8080808080808080u) != 0)
        return false;
    v = low * 10 + (low >> 8);
    *out = (((v & 0x000000ff000000ffu) * 0x000f424000000064u) +
            (((v >> 16) & 0x000000ff000000ffu) * 0x0000271000000001u)) >>
           32;
    return true;
}

/* 1..16 digits. Reads up to 8 bytes past the text: blocks are padded. */
static inline bool short_digits(const char *digits, size_t length, int64_t *out)
{
    uint64_t head = 0, tail, word;
    if (length > 8) {
        memcpy(&word, digits, 8);
        if (!eight_digits(word, &head))
            return false;
        digits += 8;
        length -= 8;
    }
    memcpy(&word, digits, 8);
    if (length < 8)
        word = word << (64 - 8 * length) | UINT64_C(0x3030303030303030) >> (8 * length);
    if (!eight_digits(word, &tail))
        return false;
    static const int64_t scale[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    *out = (int64_t)head * scale[length] + (int64_t)tail;
    return true;
}

static bool parse_rating(ingest_worker *w, const ingest_options *o, delimited_field f, int64_t line, int column,
                         float *out)
{
    const char *digits = w->block.bytes + f.start;
    const size_t length = f.end - f.start;
    double value;
    if (length == 3 && digits[1] == '.' && (unsigned)(digits[0] - '0') < 10 && (unsigned)(digits[2] - '0') < 10) {
        value = (digits[0] - '0') + (digits[2] - '0') / 10.0;
    } else if (!number_real(digits, length, &value)) {
        ingest_bad(w, line, column, "'%.*s' is not a number; accepted: a rating in %g..%g",
                   length < 60 ? (int)length : 60, digits, o->rating_min, o->rating_max);
        return false;
    }
    if (value < o->rating_min || value > o->rating_max) {
        ingest_bad(w, line, column, "rating %g is outside %g..%g (rating_min, rating_max)", value, o->rating_min,
                   o->rating_max);
        return false;
    }
    *out = (float)value;
    return true;
}

static bool parse_time(ingest_worker *w, time_unit unit, delimited_field f, int64_t line, int column, int64_t *out)
{
    const char *digits = w->block.bytes + f.start;
    const size_t length = f.end - f.start;
    int64_t value;
    double real;
    if (length == 0 || length > 16 || !short_digits(digits, length, &value)) {
        if (!number_real(digits, length, &real) || fabs(real) >= 0x1p62) {
            ingest_bad(w, line, column, "'%.*s' is not a time; accepted: seconds since 1970",
                       length < 60 ? (int)length : 60, digits);
            return false;
        }
        value = (int64_t)floor(real);
    }
    const int64_t seconds = unit == TIME_MILLISECONDS ? value / 1000 : value;
    if (value < 0 || seconds > TIME_LATEST) {
        ingest_bad(w, line, column, "time %lld is outside 0..%lld seconds since 1970%s", (long long)value,
                   (long long)TIME_LATEST,
                   unit == TIME_SECONDS && value > TIME_LATEST ? " (milliseconds? set time_unit: milliseconds)"
                                                               : "");
        return false;
    }
    *out = seconds;
    return true;
}

/* ---- rows ---- */

/* A file being read. */
typedef struct interaction_file {
    ingest *in;
    const interaction_layout *layout;
    records *records;
    const char *path;
    int user, item, rating, timestamp, columns;
    int last_id; /* the later one of user and item */
} interaction_file;

static medley_status chunk_for(ingest *in, ingest_worker *w, int64_t rows, row_chunk **out, medley_error *err)
{
    if (w->chunks == NULL || w->chunks->capacity - w->chunks->count < rows) {
        const size_t row =
            2 * sizeof(uint32_t) + in->has_rating * sizeof(float) + in->has_timestamp * sizeof(int64_t);
        const int64_t usual = (int64_t)((CHUNK_BYTES - sizeof(row_chunk) - 16) / row),
                      capacity = rows > usual ? rows : usual;
        char *bytes;
        TRY(mem_alloc(in->rt, 1, sizeof(row_chunk) + 16 + (size_t)capacity * row, &bytes, err));
        row_chunk *chunk = (row_chunk *)(void *)bytes;
        *chunk = (row_chunk){.next = w->chunks, .capacity = capacity};
        char *at = bytes + (sizeof *chunk + 15) / 16 * 16;
        if (in->has_timestamp) { /* the widest column first keeps all aligned */
            chunk->timestamp = (int64_t *)(void *)at;
            at += (size_t)capacity * sizeof(int64_t);
        }
        chunk->user = (uint32_t *)(void *)at;
        chunk->item = chunk->user + capacity;
        if (in->has_rating)
            chunk->rating = (float *)(void *)(chunk->item + capacity);
        w->chunks = chunk;
    }
    *out = w->chunks;
    return MEDLEY_OK;
}

static medley_status take_user(const interaction_file *f, ingest_worker *w, delimited_field field, uint64_t place,
                               int64_t line, uint32_t *index, bool *good, medley_error *err)
{
    const char *id;
    size_t length;
    *good = take_id(w, f->layout->encoding, field, line, f->user, &id, &length);
    if (!*good)
        return MEDLEY_OK;
    w->users_mixed = length != w->last_user_length || memcmp(id, w->last_user, length) != 0;
    if (!w->users_mixed) {
        *index = w->last_user_index;
        return MEDLEY_OK;
    }
    TRY(add_id(f->in->rt, &w->users, id, length, place, index, err));
    if (length <= sizeof w->last_user) {
        memcpy(w->last_user, id, length);
        w->last_user_length = length;
        w->last_user_index = *index;
    }
    return MEDLEY_OK;
}

static medley_status take_item(const interaction_file *f, ingest_worker *w, delimited_field field, int column,
                               uint64_t place, int64_t line, uint32_t *index, bool *good, medley_error *err)
{
    const char *id;
    size_t length;
    *good = take_id(w, f->layout->encoding, field, line, column, &id, &length);
    return *good ? add_id(f->in->rt, &w->items, id, length, place, index, err) : MEDLEY_OK;
}

/* One row of one interaction. A bad row leaves no trace but its account: all fields are checked before
 * an id is added. */
static medley_status take_row(const interaction_file *f, ingest_worker *w, const delimited_field *fields,
                              int64_t line, uint64_t place, row_chunk *chunk, medley_error *err)
{
    const int64_t at = chunk->count;
    const char *id;
    size_t length;
    bool good = true;
    if (f->rating >= 0)
        good = parse_rating(w, &f->in->options, fields[f->rating], line, f->rating + 1, &chunk->rating[at]);
    if (good && f->timestamp >= 0)
        good = parse_time(w, f->layout->time_unit, fields[f->timestamp], line, f->timestamp + 1,
                          &chunk->timestamp[at]);
    if (!good || !take_id(w, f->layout->encoding, fields[f->item], line, f->item, &id, &length))
        return MEDLEY_OK;
    TRY(take_user(f, w, fields[f->user], place, line, &chunk->user[at], &good, err));
    if (good)
        TRY(take_item(f, w, fields[f->item], f->item, place, line, &chunk->item[at], &good, err));
    chunk->count += good;
    return MEDLEY_OK;
}

/* "user item item ...": one interaction an item. Empty fields are a space at the end, or two in a row. */
static medley_status take_list(const interaction_file *f, ingest_worker *w, const delimited_field *fields,
                               int64_t count, int64_t line, uint64_t place, row_chunk *chunk, medley_error *err)
{
    uint32_t user = 0;
    const char *id;
    size_t length;
    bool good = true;
    int64_t items = 0;
    for (int64_t i = f->item; i < count; i++) {
        if (fields[i].start == fields[i].end)
            continue;
        if (!take_id(w, f->layout->encoding, fields[i], line, (int)i, &id, &length))
            return MEDLEY_OK;
        items++;
    }
    if (items == 0) {
        ingest_bad(w, line, 0, "a user without items; accepted: user item item ...");
        return MEDLEY_OK;
    }
    TRY(take_user(f, w, fields[f->user], place, line, &user, &good, err));
    for (int64_t i = f->item; good && i < count; i++) {
        if (fields[i].start == fields[i].end)
            continue;
        chunk->user[chunk->count] = user;
        TRY(take_item(f, w, fields[i], (int)i, place, line, &chunk->item[chunk->count], &good, err));
        chunk->count += good;
    }
    return MEDLEY_OK;
}

static inline void prefetch_id(const idmap *map, const record_block *block, delimited_field field)
{
    idmap_prefetch(map, block->bytes + field.start, field.end - field.start);
}

/* Ids come from all over their maps: the wait for memory overlaps with the rows before. */
static inline void prefetch_row(const interaction_file *f, const ingest_worker *w, int64_t row)
{
    const delimited_table *t = &w->table;
    if (row >= t->row_count || t->row_end[row] - t->row_end[row - 1] <= (uint32_t)f->last_id)
        return;
    const delimited_field *fields = t->fields + t->row_end[row - 1];
    prefetch_id(&w->items.map, &w->block, fields[f->item]);
    if (w->users_mixed)
        prefetch_id(&w->users.map, &w->block, fields[f->user]);
}

static medley_status take_block(const interaction_file *f, ingest_worker *w, int64_t first_row, medley_error *err)
{
    const delimited_table *t = &w->table;
    row_chunk *chunk;
    TRY(chunk_for(f->in, w, f->layout->list ? t->field_count : t->row_count, &chunk, err));
    const int64_t block = f->in->blocks + w->block.index, before = chunk->count;
    for (int64_t row = first_row; row < t->row_count; row++) {
        const uint32_t begin = row > 0 ? t->row_end[row - 1] : 0;
        const delimited_field *fields = t->fields + begin;
        const int64_t count = t->row_end[row] - begin;
        const uint64_t place = (uint64_t)block << 32 | (uint64_t)row;
        if (count == 1 && fields[0].start == fields[0].end)
            continue; /* an empty line */
        w->rows++;
        prefetch_row(f, w, row + PREFETCH_ROWS);
        if (f->layout->list && count > f->item)
            TRY(take_list(f, w, fields, count, ingest_line(w, row), place, chunk, err));
        else if (!f->layout->list && count == f->columns)
            TRY(take_row(f, w, fields, ingest_line(w, row), place, chunk, err));
        else
            ingest_bad(w, ingest_line(w, row), 0, "%lld column%s; expected %s%d", (long long)count,
                       count == 1 ? "" : "s", f->layout->list ? "at least " : "",
                       f->layout->list ? f->item + 1 : f->columns);
    }
    TRY(mem_reserve(f->in->rt, &w->blocks, &w->block_capacity, w->block_count + 1, sizeof *w->blocks, err));
    w->blocks[w->block_count++] = (block_rows){
        .block = block,
        .worker = (int)(w - f->in->workers),
        .part = f->layout->part,
        .chunk = chunk,
        .first = before,
        .count = chunk->count - before,
    };
    return MEDLEY_OK;
}

static medley_status work(void *context, int64_t task, int worker, medley_error *err)
{
    const interaction_file *f = context;
    ingest_worker *w = &f->in->workers[task]; /* by task: a worker may get two tasks */
    (void)worker;
    for (bool more;;) {
        TRY(records_next(f->records, &w->block, &more, err));
        if (!more)
            return MEDLEY_OK;
        TRY(ingest_parse_block(f->in, w, f->layout->delimiter, f->layout->encoding, err));
        TRY(take_block(f, w, 0, err));
        if (task == 0)
            TRY(runtime_progress(f->in->rt, "reading", w->block.done, stream_total(records_stream(f->records)),
                                 err));
    }
}

/* The first block tells the columns; it is taken before the others, by worker 0. */
static medley_status read_first_block(interaction_file *f, bool *more, medley_error *err)
{
    ingest *in = f->in;
    ingest_worker *w = &in->workers[0];
    const interaction_layout *l = f->layout;
    TRY(records_next(f->records, &w->block, more, err));
    if (!*more)
        return fail(err, MEDLEY_E_FORMAT, "%s: an empty file; expected %s", f->path,
                    l->header ? "a header and rows" : "rows");
    TRY(ingest_parse_block(in, w, l->delimiter, l->encoding, err));
    column_at columns[] = {
        {"user", l->user, -1}, {"item", l->item, -1}, {"rating", l->rating, -1}, {"time", l->timestamp, -1}};
    TRY(ingest_find_columns(f->path, l->header, &w->block, &w->table, columns, 4, err));
    f->user = columns[0].index;
    f->item = columns[1].index;
    f->rating = columns[2].index;
    f->timestamp = columns[3].index;
    f->columns = (int)w->table.row_end[0];
    f->last_id = f->user > f->item ? f->user : f->item;
    const bool first = in->blocks == 0;
    if (!first && (in->has_rating != (f->rating >= 0) || in->has_timestamp != (f->timestamp >= 0)))
        return fail(err, MEDLEY_E_FORMAT, "%s: has %s, unlike %s; all files of a data set need the same columns",
                    f->path,
                    in->has_rating != (f->rating >= 0) ? (f->rating >= 0 ? "ratings" : "no ratings")
                                                       : (f->timestamp >= 0 ? "times" : "no times"),
                    in->out.sources[0].path);
    in->has_rating = f->rating >= 0;
    in->has_timestamp = f->timestamp >= 0;
    in->has_part |= l->part >= 0;
    in->listed |= l->list;
    return take_block(f, w, l->header, err);
}

medley_status ingest_interactions(ingest *in, const char *path, const interaction_layout *layout,
                                  medley_error *err)
{
    interaction_file f = {.in = in, .layout = layout, .path = path};
    const records_options options = {.delimiter = layout->delimiter, .quotes = layout->quotes};
    int64_t source;
    bool more;
    medley_status status = MEDLEY_OK;
    TRY(ingest_add_source(in, path, &source, err));
    TRY(records_open(in->rt, path, options, &f.records, err));
    ingest_start_file(in);
    TRY_DONE(read_first_block(&f, &more, err));
    TRY_DONE(parallel_run(in->rt, in->worker_count, work, &f, err));
    for (int i = 0; i < in->worker_count; i++)
        if (in->workers[i].block_count > 0 &&
            in->workers[i].blocks[in->workers[i].block_count - 1].block >= in->blocks)
            in->blocks = in->workers[i].blocks[in->workers[i].block_count - 1].block + 1;
    stream_fingerprint(records_stream(f.records), in->out.sources[source].fingerprint);
    in->out.sources[source].bytes = stream_done(records_stream(f.records));
    status = ingest_settle(in, source, err);
done:
    records_close(f.records);
    return status;
}
