#include "io/npy.h"

#include <stdio.h>

#include "base/base.h"
#include "io/fingerprint.h"

/* magic, version 1.0, header length; then the header, padded so that data starts at a multiple of 64. */
enum { PREFIX = 10, ALIGNMENT = 64, HEADER_MOST = 65535 };
static const char magic[] = NPY_MAGIC "\x01";

static const struct {
    const char *descr;
    size_t size;
} types[] = {
    [NPY_U8] = {"|u1", 1},  [NPY_U32] = {"<u4", 4}, [NPY_I32] = {"<i4", 4}, [NPY_I64] = {"<i8", 8},
    [NPY_F16] = {"<f2", 2}, [NPY_F32] = {"<f4", 4}, [NPY_F64] = {"<f8", 8}, [NPY_TEXT] = {"<U", 4},
};
#define ACCEPTED_TYPES "|u1, <u4, <i4, <i8, <f2, <f4, <f8, <U"

size_t npy_type_size(npy_type type)
{
    return types[type].size;
}

/* -1 when it overflows. */
int64_t npy_bytes(const npy *n)
{
    const int64_t value = mem_bytes(n->width, types[n->type].size);
    const int64_t row = value < 0 ? -1 : mem_bytes(n->columns > 0 ? n->columns : 1, (size_t)value);
    return row < 0 ? -1 : mem_bytes(n->rows, (size_t)row);
}

/* A multiple of ALIGNMENT. */
size_t npy_header(char header[NPY_HEADER_MOST], npy_type type, int64_t rows, int64_t columns)
{
    char columns_text[24] = "";
    if (columns > 0)
        snprintf(columns_text, sizeof columns_text, " %lld", (long long)columns);
    memcpy(header, magic, sizeof magic); /* with its NUL: the minor version */
    size_t used = PREFIX;
    used += (size_t)snprintf(header + used, NPY_HEADER_MOST - PREFIX,
                             "{'descr': '%s', 'fortran_order': False, 'shape': (%lld,%s), }", types[type].descr,
                             (long long)rows, columns_text);
    const size_t length = (used + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    memset(header + used, ' ', length - used);
    header[length - 1] = '\n';
    header[8] = (char)((length - PREFIX) & 0xff);
    header[9] = (char)((length - PREFIX) >> 8);
    return length;
}

medley_status npy_write(const medley_runtime *rt, const char *path, npy_type type, int64_t rows, int64_t columns,
                        const void *data, struct fingerprint *print, medley_error *err)
{
    char header[NPY_HEADER_MOST];
    const npy shape = {.type = type, .width = 1, .rows = rows, .columns = columns};
    const int64_t bytes = npy_bytes(&shape);
    if (bytes < 0 || columns < 0 || type == NPY_TEXT)
        return fail(err, MEDLEY_E_ARGUMENT, "%s: [%lld, %lld] is no shape of an array", path, (long long)rows,
                    (long long)columns);
    const size_t length = npy_header(header, type, rows, columns);
    file *f;
    TRY(file_create(rt, path, &f, err));
    medley_status status = file_write(f, header, length, err);
    if (status == MEDLEY_OK && bytes > 0)
        status = file_write(f, data, (size_t)bytes, err);
    if (status != MEDLEY_OK) {
        file_close(f);
        return status;
    }
    if (print != NULL) {
        fingerprint_add(print, header, length);
        fingerprint_add(print, data, (size_t)bytes);
    }
    return file_finish(f, err);
}

/* The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }. */
typedef struct scanner {
    const char *path, *at, *end;
} scanner;

static medley_status malformed(const scanner *s, const char *what, medley_error *err)
{
    return fail(err, MEDLEY_E_FORMAT, "%s: the .npy header: %s", s->path, what);
}

static void skip_spaces(scanner *s)
{
    while (s->at < s->end && *s->at == ' ')
        s->at++;
}

static bool accept(scanner *s, char c)
{
    skip_spaces(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool scan_quoted(scanner *s, char *word, size_t room)
{
    size_t used = 0;
    const char quote = accept(s, '\'') ? '\'' : '"';
    if (quote == '"' && !accept(s, '"'))
        return false;
    for (; s->at < s->end && *s->at != quote; s->at++) {
        if (used + 1 >= room)
            return false;
        word[used++] = *s->at;
    }
    word[used] = '\0';
    return accept(s, quote);
}

static bool scan_word(scanner *s, const char *word)
{
    const size_t length = strlen(word);
    skip_spaces(s);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0)
        return false;
    s->at += length;
    return true;
}

static bool scan_count(scanner *s, int64_t *out)
{
    skip_spaces(s);
    const char *start = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return number_int(start, (size_t)(s->at - start), out);
}

static medley_status scan_shape(scanner *s, npy *n, medley_error *err)
{
    static const char what[] = "'shape' is not (rows,) or (rows, columns)";
    if (!accept(s, '(') || !scan_count(s, &n->rows) || !accept(s, ','))
        return malformed(s, what, err);
    n->columns = 0;
    if (accept(s, ')'))
        return MEDLEY_OK;
    if (!scan_count(s, &n->columns))
        return malformed(s, what, err);
    (void)accept(s, ',');
    if (!accept(s, ')'))
        return malformed(s, what, err);
    return n->columns > 0 ? MEDLEY_OK : malformed(s, "an array of 0 columns; at least 1 is accepted", err);
}

static medley_status scan_type(scanner *s, npy *n, medley_error *err)
{
    char word[16];
    const size_t prefix = strlen(types[NPY_TEXT].descr);
    if (!scan_quoted(s, word, sizeof word))
        return malformed(s, "'descr' is not one plain type; accepted: " ACCEPTED_TYPES, err);
    for (int type = 0; type < NPY_TEXT; type++)
        if (strcmp(types[type].descr, word) == 0) {
            n->type = (npy_type)type;
            return MEDLEY_OK;
        }
    n->type = NPY_TEXT;
    if (strncmp(word, types[NPY_TEXT].descr, prefix) == 0 &&
        number_int(word + prefix, strlen(word + prefix), &n->width) && n->width > 0)
        return MEDLEY_OK;
    return fail(err, MEDLEY_E_FORMAT, "%s: type '%s'; accepted: " ACCEPTED_TYPES, s->path, word);
}

static medley_status scan_order(scanner *s, npy *n, medley_error *err)
{
    (void)n;
    if (scan_word(s, "True"))
        return malformed(s, "column order ('fortran_order': True); row order is accepted", err);
    return scan_word(s, "False") ? MEDLEY_OK : malformed(s, "'fortran_order' is not True or False", err);
}

static const struct {
    const char *key;
    medley_status (*scan)(scanner *s, npy *n, medley_error *err);
} entries[] = {{"descr", scan_type}, {"fortran_order", scan_order}, {"shape", scan_shape}};
enum { ENTRY_COUNT = sizeof entries / sizeof *entries };

static medley_status scan_header(scanner *s, npy *n, medley_error *err)
{
    bool seen[ENTRY_COUNT] = {false};
    if (!accept(s, '{'))
        return malformed(s, "not a dictionary", err);
    while (!accept(s, '}')) {
        char key[16];
        int entry = 0;
        if (!scan_quoted(s, key, sizeof key) || !accept(s, ':'))
            return malformed(s, "not a dictionary of short keys", err);
        while (entry < ENTRY_COUNT && strcmp(entries[entry].key, key) != 0)
            entry++;
        if (entry == ENTRY_COUNT || seen[entry])
            return malformed(s, "its keys are not descr, fortran_order and shape", err);
        seen[entry] = true;
        TRY(entries[entry].scan(s, n, err));
        if (!accept(s, ',')) {
            if (accept(s, '}'))
                break;
            return malformed(s, "not a dictionary", err);
        }
    }
    for (int entry = 0; entry < ENTRY_COUNT; entry++)
        if (!seen[entry])
            return malformed(s, "its keys are not descr, fortran_order and shape", err);
    (void)accept(s, '\n');
    skip_spaces(s);
    return s->at == s->end ? MEDLEY_OK : malformed(s, "more than a dictionary", err);
}

static medley_status check(const char *path, npy *n, medley_error *err)
{
    const char *bytes = n->file.bytes;
    if (n->file.length < PREFIX || memcmp(bytes, magic, sizeof magic - 2) != 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: not a .npy file", path);
    if (bytes[6] != 1 || bytes[7] != 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: .npy version %d.%d; accepted: 1.0", path, (unsigned char)bytes[6],
                    (unsigned char)bytes[7]);
    const size_t start = PREFIX + ((size_t)(unsigned char)bytes[8] | (size_t)(unsigned char)bytes[9] << 8);
    if (start > n->file.length)
        return fail(err, MEDLEY_E_FORMAT, "%s: cut short inside the .npy header", path);
    scanner s = {path, bytes + PREFIX, bytes + start};
    TRY(scan_header(&s, n, err));
    if (start % ALIGNMENT != 0)
        return fail(err, MEDLEY_E_FORMAT,
                    "%s: data starts at byte %zu; a multiple of 64 is accepted, as NumPy 1.14 and later write",
                    path, start);
    const int64_t wanted = npy_bytes(n);
    const int64_t has = (int64_t)(n->file.length - start);
    if (wanted != has)
        return fail(err, MEDLEY_E_FORMAT, "%s: holds %lld bytes of data; its header's shape needs %lld", path,
                    (long long)has, (long long)wanted);
    n->data = bytes + start;
    return MEDLEY_OK;
}

medley_status npy_open(const char *path, npy *out, medley_error *err)
{
    *out = (npy){.width = 1};
    TRY(mapped_open(path, &out->file, err));
    const medley_status status = check(path, out, err);
    if (status != MEDLEY_OK)
        npy_release(out);
    return status;
}

medley_status npy_open_as(const char *path, npy_type type, int64_t rows, npy *out, medley_error *err)
{
    TRY(npy_open(path, out, err));
    medley_status status = MEDLEY_OK;
    if (out->type != type)
        status = fail(err, MEDLEY_E_FORMAT, "%s: type '%s'; '%s' is needed here", path, types[out->type].descr,
                      types[type].descr);
    else if (out->columns != 0)
        status = fail(err, MEDLEY_E_FORMAT, "%s: an array of %lld columns; one dimension is needed here", path,
                      (long long)out->columns);
    else if (rows >= 0 && out->rows != rows)
        status = fail(err, MEDLEY_E_FORMAT, "%s: %lld values; %lld are needed here", path, (long long)out->rows,
                      (long long)rows);
    if (status != MEDLEY_OK)
        npy_release(out);
    return status;
}

void npy_release(npy *n)
{
    mapped_release(&n->file);
    *n = (npy){.width = 1};
}
