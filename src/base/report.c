/* Reports: sections of cells, rendered as text, TSV or JSON. */
#include "base/report.h"

#include <math.h>
#include <stdio.h>

enum { COLUMNS_MOST = 64 }; /* of a table */

typedef enum cell_kind { CELL_EMPTY, CELL_INT, CELL_REAL, CELL_TEXT } cell_kind;

typedef struct cell {
    cell_kind kind;
    int64_t integer;
    double real;
    const char *text;
} cell;

/* Facts are a table of one row: names are the columns, cells the values. */
typedef struct section {
    const char *name, *title;
    bool facts;
    const char **columns;
    int64_t column_count, column_capacity;
    cell *cells;
    int64_t cell_count, cell_capacity;
} section;

struct medley_report {
    const medley_runtime *rt;
    arena words;
    section *sections;
    int64_t count, capacity;
    text rendered;
    bool failed;
};

medley_status report_create(const medley_runtime *rt, medley_report **out, medley_error *err)
{
    TRY(mem_alloc_zero(rt, 1, sizeof **out, out, err));
    (*out)->rt = rt;
    (*out)->words.rt = rt;
    (*out)->rendered.rt = rt;
    return MEDLEY_OK;
}

void medley_report_free(medley_report *r)
{
    if (r == NULL)
        return;
    for (int64_t i = 0; i < r->count; i++) {
        mem_free(r->sections[i].columns);
        mem_free(r->sections[i].cells);
    }
    mem_free(r->sections);
    arena_release(&r->words);
    text_release(&r->rendered);
    mem_free(r);
}

/* A copy that is UTF-8 and ends at its NUL: U+FFFD stands for every other byte and for NUL. */
static const char *keep(medley_report *r, const char *bytes, size_t length)
{
    const char *copy = NULL;
    text *clean = &r->rendered;
    clean->length = 0;
    for (size_t at = 0; at < length && !clean->failed;) {
        const size_t start = at;
        for (int size; at < length && bytes[at] != '\0' && (size = text_character(bytes + at, length - at)) > 0;)
            at += (size_t)size;
        text_append(clean, bytes + start, at - start);
        if (at < length)
            text_add(clean, "\xef\xbf\xbd"), at++;
    }
    if (r->failed || clean->failed ||
        arena_text(&r->words, clean->bytes, (size_t)clean->length, &copy, NULL) != MEDLEY_OK)
        r->failed = true;
    return copy;
}

static section *start_section(medley_report *r, const char *name, const char *title, bool facts)
{
    if (r->failed)
        return NULL;
    if (mem_reserve(r->rt, &r->sections, &r->capacity, r->count + 1, sizeof *r->sections, NULL) != MEDLEY_OK) {
        r->failed = true;
        return NULL;
    }
    section *s = &r->sections[r->count++];
    *s = (section){.facts = facts};
    s->name = keep(r, name, strlen(name));
    s->title = keep(r, title, strlen(title));
    return s;
}

static void add_column(medley_report *r, section *s, const char *name, size_t length)
{
    if (r->failed || mem_reserve(r->rt, &s->columns, &s->column_capacity, s->column_count + 1, sizeof *s->columns,
                                 NULL) != MEDLEY_OK) {
        r->failed = true;
        return;
    }
    s->columns[s->column_count] = keep(r, name, length);
    s->column_count++;
}

void report_facts(medley_report *r, const char *name, const char *title)
{
    start_section(r, name, title, true);
}

void report_table(medley_report *r, const char *name, const char *title, const char *columns)
{
    section *s = start_section(r, name, title, false);
    while (s != NULL && !r->failed) {
        assert(s->column_count < COLUMNS_MOST);
        const size_t length = strcspn(columns, "|");
        add_column(r, s, columns, length);
        if (columns[length] == '\0')
            break;
        columns += length + 1;
    }
}

static void add_cell(medley_report *r, const char *name, cell value)
{
    if (r->failed)
        return;
    assert(r->count > 0);
    section *s = &r->sections[r->count - 1];
    assert(s->facts == (name != NULL));
    if (name != NULL)
        add_column(r, s, name, strlen(name));
    if (r->failed ||
        mem_reserve(r->rt, &s->cells, &s->cell_capacity, s->cell_count + 1, sizeof *s->cells, NULL) != MEDLEY_OK) {
        r->failed = true;
        return;
    }
    s->cells[s->cell_count++] = value;
}

void report_int(medley_report *r, const char *name, int64_t value)
{
    add_cell(r, name, (cell){.kind = CELL_INT, .integer = value});
}

void report_real(medley_report *r, const char *name, double value)
{
    add_cell(r, name, (cell){.kind = CELL_REAL, .real = value});
}

void report_bytes(medley_report *r, const char *name, const char *value, size_t length)
{
    add_cell(r, name, (cell){.kind = CELL_TEXT, .text = keep(r, value, length)});
}

void report_string(medley_report *r, const char *name, const char *value)
{
    if (value == NULL)
        add_cell(r, name, (cell){.kind = CELL_EMPTY});
    else
        report_bytes(r, name, value, strlen(value));
}

medley_status report_status(medley_report *r, medley_error *err)
{
    return r->failed ? fail(err, MEDLEY_E_NOMEM, "out of memory while building a report") : MEDLEY_OK;
}

/* A cell for people and TSV. */
static void cell_plain(text *out, const cell *c, bool exact)
{
    char number[40];
    switch (c->kind) {
    case CELL_INT:
        text_format(out, "%lld", (long long)c->integer);
        return;
    case CELL_REAL:
        if (exact)
            number_format(c->real, number, sizeof number);
        else
            number_print(number, sizeof number, "%.6g", c->real);
        text_add(out, number);
        return;
    case CELL_TEXT:
        text_add_plain(out, c->text);
        return;
    case CELL_EMPTY:
        return;
    }
}

static void json_string(text *out, const char *string)
{
    text_add(out, "\"");
    for (const char *p = string, *end; *p != '\0'; p = end) {
        for (end = p; (unsigned char)*end >= 0x20 && *end != '"' && *end != '\\';)
            end++;
        text_append(out, p, (size_t)(end - p));
        if (*end == '"' || *end == '\\')
            text_format(out, "\\%c", *end++);
        else if (*end != '\0')
            text_format(out, "\\u%04x", (unsigned)(unsigned char)*end++);
    }
    text_add(out, "\"");
}

static void cell_json(text *out, const cell *c)
{
    if (c->kind == CELL_EMPTY || (c->kind == CELL_REAL && !isfinite(c->real)))
        text_add(out, "null");
    else if (c->kind == CELL_TEXT)
        json_string(out, c->text);
    else
        cell_plain(out, c, true);
}

static int64_t row_count(const section *s)
{
    return s->facts ? 1 : s->column_count > 0 ? s->cell_count / s->column_count : 0;
}

static void object_json(text *out, const section *s, int64_t row, const char *indent)
{
    text_add(out, "{");
    for (int64_t c = 0; c < s->column_count; c++) {
        text_format(out, "%s%s", c > 0 ? "," : "", indent);
        json_string(out, s->columns[c]);
        text_add(out, ": ");
        cell_json(out, &s->cells[row * s->column_count + c]);
    }
}

static void render_json(const medley_report *r, text *out)
{
    text_add(out, "{");
    for (int64_t i = 0; i < r->count; i++) {
        const section *s = &r->sections[i];
        text_format(out, "%s\n  ", i > 0 ? "," : "");
        json_string(out, s->name);
        if (s->facts) {
            text_add(out, ": ");
            object_json(out, s, 0, "\n    ");
            text_add(out, "\n  }");
            continue;
        }
        text_add(out, ": [");
        for (int64_t row = 0; row < row_count(s); row++) {
            text_format(out, "%s\n    ", row > 0 ? "," : "");
            object_json(out, s, row, " ");
            text_add(out, " }");
        }
        text_add(out, "\n  ]");
    }
    text_add(out, "\n}\n");
}

static void render_tsv(const medley_report *r, text *out)
{
    for (int64_t i = 0; i < r->count; i++) {
        const section *s = &r->sections[i];
        if (s->facts) {
            for (int64_t c = 0; c < s->column_count; c++) {
                text_format(out, "%s\t", s->columns[c]);
                cell_plain(out, &s->cells[c], true);
                text_add(out, "\n");
            }
            continue;
        }
        for (int64_t c = 0; c < s->column_count; c++)
            text_format(out, "%s%s", c > 0 ? "\t" : "", s->columns[c]);
        text_add(out, "\n");
        for (int64_t n = 0; n < row_count(s) * s->column_count; n++) {
            cell_plain(out, &s->cells[n], true);
            text_add(out, (n + 1) % s->column_count == 0 ? "\n" : "\t");
        }
    }
}

static bool is_numeric(const section *s, int64_t column)
{
    for (int64_t n = column; n < s->cell_count; n += s->column_count)
        if (s->cells[n].kind == CELL_TEXT)
            return false;
    return true;
}

static int cell_width(text *scratch, const cell *c)
{
    scratch->length = 0;
    cell_plain(scratch, c, false);
    return scratch->bytes != NULL ? text_width(scratch->bytes, (size_t)scratch->length) : 0;
}

/* One cell in a column of `width`: numbers to the right, words to the left. */
static void cell_aligned(text *out, text *scratch, const cell *c, int width, bool right, bool last)
{
    const int own = cell_width(scratch, c);
    const int64_t start = out->length;
    if (right)
        text_pad(out, start, width - own);
    cell_plain(out, c, false);
    if (!right && !last)
        text_pad(out, start, width);
}

static void facts_text(const section *s, text *out, text *scratch)
{
    int width = 0;
    for (int64_t c = 0; c < s->column_count; c++) {
        const int own = text_width(s->columns[c], strlen(s->columns[c]));
        width = own > width ? own : width;
    }
    for (int64_t c = 0; c < s->column_count; c++) {
        text_add(out, "  ");
        const int64_t start = out->length;
        for (const char *p = s->columns[c]; *p != '\0'; p++)
            text_append(out, *p == '_' ? " " : p, 1);
        text_pad(out, start, width + 2);
        cell_aligned(out, scratch, &s->cells[c], 0, false, true);
        text_add(out, "\n");
    }
}

/* How one column of a table is laid out. */
typedef struct layout {
    cell heading;
    int width;
    bool right;
} layout;

static void lay_out(const section *s, layout *columns, text *scratch)
{
    for (int64_t c = 0; c < s->column_count; c++) {
        layout *l = &columns[c];
        *l = (layout){.heading = {.kind = CELL_TEXT, .text = s->columns[c]}, .right = is_numeric(s, c)};
        l->width = cell_width(scratch, &l->heading);
        for (int64_t n = c; n < s->cell_count; n += s->column_count) {
            const int own = cell_width(scratch, &s->cells[n]);
            l->width = own > l->width ? own : l->width;
        }
    }
}

static void table_text(const section *s, text *out, text *scratch)
{
    layout columns[COLUMNS_MOST];
    if (s->cell_count == 0) {
        text_add(out, "  nothing\n");
        return;
    }
    lay_out(s, columns, scratch);
    for (int64_t row = -1; row < row_count(s); row++) {
        text_add(out, "  ");
        for (int64_t c = 0; c < s->column_count; c++) {
            const layout *l = &columns[c];
            const bool last = c + 1 == s->column_count;
            cell_aligned(out, scratch, row < 0 ? &l->heading : &s->cells[row * s->column_count + c], l->width,
                         l->right, last);
            if (!last)
                text_add(out, "  ");
        }
        text_add(out, "\n");
    }
}

static void render_text(const medley_report *r, text *out)
{
    text scratch = {.rt = r->rt};
    for (int64_t i = 0; i < r->count; i++) {
        const section *s = &r->sections[i];
        text_format(out, "%s%s\n", i > 0 ? "\n" : "", s->title);
        if (s->facts)
            facts_text(s, out, &scratch);
        else
            table_text(s, out, &scratch);
    }
    out->failed |= scratch.failed;
    text_release(&scratch);
}

medley_status medley_report_render(medley_report *r, medley_report_form form, const char **out, medley_error *err)
{
    *out = NULL;
    text_release(&r->rendered);
    static void (*const render[])(const medley_report *, text *) = {
        [MEDLEY_REPORT_TEXT] = render_text,
        [MEDLEY_REPORT_TSV] = render_tsv,
        [MEDLEY_REPORT_JSON] = render_json,
    };
    if ((unsigned)form > MEDLEY_REPORT_JSON)
        return fail(err, MEDLEY_E_ARGUMENT, "form: %d is no form of a report", (int)form);
    render[form](r, &r->rendered);
    TRY(text_status(&r->rendered, err));
    *out = r->rendered.bytes;
    error_clear(err);
    return MEDLEY_OK;
}

static const section *find_section(const medley_report *r, const char *name)
{
    for (int64_t i = 0; i < r->count; i++)
        if (strcmp(r->sections[i].name, name) == 0)
            return &r->sections[i];
    return NULL;
}

static const cell *find_cell(const medley_report *r, const char *section_name, int64_t row, const char *name)
{
    const section *s = find_section(r, section_name);
    if (s == NULL || row < 0 || row >= row_count(s))
        return NULL;
    for (int64_t c = 0; c < s->column_count; c++)
        if (strcmp(s->columns[c], name) == 0)
            return &s->cells[row * s->column_count + c];
    return NULL;
}

bool medley_report_number(const medley_report *r, const char *section_name, int64_t row, const char *name,
                          double *out)
{
    const cell *c = find_cell(r, section_name, row, name);
    if (c == NULL || (c->kind != CELL_INT && c->kind != CELL_REAL))
        return false;
    *out = c->kind == CELL_INT ? (double)c->integer : c->real;
    return true;
}

const char *medley_report_text(const medley_report *r, const char *section_name, int64_t row, const char *name)
{
    const cell *c = find_cell(r, section_name, row, name);
    return c != NULL && c->kind == CELL_TEXT ? c->text : NULL;
}

int64_t medley_report_rows(const medley_report *r, const char *section_name)
{
    const section *s = find_section(r, section_name);
    return s != NULL ? row_count(s) : 0;
}
