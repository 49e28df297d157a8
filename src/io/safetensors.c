/* https://github.com/huggingface/safetensors: an 8-byte little-endian header length, a JSON object
 * of name: {dtype, shape, data_offsets}, and the data without holes. */
#include "io/safetensors.h"

#include <stdlib.h>

#include "base/base.h"
#include "io/json.h"
#include "io/save.h"

enum { ALIGNMENT = 64, PREFIX = 8, HEADER_MOST = 16 * 1024 * 1024 };

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [TENSOR_F32] = {"F32", 4}, [TENSOR_F64] = {"F64", 8}, [TENSOR_I64] = {"I64", 8},
    [TENSOR_I32] = {"I32", 4}, [TENSOR_U32] = {"U32", 4}, [TENSOR_U8] = {"U8", 1},
};
enum { TYPE_COUNT = sizeof types / sizeof *types };
#define ACCEPTED_TYPES "F32, F64, I64, I32, U32, U8"

/* -1 when it overflows. */
int64_t named_tensor_bytes(const named_tensor *t)
{
    int64_t bytes = (int64_t)types[t->type].size;
    for (int i = 0; i < t->rank && bytes >= 0; i++)
        bytes = mem_bytes(t->shape[i], (size_t)bytes);
    return bytes;
}

static void put_tensor(json *header, const named_tensor *t, int64_t start, int64_t end)
{
    json *entry = json_new_object(), *shape = json_new_array(), *offsets = json_new_array();
    for (int i = 0; i < t->rank; i++)
        json_append_int(shape, t->shape[i]);
    json_append_int(offsets, start);
    json_append_int(offsets, end);
    json_set_text(entry, "dtype", types[t->type].name);
    json_set(entry, "shape", shape);
    json_set(entry, "data_offsets", offsets);
    json_set(header, t->name, entry);
}

/* The header's JSON, padded with spaces so that the data behind it is aligned. */
static medley_status make_header(const named_tensor *tensors, int64_t count, const char *const *metadata,
                                 int64_t metadata_count, text *out, medley_error *err)
{
    json *header = json_new_object();
    if (metadata_count > 0) {
        json *pairs = json_new_object();
        for (int64_t i = 0; i + 1 < metadata_count; i += 2)
            json_set_text(pairs, metadata[i], metadata[i + 1]);
        json_set(header, "__metadata__", pairs);
    }
    int64_t start = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t end = start + named_tensor_bytes(&tensors[i]);
        put_tensor(header, &tensors[i], start, end);
        start = end;
    }
    const medley_status status = json_render(header, 0, out, err);
    json_free(header);
    TRY(status);
    while ((PREFIX + out->length) % ALIGNMENT != 0 && !out->failed)
        text_add(out, " ");
    return text_status(out, err);
}

static medley_status check_writable(const char *path, const named_tensor *tensors, int64_t count,
                                    int64_t metadata_count, medley_error *err)
{
    int64_t end = 0;
    if (count < 0 || count > TENSOR_COUNT_MOST || metadata_count % 2 != 0)
        return fail(err, MEDLEY_E_ARGUMENT, "%s: %lld tensors; 0..%d are accepted, metadata in pairs", path,
                    (long long)count, TENSOR_COUNT_MOST);
    for (int64_t i = 0; i < count; i++) {
        const named_tensor *t = &tensors[i];
        const int64_t bytes = t->rank >= 0 && t->rank <= TENSOR_RANK_MOST ? named_tensor_bytes(t) : -1;
        if (bytes < 0)
            return fail(err, MEDLEY_E_ARGUMENT, "%s: tensor '%s' is too large or of rank %d; 0..%d is accepted",
                        path, t->name, t->rank, TENSOR_RANK_MOST);
        if (end % (int64_t)types[t->type].size != 0)
            return fail(err, MEDLEY_E_ARGUMENT, "%s: tensor '%s' would not be aligned: put wider types first",
                        path, t->name);
        if (__builtin_add_overflow(end, bytes, &end))
            return fail(err, MEDLEY_E_ARGUMENT, "%s: the tensors are too large together", path);
    }
    return MEDLEY_OK;
}

medley_status safetensors_write(const medley_runtime *rt, const char *path, const named_tensor *tensors,
                                int64_t count, const char *const *metadata, int64_t metadata_count,
                                medley_error *err)
{
    medley_status status;
    text header = {.rt = rt};
    save *s = NULL;
    unsigned char prefix[PREFIX];
    TRY(check_writable(path, tensors, count, metadata_count, err));
    TRY_DONE(make_header(tensors, count, metadata, metadata_count, &header, err));
    if (header.length > HEADER_MOST)
        TRY_DONE(fail(err, MEDLEY_E_ARGUMENT, "%s: a header of %lld bytes; up to %d are accepted", path,
                      (long long)header.length, HEADER_MOST));
    for (int i = 0; i < PREFIX; i++)
        prefix[i] = (unsigned char)((uint64_t)header.length >> (8 * i));
    TRY_DONE(save_open(rt, path, &s, err));
    TRY_DONE(save_write(s, prefix, PREFIX, err));
    TRY_DONE(save_write(s, header.bytes, (size_t)header.length, err));
    for (int64_t i = 0; i < count; i++)
        if (named_tensor_bytes(&tensors[i]) > 0)
            TRY_DONE(save_write(s, tensors[i].data, (size_t)named_tensor_bytes(&tensors[i]), err));
    status = save_commit(s, err);
    s = NULL;
done:
    save_abandon(s);
    text_release(&header);
    return status;
}

struct safetensors {
    const medley_runtime *rt;
    mapped file;
    json *header;          /* owns the names */
    named_tensor *tensors; /* [count] by place in the file */
    int64_t count;
};

static medley_status fail_tensor(const char *path, const char *name, const char *what, medley_error *err)
{
    return fail(err, MEDLEY_E_FORMAT, "%s: tensor '%s': %s", path, name, what);
}

static medley_status read_shape(const char *path, const json *entry, named_tensor *t, medley_error *err)
{
    const json *shape = json_member(entry, "shape");
    if (!json_is_array(shape) || json_count(shape) > TENSOR_RANK_MOST)
        return fail_tensor(path, t->name, "'shape' is not a list of up to 4 sizes", err);
    t->rank = (int)json_count(shape);
    for (int i = 0; i < t->rank; i++)
        if (!json_as_int(json_at(shape, i, NULL), &t->shape[i]) || t->shape[i] < 0)
            return fail_tensor(path, t->name, "'shape' is not a list of up to 4 sizes", err);
    return MEDLEY_OK;
}

static medley_status read_tensor(const char *path, const json *entry, const char *data, int64_t data_length,
                                 named_tensor *t, medley_error *err)
{
    int64_t start, end;
    int type = 0;
    const char *type_name = json_text(entry, "dtype");
    if (type_name == NULL)
        return fail_tensor(path, t->name, "has no 'dtype'", err);
    while (type < TYPE_COUNT && strcmp(types[type].name, type_name) != 0)
        type++;
    if (type == TYPE_COUNT)
        return fail(err, MEDLEY_E_FORMAT, "%s: tensor '%s' is of type '%s'; accepted: " ACCEPTED_TYPES, path,
                    t->name, type_name);
    t->type = (tensor_type)type;
    TRY(read_shape(path, entry, t, err));
    const json *offsets = json_member(entry, "data_offsets");
    if (!json_is_array(offsets) || json_count(offsets) != 2 || !json_as_int(json_at(offsets, 0, NULL), &start) ||
        !json_as_int(json_at(offsets, 1, NULL), &end) || start < 0 || end < start || end > data_length)
        return fail_tensor(path, t->name, "'data_offsets' is not two places inside the file", err);
    if (named_tensor_bytes(t) != end - start)
        return fail_tensor(path, t->name, "'shape' and 'data_offsets' are of different sizes", err);
    t->data = data + start;
    if ((uintptr_t)t->data % types[type].size != 0)
        return fail_tensor(path, t->name, "its data is not aligned to its type", err);
    return MEDLEY_OK;
}

static int by_place(const void *a, const void *b)
{
    const named_tensor *left = a, *right = b;
    const uintptr_t x = (uintptr_t)left->data, y = (uintptr_t)right->data;
    if (x != y)
        return x < y ? -1 : 1;
    /* An empty tensor stands before the one that starts at the same place. */
    const int64_t m = named_tensor_bytes(left), n = named_tensor_bytes(right);
    return (m > n) - (m < n);
}

/* Every byte of data belongs to exactly one tensor, as the format wants. */
static medley_status check_places(safetensors *s, const char *path, const char *data, const char *end,
                                  medley_error *err)
{
    qsort(s->tensors, (size_t)s->count, sizeof *s->tensors, by_place);
    for (int64_t i = 0; i < s->count; i++) {
        if (s->tensors[i].data != data)
            return fail_tensor(path, s->tensors[i].name, "overlaps another one, or stands behind a hole", err);
        data += named_tensor_bytes(&s->tensors[i]);
    }
    if (data != end)
        return fail(err, MEDLEY_E_FORMAT, "%s: %lld bytes at its end belong to no tensor", path,
                    (long long)(end - data));
    return MEDLEY_OK;
}

static medley_status check_metadata(const char *path, const json *metadata, medley_error *err)
{
    const int64_t count = json_count(metadata);
    bool texts = json_is_object(metadata) && count <= TENSOR_COUNT_MOST;
    for (int64_t i = 0; texts && i < count; i++)
        texts = json_as_text(json_at(metadata, i, NULL)) != NULL;
    if (!texts)
        return fail(err, MEDLEY_E_FORMAT, "%s: '__metadata__' is not an object of texts", path);
    return MEDLEY_OK;
}

static medley_status read_header(safetensors *s, const char *path, medley_error *err)
{
    const char *bytes = s->file.bytes;
    uint64_t length = 0;
    for (size_t i = PREFIX; i-- > 0 && s->file.length >= PREFIX;)
        length = length << 8 | (unsigned char)bytes[i];
    if (s->file.length < PREFIX || length > s->file.length - PREFIX)
        return fail(err, MEDLEY_E_FORMAT, "%s: not a safetensors file, or cut short in its header", path);
    if (length > HEADER_MOST)
        return fail(err, MEDLEY_E_FORMAT, "%s: a header of %llu bytes; up to %d are accepted", path,
                    (unsigned long long)length, HEADER_MOST);
    TRY(json_parse(path, bytes + PREFIX, (size_t)length, &s->header, err));
    const int64_t count = json_count(s->header);
    if (!json_is_object(s->header) || count > TENSOR_COUNT_MOST + 1)
        return fail(err, MEDLEY_E_FORMAT, "%s: the header is not an object of up to %d tensors", path,
                    TENSOR_COUNT_MOST);
    TRY(mem_alloc_zero(s->rt, count, sizeof *s->tensors, &s->tensors, err));
    const char *data = bytes + PREFIX + length, *end = bytes + s->file.length;
    for (int64_t i = 0; i < count; i++) {
        const char *name;
        const json *entry = json_at(s->header, i, &name);
        if (strcmp(name, "__metadata__") == 0) {
            TRY(check_metadata(path, entry, err));
            continue;
        }
        s->tensors[s->count].name = name;
        TRY(read_tensor(path, entry, data, end - data, &s->tensors[s->count], err));
        s->count++;
    }
    return check_places(s, path, data, end, err);
}

medley_status safetensors_open(const medley_runtime *rt, const char *path, safetensors **out, medley_error *err)
{
    safetensors *s;
    *out = NULL;
    TRY(mem_alloc_zero(rt, 1, sizeof *s, &s, err));
    s->rt = rt;
    medley_status status = mapped_open(path, &s->file, err);
    if (status == MEDLEY_OK)
        status = read_header(s, path, err);
    if (status == MEDLEY_OK)
        *out = s;
    else
        safetensors_close(s);
    return status;
}

const named_tensor *safetensors_find(const safetensors *s, const char *name)
{
    for (int64_t i = 0; i < s->count; i++)
        if (strcmp(s->tensors[i].name, name) == 0)
            return &s->tensors[i];
    return NULL;
}

const named_tensor *safetensors_at(const safetensors *s, int64_t index)
{
    return index >= 0 && index < s->count ? &s->tensors[index] : NULL;
}

const char *safetensors_metadata(const safetensors *s, const char *key)
{
    return json_text(json_member(s->header, "__metadata__"), key);
}

void safetensors_close(safetensors *s)
{
    if (s == NULL)
        return;
    mem_free(s->tensors);
    json_free(s->header);
    mapped_release(&s->file);
    mem_free(s);
}
