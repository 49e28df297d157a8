#include "data/prepare.h"

#include "data/filter.h"
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
    MEDLEY_ENUM(prepare_params, duplicates, "all", "all|last|first|max",
                .help = "which of a user's interactions with one item to keep"),
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
    MEDLEY_BOOL(prepare_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace a store that is there"),
    MEDLEY_PARAMS_END,
};

enum { STEPS_MOST = 8 };

/* What each cleaning step removed. */
typedef struct filter_log {
    struct filter_step {
        char what[96];
        int64_t rows, users, items;
    } steps[STEPS_MOST];
    int64_t count;
} filter_log;

static void log_step(filter_log *log, const char *what, int64_t rows, int64_t users, int64_t items)
{
    assert(log->count < STEPS_MOST);
    struct filter_step *s = &log->steps[log->count++];
    *s = (struct filter_step){.rows = rows, .users = users, .items = items};
    snprintf(s->what, sizeof s->what, "%s", what);
}

static json *describe_steps(const filter_log *log)
{
    json *steps = json_new_array();
    for (const struct filter_step *s = log->steps; s < log->steps + log->count; s++) {
        json *row = json_new_object();
        json_set_text(row, "step", s->what);
        json_set_int(row, "interactions", s->rows);
        json_set_int(row, "users", s->users);
        json_set_int(row, "items", s->items);
        json_append(steps, row);
    }
    return steps;
}

static medley_status clean(dataset *d, const prepare_params *p, filter_log *log, medley_error *err)
{
    int64_t removed, rounds, users, items;
    char step[96];
    if (p->rating_threshold > 0) {
        TRY(filter_rating(d, p->rating_threshold, &removed, err));
        number_print(step, sizeof step, "rating below %g", p->rating_threshold);
        log_step(log, step, removed, 0, 0);
    }
    TRY(filter_duplicates(d, (duplicate_rule)p->duplicates, &removed, err));
    if (p->duplicates != DUPLICATES_ALL)
        log_step(log, "repeated user and item", removed, 0, 0);
    else if (removed > 0)
        runtime_log(d->rt, MEDLEY_LOG_INFO,
                    "%lld interactions repeat a user and item; all are kept (duplicates: all)",
                    (long long)removed);
    if (p->min_user_interactions > 1 || p->min_item_interactions > 1) {
        TRY(filter_k_core(d, p->min_user_interactions, p->min_item_interactions, &removed, &rounds, err));
        snprintf(step, sizeof step, "k-core (%lld, %lld), %lld rounds", (long long)p->min_user_interactions,
                 (long long)p->min_item_interactions, (long long)rounds);
        log_step(log, step, removed, 0, 0);
    }
    TRY(filter_reindex(d, p->catalogue == 1 || p->min_item_interactions > 0, &users, &items, err));
    if (users > 0 || items > 0)
        log_step(log, "nothing left of them", 0, users, items);
    if (d->count == 0)
        return fail(err, MEDLEY_E_FORMAT,
                    "%s: no interaction is left after cleaning; loosen rating_threshold or the k-core", p->input);
    return MEDLEY_OK;
}

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
        TRY(catalog_add_user(w, i, id, length, err));
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

static json *describe_sources(const dataset *d)
{
    json *sources = json_new_array();
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
    return sources;
}

static json *describe_bad_rows(const dataset *d)
{
    json *rows = json_new_array();
    for (int64_t i = 0; i < d->bad_kept; i++) {
        json *row = json_new_object();
        json_set_text(row, "file", d->sources[d->bad[i].source].path);
        json_set_int(row, "line", d->bad[i].line);
        json_set_int(row, "column", d->bad[i].column);
        json_set_text(row, "reason", d->bad[i].reason);
        json_append(rows, row);
    }
    return rows;
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
                                       const void *reader_values, const filter_log *log, const char *hex,
                                       const char *folder, medley_error *err)
{
    json *root = json_new_object(), *options = json_new_object();
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
    json_set(root, "filters", describe_steps(log));
    json_set(root, "sources", describe_sources(d));
    json_set(root, "bad_rows", describe_bad_rows(d));
    if (status == MEDLEY_OK)
        status = description_save(d->rt, root, folder, "dataset.json", err);
    json_free(root);
    return status;
}

/* Fills the folder: columns, catalogue, and last the description that makes it a store. */
static medley_status write_store(const dataset *d, const prepare_params *p, const reader_class *reader,
                                 const void *reader_values, const filter_log *log, const char *folder, char *hex,
                                 medley_error *err)
{
    fingerprint *print = NULL;
    char *columns = NULL;
    medley_status status = MEDLEY_OK;
    const interactions view = {d->count, d->user, d->item, d->rating, d->timestamp, d->part};
    TRY_DONE(fingerprint_create(d->rt, &print, err));
    TRY_DONE(file_join(d->rt, folder, "interactions", &columns, err));
    TRY_DONE(interactions_write(d->rt, columns, &view, print, err));
    TRY_DONE(runtime_progress(d->rt, "writing", 1, 2, err));
    TRY_DONE(write_catalog(d, folder, print, err));
    fingerprint_hex(print, hex);
    status = write_description(d, p, reader, reader_values, log, hex, folder, err);
done:
    fingerprint_free(print);
    mem_free(columns);
    return status;
}

static void tell(const dataset *d, const prepare_params *p, const filter_log *log, const char *hex,
                 medley_report *report)
{
    report_facts(report, "counts", "Store");
    report_string(report, "store", p->store);
    report_int(report, "users", d->users.count);
    report_int(report, "items", d->items.count);
    report_int(report, "interactions", d->count);
    report_string(report, "fingerprint", hex);
    report_table(report, "sources", "Read", "file|rows|bad_rows");
    for (int64_t i = 0; i < d->source_count; i++) {
        report_string(report, NULL, d->sources[i].path);
        report_int(report, NULL, d->sources[i].rows);
        report_int(report, NULL, d->sources[i].bad);
    }
    report_table(report, "filters", "Removed", "step|interactions|users|items");
    for (const struct filter_step *s = log->steps; s < log->steps + log->count; s++) {
        report_string(report, NULL, s->what);
        report_int(report, NULL, s->rows);
        report_int(report, NULL, s->users);
        report_int(report, NULL, s->items);
    }
}

medley_status prepare_run(const medley_runtime *rt, const prepare_params *p, const reader_class *reader,
                          const void *reader_values, medley_report *report, medley_error *err)
{
    const ingest_options options = {p->on_error, p->rating_min, p->rating_max};
    ingest *in = NULL;
    dataset d = {.rt = rt};
    save_folder *folder = NULL;
    char hex[FINGERPRINT_SIZE];
    filter_log log = {.count = 0};
    medley_status status = MEDLEY_OK;
    if (p->rating_min > p->rating_max)
        return fail(err, MEDLEY_E_CONFIG, "rating_min: %g is above rating_max, %g", p->rating_min, p->rating_max);
    TRY_DONE(save_folder_open(rt, p->store, p->force, "dataset.json", &folder, err));
    TRY_DONE(ingest_create(rt, &options, &in, err));
    TRY_DONE(reader->read(rt, reader_values, p->input, in, err));
    TRY_DONE(runtime_progress(rt, "sorting", 0, 0, err));
    TRY_DONE(ingest_finish(in, &d, err));
    ingest_free(in); /* half of the peak */
    in = NULL;
    TRY_DONE(clean(&d, p, &log, err));
    TRY_DONE(runtime_progress(rt, "writing", 0, 2, err));
    TRY_DONE(write_store(&d, p, reader, reader_values, &log, save_folder_path(folder), hex, err));
    tell(&d, p, &log, hex, report);
    TRY_DONE(report_status(report, err));
    status = save_folder_commit(folder, err);
    folder = NULL;
done:
    ingest_free(in);
    dataset_release(&d);
    save_folder_abandon(folder);
    return status;
}
