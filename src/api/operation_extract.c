#include <medley/store.h>

#include "api/encoding.h"
#include "api/item_pictures.h"
#include "api/operation.h"
#include "data/features_write.h"
#include "data/store.h"
#include "io/catalog.h"

enum { TEXT_BOTH, TEXT_TITLE, TEXT_DESCRIPTION };

typedef struct extract_params {
    const char *store, *encoder, *name, *images, *npy_folder, *cache_folder;
    int text, cache;
    int64_t cache_memory, cache_disk;
    bool precompute, force;
} extract_params;

static const medley_param table[] = {
    MEDLEY_TEXT(extract_params, store, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "the store whose items are encoded"),
    MEDLEY_TEXT(extract_params, encoder, NULL, .flags = MEDLEY_PARAM_REQUIRED,
                .help = "what turns pictures or texts into vectors; see medley list encoders"),
    MEDLEY_TEXT(extract_params, name, "", .help = "what the matrix is called; empty: as the encoder"),
    MEDLEY_TEXT(extract_params, images, "", .flags = MEDLEY_PARAM_PATH,
                .help = "folder that the catalogue's pictures are in; empty: where the store was read from"),
    MEDLEY_ENUM(extract_params, text, "both", "both|title|description", .help = "which of an item's texts"),
    MEDLEY_TEXT(extract_params, npy_folder, "", .flags = MEDLEY_PARAM_PATH,
                .help = "also write one <id>.npy an item to this folder, as Ducho does; empty: do not"),
    ENCODING_CACHE_PARAMS(extract_params, "<store>/cache"),
    MEDLEY_BOOL(extract_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace a matrix of that name; what has been encoded is used again"),
    MEDLEY_PARAMS_END,
};

typedef struct job {
    const medley_runtime *rt;
    const extract_params *p;
    const char *name;
    encoding how;
    medley_store *store;
    const char **content; /* [items] */
    char *folder;         /* of the pictures */
    arena texts;
    text both;
    features_writing writing;
} job;

/* ---- what the catalogue has ---- */

static medley_status take_item(void *context, int64_t index, const catalog_item *row, medley_error *err)
{
    job *const j = context;
    const bool picture = j->how.class->modality == MODALITY_IMAGE;
    const catalog_text title = !picture && j->p->text != TEXT_DESCRIPTION ? row->title : (catalog_text){NULL, 0};
    const catalog_text body = picture                    ? row->image
                              : j->p->text != TEXT_TITLE ? row->text
                                                         : (catalog_text){NULL, 0};
    if (index >= j->store->items)
        return fail(err, MEDLEY_E_STALE, "the catalogue has more items than the store's %lld",
                    (long long)j->store->items);
    j->both.length = 0;
    if (title.length > 0)
        text_append(&j->both, title.bytes, title.length);
    if (title.length > 0 && body.length > 0)
        text_add(&j->both, ". ");
    if (body.length > 0)
        text_append(&j->both, body.bytes, body.length);
    TRY(text_status(&j->both, err));
    j->content[index] = NULL;
    return j->both.length > 0
               ? arena_text(&j->texts, j->both.bytes, (size_t)j->both.length, &j->content[index], err)
               : MEDLEY_OK;
}

static medley_status open_items(job *j, medley_error *err)
{
    char *catalog = NULL;
    TRY(mem_alloc_zero(j->rt, j->store->items, sizeof *j->content, &j->content, err));
    TRY(store_path(j->store, "catalog.db", &catalog, err));
    const medley_status status = catalog_read_details(catalog, take_item, j, err);
    mem_free(catalog);
    TRY(status);
    TRY(item_pictures_folder(j->store, j->p->images, &j->folder, err));
    j->how.ids = j->store->item_ids;
    j->how.source = (extraction_source){.items = j->store->items, .content = j->content, .folder = j->folder};
    return MEDLEY_OK;
}

/* ---- all ---- */

static medley_status encode_items(job *j, medley_error *err)
{
    encoding_cache cache = {j->p->cache, j->p->cache_folder, j->p->cache_memory, j->p->cache_disk,
                            j->p->precompute};
    char *folder = NULL, *log = NULL, *usual_cache = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(store_path(j->store, "features", &folder, err));
    TRY_DONE(store_path(j->store, "cache", &usual_cache, err));
    TRY_DONE(file_make_folder(j->rt, folder, err));
    TRY_DONE(features_path(j->rt, j->store->path, j->name, ".encoded", &log, err));
    if (cache.folder[0] == '\0')
        cache.folder = usual_cache;
    status = encoding_run(&j->how, log, &cache, err);
done:
    mem_free(folder);
    mem_free(log);
    mem_free(usual_cache);
    return status;
}

/* <name>.items.tsv, and the folder of vectors that was asked for. */
static medley_status write_beside(const job *j, medley_error *err)
{
    char *path;
    if (j->p->npy_folder[0] != '\0')
        TRY(encoding_write_npys(&j->how, j->p->npy_folder, err));
    TRY(features_path(j->rt, j->store->path, j->name, ".items.tsv", &path, err));
    const medley_status status = encoding_write_items(&j->how, path, err);
    mem_free(path);
    return status;
}

static void tell(const job *j, medley_report *report)
{
    report_facts(report, "features", "Features");
    report_string(report, "name", j->name);
    encoding_tell(&j->how, report);
    report_string(report, "fingerprint", j->writing.fingerprint);
    encoding_tell_refused(&j->how, report);
}

static medley_status run_job(job *j, const bound_settings *s, medley_report *report, medley_error *err)
{
    TRY(encoding_cache_check(j->p->cache, j->p->precompute, err));
    TRY(store_open(j->rt, j->p->store, true, &j->store, err));
    TRY(features_write_check(j->rt, j->store->path, j->name, j->p->force, err));
    TRY(encoding_open(&j->how, s->member_values, err));
    TRY(open_items(j, err));
    if (j->p->npy_folder[0] != '\0')
        TRY(encoding_check_ids(&j->how, err));
    TRY(encode_items(j, err));
    TRY(features_write_rows(j->rt, j->store->path, j->name, j->store->items, j->how.done.length, extraction_row,
                            &j->how.done, &j->writing, err));
    TRY(write_beside(j, err));
    tell(j, report);
    TRY(report_status(report, err));
    static const char *const parts[] = {"both", "title", "description"};
    json *about = encoding_describe(&j->how);
    if (j->how.class->modality == MODALITY_TEXT)
        json_set_text(about, "text", parts[j->p->text]);
    const medley_status status = features_write_commit(&j->writing, about, err);
    json_free(about);
    return status;
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    const encoder_class *const class = encoder_classes[s->member];
    job j = {.rt = rt, .p = s->values, .how = {.rt = rt, .class = class}, .texts.rt = rt, .both.rt = rt};
    j.name = j.p->name[0] != '\0' ? j.p->name : class->name;
    const medley_status status = run_job(&j, s, report, err);
    features_writing_release(&j.writing);
    encoding_release(&j.how);
    mem_free(j.content);
    mem_free(j.folder);
    text_release(&j.both);
    arena_release(&j.texts);
    store_free(j.store);
    return status;
}

const operation_class operation_extract = {
    .name = "extract",
    .summary = "turn items' pictures or texts into a feature matrix of the store, by an encoder",
    .details =
        "Writes <store>/features/<name>.npy, float32 [items, length] with row i for item i, <name>.json, which says what "
        "made it, and <name>.items.tsv, which says what became of each item: encoded, without picture or text, or refused, "
        "and why. Rows of items without a vector are NaN. What was encoded is kept in <name>.encoded under the "
        "fingerprint of its content: a run that was stopped or killed goes on where it was, items that share a picture are "
        "encoded once, and after new items came to the store only those are encoded. Each encoder has settings of its own: "
        "medley help encoder NAME.",
    .table = table,
    .size = sizeof(extract_params),
    .member_kind = "encoders",
    .member_key = "encoder",
    .run = run,
};

medley_status medley_extract(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_extract, rt, config, report, err);
}
