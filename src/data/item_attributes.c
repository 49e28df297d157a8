#include "data/item_attributes.h"

typedef struct attribute_reading {
    const medley_store *store;
    item_attributes_row row;
    void *context;
    idmap *keys;
    int64_t rows;
    arena tree; /* of one row */
} attribute_reading;

static medley_status parse_row(attribute_reading *r, const catalog_item *row, literal **out, medley_error *err)
{
    *out = NULL;
    if (row->attributes.bytes == NULL)
        return MEDLEY_OK;
    const medley_status status = literal_parse(&r->tree, row->attributes.bytes, row->attributes.length, out, err);
    if (status == MEDLEY_E_FORMAT)
        return fail_while(err, status, "%s/catalog.db: attributes of item '%.*s'", r->store->path,
                          row->id.length < 100 ? (int)row->id.length : 100, row->id.bytes);
    TRY(status);
    if ((*out)->kind != LITERAL_DICT)
        return fail(err, MEDLEY_E_FORMAT, "%s/catalog.db: attributes of item '%.*s' are no JSON object",
                    r->store->path, row->id.length < 100 ? (int)row->id.length : 100, row->id.bytes);
    for (const literal *m = (*out)->first; r->keys != NULL && m != NULL; m = m->next) {
        uint32_t index;
        TRY(idmap_add(r->keys, m->key, strlen(m->key), &index, err));
    }
    return MEDLEY_OK;
}

static medley_status take_row(void *context, int64_t index, const catalog_item *row, medley_error *err)
{
    attribute_reading *r = context;
    literal *attributes;
    if (index >= r->store->items)
        return fail(err, MEDLEY_E_FORMAT, "%s/catalog.db: more than the %lld items that dataset.json names",
                    r->store->path, (long long)r->store->items);
    r->rows++;
    medley_status status = parse_row(r, row, &attributes, err);
    if (status == MEDLEY_OK)
        status = r->row(r->context, index, row, attributes, err);
    arena_release(&r->tree);
    return status;
}

medley_status item_attributes_read(const medley_store *store, item_attributes_row row, void *context, idmap *keys,
                                   medley_error *err)
{
    attribute_reading r = {store, row, context, keys, 0, {.rt = store->rt}};
    char *path;
    TRY(store_path(store, "catalog.db", &path, err));
    const medley_status status = catalog_read_details(path, take_row, &r, err);
    mem_free(path);
    if (status == MEDLEY_OK && r.rows != store->items)
        return fail(err, MEDLEY_E_FORMAT, "%s/catalog.db: %lld items; dataset.json names %lld", store->path,
                    (long long)r.rows, (long long)store->items);
    return status;
}

void item_attributes_hint(const idmap *keys, const char *key, const char *const *more, int more_count,
                          char hint[ITEM_ATTRIBUTES_HINT])
{
    enum { NAMES = 64, LONGEST = 40 };
    char texts[NAMES][LONGEST];
    const char *names[2 * NAMES];
    int count = 0;
    for (int64_t i = 0; i < keys->count && count < NAMES; i++) {
        char buffer[16];
        size_t length;
        const char *id = idmap_id(keys, (uint32_t)i, buffer, &length);
        if (length >= LONGEST)
            continue;
        memcpy(texts[count], id, length);
        texts[count][length] = '\0';
        names[count] = texts[count];
        count++;
    }
    for (int i = 0; i < more_count && count < 2 * NAMES; i++)
        names[count++] = more[i];
    const char *nearest = medley_nearest(key, names, count);
    hint[0] = '\0';
    if (nearest != NULL) {
        number_print(hint, ITEM_ATTRIBUTES_HINT, " (did you mean '%s'?)", nearest);
        return;
    }
    size_t used = 0;
    for (int i = 0; i < count && used + LONGEST + 4 < ITEM_ATTRIBUTES_HINT; i++)
        used += (size_t)number_print(hint + used, ITEM_ATTRIBUTES_HINT - used, "%s%s",
                                     i == 0 ? " (there are: " : ", ", names[i]);
    if (count > 0)
        memcpy(hint + used, ")", 2);
}
