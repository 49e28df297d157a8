/* Files of interactions: their rows checked, converted and kept, by all workers at once. */
#include "data/ingest_state.h"
#include "data/time_pattern.h"

#include <math.h>

enum { CHUNK_BYTES = 4 * 1024 * 1024 - 4096, ID_LONGEST = 4096, PREFETCH_ROWS = 8, COLUMNS_MOST = 5 };

/* 2100-01-01: later times are more likely milliseconds, or nonsense. */
#define TIME_LATEST INT64_C(4102444799)

/* ---- fields ---- */

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

/* Seconds, or what `layout` says the field holds. */
static bool read_time(const interaction_layout *layout, const char *digits, size_t length, int64_t *out)
{
    double real;
    if (layout->time_unit == TIME_PATTERN)
        return time_parse(layout->time_pattern, digits, length, out);
    if (length > 0 && length <= 16 && short_digits(digits, length, out))
        return true;
    if (!number_real(digits, length, &real) || fabs(real) >= 0x1p62)
        return false;
    *out = (int64_t)floor(real);
    return true;
}

static bool parse_time(ingest_worker *w, const interaction_layout *layout, delimited_field f, int64_t line,
                       int column, int64_t *out)
{
    const char *digits = w->block.bytes + f.start;
    const size_t length = f.end - f.start;
    int64_t value;
    if (!read_time(layout, digits, length, &value)) {
        ingest_bad(w, line, column, "'%.*s' is not a time; accepted: %s", length < 60 ? (int)length : 60, digits,
                   layout->time_unit == TIME_PATTERN ? layout->time_pattern : "seconds since 1970");
        return false;
    }
    const bool thousandths =
        layout->time_unit == TIME_MILLISECONDS || (layout->time_unit == TIME_AUTO && value > TIME_LATEST);
    const int64_t seconds = thousandths ? value / 1000 : value;
    if (value < 0 || seconds > TIME_LATEST) {
        const bool advice =
            layout->time_unit == TIME_SECONDS && value > TIME_LATEST && layout->time_setting != NULL;
        ingest_bad(w, line, column, "time %lld is outside 0..%lld seconds since 1970%s%s%s", (long long)value,
                   (long long)TIME_LATEST, advice ? " (milliseconds? set " : "",
                   advice ? layout->time_setting : "", advice ? ": milliseconds)" : "");
        return false;
    }
    *out = seconds;
    return true;
}

static bool parse_part(ingest_worker *w, delimited_field f, int64_t line, int column, uint8_t *out)
{
    static const struct {
        const char *name;
        uint8_t part;
    } names[] = {{"0", PART_TRAIN}, {"1", PART_VAL},          {"2", PART_TEST},    {"train", PART_TRAIN},
                 {"val", PART_VAL}, {"valid", PART_VAL},      {"test", PART_TEST}, {"0.0", PART_TRAIN},
                 {"1.0", PART_VAL}, {"validation", PART_VAL}, {"2.0", PART_TEST}};
    const char *bytes = w->block.bytes + f.start;
    const size_t length = f.end - f.start;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == length && memcmp(names[i].name, bytes, length) == 0) {
            *out = names[i].part;
            return true;
        }
    ingest_bad(w, line, column, "'%.*s' is no part; accepted: 0, 1, 2 or train, val, test",
               length < 60 ? (int)length : 60, bytes);
    return false;
}

/* ---- rows ---- */

/* A file being read. */
typedef struct interaction_file {
    ingest *in;
    const interaction_layout *layout;
    records *records;
    const char *path;
    int user, item, rating, timestamp, part, columns;
    int last_id;                       /* the later one of user and item */
    json_lines_key keys[COLUMNS_MOST]; /* of JSON lines: the columns */
    const char *names[COLUMNS_MOST];
} interaction_file;

static medley_status chunk_for(ingest *in, ingest_worker *w, int64_t rows, row_chunk **out, medley_error *err)
{
    if (w->chunks == NULL || w->chunks->capacity - w->chunks->count < rows) {
        const size_t row = 2 * sizeof(uint32_t) + in->has_rating * sizeof(float) +
                           in->has_timestamp * sizeof(int64_t) + in->part_rows;
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
        at = (char *)(chunk->item + capacity);
        if (in->has_rating) {
            chunk->rating = (float *)(void *)at;
            at += (size_t)capacity * sizeof(float);
        }
        if (in->part_rows)
            chunk->part = (uint8_t *)at;
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
        good = parse_time(w, f->layout, fields[f->timestamp], line, f->timestamp + 1, &chunk->timestamp[at]);
    if (good && f->part >= 0)
        good = parse_part(w, fields[f->part], line, f->part + 1, &chunk->part[at]);
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

static void take_fault(ingest_worker *w, const json_lines_fault *fault)
{
    const int64_t line = ingest_line(w, fault->row);
    if (fault->key[0] != '\0')
        ingest_bad(w, line, 0, "'%s' %s", fault->key, fault->reason);
    else
        ingest_bad(w, line, 0, "byte %lld of the line: %s", (long long)fault->column, fault->reason);
}

static medley_status take_block(const interaction_file *f, ingest_worker *w, int64_t first_row, medley_error *err)
{
    const delimited_table *t = &w->table;
    row_chunk *chunk;
    TRY(chunk_for(f->in, w, f->layout->list ? t->field_count : t->row_count, &chunk, err));
    const int64_t block = f->in->blocks + w->block.index, before = chunk->count;
    const json_lines_fault *fault = w->lines.faults;
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
        else if (count == 0)
            take_fault(w, fault++);
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

/* The rows of the worker's block. */
static medley_status parse_rows(const interaction_file *f, ingest_worker *w, medley_error *err)
{
    if (f->layout->format == ROWS_DELIMITED)
        return ingest_parse_block(f->in, w, f->layout->delimiter, f->layout->encoding, err);
    w->lines.fields = w->table; /* its memory is reused, whatever the format */
    const medley_status status = json_lines_parse(f->in->rt, &w->block, f->keys, f->columns, &w->lines, err);
    w->table = w->lines.fields;
    w->lines.fields = (delimited_table){.field_count = 0};
    w->names = f->names;
    return status;
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
        TRY(parse_rows(f, w, err));
        TRY(take_block(f, w, 0, err));
        if (task == 0)
            TRY(runtime_progress(f->in->rt, "reading", w->block.done, stream_total(records_stream(f->records)),
                                 err));
    }
}

/* The file's columns must be those of the files before it. */
static medley_status settle_columns(interaction_file *f, medley_error *err)
{
    ingest *in = f->in;
    const struct {
        bool here, *before;
        const char *has, *has_not;
    } columns[] = {
        {f->rating >= 0, &in->has_rating, "ratings", "no ratings"},
        {f->timestamp >= 0, &in->has_timestamp, "times", "no times"},
        {f->part >= 0, &in->part_rows, "a column of parts", "no column of parts"},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        if (in->blocks > 0 && *columns[i].before != columns[i].here)
            return fail(err, MEDLEY_E_FORMAT,
                        "%s: has %s, unlike %s; all files of a data set need the same columns", f->path,
                        columns[i].here ? columns[i].has : columns[i].has_not, in->out.sources[0].path);
        *columns[i].before = columns[i].here;
    }
    in->has_part |= f->layout->part >= 0 || f->part >= 0;
    in->listed |= f->layout->list;
    f->last_id = f->user > f->item ? f->user : f->item;
    return MEDLEY_OK;
}

/* In JSON lines the columns are the keys there are, in this order. */
static void number_keys(interaction_file *f)
{
    const interaction_layout *l = f->layout;
    const struct {
        const char *name;
        int types, *index;
    } keys[] = {
        {l->user, JSON_LINES_TEXT | JSON_LINES_NUMBER, &f->user},
        {l->item, JSON_LINES_TEXT | JSON_LINES_NUMBER, &f->item},
        {l->rating, JSON_LINES_NUMBER, &f->rating},
        {l->timestamp, l->time_unit == TIME_PATTERN ? JSON_LINES_TEXT : JSON_LINES_NUMBER, &f->timestamp},
        {l->part_column, JSON_LINES_TEXT | JSON_LINES_NUMBER, &f->part},
    };
    f->columns = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        *keys[i].index = -1;
        if (keys[i].name == NULL || keys[i].name[0] == '\0')
            continue;
        *keys[i].index = f->columns;
        f->names[f->columns] = keys[i].name;
        f->keys[f->columns++] = (json_lines_key){keys[i].name, keys[i].types};
    }
}

static medley_status find_columns(interaction_file *f, const ingest_worker *w, medley_error *err)
{
    const interaction_layout *l = f->layout;
    const int id = l->typed_header ? COLUMN_TOKEN : 0, number = l->typed_header ? COLUMN_FLOAT : 0;
    column_at columns[] = {{"user", l->user, -1, id},
                           {"item", l->item, -1, id},
                           {"rating", l->rating, -1, number},
                           {"time", l->timestamp, -1, number},
                           {"part", l->part_column, -1, 0}};
    if (l->typed_header)
        TRY(ingest_check_header(f->path, &w->block, &w->table, err));
    TRY(ingest_find_columns(f->path, l->header, &w->block, &w->table, columns, COLUMNS_MOST, err));
    f->user = columns[0].index;
    f->item = columns[1].index;
    f->rating = columns[2].index;
    f->timestamp = columns[3].index;
    f->part = columns[4].index;
    f->columns = (int)w->table.row_end[0];
    return MEDLEY_OK;
}

/* The first block tells the columns; it is taken before the others, by worker 0. */
static medley_status read_first_block(interaction_file *f, bool *more, medley_error *err)
{
    ingest_worker *w = &f->in->workers[0];
    const interaction_layout *l = f->layout;
    TRY(records_next(f->records, &w->block, more, err));
    if (!*more)
        return f->in->may_be_empty ? MEDLEY_OK
                                   : fail(err, MEDLEY_E_FORMAT, "%s: an empty file; expected %s", f->path,
                                          l->header ? "a header and rows" : "rows");
    if (l->format == ROWS_JSON_LINES)
        number_keys(f);
    TRY(parse_rows(f, w, err));
    if (l->format == ROWS_DELIMITED)
        TRY(find_columns(f, w, err));
    TRY(settle_columns(f, err));
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
    ingest_start_file(in, layout->encoding_setting);
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
