#include "data/ingest_state.h"
#include "io/utf8.h"

#include <stdarg.h>

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
    in->facts.rt = rt;
    idmap_init(&in->items.ids, rt);
    idmap_init(&in->users.ids, rt);
    idmap_init(&in->aliases.ids, rt);
    idmap_init(&in->images.ids, rt);
    idmap_init(&in->out.users, rt);
    idmap_init(&in->out.items, rt);
    idmap_init(&in->out.user_table, rt);
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

void ingest_clean_texts(ingest *in, bool lower_case)
{
    in->clean_text = true;
    in->lower_case = lower_case;
}

void ingest_allow_empty(ingest *in)
{
    in->may_be_empty = true;
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
        json_lines_release(&w->lines);
    }
    mem_free(in->workers);
    entities_release(in);
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
    mem_free(d->user_attributes);
    idmap_release(&d->users);
    idmap_release(&d->items);
    idmap_release(&d->user_table);
    arena_release(&d->texts);
    for (int64_t i = 0; i < d->source_count; i++)
        mem_free(d->sources[i].path);
    mem_free(d->sources);
    const medley_runtime *rt = d->rt;
    *d = (dataset){.rt = rt, .texts.rt = rt};
    idmap_init(&d->users, rt);
    idmap_init(&d->items, rt);
    idmap_init(&d->user_table, rt);
}

const char *dataset_user_attributes(const dataset *d, const char *id, size_t length)
{
    if (d->user_table.count == 0)
        return NULL;
    const uint32_t index = idmap_find(&d->user_table, id, length);
    return index != IDMAP_NONE ? d->user_attributes[index] : NULL;
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

medley_status ingest_keep_name(ingest *in, const char *name, size_t length, const char **out, medley_error *err)
{
    char *copy;
    *out = NULL;
    TRY(arena_alloc(&in->facts, (int64_t)length + 1, 1, &copy, err));
    memcpy(copy, name, length);
    copy[length] = '\0';
    make_showable(copy);
    *out = copy;
    return MEDLEY_OK;
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
    const bool named = w->names != NULL && column > 0;
    const int used = named ? snprintf(bad->reason, sizeof bad->reason, "%.60s: ", w->names[column - 1]) : 0;
    bad->line = line;
    bad->column = named ? 0 : column;
    va_list values;
    va_start(values, format);
    number_vprint(bad->reason + used, sizeof bad->reason - (size_t)used, format, values);
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
    if (s->rows == 0 && !in->may_be_empty)
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

void ingest_start_file(ingest *in, const char *encoding_setting)
{
    for (int i = 0; i < in->worker_count; i++) {
        ingest_worker *w = &in->workers[i];
        w->rows = w->bad_count = w->bad_taken = 0;
        w->names = NULL;
        w->encoding_setting = encoding_setting;
    }
}

medley_status ingest_parse_block(ingest *in, ingest_worker *w, const char *delimiter, text_encoding encoding,
                                 medley_error *err)
{
    TRY(delimited_parse(in->rt, &w->block, delimiter, &w->table, err));
    if (encoding == ENCODING_LATIN1 && !w->table.ascii)
        TRY(mem_reserve(in->rt, &w->latin1, &w->latin1_capacity, 2 * (int64_t)w->block.length, 1, err));
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
    if (wrong < 0)
        return true;
    const char *setting = w->encoding_setting;
    ingest_bad(w, line, column, "byte 0x%02x is not UTF-8%s%s%s", (unsigned)(unsigned char)(*bytes)[wrong],
               setting != NULL ? "; for ISO 8859-1 set " : "", setting != NULL ? setting : "",
               setting != NULL ? ": latin1" : "");
    return false;
}
