/* Item tables: what items are called and look like. */
#include "data/ingest_state.h"

enum { ID, TITLE, TEXT, IMAGE, GENRES, COLUMNS };

typedef struct item_file {
    ingest *in;
    const item_layout *layout;
    column_at columns[COLUMNS];
    int width; /* columns of the file */
} item_file;

/* A field as a text of the data set; NULL when the column is absent or empty. */
static medley_status take_text(item_file *f, ingest_worker *w, const delimited_field *fields, int column,
                               int64_t line, const char **out, bool *good, medley_error *err)
{
    const int at = f->columns[column].index;
    const char *bytes;
    size_t length;
    *out = NULL;
    if (at < 0 || !*good)
        return MEDLEY_OK;
    *good = ingest_text(w, f->layout->encoding, fields[at], line, at + 1, &bytes, &length);
    return *good && length > 0 ? arena_text(&f->in->out.texts, bytes, length, out, err) : MEDLEY_OK;
}

/* "Adventure|Comedy" as {"genres": ["Adventure", "Comedy"]}. */
static medley_status genres_json(ingest *in, const char *values, const char *separator, const char **out,
                                 medley_error *err)
{
    text word = {.rt = in->rt}, rendered = {.rt = in->rt};
    json *object = json_new_object(), *list = json_new_array();
    for (const char *at = values; *at != '\0';) {
        const char *end = strstr(at, separator);
        const size_t length = end != NULL ? (size_t)(end - at) : strlen(at);
        word.length = 0;
        text_append(&word, at, length);
        if (length > 0 && !word.failed)
            json_append_text(list, word.bytes);
        at += length + (end != NULL ? strlen(separator) : 0);
    }
    json_set(object, "genres", list);
    medley_status status = text_status(&word, err);
    if (status == MEDLEY_OK)
        status = json_render(object, 0, &rendered, err);
    if (status == MEDLEY_OK)
        status = arena_text(&in->out.texts, rendered.bytes, (size_t)rendered.length, out, err);
    json_free(object);
    text_release(&word);
    text_release(&rendered);
    return status;
}

static medley_status take_item_row(item_file *f, ingest_worker *w, const delimited_field *fields, int64_t line,
                                   medley_error *err)
{
    ingest *in = f->in;
    item_facts facts = {0};
    const char *genres, *id;
    size_t length;
    uint32_t index;
    bool good = true;
    TRY(take_text(f, w, fields, TITLE, line, &facts.title, &good, err));
    TRY(take_text(f, w, fields, TEXT, line, &facts.text, &good, err));
    TRY(take_text(f, w, fields, IMAGE, line, &facts.image, &good, err));
    TRY(take_text(f, w, fields, GENRES, line, &genres, &good, err));
    if (good && genres != NULL)
        TRY(genres_json(in, genres, f->layout->genres_separator, &facts.attributes, err));
    const int at = f->columns[ID].index;
    if (!good || !ingest_text(w, f->layout->encoding, fields[at], line, at + 1, &id, &length))
        return MEDLEY_OK;
    if (length == 0)
        return ingest_bad(w, line, at + 1, "an empty item id; accepted: text"), MEDLEY_OK;
    const int64_t before = in->table_ids.count;
    TRY(idmap_add(&in->table_ids, id, length, &index, err));
    if (in->table_ids.count == before) {
        in->out.repeated_items++;
        return MEDLEY_OK;
    }
    TRY(mem_reserve(in->rt, &in->table_facts, &in->table_facts_capacity, in->table_ids.count,
                    sizeof *in->table_facts, err));
    in->table_facts[index] = facts;
    return MEDLEY_OK;
}

static medley_status take_item_block(item_file *f, ingest_worker *w, int64_t first_row, medley_error *err)
{
    const delimited_table *t = &w->table;
    for (int64_t row = first_row; row < t->row_count; row++) {
        const uint32_t begin = row > 0 ? t->row_end[row - 1] : 0;
        const int64_t count = t->row_end[row] - begin;
        const delimited_field *fields = t->fields + begin;
        if (count == 1 && fields[0].start == fields[0].end)
            continue;
        w->rows++;
        if (count == f->width)
            TRY(take_item_row(f, w, fields, ingest_line(w, row), err));
        else
            ingest_bad(w, ingest_line(w, row), 0, "%lld column%s; expected %d", (long long)count,
                       count == 1 ? "" : "s", f->width);
    }
    return MEDLEY_OK;
}

medley_status ingest_items(ingest *in, const char *path, const item_layout *layout, medley_error *err)
{
    const records_options options = {.delimiter = layout->delimiter, .quotes = layout->quotes};
    item_file f = {
        .in = in,
        .layout = layout,
        .columns = {[ID] = {"item", layout->id, -1},
                    [TITLE] = {"title", layout->title, -1},
                    [TEXT] = {"text", layout->text, -1},
                    [IMAGE] = {"image", layout->image, -1},
                    [GENRES] = {"genres", layout->genres, -1}},
    };
    ingest_worker *w = &in->workers[0];
    records *r;
    int64_t source;
    medley_status status = MEDLEY_OK;
    TRY(ingest_add_source(in, path, &source, err));
    TRY(records_open(in->rt, path, options, &r, err));
    ingest_start_file(in);
    for (bool first = true, more = true;; first = false) {
        TRY_DONE(records_next(r, &w->block, &more, err));
        if (!more)
            break;
        TRY_DONE(ingest_parse_block(in, w, layout->delimiter, layout->encoding, err));
        if (first) {
            TRY_DONE(ingest_find_columns(path, layout->header, &w->block, &w->table, f.columns, COLUMNS, err));
            f.width = (int)w->table.row_end[0];
        }
        TRY_DONE(take_item_block(&f, w, first && layout->header, err));
    }
    stream_fingerprint(records_stream(r), in->out.sources[source].fingerprint);
    in->out.sources[source].bytes = stream_done(records_stream(r));
    status = ingest_settle(in, source, err);
done:
    records_close(r);
    return status;
}

/* Adds the table's items behind those of the interactions, and lays facts by index. */
static medley_status join_items(ingest *in, dataset *d, medley_error *err)
{
    char buffer[16];
    size_t length;
    if (in->table_ids.count == 0)
        return MEDLEY_OK;
    for (int64_t i = 0; i < in->table_ids.count; i++) {
        uint32_t index;
        const char *id = idmap_id(&in->table_ids, (uint32_t)i, buffer, &length);
        TRY(idmap_add(&d->items, id, length, &index, err));
    }
    TRY(mem_alloc_zero(in->rt, d->items.count, sizeof *d->facts, &d->facts, err));
    for (int64_t i = 0; i < in->table_ids.count; i++) {
        const char *id = idmap_id(&in->table_ids, (uint32_t)i, buffer, &length);
        d->facts[idmap_find(&d->items, id, length)] = in->table_facts[i];
    }
    return MEDLEY_OK;
}

medley_status ingest_finish(ingest *in, dataset *out, medley_error *err)
{
    dataset *d = &in->out;
    *out = (dataset){.rt = in->rt};
    if (in->blocks == 0)
        return fail(err, MEDLEY_E_ARGUMENT, "no file of interactions was read");
    TRY(ingest_sort(in, d, err));
    TRY(join_items(in, d, err));
    d->ordered = in->has_timestamp || in->listed;
    *out = *d;
    *d = (dataset){.rt = in->rt, .texts.rt = in->rt};
    idmap_init(&d->users, in->rt);
    idmap_init(&d->items, in->rt);
    return MEDLEY_OK;
}
