#include "data/prepare.h"

#include "data/clean.h"
#include "data/store.h"
#include "io/catalog.h"
#include "io/description.h"
#include "io/save.h"
#include "io/utf8.h"

const medley_param prepare_table[] = {
    MEDLEY_TEXT(prepare_params, format, NULL, .flags = MEDLEY_PARAM_REQUIRED,
                .help = "what the input is; see medley list formats"),
    MEDLEY_TEXT(prepare_params, input, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "folder or file to read"),
    MEDLEY_TEXT(prepare_params, store, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "folder to make"),
    MEDLEY_REAL(prepare_params, rating_threshold, "0", 0, 1e6, .help = "keep ratings from here on; 0 keeps all"),
    MEDLEY_REAL(prepare_params, rating_ceiling, "0", 0, 1e6, .help = "keep ratings up to here; 0 keeps all"),
    MEDLEY_TEXT(prepare_params, time_from, "",
                .help =
                    "keep interactions from then on: seconds since 1970 or a date (2019-03-31); empty keeps all"),
    MEDLEY_TEXT(prepare_params, time_until, "", .help = "keep interactions before then; empty keeps all"),
    MEDLEY_ENUM(prepare_params, duplicates, "all", "all|last|first|max",
                .help = "which of a user's interactions with one item to keep"),
    MEDLEY_ENUM(prepare_params, without_image, "keep", "keep|drop",
                .help = "items without an image; dropping them changes the task"),
    MEDLEY_ENUM(prepare_params, without_text, "keep", "keep|drop",
                .help = "items with neither title nor text; dropping them changes the task"),
    MEDLEY_REAL(prepare_params, sample_users, "0", 0, 1e9,
                .help = "keep a random share (below 1) or number of users; 0 keeps all"),
    MEDLEY_REAL(prepare_params, sample_items, "0", 0, 1e9,
                .help = "keep a random share or number of items; 0 keeps all"),
    MEDLEY_REAL(prepare_params, sample_interactions, "0", 0, 1e12,
                .help = "keep a random share or number of interactions; 0 keeps all"),
    MEDLEY_INT(prepare_params, sample_seed, "0", 0, 9e15, .help = "of the samples"),
    MEDLEY_INT(prepare_params, min_user_activity, "0", 0, 1e9, .help = "one pass: fewest interactions of a user"),
    MEDLEY_INT(prepare_params, max_user_activity, "0", 0, 1e9,
               .help = "one pass: most interactions of a user; 0: no bound"),
    MEDLEY_INT(prepare_params, min_item_activity, "0", 0, 1e9, .help = "one pass: fewest interactions of an item"),
    MEDLEY_INT(prepare_params, max_item_activity, "0", 0, 1e9,
               .help = "one pass: most interactions of an item; 0: no bound"),
    MEDLEY_INT(prepare_params, min_user_interactions, "0", 0, 1e9,
               .help = "k-core: fewest interactions of a user"),
    MEDLEY_INT(prepare_params, min_item_interactions, "0", 0, 1e9,
               .help = "k-core: fewest interactions of an item"),
    MEDLEY_ENUM(
        prepare_params, catalogue, "all", "all|interacted",
        .help =
            "keep items of the item table that nobody interacted with, or not; with min_item_interactions never"),
    MEDLEY_ENUM(prepare_params, on_error, "auto", "auto|skip|stop",
                .help = "bad rows: skip up to 0.1 % of a file, skip all, or stop at the first"),
    MEDLEY_REAL(prepare_params, rating_min, "0", -1e6, 1e6, .help = "lowest rating that is no mistake"),
    MEDLEY_REAL(prepare_params, rating_max, "1000", -1e6, 1e6, .help = "highest rating that is no mistake"),
    MEDLEY_BOOL(prepare_params, clean_text, "true",
                .help = "titles and texts of items: HTML to text, Unicode NFKC, single spaces"),
    MEDLEY_BOOL(prepare_params, lower_case, "false", .help = "with clean_text: lower case, too"),
    MEDLEY_BOOL(prepare_params, append, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "add what is new to the store that is there, by the settings it was made with"),
    MEDLEY_BOOL(prepare_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace a store that is there; with append, take files that are in it already"),
    MEDLEY_PARAMS_END,
};

static catalog_text as_text(const char *string)
{
    return (catalog_text){string, string != NULL ? strlen(string) : 0};
}

static medley_status write_catalog_rows(catalog_writer *w, const dataset *d, fingerprint *print, medley_error *err)
{
    char buffer[16];
    size_t length;
    for (int64_t i = 0; i < d->items.count; i++) {
        const char *id = idmap_id(&d->items, (uint32_t)i, buffer, &length);
        const item_facts facts = d->facts != NULL ? d->facts[i] : (item_facts){0};
        const catalog_item row = {{id, length},
                                  as_text(facts.title),
                                  as_text(facts.text),
                                  as_text(facts.image),
                                  as_text(facts.attributes)};
        fingerprint_add(print, id, length);
        fingerprint_add(print, "\n", 1);
        TRY(catalog_add_item(w, i, &row, err));
    }
    for (int64_t i = 0; i < d->users.count; i++) {
        const char *id = idmap_id(&d->users, (uint32_t)i, buffer, &length);
        fingerprint_add(print, id, length);
        fingerprint_add(print, "\n", 1);
        const catalog_user row = {{id, length}, as_text(dataset_user_attributes(d, id, length))};
        TRY(catalog_add_user_row(w, i, &row, err));
    }
    return MEDLEY_OK;
}

static medley_status write_catalog(const dataset *d, const char *folder, fingerprint *print, medley_error *err)
{
    char *path;
    catalog_writer *w;
    TRY(file_join(d->rt, folder, "catalog.db", &path, err));
    medley_status status = catalog_create(d->rt, path, &w, err);
    mem_free(path);
    TRY(status);
    status = write_catalog_rows(w, d, print, err);
    if (status == MEDLEY_OK)
        return catalog_finish(w, err);
    catalog_abandon(w);
    return status;
}

void prepare_add_sources(const dataset *d, json *sources, json *bad_rows)
{
    for (int64_t i = 0; i < d->source_count; i++) {
        const ingest_source *s = &d->sources[i];
        json *row = json_new_object();
        json_set_text(row, "file", s->path);
        json_set_int(row, "bytes", s->bytes);
        json_set_text(row, "xxh128", s->fingerprint);
        json_set_int(row, "rows", s->rows);
        json_set_int(row, "bad_rows", s->bad);
        json_append(sources, row);
    }
    for (int64_t i = 0; i < d->bad_kept; i++) {
        json *row = json_new_object();
        json_set_text(row, "file", d->sources[d->bad[i].source].path);
        json_set_int(row, "line", d->bad[i].line);
        json_set_int(row, "column", d->bad[i].column);
        json_set_text(row, "reason", d->bad[i].reason);
        json_append(bad_rows, row);
    }
}

void prepare_tell_sources(const dataset *d, medley_report *report)
{
    report_table(report, "sources", "Read", "file|rows|bad_rows");
    for (int64_t i = 0; i < d->source_count; i++) {
        report_string(report, NULL, d->sources[i].path);
        report_int(report, NULL, d->sources[i].rows);
        report_int(report, NULL, d->sources[i].bad);
    }
}

/* The last part of a path, "ml-latest-small" of "../ml-latest-small/"; UTF-8 for dataset.json. */
static const char *source_name(const char *path, char *name, size_t size)
{
    size_t end = strlen(path), start;
    while (end > 1 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/';)
        start--;
    snprintf(name, size, "%.*s", (int)(end - start), path + start);
    return utf8_invalid_at(name, strlen(name)) < 0 ? name : "";
}

static medley_status write_description(const dataset *d, const prepare_params *p, const reader_class *reader,
                                       const void *reader_values, const clean_log *log, const char *hex,
                                       const char *folder, medley_error *err)
{
    json *root = json_new_object(), *options = json_new_object();
    json *sources = json_new_array(), *bad_rows = json_new_array();
    char name[256];
    medley_status status = description_add(d->rt, options, prepare_table, p, err);
    if (status == MEDLEY_OK)
        status = description_add(d->rt, options, reader->params, reader_values, err);
    json_set_text(root, "format", STORE_FORMAT);
    json_set_text(root, "medley", medley_version());
    json_set_text(root, "name", source_name(p->input, name, sizeof name));
    json_set_text(root, "reader", reader->name);
    json_set_int(root, "users", d->users.count);
    json_set_int(root, "items", d->items.count);
    json_set_int(root, "interactions", d->count);
    json_set_bool(root, "has_rating", d->rating != NULL);
    json_set_bool(root, "has_timestamp", d->timestamp != NULL);
    json_set_bool(root, "has_part", d->part != NULL);
    json_set_bool(root, "ordered", d->ordered);
    json_set_text(root, "fingerprint", hex);
    json_set(root, "options", options);
    json_set(root, "filters", clean_describe(log));
    prepare_add_sources(d, sources, bad_rows);
    json_set(root, "sources", sources);
    json_set(root, "bad_rows", bad_rows);
    if (status == MEDLEY_OK)
        status = description_save(d->rt, root, folder, "dataset.json", err);
    json_free(root);
    return status;
}

medley_status prepare_write_data(const dataset *d, const char *folder, char *hex, medley_error *err)
{
    fingerprint *print = NULL;
    char *columns = NULL;
    medley_status status = MEDLEY_OK;
    const interactions view = {d->count, d->user, d->item, d->rating, d->timestamp, d->part};
    TRY_DONE(runtime_progress(d->rt, "writing", 0, 2, err));
    TRY_DONE(fingerprint_create(d->rt, &print, err));
    TRY_DONE(file_join(d->rt, folder, "interactions", &columns, err));
    TRY_DONE(interactions_write(d->rt, columns, &view, print, err));
    TRY_DONE(runtime_progress(d->rt, "writing", 1, 2, err));
    TRY_DONE(write_catalog(d, folder, print, err));
    fingerprint_hex(print, hex);
done:
    fingerprint_free(print);
    mem_free(columns);
    return status;
}

static void tell(const dataset *d, const prepare_params *p, const clean_log *log, const char *hex,
                 medley_report *report)
{
    report_facts(report, "counts", "Store");
    report_string(report, "store", p->store);
    report_int(report, "users", d->users.count);
    report_int(report, "items", d->items.count);
    report_int(report, "interactions", d->count);
    report_string(report, "fingerprint", hex);
    prepare_tell_sources(d, report);
    clean_tell(log, report);
}

medley_status prepare_read(const medley_runtime *rt, const prepare_params *p, const reader_class *reader,
                           const void *reader_values, dataset *out, medley_error *err)
{
    const ingest_options options = {p->on_error, p->rating_min, p->rating_max};
    ingest *in;
    medley_status status = MEDLEY_OK;
    TRY(ingest_create(rt, &options, &in, err));
    if (p->clean_text)
        ingest_clean_texts(in, p->lower_case);
    if (p->append)
        ingest_allow_empty(in);
    TRY_DONE(reader->read(rt, reader_values, p->input, in, err));
    TRY_DONE(runtime_progress(rt, "sorting", 0, 0, err));
    status = ingest_finish(in, out, err);
done:
    ingest_free(in); /* half of the peak */
    return status;
}

medley_status prepare_run(const medley_runtime *rt, const prepare_params *p, const reader_class *reader,
                          const void *reader_values, medley_report *report, medley_error *err)
{
    dataset d = {.rt = rt};
    save_folder *folder = NULL;
    char hex[FINGERPRINT_SIZE];
    clean_log log = {.count = 0};
    medley_status status = MEDLEY_OK;
    TRY(clean_check(p, err));
    TRY_DONE(save_folder_open(rt, p->store, p->force, "dataset.json", &folder, err));
    TRY_DONE(prepare_read(rt, p, reader, reader_values, &d, err));
    TRY_DONE(clean_run(&d, p, CLEAN_ALL, &log, err));
    TRY_DONE(prepare_write_data(&d, save_folder_path(folder), hex, err));
    TRY_DONE(write_description(&d, p, reader, reader_values, &log, hex, save_folder_path(folder), err));
    tell(&d, p, &log, hex, report);
    TRY_DONE(report_status(report, err));
    status = save_folder_commit(folder, err);
    folder = NULL;
done:
    dataset_release(&d);
    save_folder_abandon(folder);
    return status;
}
