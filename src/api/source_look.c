#include "api/source_look.h"

#include "api/item_pictures.h"
#include "io/catalog.h"
#include "io/file.h"

static void add(fingerprint *print, const char *bytes, size_t length)
{
    fingerprint_add(print, bytes, length);
    fingerprint_add(print, "\n", 1);
}

static void look_at_file(const char *path, fingerprint *print)
{
    char said[64];
    int64_t size = -1, changed_ns = -1;
    (void)!file_facts(path, &size, &changed_ns);
    add(print, said, (size_t)snprintf(said, sizeof said, "%lld %lld", (long long)size, (long long)changed_ns));
}

static medley_status look_inside(const medley_runtime *rt, const char *folder, const char *name,
                                 fingerprint *print, medley_error *err)
{
    char *path;
    if (name[0] == '/')
        TRY(mem_text(rt, name, strlen(name), &path, err));
    else
        TRY(file_join(rt, folder, name, &path, err));
    add(print, name, strlen(name));
    look_at_file(path, print);
    mem_free(path);
    return MEDLEY_OK;
}

medley_status source_look_path(const medley_runtime *rt, const char *path, fingerprint *print, medley_error *err)
{
    char **names;
    int64_t count;
    if (!file_is_folder(path)) {
        look_at_file(path, print);
        return MEDLEY_OK;
    }
    TRY(file_list(rt, path, &names, &count, err));
    medley_status status = MEDLEY_OK;
    for (int64_t i = 0; status == MEDLEY_OK && i < count; i++)
        status = look_inside(rt, path, names[i], print, err);
    file_names_free(names, count);
    return status;
}

typedef struct items_look {
    const medley_runtime *rt;
    modality kind;
    const char *folder; /* of the pictures */
    fingerprint *print;
} items_look;

static medley_status look_at_item(void *context, int64_t index, const catalog_item *row, medley_error *err)
{
    const items_look *look = context;
    char *name;
    (void)index;
    if (look->kind == MODALITY_TEXT) {
        add(look->print, row->title.bytes, row->title.length);
        add(look->print, row->text.bytes, row->text.length);
        return MEDLEY_OK;
    }
    if (row->image.length == 0) {
        add(look->print, "", 0);
        return MEDLEY_OK;
    }
    TRY(mem_text(look->rt, row->image.bytes, row->image.length, &name, err));
    const medley_status status = look_inside(look->rt, look->folder, name, look->print, err);
    mem_free(name);
    return status;
}

medley_status source_look_items(const medley_store *store, modality kind, const char *images, fingerprint *print,
                                medley_error *err)
{
    char *catalog = NULL, *folder = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(store_path(store, "catalog.db", &catalog, err));
    TRY_DONE(item_pictures_folder(store, images, &folder, err));
    items_look look = {store->rt, kind, folder, print};
    status = catalog_read_details(catalog, look_at_item, &look, err);
done:
    mem_free(catalog);
    mem_free(folder);
    return status;
}
