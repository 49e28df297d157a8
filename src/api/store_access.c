/* Public access to an open store: checks arguments, calls data/store.h. */
#include "data/store.h"

medley_status medley_store_open(medley_runtime *rt, const char *path, medley_store **out, medley_error *err)
{
    *out = NULL;
    if (path == NULL)
        return fail(err, MEDLEY_E_ARGUMENT, "path: NULL; a store's folder is needed");
    TRY(store_open(rt, path, true, out, err));
    error_clear(err);
    return MEDLEY_OK;
}

void medley_store_free(medley_store *store)
{
    store_free(store);
}

int64_t medley_store_users(const medley_store *store)
{
    return store->users;
}

int64_t medley_store_items(const medley_store *store)
{
    return store->items;
}

int64_t medley_store_interactions(const medley_store *store)
{
    return store->count;
}

static int64_t index_of(const idmap *map, const char *id)
{
    const uint32_t index = idmap_find(map, id, strlen(id));
    return index == IDMAP_NONE ? -1 : (int64_t)index;
}

int64_t medley_store_user_index(const medley_store *store, const char *id)
{
    return index_of(&store->user_map, id);
}

int64_t medley_store_item_index(const medley_store *store, const char *id)
{
    return index_of(&store->item_map, id);
}

static const char *name_at(const char *const *names, int64_t count, int64_t index)
{
    return index >= 0 && index < count ? names[index] : NULL;
}

const char *medley_store_user_id(const medley_store *store, int64_t user)
{
    return name_at(store->user_ids, store->users, user);
}

const char *medley_store_item_id(const medley_store *store, int64_t item)
{
    return name_at(store->item_ids, store->items, item);
}

const char *medley_store_item_title(const medley_store *store, int64_t item)
{
    return name_at(store->item_titles, store->items, item);
}
