/* Lists of other programs. Every row is kept with its line until all are there, then sorted: files need not be
 * grouped by user. */
#include <math.h>

#include "api/list_file.h"
#include "base/tally.h"
#include "io/records.h"

enum { FIELDS_MOST = 32 };

typedef struct field {
    const char *bytes;
    size_t length;
} field;

/* Which field of a row holds what; -1: none does. */
typedef struct columns {
    int user, item, rank, score;
    int least; /* fields that a row must have */
} columns;

typedef struct row {
    uint32_t user, item;
    double score;
    int64_t rank, line;
} row;

typedef struct reading {
    const medley_store *store;
    const char *path;
    bool skip, spaced, known_form;
    columns where;
    row *rows;
    int64_t count, capacity;
    list_counts *counts;
} reading;

/* ---- Rows ---- */

/* Fields are parted by tabs or, when `spaced`, by runs of blanks. */
static int cut(const char *line, size_t length, bool spaced, field *out)
{
    const char *at = line, *end = line + length;
    int count = 0;
    while (at <= end && count < FIELDS_MOST) {
        const char *stop = at;
        while (stop < end && *stop != '\t' && !(spaced && *stop == ' '))
            stop++;
        if (!spaced || stop > at)
            out[count++] = (field){at, (size_t)(stop - at)};
        at = stop + 1;
    }
    return count;
}

static bool is(field f, const char *word)
{
    return strlen(word) == f.length && strncmp(f.bytes, word, f.length) == 0;
}

/* The columns by their names, or false: the row is no header. */
static bool read_header(const field *fields, int count, columns *out)
{
    static const struct {
        const char *name;
        size_t place;
    } names[] = {
        {"user", offsetof(columns, user)},    {"user_id", offsetof(columns, user)},
        {"userId", offsetof(columns, user)},  {"user_id:token", offsetof(columns, user)},
        {"item", offsetof(columns, item)},    {"item_id", offsetof(columns, item)},
        {"itemId", offsetof(columns, item)},  {"item_id:token", offsetof(columns, item)},
        {"rank", offsetof(columns, rank)},    {"position", offsetof(columns, rank)},
        {"score", offsetof(columns, score)},  {"prediction", offsetof(columns, score)},
        {"rating", offsetof(columns, score)},
    };
    *out = (columns){-1, -1, -1, -1, 0};
    for (int f = 0; f < count; f++)
        for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
            int *place = (int *)(void *)((char *)out + names[n].place);
            if (is(fields[f], names[n].name) && *place < 0)
                *place = f;
        }
    return out->user >= 0 && out->item >= 0;
}

static bool is_item(const medley_store *store, field f)
{
    return idmap_find(&store->item_map, f.bytes, f.length) != IDMAP_NONE;
}

static void count_fields(columns *c)
{
    const int places[] = {c->user, c->item, c->rank, c->score};
    for (int i = 0; i < 4; i++)
        c->least = places[i] >= c->least ? places[i] + 1 : c->least;
}

static bool is_trec(const field *fields, int count)
{
    return count == 6 && (is(fields[1], "Q0") || is(fields[1], "q0") || is(fields[1], "0"));
}

/* Decides from the first row; *header: it is one. */
static medley_status find_form(reading *r, const char *line, size_t length, int64_t number, bool *header,
                               medley_error *err)
{
    field fields[FIELDS_MOST];
    int count = cut(line, length, true, fields);
    *header = false;
    r->known_form = true;
    if (is_trec(fields, count)) {
        r->spaced = true;
        r->where = (columns){.user = 0, .item = 2, .rank = 3, .score = 4};
        r->counts->form = "TREC run";
    } else {
        count = cut(line, length, false, fields);
        *header = read_header(fields, count, &r->where);
        r->counts->form = "columns named by the header";
        if (!*header && count < 2)
            return fail(
                err, MEDLEY_E_FORMAT,
                "%s:%lld: neither a TREC run nor columns parted by tabs: user, item[, score] or user, rank, "
                "item, score",
                r->path, (long long)number);
        if (!*header &&
            (count > 3 || (count == 3 && !is_item(r->store, fields[1]) && is_item(r->store, fields[2])))) {
            r->where = (columns){.user = 0, .rank = 1, .item = 2, .score = count > 3 ? 3 : -1};
            r->counts->form = count > 3 ? "user, rank, item, score" : "user, rank, item";
        } else if (!*header) {
            r->where = (columns){.user = 0, .item = 1, .rank = -1, .score = count > 2 ? 2 : -1};
            r->counts->form = count > 2 ? "user, item, score" : "user, item";
        }
    }
    count_fields(&r->where);
    r->counts->tied = r->where.score >= 0 && r->where.rank < 0;
    return MEDLEY_OK;
}

static medley_status parse_row(const reading *r, const field *fields, int count, row *out, medley_error *err)
{
    if (count < r->where.least)
        return fail(err, MEDLEY_E_FORMAT, "%s:%lld: %d fields; %d are needed for %s", r->path,
                    (long long)out->line, count, r->where.least, r->counts->form);
    if (r->where.rank >= 0) {
        const field f = fields[r->where.rank];
        if (!number_int(f.bytes, f.length, &out->rank))
            return fail(err, MEDLEY_E_FORMAT, "%s:%lld: rank '%.*s' is no whole number", r->path,
                        (long long)out->line, f.length < 60 ? (int)f.length : 60, f.bytes);
        if (out->rank < 1)
            return fail(err, MEDLEY_E_FORMAT, "%s:%lld: rank %lld; accepted: ranks from 1 on", r->path,
                        (long long)out->line, (long long)out->rank);
    }
    if (r->where.score >= 0) {
        const field f = fields[r->where.score];
        if (!number_real(f.bytes, f.length, &out->score) || !isfinite((float)out->score))
            return fail(err, MEDLEY_E_FORMAT, "%s:%lld: score '%.*s' is no finite number", r->path,
                        (long long)out->line, f.length < 60 ? (int)f.length : 60, f.bytes);
    }
    return MEDLEY_OK;
}

/* Finds an id, or counts it as unknown: *found. */
static medley_status find_id(const reading *r, const char *kind, const idmap *map, field id, int64_t line,
                             int64_t *unknown, uint32_t *index, medley_error *err)
{
    *index = idmap_find(map, id.bytes, id.length);
    if (*index != IDMAP_NONE)
        return MEDLEY_OK;
    *unknown += 1;
    return r->skip ? MEDLEY_OK
                   : fail(err, MEDLEY_E_NOT_FOUND,
                          "%s:%lld: the store has no %s '%.*s' (on_error: skip leaves such rows out)", r->path,
                          (long long)line, kind, id.length < 60 ? (int)id.length : 60, id.bytes);
}

static medley_status take_line(reading *r, const char *line, size_t length, int64_t number, medley_error *err)
{
    field fields[FIELDS_MOST];
    row one = {.line = number, .rank = number};
    bool header = false;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length == 0)
        return MEDLEY_OK;
    if (!r->known_form)
        TRY(find_form(r, line, length, number, &header, err));
    if (header)
        return MEDLEY_OK;
    const medley_status status =
        parse_row(r, fields, cut(line, length, r->spaced, fields), &one, r->skip ? NULL : err);
    if (status != MEDLEY_OK) {
        r->counts->bad_rows++;
        return r->skip ? MEDLEY_OK : status;
    }
    TRY(find_id(r, "user", &r->store->user_map, fields[r->where.user], number, &r->counts->unknown_users,
                &one.user, err));
    if (one.user == IDMAP_NONE)
        return MEDLEY_OK;
    TRY(find_id(r, "item", &r->store->item_map, fields[r->where.item], number, &r->counts->unknown_items,
                &one.item, err));
    if (one.item == IDMAP_NONE)
        return MEDLEY_OK;
    TRY(mem_reserve(r->store->rt, &r->rows, &r->capacity, r->count + 1, sizeof *r->rows, err));
    r->rows[r->count++] = one;
    return MEDLEY_OK;
}

static medley_status read_rows(reading *r, medley_error *err)
{
    const medley_runtime *rt = r->store->rt;
    records *source;
    record_block block = {0};
    bool more = true;
    TRY(records_open(rt, r->path, (records_options){.delimiter = "\t"}, &source, err));
    medley_status status = records_next(source, &block, &more, err);
    while (status == MEDLEY_OK && more) {
        const char *at = block.bytes, *end = block.bytes + block.length;
        for (int64_t line = block.first_line; at < end && status == MEDLEY_OK; line++) {
            const char *stop = memchr(at, '\n', (size_t)(end - at));
            status = take_line(r, at, (size_t)(stop - at), line, err);
            at = stop + 1;
        }
        if (status == MEDLEY_OK)
            status = runtime_progress(rt, "reading lists", block.done, stream_total(records_stream(source)), err);
        if (status == MEDLEY_OK)
            status = records_next(source, &block, &more, err);
    }
    mem_free(block.bytes);
    records_close(source);
    return status;
}

/* ---- Lists ---- */

static int by_item(const void *left, const void *right)
{
    const row *a = left, *b = right;
    if (a->user != b->user)
        return a->user < b->user ? -1 : 1;
    if (a->item != b->item)
        return a->item < b->item ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

static int by_place(const void *left, const void *right)
{
    const row *a = left, *b = right;
    if (a->user != b->user)
        return a->user < b->user ? -1 : 1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

static medley_status refuse_repeats(reading *r, medley_error *err)
{
    const medley_store *s = r->store;
    if (r->count > 0)
        qsort(r->rows, (size_t)r->count, sizeof *r->rows, by_item);
    for (int64_t n = 1; n < r->count; n++) {
        const row *a = &r->rows[n - 1], *b = &r->rows[n];
        if (a->user == b->user && a->item == b->item)
            return fail(err, MEDLEY_E_FORMAT, "%s:%lld: item '%s' is in the list of user '%s' already, line %lld",
                        r->path, (long long)b->line, s->item_ids[b->item], s->user_ids[b->user],
                        (long long)a->line);
    }
    return MEDLEY_OK;
}

static medley_status build(const reading *r, read_lists *out, medley_error *err)
{
    const medley_runtime *rt = r->store->rt;
    const int64_t users = r->store->users;
    int64_t u = 0;
    TRY(mem_alloc(rt, users + 1, sizeof *out->start, &out->start, err));
    TRY(mem_alloc(rt, r->count, sizeof *out->item, &out->item, err));
    TRY(mem_alloc(rt, r->count, sizeof *out->score, &out->score, err));
    TRY(mem_alloc(rt, r->count, sizeof *out->tie, &out->tie, err));
    if (r->count > 0)
        qsort(r->rows, (size_t)r->count, sizeof *r->rows, by_place);
    for (int64_t n = 0; n < r->count; n++) {
        const row *one = &r->rows[n], *before = n > 0 && one[-1].user == one->user ? one - 1 : NULL;
        for (; u <= one->user; u++)
            out->start[u] = n;
        out->item[n] = one->item;
        out->score[n] = (float)one->score;
        out->tie[n] = out->counts.tied && before != NULL && before->score == one->score ? out->tie[n - 1] : n;
        out->counts.users += before == NULL;
        out->counts.ranks_against_scores += r->where.rank >= 0 && before != NULL && before->rank > one->rank;
    }
    for (; u <= users; u++)
        out->start[u] = r->count;
    out->counts.rows = r->count;
    out->view = (given_lists){out->start, out->item, out->score, out->tie};
    return MEDLEY_OK;
}

medley_status list_file_read(const medley_store *store, const char *path, bool skip, read_lists *out,
                             medley_error *err)
{
    reading r = {.store = store, .path = path, .skip = skip, .counts = &out->counts};
    medley_status status;
    *out = (read_lists){.counts = {.form = ""}};
    TRY_DONE(read_rows(&r, err));
    if (r.count == 0 && out->counts.bad_rows + out->counts.unknown_users + out->counts.unknown_items == 0) {
        status = fail(err, MEDLEY_E_FORMAT, "%s: no lists; at least one row is needed", path);
        goto done;
    }
    TRY_DONE(refuse_repeats(&r, err));
    status = build(&r, out, err);
done:
    mem_free(r.rows);
    if (status != MEDLEY_OK)
        read_lists_release(out);
    return status;
}

void read_lists_release(read_lists *l)
{
    mem_free(l->start);
    mem_free(l->tie);
    mem_free(l->item);
    mem_free(l->score);
    *l = (read_lists){0};
}
