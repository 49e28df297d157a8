#include "api/item_pictures.h"

#include "encode/contact_sheet.h"
#include "encode/image_resample.h"
#include "io/catalog.h"
#include "io/json.h"
#include "io/save.h"

enum { CELL = 160, QUALITY = 90, PICTURE_MOST = 1 << 30, DESCRIPTION_MOST = 1 << 28 };

medley_status item_pictures_folder(const medley_store *store, const char *said, char **out, medley_error *err)
{
    char *path = NULL, *bytes = NULL;
    size_t length;
    json *root = NULL;
    medley_status status = MEDLEY_OK;
    if (said[0] != '\0')
        return mem_text(store->rt, said, strlen(said), out, err);
    TRY_DONE(store_path(store, "dataset.json", &path, err));
    TRY_DONE(file_read_whole(store->rt, path, DESCRIPTION_MOST, &bytes, &length, err));
    TRY_DONE(json_parse(path, bytes, length, &root, err));
    const char *const first = json_text(json_at(json_member(root, "sources"), 0, NULL), "file");
    const char *const slash = first != NULL ? strrchr(first, '/') : NULL;
    TRY_DONE(
        mem_text(store->rt, slash != NULL ? first : ".", slash != NULL ? (size_t)(slash - first) : 1, out, err));
done:
    json_free(root);
    mem_free(bytes);
    mem_free(path);
    return status;
}

/* ---- what is drawn ---- */

static const struct {
    const char *ending;
    image_format format;
} formats[] = {{".jpg", IMAGE_JPEG}, {".jpeg", IMAGE_JPEG}, {".png", IMAGE_PNG}, {".webp", IMAGE_WEBP}};
enum { FORMATS = sizeof formats / sizeof *formats };

static int format_of(const char *path)
{
    const char *const dot = strrchr(path, '.');
    int f = 0;
    while (f < FORMATS && (dot == NULL || strcmp(dot, formats[f].ending) != 0))
        f++;
    return f;
}

medley_status item_pictures_check(const char *path, medley_error *err)
{
    return format_of(path) < FORMATS
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_CONFIG, "sheet: '%s'; accepted: a path that ends with .jpg, .png or .webp",
                      path);
}

typedef struct drawing {
    const medley_runtime *rt;
    const char *folder;
    const char **paths; /* [items] of the catalogue; NULL: none */
    arena texts;
    image *images;       /* [rows × columns] */
    const image **cells; /* [rows × columns] of `images`, or NULL */
    int64_t missing;
} drawing;

static medley_status take_path(void *context, int64_t item, const catalog_item *row, medley_error *err)
{
    drawing *const d = context;
    return row->image.length > 0 ? arena_text(&d->texts, row->image.bytes, row->image.length, &d->paths[item], err)
                                 : MEDLEY_OK;
}

static medley_status read_paths(drawing *d, const medley_store *store, medley_error *err)
{
    char *catalog;
    TRY(mem_alloc_zero(d->rt, store->items, sizeof *d->paths, &d->paths, err));
    TRY(store_path(store, "catalog.db", &catalog, err));
    const medley_status status = catalog_read_details(catalog, take_path, d, err);
    mem_free(catalog);
    return status;
}

static medley_status decode(const drawing *d, const char *said, image *out, medley_error *err)
{
    char *path = NULL, *bytes = NULL;
    size_t length;
    TRY(said[0] == '/' ? mem_text(d->rt, said, strlen(said), &path, err)
                       : file_join(d->rt, d->folder, said, &path, err));
    medley_status status = file_read_whole(d->rt, path, PICTURE_MOST, &bytes, &length, err);
    if (status == MEDLEY_OK)
        status = image_decode(d->rt, bytes, length, CELL, &image_limits_default, out, err);
    mem_free(bytes);
    mem_free(path);
    return status;
}

/* As large as fits into a cell: many large pictures would not fit into memory. */
static medley_status shrink(const drawing *d, image *m, medley_error *err)
{
    const int64_t longer = m->width > m->height ? m->width : m->height;
    if (longer <= CELL)
        return MEDLEY_OK;
    image small = {.width = (m->width * CELL + longer / 2) / longer,
                   .height = (m->height * CELL + longer / 2) / longer};
    small.width = small.width > 0 ? small.width : 1;
    small.height = small.height > 0 ? small.height : 1;
    const resample_window all = {
        .width = small.width, .height = small.height, .columns = small.width, .rows = small.height};
    TRY(mem_alloc(d->rt, small.width * small.height, 3, &small.pixels, err));
    const medley_status status = image_resample(d->rt, m, RESAMPLE_BICUBIC, &all, small.pixels, err);
    if (status != MEDLEY_OK) {
        image_release(&small);
        return status;
    }
    image_release(m);
    *m = small;
    return MEDLEY_OK;
}

static medley_status take_cell(drawing *d, int64_t cell, int64_t item, medley_error *err)
{
    medley_error own = {0};
    image *const m = &d->images[cell];
    medley_status status = d->paths[item] != NULL ? decode(d, d->paths[item], m, &own) : MEDLEY_E_NOT_FOUND;
    if (status == MEDLEY_OK)
        status = shrink(d, m, &own);
    if (status == MEDLEY_E_NOMEM)
        return fail(err, status, "%s", own.message);
    d->missing += status != MEDLEY_OK;
    if (status == MEDLEY_OK)
        d->cells[cell] = m;
    return MEDLEY_OK;
}

static medley_status save_sheet(const drawing *d, int64_t rows, int64_t columns, const char *path,
                                medley_error *err)
{
    image sheet = {0};
    void *bytes = NULL;
    size_t length;
    medley_status status = contact_sheet(d->rt, d->cells, rows, columns, CELL, CELL, &sheet, err);
    if (status == MEDLEY_OK)
        status = image_encode(d->rt, sheet.pixels, sheet.width, sheet.height, formats[format_of(path)].format,
                              QUALITY, &bytes, &length, err);
    if (status == MEDLEY_OK)
        status = save_bytes(d->rt, path, bytes, length, err);
    mem_free(bytes);
    image_release(&sheet);
    return status;
}

medley_status item_pictures_draw(const medley_store *store, const char *folder, const int64_t *cells, int64_t rows,
                                 int64_t columns, const char *path, int64_t *missing, medley_error *err)
{
    drawing d = {.rt = store->rt, .folder = folder, .texts.rt = store->rt};
    const int64_t count = rows * columns;
    int64_t shown = 0;
    medley_status status = MEDLEY_OK;
    TRY_DONE(item_pictures_check(path, err));
    TRY_DONE(read_paths(&d, store, err));
    TRY_DONE(mem_alloc_zero(d.rt, count, sizeof *d.images, &d.images, err));
    TRY_DONE(mem_alloc_zero(d.rt, count, sizeof *d.cells, &d.cells, err));
    for (int64_t i = 0; i < count; i++)
        if (cells[i] >= 0) {
            shown++;
            TRY_DONE(take_cell(&d, i, cells[i], err));
        }
    *missing = d.missing;
    status = d.missing < shown
                 ? save_sheet(&d, rows, columns, path, err)
                 : fail(err, MEDLEY_E_CONFIG,
                        "sheet: none of the items has a picture in '%s'; images names another folder", folder);
done:
    for (int64_t i = 0; d.images != NULL && i < count; i++)
        image_release(&d.images[i]);
    mem_free(d.images);
    mem_free(d.cells);
    mem_free(d.paths);
    arena_release(&d.texts);
    return status;
}
