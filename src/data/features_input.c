#include "data/features_input.h"

#include <errno.h>
#include <math.h>

#include "io/records.h"
#include "io/utf8.h"

enum { NAMES_SHOWN = 400 };
#define NPY_ENDING ".npy"

static bool ends_with(const char *path, const char *ending)
{
    const size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

medley_status features_check_length(const char *where, int64_t length, medley_error *err)
{
    return length >= 1 && length <= FEATURES_LENGTH_MOST
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_FORMAT, "%s: vectors of %lld numbers; 1..%d are accepted", where,
                      (long long)length, FEATURES_LENGTH_MOST);
}

/* ---- ids ---- */

static medley_status tell_id(features_input *in, const char **told, int64_t count, const char *id, size_t length,
                             medley_error *err)
{
    return count < FEATURES_TOLD ? arena_text(&in->told, id, length, &told[count], err) : MEDLEY_OK;
}

medley_status features_take_id(features_input *in, const char *id, size_t length, medley_error *err)
{
    const int64_t row = in->rows++;
    const uint32_t item = idmap_find(&in->store->item_map, id, length);
    if (item == IDMAP_NONE)
        return tell_id(in, in->first_unknown, in->unknown++, id, length, err);
    if (in->row_of[item] >= 0)
        return tell_id(in, in->first_duplicate, in->duplicate++, id, length, err);
    in->row_of[item] = row;
    in->matched++;
    return MEDLEY_OK;
}

/* Lines end as they do anywhere; an empty one would shift all ids behind it, so it is refused. */
static medley_status take_lines(features_input *in, const char *path, const record_block *block, medley_error *err)
{
    const char *const block_end = block->bytes + block->length;
    int64_t line = block->first_line;
    for (const char *at = block->bytes, *end; at < block_end; at = end + 1, line++) {
        end = memchr(at, '\n', (size_t)(block_end - at));
        const size_t whole = (size_t)(end - at), length = whole > 0 && end[-1] == '\r' ? whole - 1 : whole;
        if (length == 0)
            return fail(err, MEDLEY_E_FORMAT, "%s:%lld: an empty line; an id of an item is accepted", path,
                        (long long)line);
        TRY(features_take_id(in, at, length, err));
    }
    return MEDLEY_OK;
}

static medley_status take_text_file(features_input *in, const char *path, medley_error *err)
{
    const records_options lines = {.delimiter = "\t"};
    record_block block = {0};
    records *source;
    bool more = true;
    TRY(records_open(in->rt, path, lines, &source, err));
    medley_status status = MEDLEY_OK;
    while (status == MEDLEY_OK && more) {
        status = records_next(source, &block, &more, err);
        if (status == MEDLEY_OK && more)
            status = take_lines(in, path, &block, err);
    }
    mem_free(block.bytes);
    records_close(source);
    return status;
}

/* UTF-8 of a code point; 0: there is none. */
static size_t put_point(uint32_t point, char *out)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    if (point < 0x80) {
        *out = (char)point;
        return 1;
    }
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    const size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(lead[length] | point);
    return length;
}

static medley_status take_points(features_input *in, const char *path, const npy *ids, medley_error *err)
{
    const uint32_t *points = ids->data;
    char *id;
    if (ids->rows == 0)
        return MEDLEY_OK;
    TRY(mem_alloc(in->rt, ids->width, 4, &id, err));
    medley_status status = MEDLEY_OK;
    for (int64_t row = 0; row < ids->rows && status == MEDLEY_OK; row++, points += ids->width) {
        int64_t width = ids->width;
        size_t length = 0;
        while (width > 0 && points[width - 1] == 0)
            width--;
        for (int64_t i = 0; i < width && status == MEDLEY_OK; i++) {
            const size_t one = put_point(points[i], id + length);
            if (one == 0)
                status = fail(err, MEDLEY_E_FORMAT, "%s: id %lld is no Unicode text", path, (long long)row + 1);
            length += one;
        }
        if (status == MEDLEY_OK)
            status = features_take_id(in, id, length, err);
    }
    mem_free(id);
    return status;
}

static int64_t integer_at(npy_type type, const void *values, int64_t index)
{
    switch (type) {
    case NPY_I32:
        return ((const int32_t *)values)[index];
    case NPY_U32:
        return ((const uint32_t *)values)[index];
    default:
        return ((const int64_t *)values)[index];
    }
}

static medley_status take_integers(features_input *in, npy_type type, const void *ids, int64_t count,
                                   medley_error *err)
{
    for (int64_t i = 0; i < count; i++) {
        char digits[24];
        const int length = snprintf(digits, sizeof digits, "%lld", (long long)integer_at(type, ids, i));
        TRY(features_take_id(in, digits, (size_t)length, err));
    }
    return MEDLEY_OK;
}

static medley_status take_array(features_input *in, const char *path, medley_error *err)
{
    npy ids;
    TRY(npy_open(path, &ids, err));
    medley_status status = MEDLEY_OK;
    if (ids.columns != 0)
        status = fail(err, MEDLEY_E_FORMAT, "%s: an array of %lld columns; ids in one dimension are accepted",
                      path, (long long)ids.columns);
    else if (ids.type == NPY_TEXT)
        status = take_points(in, path, &ids, err);
    else if (ids.type == NPY_I64 || ids.type == NPY_I32 || ids.type == NPY_U32)
        status = take_integers(in, ids.type, ids.data, ids.rows, err);
    else
        status = fail(err, MEDLEY_E_FORMAT,
                      "%s: ids that are neither integers nor texts; accepted: <i8, <i4, <u4, <U", path);
    npy_release(&ids);
    return status;
}

/* An array or a text: by the first bytes, so that it may be called anything. */
medley_status features_take_id_file(features_input *in, const char *path, medley_error *err)
{
    char first[sizeof NPY_MAGIC - 1];
    size_t got;
    file *f;
    TRY(file_open(in->rt, path, &f, err));
    const medley_status status = file_read(f, first, sizeof first, &got, err);
    file_close(f);
    TRY(status);
    const bool array = got == sizeof first && memcmp(first, NPY_MAGIC, got) == 0;
    return array ? take_array(in, path, err) : take_text_file(in, path, err);
}

static medley_status check_id_count(const features_input *in, const char *ids, int64_t rows, medley_error *err)
{
    return in->rows == rows ? MEDLEY_OK
                            : fail(err, MEDLEY_E_FORMAT, "%s: %lld ids, but '%s' has %lld rows", ids,
                                   (long long)in->rows, in->p->input, (long long)rows);
}

/* ---- numbers ---- */

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A half's exponent and fraction read as a float's are 2^112 too small, but for those of infinity and NaN. */
static float from_half(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = (uint32_t)(half & 0x7fff) << 13;
    const float magnitude = (half & 0x7c00) == 0x7c00 ? from_bits(rest | 0x7f800000) : from_bits(rest) * 0x1p112F;
    return sign != 0 ? -magnitude : magnitude;
}

static void from_halves(const void *values, int64_t count, float *out)
{
    const uint16_t *from = values;
    for (int64_t i = 0; i < count; i++)
        out[i] = from_half(from[i]);
}

static void from_floats(const void *values, int64_t count, float *out)
{
    memcpy(out, values, (size_t)count * sizeof *out);
}

static void from_doubles(const void *values, int64_t count, float *out)
{
    const double *from = values;
    for (int64_t i = 0; i < count; i++)
        out[i] = (float)from[i];
}

static void (*const converters[])(const void *values, int64_t count, float *out) = {
    [NPY_F16] = from_halves, [NPY_F32] = from_floats, [NPY_F64] = from_doubles, [NPY_TEXT] = NULL};

static medley_status check_matrix_type(const char *where, npy_type type, medley_error *err)
{
    return converters[type] != NULL
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_FORMAT, "%s: values that are no real numbers; accepted: <f2, <f4, <f8", where);
}

medley_status features_convert(const char *where, const char *id, npy_type type, const void *values, int64_t count,
                               float *out, medley_error *err)
{
    converters[type](values, count, out);
    for (int64_t i = 0; i < count; i++) {
        if (isfinite(out[i]))
            continue;
        const double value = type == NPY_F64 ? ((const double *)values)[i] : (double)out[i];
        char shown[32];
        number_print(shown, sizeof shown, isnan(value) ? "nan" : "%g", value);
        return fail(err, MEDLEY_E_FORMAT,
                    "%s: item '%.100s': value %lld of %lld is %s; finite float32 is accepted", where, id,
                    (long long)i + 1, (long long)count, shown);
    }
    return MEDLEY_OK;
}

static medley_status read_values(const features_input *in, int64_t item, float *out, medley_error *err)
{
    const size_t row = (size_t)in->length * npy_type_size(in->type);
    return features_convert(in->p->input, in->store->item_ids[item], in->type,
                            (const char *)in->values + (size_t)in->row_of[item] * row, in->length, out, err);
}

/* ---- one .npy ---- */

static medley_status open_npy(features_input *in, medley_error *err)
{
    const char *path = in->p->input;
    if (in->p->ids[0] == '\0')
        return fail(err, MEDLEY_E_CONFIG,
                    "ids: give the file of the rows' item ids: rows are never matched by their place");
    TRY(npy_open(path, &in->file, err));
    if (in->file.columns == 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: an array of one dimension; [vectors, numbers] is accepted", path);
    TRY(check_matrix_type(path, in->file.type, err));
    in->values = in->file.data;
    in->type = in->file.type;
    in->length = in->file.columns;
    TRY(features_take_id_file(in, in->p->ids, err));
    return check_id_count(in, in->p->ids, in->file.rows, err);
}

/* ---- a folder with an .npy an item ---- */

/* The numbers of one file: [F] or [1, F]. */
static medley_status open_one(const features_input *in, const char *name, char **path, npy *out, medley_error *err)
{
    TRY(file_join(in->rt, in->p->input, name, path, err));
    TRY(npy_open(*path, out, err));
    if (out->columns == 0) {
        out->columns = out->rows;
        out->rows = 1;
    }
    if (out->rows != 1)
        return fail(err, MEDLEY_E_FORMAT, "%s: [%lld, %lld] numbers; one vector is accepted, [F] or [1, F]", *path,
                    (long long)out->rows, (long long)out->columns);
    TRY(check_matrix_type(*path, out->type, err));
    if (in->length != 0 && out->columns != in->length)
        return fail(err, MEDLEY_E_FORMAT, "%s: %lld numbers; the folder's first vector has %lld", *path,
                    (long long)out->columns, (long long)in->length);
    return MEDLEY_OK;
}

static medley_status read_one(const features_input *in, int64_t item, float *out, medley_error *err)
{
    char *path = NULL;
    npy one = {.width = 1};
    medley_status status = open_one(in, in->names[in->row_of[item]], &path, &one, err);
    if (status == MEDLEY_OK)
        status = features_convert(path, in->store->item_ids[item], one.type, one.data, in->length, out, err);
    npy_release(&one);
    mem_free(path);
    return status;
}

static medley_status refuse_folder(const features_input *in, medley_error *err)
{
    for (int64_t i = 0; i < in->name_count; i++) {
        char *path;
        TRY(file_join(in->rt, in->p->input, in->names[i], &path, err));
        const bool inner = file_is_folder(path);
        mem_free(path);
        if (inner)
            return fail(err, MEDLEY_E_FORMAT,
                        "%s: holds no <id>.npy, but the folder '%.100s'; name the folder that holds the files",
                        in->p->input, in->names[i]);
    }
    return fail(err, MEDLEY_E_FORMAT, "%s: a folder without an .npy; one <id>.npy an item is accepted",
                in->p->input);
}

/* Keeps the names of .npy files: rows of the input. */
static medley_status open_folder(features_input *in, medley_error *err)
{
    char *path = NULL;
    npy one = {.width = 1};
    TRY(file_list(in->rt, in->p->input, &in->names, &in->name_count, err));
    int64_t kept = 0;
    for (int64_t i = 0; i < in->name_count; i++) {
        char *const name = in->names[i];
        if (!ends_with(name, NPY_ENDING))
            continue;
        in->names[i] = in->names[kept];
        in->names[kept++] = name;
        TRY(features_take_id(in, name, strlen(name) - strlen(NPY_ENDING), err));
    }
    if (kept == 0)
        return refuse_folder(in, err);
    const medley_status status = open_one(in, in->names[0], &path, &one, err);
    in->length = one.columns;
    npy_release(&one);
    mem_free(path);
    return status;
}

/* ---- safetensors ---- */

static const npy_type tensor_types[] = {[TENSOR_F32] = NPY_F32, [TENSOR_F64] = NPY_F64, [TENSOR_I64] = NPY_I64,
                                        [TENSOR_I32] = NPY_I32, [TENSOR_U32] = NPY_U32, [TENSOR_U8] = NPY_U8};

static bool is_matrix(const named_tensor *t)
{
    return t->rank == 2 && converters[tensor_types[t->type]] != NULL;
}

/* The tensor that is asked for, or the only matrix; else names those there are. */
static medley_status choose_tensor(const features_input *in, const named_tensor **out, medley_error *err)
{
    char known[NAMES_SHOWN] = "";
    size_t used = 0;
    int64_t count = 0;
    const named_tensor *t, *matrix = NULL;
    for (int64_t i = 0; (t = safetensors_at(in->tensors, i)) != NULL; i++) {
        if (!is_matrix(t))
            continue;
        if (used + strlen(t->name) + 8 < sizeof known)
            used +=
                (size_t)number_print(known + used, sizeof known - used, "%s%s", count > 0 ? ", " : "", t->name);
        matrix = t;
        count++;
    }
    *out = in->p->tensor[0] != '\0' ? safetensors_find(in->tensors, in->p->tensor) : count == 1 ? matrix : NULL;
    if (*out != NULL && is_matrix(*out))
        return MEDLEY_OK;
    if (count == 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: holds no matrix of F32 or F64", in->p->input);
    return fail(err, MEDLEY_E_CONFIG, "tensor: '%.100s' is none of the matrices of %s: %s", in->p->tensor,
                in->p->input, known);
}

/* Texts of W bytes, with zeros behind them. */
static medley_status take_padded(features_input *in, const named_tensor *ids, medley_error *err)
{
    const char *bytes = ids->data;
    for (int64_t row = 0; row < ids->shape[0]; row++) {
        size_t length = (size_t)ids->shape[1];
        while (length > 0 && bytes[length - 1] == '\0')
            length--;
        TRY(features_take_id(in, bytes, length, err));
        bytes += ids->shape[1];
    }
    return MEDLEY_OK;
}

static medley_status take_id_tensor(features_input *in, medley_error *err)
{
    const named_tensor *ids = safetensors_find(in->tensors, "ids");
    if (ids == NULL)
        return fail(err, MEDLEY_E_CONFIG, "ids: give the file of the rows' item ids: '%s' has no tensor 'ids'",
                    in->p->input);
    if (ids->rank == 2 && ids->type == TENSOR_U8)
        return take_padded(in, ids, err);
    const npy_type type = tensor_types[ids->type];
    if (ids->rank == 1 && (type == NPY_I64 || type == NPY_I32 || type == NPY_U32))
        return take_integers(in, type, ids->data, ids->shape[0], err);
    return fail(err, MEDLEY_E_FORMAT,
                "%s: tensor 'ids' is neither integers in one dimension (I64, I32, U32) nor texts [N, bytes] of U8",
                in->p->input);
}

static medley_status open_safetensors(features_input *in, medley_error *err)
{
    const named_tensor *t;
    const bool by_file = in->p->ids[0] != '\0';
    TRY(safetensors_open(in->rt, in->p->input, &in->tensors, err));
    TRY(choose_tensor(in, &t, err));
    in->type = tensor_types[t->type];
    in->values = t->data;
    in->length = t->shape[1];
    TRY(by_file ? features_take_id_file(in, in->p->ids, err) : take_id_tensor(in, err));
    return check_id_count(in, by_file ? in->p->ids : "tensor 'ids'", t->shape[0], err);
}

/* ---- delimited text ---- */

static medley_status open_csv(features_input *in, medley_error *err)
{
    return features_read_text(in, ",", err);
}

static medley_status open_tsv(features_input *in, medley_error *err)
{
    return features_read_text(in, "\t", err);
}

static medley_status read_kept(const features_input *in, int64_t item, float *out, medley_error *err)
{
    (void)err;
    memcpy(out, in->read + item * in->length, (size_t)in->length * sizeof *out);
    return MEDLEY_OK;
}

/* ---- all ---- */

const features_form features_forms[] = {
    {"npy", true, false, open_npy, read_values},
    {"folder", false, false, open_folder, read_one},
    {"csv", false, false, open_csv, read_kept},
    {"tsv", false, false, open_tsv, read_kept},
    {"safetensors", true, true, open_safetensors, read_values},
    {NULL, false, false, NULL, NULL},
};

static const features_form *form_called(const char *name)
{
    const features_form *form = features_forms;
    while (strcmp(form->name, name) != 0)
        form++;
    return form;
}

/* By the input's name. */
static medley_status guess_form(const char *input, const features_form **out, medley_error *err)
{
    static const struct {
        const char *ending, *form;
    } endings[] = {{NPY_ENDING, "npy"}, {".csv", "csv"},    {".csv.gz", "csv"},  {".csv.zst", "csv"},
                   {".tsv", "tsv"},     {".tsv.gz", "tsv"}, {".tsv.zst", "tsv"}, {".safetensors", "safetensors"}};
    *out = file_is_folder(input) ? form_called("folder") : NULL;
    for (size_t i = 0; i < sizeof endings / sizeof *endings && *out == NULL; i++)
        if (ends_with(input, endings[i].ending))
            *out = form_called(endings[i].form);
    return *out != NULL ? MEDLEY_OK
                        : fail(err, MEDLEY_E_CONFIG,
                               "format: '%s' does not say what it is; accepted: " FEATURES_FORM_NAMES, input);
}

static medley_status choose_form(const features_import *p, const features_form **out, medley_error *err)
{
    if (!file_exists(p->input))
        return fail_errno(err, ENOENT, "open", p->input);
    if (p->format == 0)
        TRY(guess_form(p->input, out, err));
    else
        *out = &features_forms[p->format - 1];
    if (p->ids[0] != '\0' && !(*out)->takes_ids)
        return fail(err, MEDLEY_E_CONFIG, "ids: format %s names its items itself; ids are for npy and safetensors",
                    (*out)->name);
    if (p->tensor[0] != '\0' && !(*out)->takes_tensor)
        return fail(err, MEDLEY_E_CONFIG, "tensor: format %s has none; it is for safetensors", (*out)->name);
    return MEDLEY_OK;
}

medley_status features_input_open(const medley_runtime *rt, const features_import *p, const medley_store *store,
                                  features_input *out, medley_error *err)
{
    *out = (features_input){.rt = rt, .p = p, .store = store, .told = {.rt = rt}, .file.width = 1};
    TRY(choose_form(p, &out->form, err));
    TRY(mem_alloc(rt, store->items, sizeof *out->row_of, &out->row_of, err));
    for (int64_t i = 0; i < store->items; i++)
        out->row_of[i] = -1;
    TRY(out->form->open(out, err));
    TRY(features_check_length(p->input, out->length, err));
    return out->matched > 0
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_FORMAT,
                      "%s: none of its %lld ids is an item of the store ('%.100s' for one; the store has "
                      "'%.100s')",
                      p->input, (long long)out->rows, out->first_unknown[0] != NULL ? out->first_unknown[0] : "",
                      store->items > 0 ? store->item_ids[0] : "");
}

void features_input_release(features_input *in)
{
    npy_release(&in->file);
    safetensors_close(in->tensors);
    file_names_free(in->names, in->name_count);
    mem_free(in->read);
    mem_free(in->row_of);
    arena_release(&in->told);
    *in = (features_input){.file.width = 1};
}
