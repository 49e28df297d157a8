#include "data/store.h"

#include "io/catalog.h"
#include "io/json.h"

enum { DESCRIPTION_LONGEST = 64 * 1024 * 1024 };

medley_status store_path(const medley_store *s, const char *name, char **out, medley_error *err)
{
    return file_join(s->rt, s->path, name, out, err);
}

/* Reads <folder>/dataset.json. */
static medley_status read_description(medley_store *s, medley_error *err)
{
    char *path = NULL, *bytes = NULL;
    size_t length;
    json *root = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(store_path(s, "dataset.json", &path, err));
    if (!file_exists(path)) {
        status = fail(err, MEDLEY_E_NOT_FOUND,
                      "store: '%s' is no store: it has no dataset.json (see medley prepare)", s->path);
        goto done;
    }
    TRY_DONE(file_read_whole(s->rt, path, DESCRIPTION_LONGEST, &bytes, &length, err));
    TRY_DONE(json_parse(path, bytes, length, &root, err));
    const char *format = json_text(root, "format"), *print = json_text(root, "fingerprint");
    if (format == NULL || strcmp(format, STORE_FORMAT) != 0)
        status = fail(err, MEDLEY_E_FORMAT, "%s: format '%s'; accepted: '" STORE_FORMAT "'", path,
                      format != NULL ? format : "");
    else if (!json_int(root, "users", &s->users) || !json_int(root, "items", &s->items) ||
             !json_int(root, "interactions", &s->count) || !json_bool(root, "ordered", &s->ordered) ||
             !json_bool(root, "has_rating", &s->has_rating) ||
             !json_bool(root, "has_timestamp", &s->has_timestamp) || !json_bool(root, "has_part", &s->has_part) ||
             print == NULL || strlen(print) != FINGERPRINT_SIZE - 1)
        status = fail(
            err, MEDLEY_E_FORMAT,
            "%s: users, items, interactions, has_rating, has_timestamp, has_part, ordered or fingerprint is missing",
            path);
    else if (s->users < 0 || s->users > IDMAP_MOST || s->items < 0 || s->items > IDMAP_MOST)
        status = fail(err, MEDLEY_E_FORMAT, "%s: %lld users, %lld items; accepted: 0..%lld", path,
                      (long long)s->users, (long long)s->items, (long long)IDMAP_MOST);
    else
        memcpy(s->fingerprint, print, FINGERPRINT_SIZE);
done:
    json_free(root);
    mem_free(bytes);
    mem_free(path);
    return status;
}

/* Counts come from a file and arrays are as long as they say: each must have its row, of several bytes. */
static medley_status check_catalogue(const medley_store *s, medley_error *err)
{
    char *path;
    file *catalogue;
    TRY(store_path(s, "catalog.db", &path, err));
    medley_status status = file_open(s->rt, path, &catalogue, err);
    if (status == MEDLEY_OK) {
        const int64_t bytes = file_size(catalogue);
        file_close(catalogue);
        if (s->users + s->items > bytes)
            status = fail(err, MEDLEY_E_FORMAT,
                          "%s: %lld bytes cannot name the %lld users and %lld items of dataset.json", path,
                          (long long)bytes, (long long)s->users, (long long)s->items);
    }
    mem_free(path);
    return status;
}

static medley_status check_columns(const medley_store *s, const char *folder, medley_error *err)
{
    const interactions *v = &s->files.view;
    const struct {
        const char *name;
        bool is, ought;
    } columns[] = {{"rating", v->rating != NULL, s->has_rating},
                   {"timestamp", v->timestamp != NULL, s->has_timestamp},
                   {"part", v->part != NULL, s->has_part}};
    if (v->count != s->count)
        return fail(err, MEDLEY_E_FORMAT, "%s: %lld rows; dataset.json names %lld", folder, (long long)v->count,
                    (long long)s->count);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (columns[i].is != columns[i].ought)
            return fail(err, MEDLEY_E_FORMAT, "%s: %s.npy is %s, but has_%s is %s in dataset.json", folder,
                        columns[i].name, columns[i].is ? "there" : "missing", columns[i].name,
                        columns[i].ought ? "true" : "false");
    return MEDLEY_OK;
}

/* Rows of the catalogue on their way into arrays and a map. */
typedef struct name_list {
    medley_store *store;
    const char **ids, **titles;
    idmap *map;
    int64_t expected;
} name_list;

static medley_status take_name(void *context, int64_t index, const catalog_item *row, medley_error *err)
{
    name_list *list = context;
    uint32_t found;
    if (index >= list->expected)
        return fail(err, MEDLEY_E_FORMAT, "catalog.db: more than the %lld rows that dataset.json names",
                    (long long)list->expected);
    TRY(arena_text(&list->store->texts, row->id.bytes, row->id.length, &list->ids[index], err));
    if (list->titles != NULL && row->title.bytes != NULL)
        TRY(arena_text(&list->store->texts, row->title.bytes, row->title.length, &list->titles[index], err));
    TRY(idmap_add(list->map, row->id.bytes, row->id.length, &found, err));
    return found == index ? MEDLEY_OK
                          : fail(err, MEDLEY_E_FORMAT, "catalog.db: id '%s' stands twice", list->ids[index]);
}

static medley_status read_names(medley_store *s, medley_error *err)
{
    char *path = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(mem_alloc_zero(s->rt, s->users, sizeof *s->user_ids, &s->user_ids, err));
    TRY_DONE(mem_alloc_zero(s->rt, s->items, sizeof *s->item_ids, &s->item_ids, err));
    TRY_DONE(mem_alloc_zero(s->rt, s->items, sizeof *s->item_titles, &s->item_titles, err));
    TRY_DONE(store_path(s, "catalog.db", &path, err));
    name_list users = {s, s->user_ids, NULL, &s->user_map, s->users};
    name_list items = {s, s->item_ids, s->item_titles, &s->item_map, s->items};
    TRY_DONE(catalog_read_users(path, take_name, &users, err));
    TRY_DONE(catalog_read_items(path, take_name, &items, err));
    if (s->user_map.count != s->users || s->item_map.count != s->items)
        status = fail(err, MEDLEY_E_FORMAT, "%s: %lld users and %lld items; dataset.json names %lld and %lld",
                      path, (long long)s->user_map.count, (long long)s->item_map.count, (long long)s->users,
                      (long long)s->items);
    s->named = status == MEDLEY_OK;
done:
    mem_free(path);
    return status;
}

medley_status store_open(const medley_runtime *rt, const char *path, bool names, medley_store **out,
                         medley_error *err)
{
    medley_store *s;
    char *folder = NULL;
    *out = NULL;
    TRY(mem_alloc_zero(rt, 1, sizeof *s, &s, err));
    s->rt = rt;
    s->texts.rt = rt;
    idmap_init(&s->user_map, rt);
    idmap_init(&s->item_map, rt);
    medley_status status = MEDLEY_OK;
    if (!file_is_folder(path)) {
        status = fail(err, MEDLEY_E_NOT_FOUND, "store: '%s' is not a folder (see medley prepare)", path);
        goto done;
    }
    TRY_DONE(file_absolute(rt, path, &s->path, err));
    TRY_DONE(read_description(s, err));
    TRY_DONE(check_catalogue(s, err));
    TRY_DONE(store_path(s, "interactions", &folder, err));
    TRY_DONE(interactions_open(rt, folder, s->users, s->items, &s->files, err));
    TRY_DONE(check_columns(s, folder, err));
    if (names)
        status = read_names(s, err);
done:
    mem_free(folder);
    if (status != MEDLEY_OK) {
        store_free(s);
        return status;
    }
    *out = s;
    return MEDLEY_OK;
}

void store_free(medley_store *s)
{
    if (s == NULL)
        return;
    interactions_release(&s->files);
    mem_free(s->user_ids);
    mem_free(s->item_ids);
    mem_free(s->item_titles);
    idmap_release(&s->user_map);
    idmap_release(&s->item_map);
    arena_release(&s->texts);
    mem_free(s->path);
    mem_free(s);
}
