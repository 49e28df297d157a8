/* The data of an experiment: is the store what the settings say, and the split? */
#include "api/experiment.h"
#include "data/prepare.h"
#include "data/split.h"
#include "io/description.h"
#include "io/fingerprint.h"

extern const operation_class operation_prepare, operation_split;

enum { DESCRIPTION_LONGEST = 64 * 1024 * 1024, WHY = 400, BLOCK = 1 << 20 };

static medley_status read_json(const medley_runtime *rt, const char *folder, const char *name, json **out,
                               medley_error *err)
{
    char *path = NULL, *bytes = NULL;
    size_t length;
    medley_status status = MEDLEY_OK;
    *out = NULL;
    TRY_DONE(file_join(rt, folder, name, &path, err));
    if (!file_exists(path))
        goto done;
    TRY_DONE(file_read_whole(rt, path, DESCRIPTION_LONGEST, &bytes, &length, err));
    status = json_parse(path, bytes, length, out, err);
done:
    mem_free(bytes);
    mem_free(path);
    return status;
}

/* What another program made may be made otherwise by this one. */
static void compare_version(const json *root, char why[WHY])
{
    const char *by = json_text(root, "medley");
    if (by == NULL || strcmp(by, medley_version()) != 0)
        snprintf(why, WHY, "it was made by medley %.40s, this is %s", by != NULL ? by : "of unknown version",
                 medley_version());
}

/* The first option that differs, as "rating_threshold was 0, is 4"; "" when none does. */
static void find_difference(const json *was, const json *is, char why[WHY])
{
    why[0] = '\0';
    for (int64_t i = 0; i < json_count(is); i++) {
        const char *key;
        const char *now = json_as_text(json_at(is, i, &key)), *before = json_text(was, key);
        if (before == NULL || now == NULL || strcmp(before, now) != 0) {
            snprintf(why, WHY, "%s was %.100s, is %.100s", key, before != NULL ? before : "not said",
                     now != NULL ? now : "");
            return;
        }
    }
    if (json_count(was) != json_count(is))
        snprintf(why, WHY, "it has other settings");
}

/* ---- the store ---- */

medley_status experiment_hash(const medley_runtime *rt, const char *path, char hex[FINGERPRINT_SIZE],
                              medley_error *err)
{
    fingerprint *print = NULL;
    file *f = NULL;
    char *block = NULL;
    size_t got = 0;
    medley_status status = MEDLEY_OK;
    TRY_DONE(fingerprint_create(rt, &print, err));
    TRY_DONE(mem_alloc(rt, BLOCK, 1, &block, err));
    TRY_DONE(file_open(rt, path, &f, err));
    do {
        TRY_DONE(file_read(f, block, BLOCK, &got, err));
        fingerprint_add(print, block, got);
    } while (got > 0);
    fingerprint_hex(print, hex);
done:
    file_close(f);
    mem_free(block);
    fingerprint_free(print);
    return status;
}

/* Whether the files that were read are below `input` and still hold the same bytes. */
static medley_status compare_sources(const medley_runtime *rt, const json *sources, const char *input,
                                     char why[WHY], medley_error *err)
{
    for (int64_t i = 0; i < json_count(sources); i++) {
        char hex[FINGERPRINT_SIZE];
        const char *path = json_text(json_at(sources, i, NULL), "file");
        const char *known = json_text(json_at(sources, i, NULL), "xxh128");
        if (path == NULL || known == NULL || strncmp(path, input, strlen(input)) != 0) {
            snprintf(why, WHY, "it was read from %.200s", path != NULL ? path : "elsewhere");
            return MEDLEY_OK;
        }
        if (!file_exists(path)) {
            runtime_log(rt, MEDLEY_LOG_WARNING, "%s is not there any more; the store made from it is used", path);
            continue;
        }
        TRY(experiment_hash(rt, path, hex, err));
        if (strcmp(hex, known) != 0) {
            snprintf(why, WHY, "%.200s has changed", path);
            return MEDLEY_OK;
        }
    }
    return MEDLEY_OK;
}

static medley_status compare_store(const experiment *e, const bound_settings *s, const json *root, char why[WHY],
                                   medley_error *err)
{
    const prepare_params *p = s->values;
    compare_version(root, why);
    if (why[0] != '\0')
        return MEDLEY_OK;
    json *options = json_new_object();
    medley_status status = description_add(e->rt, options, prepare_table, p, err);
    if (status == MEDLEY_OK)
        status = description_add(e->rt, options, s->member_table, s->member_values, err);
    if (status == MEDLEY_OK)
        find_difference(json_member(root, "options"), options, why);
    json_free(options);
    if (status == MEDLEY_OK && why[0] == '\0')
        status = compare_sources(e->rt, json_member(root, "sources"), p->input, why, err);
    return status;
}

static medley_status prepare(experiment *e, medley_config *config, medley_error *err)
{
    const double start = runtime_seconds();
    char why[WHY] = "";
    json *root = NULL;
    bound_settings s;
    TRY(experiment_set(config, (const char *const[]){"store", e->store, "force", "true", NULL}, err));
    TRY(settings_bind(config, &operation_prepare, &s, err));
    medley_status status = read_json(e->rt, e->store, "dataset.json", &root, err);
    const bool there = root != NULL;
    if (status == MEDLEY_OK && there)
        status = compare_store(e, &s, root, why, err);
    json_free(root);
    settings_release(&s);
    TRY(status);
    if (there && why[0] == '\0')
        return experiment_note(e, "prepare", "up to date", start, err);
    if (there)
        runtime_log(e->rt, MEDLEY_LOG_INFO, "store: made again, because %s", why);
    TRY(operation_run(&operation_prepare, e->rt, config, NULL, err));
    return experiment_note(e, "prepare", there ? why : "made", start, err);
}

/* ---- the split ---- */

static medley_status compare_split(const experiment *e, const bound_settings *s, const json *root,
                                   const medley_store *store, char why[WHY], medley_error *err)
{
    const split_params *p = s->values;
    const char *strategy = json_text(root, "strategy"), *print = json_text(root, "store_fingerprint");
    int64_t seed = -1;
    json_int(root, "seed", &seed);
    compare_version(root, why);
    if (why[0] != '\0')
        return MEDLEY_OK;
    if (print == NULL || strcmp(print, store->fingerprint) != 0)
        snprintf(why, WHY, "the store has changed");
    else if (strategy == NULL || strcmp(strategy, p->strategy) != 0)
        snprintf(why, WHY, "strategy was %.60s, is %.60s", strategy != NULL ? strategy : "not said", p->strategy);
    else if (seed != p->seed)
        snprintf(why, WHY, "seed was %lld, is %lld", (long long)seed, (long long)p->seed);
    if (why[0] != '\0')
        return MEDLEY_OK;
    json *options = json_new_object();
    const medley_status status = description_add(e->rt, options, s->member_table, s->member_values, err);
    if (status == MEDLEY_OK)
        find_difference(json_member(root, "options"), options, why);
    json_free(options);
    return status;
}

static medley_status find_split(experiment *e, const bound_settings *s, const medley_store *store, bool *there,
                                char why[WHY], medley_error *err)
{
    const split_params *p = s->values;
    char name[300];
    char *folder = NULL;
    json *root = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(arena_text(&e->texts, p->name, strlen(p->name), &e->split, err));
    snprintf(name, sizeof name, "splits/%.250s", p->name);
    TRY_DONE(store_path(store, name, &folder, err));
    TRY_DONE(read_json(e->rt, folder, "split.json", &root, err));
    *there = root != NULL;
    if (*there)
        status = compare_split(e, s, root, store, why, err);
done:
    json_free(root);
    mem_free(folder);
    return status;
}

static medley_status split(experiment *e, medley_config *config, medley_error *err)
{
    const double start = runtime_seconds();
    char why[WHY] = "";
    bool there = false;
    bound_settings s;
    medley_store *store;
    TRY(experiment_set(config, (const char *const[]){"store", e->store, "force", "true", NULL}, err));
    TRY(store_open(e->rt, e->store, false, &store, err));
    medley_status status = settings_bind(config, &operation_split, &s, err);
    if (status == MEDLEY_OK) {
        status = find_split(e, &s, store, &there, why, err);
        settings_release(&s);
    }
    store_free(store);
    TRY(status);
    if (there && why[0] == '\0')
        return experiment_note(e, "split", "up to date", start, err);
    TRY(operation_run(&operation_split, e->rt, config, NULL, err));
    return experiment_note(e, "split", there ? why : "made", start, err);
}

/* Runs a step with its group's settings. */
static medley_status with_group(experiment *e, const char *group,
                                medley_status (*step)(experiment *, medley_config *, medley_error *),
                                bool optional, medley_error *err)
{
    medley_config *config;
    TRY(settings_group(e->settings, group, &config, err));
    medley_status status = MEDLEY_OK;
    if (settings_count(config) > 0 || !optional)
        status = step(e, config, err);
    medley_config_free(config);
    return status;
}

medley_status experiment_data(experiment *e, medley_error *err)
{
    TRY(with_group(e, "prepare", prepare, e->p->store[0] != '\0', err)); /* a store that is there may be named */
    return with_group(e, "split", split, false, err);
}
