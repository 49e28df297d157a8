#include "data/append.h"

#include "data/clean.h"
#include "data/features.h"
#include "data/store.h"
#include "io/catalog.h"
#include "io/description.h"
#include "io/save.h"

enum { DESCRIPTION_LONGEST = 64 * 1024 * 1024, VALUE_LONGEST = 4096 };

/* The store as it is, what is read, and the store to be. */
typedef struct append_job {
    const medley_runtime *rt;
    medley_store *base;
    json *description; /* of base */
    dataset fresh, merged;
    uint32_t *user_of, *item_of; /* [fresh.users, fresh.items] indexes in merged; IDMAP_NONE: left out */
    uint8_t *changed;            /* [items of base] ITEM_NEW_... */
    int64_t items_updated, users_updated;
    bool nothing; /* was added: the store stays */
    clean_log log;
} append_job;

/* ---- the store's settings ---- */

static medley_status open_base(append_job *job, const char *store, medley_error *err)
{
    char *path = NULL, *bytes = NULL;
    size_t length;
    medley_status status = store_open(job->rt, store, true, &job->base, err);
    if (status != MEDLEY_OK)
        return status;
    TRY_DONE(store_path(job->base, "dataset.json", &path, err));
    TRY_DONE(file_read_whole(job->rt, path, DESCRIPTION_LONGEST, &bytes, &length, err));
    status = json_parse(path, bytes, length, &job->description, err);
done:
    mem_free(bytes);
    mem_free(path);
    return status;
}

/* How files are read may differ from time to time; what is kept may not. */
static bool may_differ(const medley_param *param)
{
    return strcmp(param->name, "on_error") == 0;
}

static medley_status take_setting(const append_job *job, const medley_param *param, void *values, bool given,
                                  bool binding, medley_error *err)
{
    const char *stored = json_text(json_member(job->description, "options"), param->name);
    char own[VALUE_LONGEST];
    if ((param->flags & (MEDLEY_PARAM_PATH | MEDLEY_PARAM_TRANSIENT)) != 0 || stored == NULL)
        return MEDLEY_OK;
    if (!given) {
        const medley_status status = medley_param_set(param, values, stored, err);
        return status == MEDLEY_OK ? status
                                   : fail_while(err, MEDLEY_E_FORMAT, "%s/dataset.json: options", job->base->path);
    }
    medley_param_format(param, values, own, sizeof own);
    if (binding && !may_differ(param) && strcmp(own, stored) != 0)
        return fail(err, MEDLEY_E_CONFIG, "%s: '%.100s', but the store was made with '%.100s'; accepted: that",
                    param->name, own, stored);
    return MEDLEY_OK;
}

static medley_status take_settings(const append_job *job, prepare_params *p, const reader_class *reader,
                                   void *reader_values, const append_given *given, medley_error *err)
{
    const char *format = json_text(job->description, "reader");
    if (format == NULL || strcmp(format, reader->name) != 0)
        return fail(err, MEDLEY_E_CONFIG, "format: '%s', but the store was read as '%s'; accepted: that",
                    reader->name, format != NULL ? format : "");
    for (const medley_param *q = prepare_table; q->kind != MEDLEY_PARAM_END; q++)
        TRY(take_setting(job, q, p, given->is(given->context, q), true, err));
    for (const medley_param *q = reader->params; q != NULL && q->kind != MEDLEY_PARAM_END; q++)
        TRY(take_setting(job, q, reader_values, given->is(given->context, q), false, err));
    return clean_check(p, err);
}

/* ---- what is read ---- */

static bool holds_source(const json *sources, const char *print)
{
    for (int64_t i = 0; i < json_count(sources); i++) {
        const char *known = json_text(json_at(sources, i, NULL), "xxh128");
        if (known != NULL && strcmp(known, print) == 0)
            return true;
    }
    return false;
}

/* Interactions twice would be twice as many; an item table may come again, and nothing as well. */
static medley_status check_sources(const append_job *job, bool force, medley_error *err)
{
    const json *sources = json_member(job->description, "sources");
    for (int64_t i = 0; i < job->fresh.source_count && !force; i++) {
        const ingest_source *s = &job->fresh.sources[i];
        if (!s->table && s->rows > 0 && holds_source(sources, s->fingerprint))
            return fail(err, MEDLEY_E_EXISTS, "%s: is in the store already (xxh128 %s); force takes it again",
                        s->path, s->fingerprint);
    }
    return MEDLEY_OK;
}

/* A file without rows need not have columns. */
static medley_status check_columns(const append_job *job, const char *input, medley_error *err)
{
    const medley_store *s = job->base;
    const dataset *d = &job->fresh;
    const struct {
        const char *what;
        bool store, fresh;
    } columns[] = {{"ratings", s->has_rating, d->rating != NULL},
                   {"times", s->has_timestamp, d->timestamp != NULL},
                   {"parts", s->has_part, d->part != NULL},
                   {"an order in time", s->ordered, d->ordered}};
    for (size_t i = 0; d->count > 0 && i < sizeof columns / sizeof *columns; i++)
        if (columns[i].store != columns[i].fresh)
            return fail(err, MEDLEY_E_FORMAT, "%s: has %s%s, but the store has %s; accepted: the store's columns",
                        input, columns[i].fresh ? "" : "not ", columns[i].what,
                        columns[i].store ? "them" : "none");
    return MEDLEY_OK;
}

/* ---- ids and texts ---- */

static medley_status copy_text(append_job *job, const catalog_text *from, const char **to, medley_error *err)
{
    *to = NULL;
    return from->bytes == NULL ? MEDLEY_OK : arena_text(&job->merged.texts, from->bytes, from->length, to, err);
}

/* A row of the store's catalogue, whose id is in the merged map already. */
static medley_status take_item(void *context, int64_t index, const catalog_item *row, medley_error *err)
{
    append_job *job = context;
    if (index >= job->base->items)
        return fail(err, MEDLEY_E_FORMAT, "catalog.db: more than the %lld items that dataset.json names",
                    (long long)job->base->items);
    item_facts *facts = &job->merged.facts[index];
    TRY(copy_text(job, &row->title, &facts->title, err));
    TRY(copy_text(job, &row->text, &facts->text, err));
    TRY(copy_text(job, &row->image, &facts->image, err));
    return copy_text(job, &row->attributes, &facts->attributes, err);
}

static medley_status copy_ids(idmap *map, const char *const *ids, int64_t count, medley_error *err)
{
    uint32_t index;
    for (int64_t i = 0; i < count; i++)
        TRY(idmap_add(map, ids[i], strlen(ids[i]), &index, err));
    return MEDLEY_OK;
}

/* number [from->count]: the index of each id of `from`, which is added unless kept says that it is not to be. */
static medley_status add_ids(idmap *map, const idmap *from, const uint8_t *kept, uint32_t *number,
                             medley_error *err)
{
    for (int64_t i = 0; i < from->count; i++) {
        char buffer[16];
        size_t length;
        const char *id = idmap_id(from, (uint32_t)i, buffer, &length);
        number[i] = idmap_find(map, id, length);
        if (number[i] == IDMAP_NONE && (kept == NULL || kept[i] != 0))
            TRY(idmap_add(map, id, length, &number[i], err));
    }
    return MEDLEY_OK;
}

static medley_status merge_ids(append_job *job, const prepare_params *p, medley_error *err)
{
    const dataset *fresh = &job->fresh;
    dataset *m = &job->merged;
    uint8_t *kept;
    TRY(copy_ids(&m->users, job->base->user_ids, job->base->users, err));
    TRY(copy_ids(&m->items, job->base->item_ids, job->base->items, err));
    TRY(mem_alloc(job->rt, fresh->users.count, sizeof *job->user_of, &job->user_of, err));
    TRY(mem_alloc(job->rt, fresh->items.count, sizeof *job->item_of, &job->item_of, err));
    TRY(mem_alloc(job->rt, fresh->items.count, 1, &kept, err));
    memset(kept, !clean_drops_idle_items(p), (size_t)fresh->items.count);
    for (int64_t i = 0; i < fresh->count; i++)
        kept[fresh->item[i]] = 1;
    medley_status status = add_ids(&m->users, &fresh->users, NULL, job->user_of, err);
    if (status == MEDLEY_OK)
        status = add_ids(&m->items, &fresh->items, kept, job->item_of, err);
    mem_free(kept);
    return status;
}

/* What is said newly replaces what was said. */
static bool update(const char **old, const char *said)
{
    if (said == NULL || (*old != NULL && strcmp(*old, said) == 0))
        return false;
    *old = said;
    return true;
}

static medley_status put_user(dataset *m, const char *id, size_t length, const char *attributes, bool *changed,
                              medley_error *err)
{
    uint32_t index;
    TRY(idmap_add(&m->user_table, id, length, &index, err));
    *changed = update(&m->user_attributes[index], attributes);
    return MEDLEY_OK;
}

static medley_status take_user(void *context, int64_t index, const catalog_item *row, medley_error *err)
{
    append_job *job = context;
    const char *attributes;
    bool changed;
    if (index >= job->base->users)
        return fail(err, MEDLEY_E_FORMAT, "catalog.db: more than the %lld users that dataset.json names",
                    (long long)job->base->users);
    if (row->attributes.bytes == NULL)
        return MEDLEY_OK;
    TRY(copy_text(job, &row->attributes, &attributes, err));
    return put_user(&job->merged, row->id.bytes, row->id.length, attributes, &changed, err);
}

static medley_status read_catalogue(append_job *job, medley_error *err)
{
    dataset *m = &job->merged;
    const int64_t users = job->base->users + job->fresh.user_table.count;
    char *path;
    TRY(mem_alloc_zero(job->rt, m->items.count, sizeof *m->facts, &m->facts, err));
    TRY(mem_alloc_zero(job->rt, users, sizeof *m->user_attributes, &m->user_attributes, err));
    TRY(store_path(job->base, "catalog.db", &path, err));
    medley_status status = catalog_read_details(path, take_item, job, err);
    if (status == MEDLEY_OK)
        status = catalog_read_users(path, take_user, job, err);
    mem_free(path);
    return status;
}

static medley_status merge_users(append_job *job, medley_error *err)
{
    const idmap *table = &job->fresh.user_table;
    for (int64_t i = 0; i < table->count; i++) {
        char buffer[16];
        size_t length;
        const char *id = idmap_id(table, (uint32_t)i, buffer, &length);
        bool changed = false;
        if (job->fresh.user_attributes[i] != NULL)
            TRY(put_user(&job->merged, id, length, job->fresh.user_attributes[i], &changed, err));
        job->users_updated += changed && idmap_find(&job->base->user_map, id, length) != IDMAP_NONE;
    }
    return MEDLEY_OK;
}

static void merge_items(append_job *job)
{
    const dataset *fresh = &job->fresh;
    for (int64_t i = 0; i < fresh->items.count && fresh->facts != NULL; i++) {
        if (job->item_of[i] == IDMAP_NONE)
            continue;
        item_facts *to = &job->merged.facts[job->item_of[i]];
        const item_facts *from = &fresh->facts[i];
        const int title = update(&to->title, from->title) ? ITEM_NEW_TITLE : 0;
        const int body = update(&to->text, from->text) ? ITEM_NEW_TEXT : 0;
        const int picture = update(&to->image, from->image) ? ITEM_NEW_PICTURE : 0;
        const bool attributes = update(&to->attributes, from->attributes);
        if (job->item_of[i] >= job->base->items)
            continue;
        job->changed[job->item_of[i]] |= (uint8_t)(title | body | picture);
        job->items_updated += (title | body | picture) != 0 || attributes;
    }
}

/* ---- rows ---- */

static void put_row(dataset *m, const interactions *from, int64_t row, uint32_t user, uint32_t item)
{
    const int64_t to = m->count++;
    m->user[to] = user;
    m->item[to] = item;
    if (m->rating != NULL)
        m->rating[to] = from->rating[row];
    if (m->timestamp != NULL)
        m->timestamp[to] = from->timestamp[row];
    if (m->part != NULL)
        m->part[to] = from->part[row];
}

static medley_status create_columns(append_job *job, int64_t count, medley_error *err)
{
    dataset *m = &job->merged;
    TRY(mem_alloc(job->rt, count, sizeof *m->user, &m->user, err));
    TRY(mem_alloc(job->rt, count, sizeof *m->item, &m->item, err));
    if (job->base->has_rating)
        TRY(mem_alloc(job->rt, count, sizeof *m->rating, &m->rating, err));
    if (job->base->has_timestamp)
        TRY(mem_alloc(job->rt, count, sizeof *m->timestamp, &m->timestamp, err));
    if (job->base->has_part)
        TRY(mem_alloc(job->rt, count, sizeof *m->part, &m->part, err));
    return MEDLEY_OK;
}

/* Of each user first what is earlier; where times are equal, and without times, what the store has. */
static medley_status merge_rows(append_job *job, medley_error *err)
{
    const interactions *old = &job->base->files.view,
                       new = {job->fresh.count,  job->fresh.user,      job->fresh.item,
                              job->fresh.rating, job->fresh.timestamp, job->fresh.part};
    dataset *m = &job->merged;
    int64_t *start, a = 0; /* [users + 1 of each] where a user's new rows start */
    TRY(create_columns(job, old->count + new.count, err));
    TRY(mem_alloc(job->rt, m->users.count, sizeof *start, &start, err));
    for (int64_t u = 0; u < m->users.count; u++)
        start[u] = new.count;
    for (int64_t i = new.count; i-- > 0;)
        start[job->user_of[new.user[i]]] = i;
    for (uint32_t u = 0; u < m->users.count; u++)
        for (int64_t b = start[u];;) {
            const bool more_old = a < old->count && old->user[a] == u;
            const bool more_new = b < new.count && job->user_of[new.user[b]] == u;
            if (!more_old && !more_new)
                break;
            if (more_old && (!more_new || old->timestamp == NULL || old->timestamp[a] <= new.timestamp[b])) {
                put_row(m, old, a, u, old->item[a]);
                a++;
            } else {
                put_row(m, &new, b, u, job->item_of[new.item[b]]);
                b++;
            }
        }
    mem_free(start);
    return MEDLEY_OK;
}

static medley_status merge(append_job *job, const prepare_params *p, medley_error *err)
{
    int64_t repeated;
    job->merged.ordered = job->base->ordered;
    TRY(merge_ids(job, p, err));
    TRY(read_catalogue(job, err));
    TRY(merge_users(job, err));
    TRY(mem_alloc_zero(job->rt, job->base->items, sizeof *job->changed, &job->changed, err));
    merge_items(job);
    TRY(merge_rows(job, err));
    return filter_duplicates(&job->merged, (duplicate_rule)p->duplicates, &repeated, err);
}

/* ---- telling ---- */

/* A copy of an array of the old description, an empty one if it has none. */
static medley_status copy_array(const append_job *job, const char *key, json **out, medley_error *err)
{
    const json *old = json_member(job->description, key);
    text rendered = {.rt = job->rt};
    *out = NULL;
    if (!json_is_array(old)) {
        *out = json_new_array();
        return MEDLEY_OK;
    }
    medley_status status = json_render(old, 0, &rendered, err);
    if (status == MEDLEY_OK)
        status = json_parse(key, rendered.bytes, (size_t)rendered.length, out, err);
    text_release(&rendered);
    return status;
}

/* What this call added, for dataset.json. */
static json *describe_addition(const append_job *job)
{
    json *row = json_new_object(), *sources = json_new_array();
    for (int64_t i = 0; i < job->fresh.source_count; i++)
        json_append_text(sources, job->fresh.sources[i].path);
    json_set(row, "sources", sources);
    json_set_text(row, "medley", medley_version());
    json_set_text(row, "to", job->base->fingerprint);
    json_set_int(row, "interactions", job->merged.count - job->base->count);
    json_set_int(row, "users", job->merged.users.count - job->base->users);
    json_set_int(row, "items", job->merged.items.count - job->base->items);
    json_set_int(row, "items_updated", job->items_updated);
    json_set(row, "filters", clean_describe(&job->log));
    return row;
}

/* The old description with what has changed. */
static medley_status write_description(const append_job *job, const char *hex, const char *folder,
                                       medley_error *err)
{
    json *root = job->description, *sources = NULL, *bad_rows = NULL, *appends = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(copy_array(job, "sources", &sources, err));
    TRY_DONE(copy_array(job, "bad_rows", &bad_rows, err));
    TRY_DONE(copy_array(job, "appended", &appends, err));
    prepare_add_sources(&job->fresh, sources, bad_rows);
    json_append(appends, describe_addition(job));
    json_set_int(root, "users", job->merged.users.count);
    json_set_int(root, "items", job->merged.items.count);
    json_set_int(root, "interactions", job->merged.count);
    json_set_text(root, "fingerprint", hex);
    json_set(root, "sources", sources);
    json_set(root, "bad_rows", bad_rows);
    json_set(root, "appended", appends);
    sources = bad_rows = appends = NULL;
    status = description_save(job->rt, root, folder, "dataset.json", err);
done:
    json_free(sources);
    json_free(bad_rows);
    json_free(appends);
    return status;
}

static void tell(const append_job *job, const prepare_params *p, const char *hex, bool had_splits,
                 medley_report *report)
{
    char left_out[256];
    const dataset *m = &job->merged;
    clean_left_out(p, left_out, sizeof left_out);
    report_facts(report, "counts", "Store");
    report_string(report, "store", p->store);
    report_int(report, "users", m->users.count);
    report_int(report, "items", m->items.count);
    report_int(report, "interactions", m->count);
    report_string(report, "fingerprint", hex);
    report_facts(report, "appended", "Appended");
    report_int(report, "users", m->users.count - job->base->users);
    report_int(report, "items", m->items.count - job->base->items);
    report_int(report, "interactions", m->count - job->base->count);
    report_int(report, "items_updated", job->items_updated);
    report_string(report, "not_done_again", left_out[0] != '\0' ? left_out : "nothing");
    if (job->nothing)
        report_string(report, "splits", had_splits ? "as they were: nothing was added" : "none");
    else
        report_string(report, "splits",
                      had_splits ? "gone: they and models of them were of the store before; split and train again"
                                 : "none");
    prepare_tell_sources(&job->fresh, report);
    clean_tell(&job->log, report);
}

/* ---- running ---- */

static void release(append_job *job)
{
    mem_free(job->user_of);
    mem_free(job->item_of);
    mem_free(job->changed);
    dataset_release(&job->fresh);
    dataset_release(&job->merged);
    json_free(job->description);
    store_free(job->base);
}

/* Reads, cleans and merges. */
static medley_status make(append_job *job, prepare_params *p, const reader_class *reader, void *reader_values,
                          const append_given *given, medley_error *err)
{
    TRY(open_base(job, p->store, err));
    TRY(take_settings(job, p, reader, reader_values, given, err));
    TRY(prepare_read(job->rt, p, reader, reader_values, &job->fresh, err));
    TRY(check_sources(job, p->force, err));
    TRY(check_columns(job, p->input, err));
    TRY(clean_run(&job->fresh, p, CLEAN_ROWS, &job->log, err));
    return merge(job, p, err);
}

static medley_status has_splits(const medley_store *store, bool *out, medley_error *err)
{
    char *path;
    TRY(store_path(store, "splits", &path, err));
    *out = file_exists(path);
    mem_free(path);
    return MEDLEY_OK;
}

medley_status append_run(const medley_runtime *rt, prepare_params *p, const reader_class *reader,
                         void *reader_values, const append_given *given, medley_report *report, medley_error *err)
{
    append_job job = {.rt = rt, .fresh = {.rt = rt}, .merged = {.rt = rt, .texts = {.rt = rt}}};
    save_folder *folder = NULL;
    char hex[FINGERPRINT_SIZE];
    bool had_splits;
    medley_status status = MEDLEY_OK;
    idmap_init(&job.merged.users, rt);
    idmap_init(&job.merged.items, rt);
    idmap_init(&job.merged.user_table, rt);
    TRY_DONE(save_folder_open(rt, p->store, true, "dataset.json", &folder, err));
    TRY_DONE(make(&job, p, reader, reader_values, given, err));
    TRY_DONE(has_splits(job.base, &had_splits, err));
    TRY_DONE(prepare_write_data(&job.merged, save_folder_path(folder), hex, err));
    job.nothing = strcmp(hex, job.base->fingerprint) == 0 && job.items_updated == 0 && job.users_updated == 0;
    TRY_DONE(write_description(&job, hex, save_folder_path(folder), err));
    tell(&job, p, hex, had_splits, report);
    if (!job.nothing)
        TRY_DONE(features_carry(rt, job.base->path, job.base->items, save_folder_path(folder),
                                job.merged.items.count, job.changed, report, err));
    TRY_DONE(report_status(report, err));
    if (job.nothing)
        goto done;
    status = save_folder_commit(folder, err);
    folder = NULL;
done:
    release(&job);
    save_folder_abandon(folder);
    return status;
}
