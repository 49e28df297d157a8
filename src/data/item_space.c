#include "data/item_space.h"

#include <math.h>

#include "data/features.h"
#include "data/item_attributes.h"
#include "data/tfidf.h"

#define ATTRIBUTE "attribute:"
#define FEATURES "features:"

static bool starts_with(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* ---- attributes ---- */

/* The values of one attribute, as labels and, while all of them are numbers, as numbers. */
typedef struct attribute_values {
    const medley_runtime *rt;
    const char *key;
    idmap labels;
    uint32_t *item, *label; /* [count] ascending by item */
    int64_t count, item_capacity, label_capacity;
    double *number; /* [items] NAN: none */
    bool numeric;
} attribute_values;

static medley_status add_label(attribute_values *v, int64_t item, const char *label, size_t length,
                               medley_error *err)
{
    uint32_t index;
    if (length == 0)
        return MEDLEY_OK;
    TRY(idmap_add(&v->labels, label, length, &index, err));
    TRY(mem_reserve(v->rt, &v->item, &v->item_capacity, v->count + 1, sizeof *v->item, err));
    TRY(mem_reserve(v->rt, &v->label, &v->label_capacity, v->count + 1, sizeof *v->label, err));
    v->item[v->count] = (uint32_t)item;
    v->label[v->count++] = index;
    return MEDLEY_OK;
}

static medley_status add_value(attribute_values *v, int64_t item, const literal *value, medley_error *err)
{
    char digits[40];
    switch (value->kind) {
    case LITERAL_TEXT:
        return add_label(v, item, value->text, value->length, err);
    case LITERAL_NUMBER:
        number_format(value->number, digits, sizeof digits);
        return add_label(v, item, digits, strlen(digits), err);
    case LITERAL_BOOL:
        return add_label(v, item, value->number != 0 ? "true" : "false", value->number != 0 ? 4 : 5, err);
    default: /* none, and trees inside lists */
        return MEDLEY_OK;
    }
}

static medley_status take_values(void *context, int64_t item, const catalog_item *row, const literal *attributes,
                                 medley_error *err)
{
    attribute_values *v = context;
    const literal *value = literal_member(attributes, v->key);
    (void)row;
    v->number[item] = NAN;
    if (value == NULL || value->kind == LITERAL_NONE)
        return MEDLEY_OK;
    if (value->kind == LITERAL_NUMBER)
        v->number[item] = value->number;
    else
        v->numeric = false;
    if (value->kind != LITERAL_LIST)
        return add_value(v, item, value, err);
    for (const literal *one = value->first; one != NULL; one = one->next)
        TRY(add_value(v, item, one, err));
    return MEDLEY_OK;
}

/* The pair (1, z) made length 1: its cosine falls from 1 as two values part, which that of z alone would not. */
static medley_status numeric_space(const attribute_values *v, item_space *out, medley_error *err)
{
    double sum = 0, squares = 0, n = 0;
    for (int64_t i = 0; i < out->items; i++)
        if (!isnan(v->number[i])) {
            n++;
            sum += v->number[i];
        }
    const double mean = n > 0 ? sum / n : 0;
    for (int64_t i = 0; i < out->items; i++)
        if (!isnan(v->number[i]))
            squares += (v->number[i] - mean) * (v->number[i] - mean);
    const double deviation = n > 0 ? sqrt(squares / n) : 0;
    if (!isfinite(deviation))
        return fail(err, MEDLEY_E_FORMAT, "space: the values of attribute '%s' are too large to be standardised",
                    v->key);
    out->dimensions = 2;
    TRY(mem_alloc_zero(v->rt, 2 * out->items, sizeof *out->dense, &out->dense, err));
    for (int64_t i = 0; i < out->items; i++) {
        if (isnan(v->number[i]))
            continue;
        const double z = deviation > 0 ? (v->number[i] - mean) / deviation : 0, length = hypot(1, z);
        out->dense[2 * i] = (float)(1 / length);
        out->dense[2 * i + 1] = (float)(z / length);
    }
    return MEDLEY_OK;
}

/* The labels' texts behind their pointers, in one block. */
static medley_status keep_labels(const attribute_values *v, item_space *out, medley_error *err)
{
    char buffer[16];
    size_t length, bytes = 0;
    for (int64_t d = 0; d < v->labels.count; d++) {
        (void)idmap_id(&v->labels, (uint32_t)d, buffer, &length);
        bytes += sizeof *out->labels + length + 1;
    }
    TRY(mem_alloc(v->rt, (int64_t)bytes, 1, &out->labels, err));
    char *at = (char *)(out->labels + v->labels.count);
    for (int64_t d = 0; d < v->labels.count; d++) {
        const char *id = idmap_id(&v->labels, (uint32_t)d, buffer, &length);
        out->labels[d] = memcpy(at, id, length);
        at[length] = '\0';
        at += length + 1;
    }
    return MEDLEY_OK;
}

static medley_status label_space(const attribute_values *v, item_space *out, medley_error *err)
{
    csr *m = &out->sparse.view;
    out->dimensions = v->labels.count;
    TRY(csr_build(v->rt, out->items, out->dimensions, v->item, v->label, NULL, v->count, &out->sparse, err));
    TRY(mem_alloc(v->rt, csr_count(m), sizeof *out->sparse.value, &out->sparse.value, err));
    m->value = out->sparse.value;
    for (int64_t i = 0; i < m->rows; i++)
        for (int64_t at = m->start[i]; at < m->start[i + 1]; at++)
            out->sparse.value[at] = (float)(1 / sqrt((double)csr_row_count(m, i)));
    return keep_labels(v, out, err);
}

static medley_status open_attribute(const medley_store *store, const char *key, item_space *out, medley_error *err)
{
    attribute_values v = {.rt = store->rt, .key = key, .numeric = true};
    idmap keys;
    medley_status status;
    idmap_init(&v.labels, store->rt);
    idmap_init(&keys, store->rt);
    TRY_DONE(mem_alloc(store->rt, store->items, sizeof *v.number, &v.number, err));
    TRY_DONE(item_attributes_read(store, take_values, &v, &keys, err));
    if (idmap_find(&keys, key, strlen(key)) == IDMAP_NONE) {
        char hint[ITEM_ATTRIBUTES_HINT];
        item_attributes_hint(&keys, key, NULL, 0, hint);
        status = fail(err, MEDLEY_E_CONFIG, "space: no item has an attribute '%s'%s", key, hint);
        goto done;
    }
    status = v.numeric ? numeric_space(&v, out, err) : label_space(&v, out, err);
done:
    idmap_release(&keys);
    idmap_release(&v.labels);
    mem_free(v.item);
    mem_free(v.label);
    mem_free(v.number);
    return status;
}

/* ---- features ---- */

static void normalise_row(const float *from, int64_t dimensions, float *to)
{
    double square = 0;
    for (int64_t d = 0; d < dimensions; d++)
        square += (double)from[d] * (double)from[d];
    for (int64_t d = 0; d < dimensions; d++)
        to[d] = square > 0 && isfinite(square) ? (float)((double)from[d] / sqrt(square)) : 0;
}

static medley_status normalise_rows(const medley_store *store, const float *rows, int64_t dimensions,
                                    item_space *out, medley_error *err)
{
    out->dimensions = dimensions;
    TRY(mem_alloc(store->rt, store->items * dimensions, sizeof *out->dense, &out->dense, err));
    for (int64_t i = 0; i < store->items; i++)
        normalise_row(rows + i * dimensions, dimensions, out->dense + i * dimensions);
    return MEDLEY_OK;
}

static medley_status open_file(const medley_store *store, const char *path, item_space *out, medley_error *err)
{
    npy matrix;
    TRY(npy_open(path, &matrix, err));
    medley_status status;
    if (matrix.type != NPY_F32 || matrix.columns == 0 || matrix.rows != store->items)
        status = fail(err, MEDLEY_E_FORMAT,
                      "%s: [%lld, %lld] values of %lld bytes; float32 [%lld items, dimensions] is needed here",
                      path, (long long)matrix.rows, (long long)matrix.columns,
                      (long long)npy_type_size(matrix.type), (long long)store->items);
    else
        status = normalise_rows(store, matrix.data, matrix.columns, out, err);
    npy_release(&matrix);
    return status;
}

static medley_status open_features(const medley_store *store, const char *name, item_space *out, medley_error *err)
{
    features matrix;
    TRY(features_open(store->rt, store->path, store->items, name, &matrix, err));
    const medley_status status = normalise_rows(store, matrix.rows, matrix.length, out, err);
    features_release(&matrix);
    return status;
}

/* ---- all ---- */

static medley_status open_text(const medley_store *store, item_space *out, medley_error *err)
{
    const tfidf_options words = {
        .title = true, .body = true, .attributes = "", .min_items = 1, .max_share = 1, .sublinear = true};
    char *path;
    TRY(store_path(store, "catalog.db", &path, err));
    const medley_status status = tfidf_items(store->rt, path, &words, NULL, store->items, &out->sparse, err);
    out->dimensions = out->sparse.view.columns;
    mem_free(path);
    return status;
}

static medley_status take_nothing(void *context, int64_t item, const catalog_item *row, const literal *attributes,
                                  medley_error *err)
{
    (void)context;
    (void)item;
    (void)row;
    (void)attributes;
    (void)err;
    return MEDLEY_OK;
}

/* Names the spaces there are. */
static medley_status refuse_name(const medley_store *store, const char *name, medley_error *err)
{
    char hint[ITEM_ATTRIBUTES_HINT];
    idmap keys;
    idmap_init(&keys, store->rt);
    const medley_status status = item_attributes_read(store, take_nothing, NULL, &keys, err);
    if (status == MEDLEY_OK)
        item_attributes_hint(&keys, "", NULL, 0, hint);
    const bool any = keys.count > 0;
    idmap_release(&keys);
    TRY(status);
    return fail(err, MEDLEY_E_CONFIG,
                "space: '%s' is no space of items; accepted: text|" ATTRIBUTE "<key>%s|" FEATURES
                "<name>|<file>.npy",
                name, any ? hint : "");
}

static bool names_file(const char *name)
{
    const size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".npy") == 0;
}

static medley_status open_named(const medley_store *store, const char *name, item_space *out, medley_error *err)
{
    if (strcmp(name, "text") == 0)
        return open_text(store, out, err);
    if (starts_with(name, ATTRIBUTE))
        return open_attribute(store, name + strlen(ATTRIBUTE), out, err);
    if (starts_with(name, FEATURES))
        return open_features(store, name + strlen(FEATURES), out, err);
    if (names_file(name))
        return open_file(store, name, out, err);
    return refuse_name(store, name, err);
}

medley_status item_space_open(const medley_store *store, const char *name, item_space *out, medley_error *err)
{
    *out = (item_space){.items = store->items};
    if (strlen(name) >= sizeof out->name)
        return fail(err, MEDLEY_E_CONFIG, "space: a name of %lld bytes; at most %lld are accepted",
                    (long long)strlen(name), (long long)sizeof out->name - 1);
    memcpy(out->name, name, strlen(name) + 1);
    const medley_status status = open_named(store, name, out, err);
    if (status != MEDLEY_OK) {
        item_space_release(out);
        return status;
    }
    for (int64_t i = 0; i < out->items; i++)
        out->missing += !item_space_has(out, (uint32_t)i);
    return MEDLEY_OK;
}

void item_space_release(item_space *s)
{
    csr_release(&s->sparse);
    mem_free(s->dense);
    mem_free(s->labels);
    *s = (item_space){0};
}

bool item_space_has(const item_space *s, uint32_t item)
{
    if (s->dense == NULL)
        return csr_row_count(&s->sparse.view, item) > 0;
    const float *row = s->dense + item * s->dimensions;
    for (int64_t d = 0; d < s->dimensions; d++)
        if (row[d] != 0)
            return true;
    return false;
}

static double dot_sparse(const csr *m, uint32_t a, uint32_t b)
{
    double sum = 0;
    int64_t i = m->start[a], j = m->start[b];
    while (i < m->start[a + 1] && j < m->start[b + 1]) {
        const uint32_t left = m->index[i], right = m->index[j];
        if (left == right)
            sum += (double)m->value[i] * (double)m->value[j];
        i += left <= right;
        j += right <= left;
    }
    return sum;
}

static double dot_dense(const float *a, const float *b, int64_t dimensions)
{
    double sum = 0;
    for (int64_t d = 0; d < dimensions; d++)
        sum += (double)a[d] * (double)b[d];
    return sum;
}

double item_space_cosine(const item_space *s, uint32_t a, uint32_t b)
{
    const double dot = s->dense == NULL
                           ? dot_sparse(&s->sparse.view, a, b)
                           : dot_dense(s->dense + a * s->dimensions, s->dense + b * s->dimensions, s->dimensions);
    return dot > 1 ? 1 : dot < -1 ? -1 : dot; /* rounded rows may be a little too long */
}
