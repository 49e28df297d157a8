/* CSV and TSV of vectors: an id, then numbers. Blocks of lines are parsed at once and taken over in the order of the
 * file, so nothing depends on threads. */
#include <math.h>

#include "data/features_input.h"
#include "io/delimited.h"
#include "io/utf8.h"

/* One block on its way. All zero at first, reused. */
typedef struct text_block {
    record_block lines;
    delimited_table table;
    float *numbers; /* [rows, length] */
    int64_t capacity;
    int64_t rows;
    uint32_t *id; /* [rows] the row of `table` that each is */
    int64_t id_capacity;
    bool cut;       /* `table` is that of `lines` already */
    int64_t header; /* row of `table`; -1: none */
} text_block;

typedef struct text_reading {
    features_input *in;
    const char *delimiter;
    records *source;
    text_block *blocks;
    int64_t count; /* blocks that are filled */
    bool started;  /* the first row was looked at */
} text_reading;

static const delimited_field *row_fields(const delimited_table *t, int64_t row, int64_t *count)
{
    const uint32_t start = row > 0 ? t->row_end[row - 1] : 0;
    *count = t->row_end[row] - start;
    return t->fields + start;
}

static int64_t line_of(const text_block *b, int64_t row)
{
    return b->lines.first_line + (b->table.lines != NULL ? (int64_t)b->table.lines[row] : row);
}

static bool is_empty(const delimited_field *fields, int64_t count)
{
    return count == 1 && fields[0].start == fields[0].end;
}

static bool field_number(const char *bytes, delimited_field f, double *out)
{
    while (f.start < f.end && bytes[f.start] == ' ')
        f.start++;
    while (f.end > f.start && bytes[f.end - 1] == ' ')
        f.end--;
    return number_real(bytes + f.start, f.end - f.start, out);
}

/* ---- the first row ---- */

/* Names of columns: no number behind the first, or the numbers of columns, 0, 1, 2, ... or 1, 2, 3, ..., over no item. */
static bool is_header(const features_input *in, const char *bytes, const delimited_field *fields, int64_t count)
{
    int64_t numbers = 0;
    bool counted = true;
    double first = 0, value;
    for (int64_t i = 1; i < count; i++) {
        if (!field_number(bytes, fields[i], &value))
            continue;
        numbers++;
        if (i == 1)
            first = value;
        counted = counted && (first == 0 || first == 1) && value == first + (double)(i - 1);
    }
    if (numbers == 0)
        return true;
    const uint32_t item =
        idmap_find(&in->store->item_map, bytes + fields[0].start, fields[0].end - fields[0].start);
    return counted && numbers == count - 1 && count > 2 && item == IDMAP_NONE;
}

/* Finds the length and the header. A block without a row but empty ones decides nothing. */
static medley_status look_at_first(text_reading *r, text_block *b, medley_error *err)
{
    features_input *in = r->in;
    for (int64_t row = 0; row < b->table.row_count && !r->started; row++) {
        int64_t count;
        const delimited_field *fields = row_fields(&b->table, row, &count);
        if (is_empty(fields, count))
            continue;
        if (count < 2)
            return fail(err, MEDLEY_E_FORMAT, "%s:%lld: 1 column; an id and numbers are accepted, apart by %s",
                        in->p->input, (long long)line_of(b, row), r->delimiter[0] == '\t' ? "tabs" : "commas");
        in->length = count - 1;
        b->header = is_header(in, b->lines.bytes, fields, count) ? row : -1;
        r->started = true;
        TRY(features_check_length(in->p->input, in->length, err));
    }
    if (!r->started)
        return MEDLEY_OK;
    const double bytes = (double)in->store->items * (double)in->length * sizeof *in->read;
    TRY(runtime_memory_fits("features", in->store->items, "items", bytes,
                            "import an .npy or safetensors file, which is not held in memory", err));
    return mem_alloc(in->rt, in->store->items * in->length, sizeof *in->read, &in->read, err);
}

/* ---- a block ---- */

static medley_status parse_row(const text_reading *r, const text_block *b, int64_t row,
                               const delimited_field *fields, int64_t count, float *out, medley_error *err)
{
    const features_input *in = r->in;
    const char *bytes = b->lines.bytes;
    const long long line = line_of(b, row);
    const int id_length = (int)(fields[0].end - fields[0].start);
    if (count - 1 != in->length)
        return fail(err, MEDLEY_E_FORMAT, "%s:%lld: %lld columns; the first row has %lld", in->p->input, line,
                    (long long)count, (long long)in->length + 1);
    if (id_length == 0)
        return fail(err, MEDLEY_E_FORMAT, "%s:%lld: an empty id; that of an item is accepted", in->p->input, line);
    for (int64_t i = 1; i < count; i++) {
        double value;
        const bool number = field_number(bytes, fields[i], &value);
        out[i - 1] = number ? (float)value : 0;
        if (number && isfinite(out[i - 1]))
            continue;
        const int length = (int)(fields[i].end - fields[i].start);
        return fail(err, MEDLEY_E_FORMAT,
                    "%s:%lld: item '%.*s': value %lld of %lld is '%.*s'; finite float32 is accepted", in->p->input,
                    line, id_length < 100 ? id_length : 100, bytes + fields[0].start, (long long)i,
                    (long long)in->length, length < 40 ? length : 40, bytes + fields[i].start);
    }
    return MEDLEY_OK;
}

static medley_status parse_block(void *context, int64_t index, int worker, medley_error *err)
{
    const text_reading *r = context;
    const medley_runtime *rt = r->in->rt;
    text_block *b = &r->blocks[index];
    (void)worker;
    if (!b->cut)
        TRY(delimited_parse(rt, &b->lines, r->delimiter, &b->table, err));
    b->rows = 0;
    for (int64_t row = 0; row < b->table.row_count; row++) {
        int64_t count;
        const delimited_field *fields = row_fields(&b->table, row, &count);
        if (is_empty(fields, count) || row == b->header)
            continue;
        TRY(mem_reserve(rt, &b->id, &b->id_capacity, b->rows + 1, sizeof *b->id, err));
        TRY(mem_reserve(rt, &b->numbers, &b->capacity, (b->rows + 1) * r->in->length, sizeof *b->numbers, err));
        TRY(parse_row(r, b, row, fields, count, b->numbers + b->rows * r->in->length, err));
        b->id[b->rows++] = (uint32_t)row;
    }
    return MEDLEY_OK;
}

/* Takes the rows over, in order. */
static medley_status take_block(const text_reading *r, const text_block *b, medley_error *err)
{
    features_input *in = r->in;
    for (int64_t i = 0; i < b->rows; i++) {
        int64_t count;
        const delimited_field *id = row_fields(&b->table, b->id[i], &count);
        const char *bytes = b->lines.bytes + id->start;
        const int64_t matched = in->matched;
        TRY(features_take_id(in, bytes, id->end - id->start, err));
        if (in->matched > matched) {
            const uint32_t item = idmap_find(&in->store->item_map, bytes, id->end - id->start);
            memcpy(in->read + item * in->length, b->numbers + i * in->length,
                   (size_t)in->length * sizeof *in->read);
        }
    }
    return runtime_progress(in->rt, "reading", stream_done(records_stream(r->source)),
                            stream_total(records_stream(r->source)), err);
}

/* ---- the file ---- */

/* Fills as many blocks as there are workers. */
static medley_status fill(text_reading *r, int64_t most, bool *more, medley_error *err)
{
    r->count = 0;
    while (r->count < most) {
        text_block *b = &r->blocks[r->count];
        b->header = -1;
        TRY(records_next(r->source, &b->lines, more, err));
        if (!*more)
            break;
        b->cut = !r->started;
        if (b->cut) {
            TRY(delimited_parse(r->in->rt, &b->lines, r->delimiter, &b->table, err));
            TRY(look_at_first(r, b, err));
        }
        r->count += r->started; /* empty lines are forgotten */
    }
    return MEDLEY_OK;
}

medley_status features_read_text(features_input *in, const char *delimiter, medley_error *err)
{
    const int64_t workers = parallel_workers(in->rt);
    const records_options options = {.delimiter = delimiter, .quotes = true};
    text_reading r = {.in = in, .delimiter = delimiter};
    medley_status status = MEDLEY_OK;
    bool more = true;
    TRY(mem_alloc_zero(in->rt, workers, sizeof *r.blocks, &r.blocks, err));
    TRY_DONE(records_open(in->rt, in->p->input, options, &r.source, err));
    while (more) {
        TRY_DONE(fill(&r, workers, &more, err));
        TRY_DONE(parallel_run(in->rt, r.count, parse_block, &r, err));
        for (int64_t i = 0; i < r.count; i++)
            TRY_DONE(take_block(&r, &r.blocks[i], err));
    }
    if (!r.started)
        status = fail(err, MEDLEY_E_FORMAT, "%s: holds no row; an id and numbers are accepted", in->p->input);
done:
    for (int64_t i = 0; i < workers; i++) {
        mem_free(r.blocks[i].lines.bytes);
        delimited_release(&r.blocks[i].table);
        mem_free(r.blocks[i].numbers);
        mem_free(r.blocks[i].id);
    }
    mem_free(r.blocks);
    records_close(r.source);
    return status;
}
