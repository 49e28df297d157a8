/* Tables of items and users, read a round of blocks at a time: workers parse, then what they found is joined in the
 * order of the file. */
#include "data/ingest_state.h"

enum { ID, TITLE, TEXT, IMAGE, NAMED_COLUMNS };

typedef struct table_file table_file;
/* What becomes of a block's rows. */
typedef medley_status (*join_function)(table_file *f, const fact_rows *rows, medley_error *err);

/* A tag of an item, both by index. */
typedef struct tag_use {
    uint32_t item, tag;
} tag_use;

struct table_file {
    ingest *in;
    const char *path;
    item_layout layout;
    fact_function function; /* JSON lines; NULL: a delimited table */
    bool users;
    join_function join;
    const char *value_role; /* of the image column where it holds something else; NULL: an image */
    records *records;
    int64_t source;
    column_at *columns; /* [NAMED_COLUMNS + fact_count] */
    fact_column *facts; /* [fact_count] with keys that live as long as `in` */
    int fact_count, width;
    fact_rows *rows; /* [worker_count] */
    idmap tags;
    tag_use *uses;
    int64_t use_count, use_capacity, unknown;
};

/* ---- columns ---- */

/* The fact that a typed header's column says by itself; false: it is an id, a title or the like. */
static bool typed_fact(const table_file *f, const ingest_worker *w, int at, fact_column *out,
                       medley_status *status, medley_error *err)
{
    const delimited_field field = w->table.fields[at];
    const char *cell = w->block.bytes + field.start, *type, *key;
    const size_t length = ingest_typed_name(cell, field.end - field.start, &type);
    for (int i = 0; i < NAMED_COLUMNS + f->fact_count; i++)
        if (f->columns[i].index == at)
            return false;
    *status = length > 0 ? ingest_keep_name(f->in, cell, length, &key, err) : MEDLEY_OK;
    if (length == 0 || *status != MEDLEY_OK)
        return false;
    *out = (fact_column){
        .column = key,
        .key = key,
        .kind = strcmp(type, "float") == 0  ? FACT_NUMBER
                : strchr(type, '_') != NULL ? FACT_LIST
                                            : FACT_TEXT,
        .separator = " ",
    };
    return true;
}

/* Adds a fact for every column of a typed header that has no role. */
static medley_status add_typed_facts(table_file *f, const ingest_worker *w, medley_error *err)
{
    medley_status status = MEDLEY_OK;
    const int named = NAMED_COLUMNS + f->fact_count;
    int added = 0;
    for (int at = 0; at < f->width; at++) {
        fact_column *c = &f->facts[f->fact_count + added];
        if (!typed_fact(f, w, at, c, &status, err)) {
            TRY(status);
            continue;
        }
        f->columns[named + added++] = (column_at){"attribute", c->column, at, 0};
    }
    f->fact_count += added;
    return MEDLEY_OK;
}

/* Leaves out optional columns that are not there. */
static void drop_absent_facts(table_file *f)
{
    int kept = 0;
    for (int i = 0; i < f->fact_count; i++) {
        if (f->columns[NAMED_COLUMNS + i].index < 0)
            continue;
        f->facts[kept] = f->facts[i];
        f->columns[NAMED_COLUMNS + kept++] = f->columns[NAMED_COLUMNS + i];
    }
    f->fact_count = kept;
}

/* Keys of attributes are the layout's, or the columns' own names. */
static medley_status name_facts(table_file *f, const ingest_worker *w, medley_error *err)
{
    for (int i = 0; i < f->fact_count; i++) {
        fact_column *c = &f->facts[i];
        const delimited_field cell = w->table.fields[f->columns[NAMED_COLUMNS + i].index];
        const char *name = w->block.bytes + cell.start, *type;
        size_t length = cell.end - cell.start;
        char position[32];
        if (c->key != NULL) {
            name = c->key;
            length = strlen(name);
        } else if (f->layout.header) {
            length = ingest_typed_name(name, length, &type);
        } else {
            length =
                (size_t)snprintf(position, sizeof position, "column %d", f->columns[NAMED_COLUMNS + i].index + 1);
            name = position;
        }
        TRY(ingest_keep_name(f->in, name, length, &c->key, err));
    }
    return MEDLEY_OK;
}

static medley_status find_columns(table_file *f, const ingest_worker *w, medley_error *err)
{
    const item_layout *l = &f->layout;
    const bool genres = l->genres != NULL && l->genres[0] != '\0';
    f->width = (int)w->table.row_end[0];
    f->fact_count = (int)l->fact_count + genres;
    const int64_t most = f->fact_count + (l->rest_are_facts ? f->width : 0);
    TRY(arena_alloc(&f->in->facts, NAMED_COLUMNS + most, sizeof *f->columns, &f->columns, err));
    TRY(arena_alloc(&f->in->facts, most, sizeof *f->facts, &f->facts, err));
    if (genres)
        f->facts[0] = (fact_column){
            .column = l->genres, .key = "genres", .kind = FACT_LIST, .separator = l->genres_separator};
    if (l->fact_count > 0)
        memcpy(f->facts + genres, l->facts, (size_t)l->fact_count * sizeof *l->facts);
    const int texts = l->typed_header ? COLUMN_TOKEN | COLUMN_TOKEN_SEQ : 0;
    f->columns[ID] = (column_at){f->users ? "user" : "item", l->id, -1, texts & COLUMN_TOKEN};
    f->columns[TITLE] = (column_at){"title", l->title, -1, texts};
    f->columns[TEXT] = (column_at){"text", l->text, -1, texts};
    f->columns[IMAGE] = (column_at){f->value_role != NULL ? f->value_role : "image", l->image, -1, texts};
    for (int i = 0; i < f->fact_count; i++)
        f->columns[NAMED_COLUMNS + i] = (column_at){"attribute", f->facts[i].column, -1, 0};
    if (l->typed_header)
        TRY(ingest_check_header(f->path, &w->block, &w->table, err));
    TRY(ingest_find_columns(f->path, l->header, &w->block, &w->table, f->columns, NAMED_COLUMNS + f->fact_count,
                            err));
    drop_absent_facts(f);
    TRY(name_facts(f, w, err));
    return l->rest_are_facts ? add_typed_facts(f, w, err) : MEDLEY_OK;
}

/* ---- fields of a delimited row ---- */

/* "Adventure|Comedy". An empty separator makes the whole field one value. */
static void add_list(fact_rows *rows, const fact_column *c, const char *bytes, size_t length)
{
    const size_t width = c->separator != NULL ? strlen(c->separator) : 0;
    facts_list_begin(rows, c->key, c->most);
    for (size_t at = 0, end = 0; end < length; at = end + width) {
        for (end = at; end < length; end++)
            if (width > 0 && length - end >= width && memcmp(bytes + end, c->separator, width) == 0)
                break;
        const bool none =
            c->none != NULL && strlen(c->none) == end - at && memcmp(bytes + at, c->none, end - at) == 0;
        if (!none && at < end)
            facts_list_add(rows, bytes + at, end - at);
    }
    facts_list_end(rows);
}

/* [{'id': 18, 'name': 'Drama'}] */
static medley_status add_names(fact_rows *rows, const fact_column *c, const char *bytes, size_t length,
                               medley_error *err)
{
    literal *value;
    TRY(literal_parse(&rows->arena, bytes, length, &value, err));
    facts_list_begin(rows, c->key, c->most);
    facts_list_names(rows, value, c->where, c->equals);
    facts_list_end(rows);
    return MEDLEY_OK;
}

/* One attribute's field. A flag's list opens and closes with the first and last of its columns. */
static medley_status add_fact(const table_file *f, ingest_worker *w, fact_rows *rows, int number,
                              const char *bytes, size_t length, int64_t line, bool *good, medley_error *err)
{
    const fact_column *c = &f->facts[number];
    const int column = f->columns[NAMED_COLUMNS + number].index + 1;
    double value;
    medley_error why = {MEDLEY_OK, ""};
    if (c->kind == FACT_FLAG) {
        const fact_column *before = number > 0 ? c - 1 : NULL;
        const fact_column *behind = number + 1 < f->fact_count ? c + 1 : NULL;
        if (before == NULL || before->kind != FACT_FLAG || strcmp(before->key, c->key) != 0)
            facts_list_begin(rows, c->key, 0);
        if (length == 1 && bytes[0] == '1')
            facts_list_add(rows, c->value, strlen(c->value));
        if (behind == NULL || behind->kind != FACT_FLAG || strcmp(behind->key, c->key) != 0)
            facts_list_end(rows);
        return MEDLEY_OK;
    }
    if (length == 0)
        return MEDLEY_OK;
    switch (c->kind) {
    case FACT_NUMBER:
        *good = number_real(bytes, length, &value);
        if (*good)
            facts_add_number(rows, c->key, value);
        else
            ingest_bad(w, line, column, "'%.*s' is not a number", length < 60 ? (int)length : 60, bytes);
        break;
    case FACT_LIST:
        add_list(rows, c, bytes, length);
        break;
    case FACT_NAMES:
        if (add_names(rows, c, bytes, length, &why) == MEDLEY_E_NOMEM)
            return fail(err, MEDLEY_E_NOMEM, "%s", why.message);
        *good = why.status == MEDLEY_OK;
        if (!*good)
            ingest_bad(w, line, column, "%s", why.message);
        break;
    default:
        facts_add_text(rows, c->key, bytes, length);
    }
    return MEDLEY_OK;
}

/* The year that ends a title: "Heat (1995)", "Love, ... (1990-1995) " is none. 0: there is none. */
static int year_of(const char *title, size_t length)
{
    while (length > 0 && title[length - 1] == ' ')
        length--;
    int64_t year;
    if (length < 6 || title[length - 1] != ')' || title[length - 6] != '(' ||
        !number_int(title + length - 5, 4, &year) || year < 1000)
        return 0;
    return (int)year;
}

static medley_status take_fields(const table_file *f, ingest_worker *w, fact_rows *rows,
                                 const delimited_field *fields, int64_t line, bool *good, medley_error *err)
{
    static void (*const named[])(fact_rows *, const char *, size_t) = {facts_row, facts_title, facts_text,
                                                                       facts_image};
    int year = 0;
    for (int i = 0; *good && !rows->failed && i < NAMED_COLUMNS + f->fact_count; i++) {
        const int at = f->columns[i].index;
        const char *bytes;
        size_t length;
        if (at < 0)
            continue;
        *good = ingest_text(w, f->layout.encoding, fields[at], line, at + 1, &bytes, &length);
        if (!*good)
            break;
        if (i == ID && length == 0) {
            ingest_bad(w, line, at + 1, "an empty %s id; accepted: text", f->users ? "user" : "item");
            *good = false;
        } else if (i < NAMED_COLUMNS) {
            named[i](rows, bytes, length);
            year = i == TITLE && f->layout.dated_titles ? year_of(bytes, length) : year;
        } else {
            TRY(add_fact(f, w, rows, i - NAMED_COLUMNS, bytes, length, line, good, err));
        }
    }
    if (*good && year > 0)
        facts_add_number(rows, "year", year);
    return MEDLEY_OK;
}

static medley_status take_delimited(const table_file *f, ingest_worker *w, fact_rows *rows, int64_t first_row,
                                    medley_error *err)
{
    const delimited_table *t = &w->table;
    for (int64_t row = first_row; row < t->row_count && !rows->failed; row++) {
        const uint32_t begin = row > 0 ? t->row_end[row - 1] : 0;
        const int64_t count = t->row_end[row] - begin;
        const delimited_field *fields = t->fields + begin;
        bool good = count == f->width;
        if (count == 1 && fields[0].start == fields[0].end)
            continue;
        w->rows++;
        if (!good) {
            ingest_bad(w, ingest_line(w, row), 0, "%lld column%s; expected %d", (long long)count,
                       count == 1 ? "" : "s", f->width);
            continue;
        }
        rows->row = NULL;
        TRY(take_fields(f, w, rows, fields, ingest_line(w, row), &good, err));
        if (!good)
            facts_drop(rows);
    }
    return MEDLEY_OK;
}

/* ---- lines of JSON or Python ---- */

static medley_status take_line(const table_file *f, ingest_worker *w, fact_rows *rows, const char *line,
                               size_t length, int64_t number, medley_error *err)
{
    literal *root;
    medley_error why = {MEDLEY_OK, ""};
    if (literal_parse(&rows->arena, line, length, &root, &why) == MEDLEY_E_NOMEM)
        return fail(err, MEDLEY_E_NOMEM, "%s", why.message);
    const char *reason = why.status != MEDLEY_OK      ? why.message
                         : root->kind != LITERAL_DICT ? "not a JSON object or Python dict"
                                                      : f->function(root, rows);
    if (reason == NULL)
        return MEDLEY_OK;
    ingest_bad(w, number, 0, "%s", reason);
    facts_drop(rows);
    return MEDLEY_OK;
}

static medley_status take_lines(const table_file *f, ingest_worker *w, fact_rows *rows, medley_error *err)
{
    const char *at = w->block.bytes, *const end = at + w->block.length;
    for (int64_t number = w->block.first_line; at < end && !rows->failed; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)(stop - at);
        length -= length > 0 && at[length - 1] == '\r';
        rows->row = NULL;
        if (length > 0) {
            w->rows++;
            TRY(take_line(f, w, rows, at, length, number, err));
        }
        at = stop + 1;
    }
    return MEDLEY_OK;
}

/* ---- what becomes of the rows ---- */

static medley_status join_entities(table_file *f, const fact_rows *rows, medley_error *err)
{
    return entities_join(f->in, rows, &f->layout, f->users, err);
}

/* The value rides where an image's name would. */
static medley_status join_aliases(table_file *f, const fact_rows *rows, medley_error *err)
{
    ingest *in = f->in;
    alias_table *t = &in->aliases;
    for (const fact_row *row = rows->first; row != NULL; row = row->next) {
        uint32_t item, alias;
        if (row->image == NULL)
            continue;
        TRY(entities_find(in->rt, &in->items, row->id, row->id_length, &item, err));
        const int64_t before = t->ids.count;
        TRY(idmap_add(&t->ids, row->image, strlen(row->image), &alias, err));
        TRY(mem_reserve(in->rt, &t->first, &t->first_capacity, t->ids.count, sizeof *t->first, err));
        if (t->ids.count > before)
            t->first[alias] = IDMAP_NONE;
        TRY(mem_reserve(in->rt, &t->item, &t->item_capacity, t->count + 1, sizeof *t->item, err));
        TRY(mem_reserve(in->rt, &t->next, &t->next_capacity, t->count + 1, sizeof *t->next, err));
        t->item[t->count] = item;
        t->next[t->count] = t->first[alias];
        t->first[alias] = (uint32_t)t->count++;
    }
    return MEDLEY_OK;
}

static medley_status join_tags(table_file *f, const fact_rows *rows, medley_error *err)
{
    for (const fact_row *row = rows->first; row != NULL; row = row->next) {
        tag_use use;
        if (row->image == NULL)
            continue;
        TRY(entities_find(f->in->rt, &f->in->items, row->id, row->id_length, &use.item, err));
        TRY(idmap_add(&f->tags, row->image, strlen(row->image), &use.tag, err));
        TRY(mem_reserve(f->in->rt, &f->uses, &f->use_capacity, f->use_count + 1, sizeof *f->uses, err));
        f->uses[f->use_count++] = use;
    }
    return MEDLEY_OK;
}

/* ---- the file ---- */

/* Parses the worker's block into its rows; first_row is behind the header. */
static medley_status take_block(const table_file *f, int64_t worker, int64_t first_row, medley_error *err)
{
    ingest_worker *w = &f->in->workers[worker];
    fact_rows *rows = &f->rows[worker];
    TRY(f->function != NULL ? take_lines(f, w, rows, err) : take_delimited(f, w, rows, first_row, err));
    return facts_status(rows, err);
}

static medley_status parse_task(void *context, int64_t task, int worker, medley_error *err)
{
    const table_file *f = context;
    (void)worker; /* by task: rows are joined in its order */
    if (f->function == NULL)
        TRY(ingest_parse_block(f->in, &f->in->workers[task], f->layout.delimiter, f->layout.encoding, err));
    return take_block(f, task, 0, err);
}

static medley_status read_first_block(table_file *f, bool *more, medley_error *err)
{
    ingest_worker *w = &f->in->workers[0];
    TRY(records_next(f->records, &w->block, more, err));
    if (!*more)
        return MEDLEY_OK;
    if (f->function == NULL) {
        TRY(ingest_parse_block(f->in, w, f->layout.delimiter, f->layout.encoding, err));
        TRY(find_columns(f, w, err));
    }
    TRY(take_block(f, 0, f->layout.header, err));
    return f->join(f, &f->rows[0], err);
}

static medley_status read_round(table_file *f, bool *more, medley_error *err)
{
    ingest *in = f->in;
    int count = 0;
    while (count < in->worker_count) {
        TRY(records_next(f->records, &in->workers[count].block, more, err));
        if (!*more)
            break;
        facts_clear(&f->rows[count++]);
    }
    TRY(parallel_run(in->rt, count, parse_task, f, err));
    for (int i = 0; i < count; i++)
        TRY(f->join(f, &f->rows[i], err));
    return runtime_progress(in->rt, "reading", stream_done(records_stream(f->records)),
                            stream_total(records_stream(f->records)), err);
}

static medley_status read_table(table_file *f, medley_error *err)
{
    ingest *in = f->in;
    const records_options options = {.delimiter = f->layout.delimiter, .quotes = f->layout.quotes};
    medley_status status = MEDLEY_OK;
    TRY(ingest_add_source(in, f->path, &f->source, err));
    in->out.sources[f->source].table = true;
    TRY(mem_alloc_zero(in->rt, in->worker_count, sizeof *f->rows, &f->rows, err));
    for (int i = 0; i < in->worker_count; i++) {
        facts_init(&f->rows[i], in->rt);
        f->rows[i].clean = in->clean_text;
        f->rows[i].lower_case = in->lower_case;
    }
    TRY_DONE(records_open(in->rt, f->path, options, &f->records, err));
    ingest_start_file(in, f->layout.encoding_setting);
    in->tables++;
    bool more;
    TRY_DONE(read_first_block(f, &more, err));
    while (more)
        TRY_DONE(read_round(f, &more, err));
    stream_fingerprint(records_stream(f->records), in->out.sources[f->source].fingerprint);
    in->out.sources[f->source].bytes = stream_done(records_stream(f->records));
    status = ingest_settle(in, f->source, err);
done:
    records_close(f->records);
    for (int i = 0; i < in->worker_count; i++)
        facts_release(&f->rows[i]);
    mem_free(f->rows);
    return status;
}

medley_status ingest_items(ingest *in, const char *path, const item_layout *layout, medley_error *err)
{
    table_file f = {.in = in, .path = path, .layout = *layout, .join = join_entities};
    return read_table(&f, err);
}

medley_status ingest_users(ingest *in, const char *path, const item_layout *layout, medley_error *err)
{
    table_file f = {.in = in, .path = path, .layout = *layout, .users = true, .join = join_entities};
    return read_table(&f, err);
}

medley_status ingest_item_lines(ingest *in, const char *path, fact_function function, bool secondary,
                                medley_error *err)
{
    table_file f = {.in = in,
                    .path = path,
                    .layout = {.delimiter = "\n", .secondary = secondary},
                    .function = function,
                    .join = join_entities};
    return read_table(&f, err);
}

medley_status ingest_aliases(ingest *in, const char *path, const item_layout *layout, const char *alias_column,
                             medley_error *err)
{
    table_file f = {.in = in, .path = path, .layout = *layout, .join = join_aliases, .value_role = "id it joins"};
    f.layout.image = alias_column;
    return read_table(&f, err);
}

/* ---- tags ---- */

/* How often an item has a tag. */
typedef struct tag_count {
    uint32_t tag, count;
} tag_count;

static int by_item_and_tag(const void *a, const void *b)
{
    const tag_use *x = a, *y = b;
    return x->item != y->item ? (x->item > y->item) - (x->item < y->item) : (x->tag > y->tag) - (x->tag < y->tag);
}

/* Frequent ones first, then those that the file names first. */
static int by_count(const void *a, const void *b)
{
    const tag_count *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                                : (x->tag > y->tag) - (x->tag < y->tag);
}

/* The tags of one item, whose uses are uses[0..count), as a row. */
static void add_tags(const table_file *f, const tag_use *uses, int64_t count, tag_count *counts, const char *key,
                     int64_t most, fact_rows *rows)
{
    char buffer[16];
    size_t length;
    int64_t distinct = 0;
    for (int64_t i = 0; i < count; i++) {
        if (i == 0 || uses[i].tag != uses[i - 1].tag)
            counts[distinct++] = (tag_count){uses[i].tag, 0};
        counts[distinct - 1].count++;
    }
    qsort(counts, (size_t)distinct, sizeof *counts, by_count);
    const char *id = idmap_id(&f->in->items.ids, uses[0].item, buffer, &length);
    facts_row(rows, id, length);
    facts_list_begin(rows, key, most);
    for (int64_t i = 0; i < distinct; i++) {
        const char *tag = idmap_id(&f->tags, counts[i].tag, buffer, &length);
        facts_list_add(rows, tag, length);
    }
    if (!rows->failed)
        facts_list_end(rows);
}

static medley_status join_all_tags(table_file *f, const char *key, int64_t most, medley_error *err)
{
    fact_rows rows;
    tag_count *counts = NULL;
    medley_status status = MEDLEY_OK;
    facts_init(&rows, f->in->rt);
    qsort(f->uses, (size_t)f->use_count, sizeof *f->uses, by_item_and_tag);
    TRY_DONE(mem_alloc(f->in->rt, f->use_count, sizeof *counts, &counts, err));
    for (int64_t i = 0, end; i < f->use_count && !rows.failed; i = end) {
        for (end = i + 1; end < f->use_count && f->uses[end].item == f->uses[i].item;)
            end++;
        add_tags(f, f->uses + i, end - i, counts, key, most, &rows);
    }
    TRY_DONE(facts_status(&rows, err));
    status = entities_join(f->in, &rows, &f->layout, false, err);
done:
    mem_free(counts);
    facts_release(&rows);
    return status;
}

medley_status ingest_tags(ingest *in, const char *path, const item_layout *layout, const char *value_column,
                          const char *key, int64_t most, medley_error *err)
{
    table_file f = {.in = in, .path = path, .layout = *layout, .join = join_tags, .value_role = "attribute"};
    f.layout.image = value_column;
    f.layout.secondary = true;
    idmap_init(&f.tags, in->rt);
    medley_status status = read_table(&f, err);
    if (status == MEDLEY_OK && f.use_count > 0)
        status = join_all_tags(&f, key, most, err);
    idmap_release(&f.tags);
    mem_free(f.uses);
    return status;
}
