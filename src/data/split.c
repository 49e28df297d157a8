#include "data/split.h"

#include "data/leak_report.h"
#include "io/description.h"
#include "io/save.h"

enum { DESCRIPTION_LONGEST = 1024 * 1024 };

#define MEDLEY_SPLIT(name) extern const split_class split_##name;
#include "data/splits.def"
#undef MEDLEY_SPLIT

const split_class *const split_classes[] = {
#define MEDLEY_SPLIT(name) &split_##name,
#include "data/splits.def"
#undef MEDLEY_SPLIT
    NULL,
};

const medley_param split_table[] = {
    MEDLEY_TEXT(split_params, store, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "the store to split"),
    MEDLEY_TEXT(split_params, name, NULL, .flags = MEDLEY_PARAM_REQUIRED,
                .help = "what to call the split: letters, digits, '.', '_', '-'"),
    MEDLEY_TEXT(split_params, strategy, NULL, .flags = MEDLEY_PARAM_REQUIRED,
                .help = "how to split; see medley list strategies"),
    MEDLEY_INT(split_params, seed, "0", 0, 9e15, .help = "of random strategies"),
    MEDLEY_INT(split_params, folds, "1", 1, 1000,
               .help = "more than 1: splits NAME.1, NAME.2, ..., each drawn anew, or disjoint with k_fold"),
    MEDLEY_BOOL(split_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace a split of that name"),
    MEDLEY_PARAMS_END,
};

int64_t split_user_end(const interactions *events, int64_t row)
{
    const uint32_t user = events->user[row];
    while (row < events->count && events->user[row] == user)
        row++;
    return row;
}

/* Only splits that hold users out have the known parts; the others are there even when they are empty. */
static bool optional(int which)
{
    return which > PART_TEST;
}

/* ---- writing ---- */

/* The rows of one part, gathered into columns of their own. */
static medley_status write_part(const medley_store *store, const uint8_t *part, part_name which, int64_t count,
                                const char *folder, fingerprint *print, medley_error *err)
{
    const interactions *v = &store->files.view;
    uint32_t *user = NULL, *item = NULL;
    float *rating = NULL;
    int64_t *timestamp = NULL, n = 0;
    char *path = NULL;
    medley_status status = MEDLEY_OK;
    if (count == 0 && optional(which))
        return MEDLEY_OK;
    TRY_DONE(mem_alloc(store->rt, count, sizeof *user, &user, err));
    TRY_DONE(mem_alloc(store->rt, count, sizeof *item, &item, err));
    if (v->rating != NULL)
        TRY_DONE(mem_alloc(store->rt, count, sizeof *rating, &rating, err));
    if (v->timestamp != NULL)
        TRY_DONE(mem_alloc(store->rt, count, sizeof *timestamp, &timestamp, err));
    for (int64_t i = 0; i < v->count; i++) {
        if (part[i] != which)
            continue;
        user[n] = v->user[i];
        item[n] = v->item[i];
        if (rating != NULL)
            rating[n] = v->rating[i];
        if (timestamp != NULL)
            timestamp[n] = v->timestamp[i];
        n++;
    }
    const interactions rows = {n, user, item, rating, timestamp, NULL};
    TRY_DONE(file_join(store->rt, folder, part_names[which], &path, err));
    status = interactions_write(store->rt, path, &rows, print, err);
done:
    mem_free(user);
    mem_free(item);
    mem_free(rating);
    mem_free(timestamp);
    mem_free(path);
    return status;
}

typedef struct split_job {
    const medley_store *store;
    const split_params *p;
    const split_class *strategy;
    const void *values;
    uint8_t *part; /* [store->count] */
} split_job;

static medley_status write_description(const split_job *job, const split_lot *lot, const leak_report *leaks,
                                       const char *hex, const char *folder, medley_error *err)
{
    json *root = json_new_object(), *options = json_new_object(), *counts = json_new_object();
    medley_status status = description_add(job->store->rt, options, job->strategy->params, job->values, err);
    json_set_text(root, "format", SPLIT_FORMAT);
    json_set_text(root, "medley", medley_version());
    json_set_text(root, "strategy", job->strategy->name);
    json_set_int(root, "seed", (int64_t)lot->seed);
    if (lot->folds > 1) {
        json_set_int(root, "fold", lot->fold + 1);
        json_set_int(root, "folds", lot->folds);
    }
    json_set(root, "options", options);
    json_set_text(root, "store_fingerprint", job->store->fingerprint);
    json_set_text(root, "fingerprint", hex);
    for (int which = 0; which < PART_COUNT; which++)
        if (leaks->part[which].interactions > 0 || !optional(which))
            json_set_int(counts, part_names[which], leaks->part[which].interactions);
    json_set(root, "counts", counts);
    leak_report_describe(leaks, root);
    if (status == MEDLEY_OK)
        status = description_save(job->store->rt, root, folder, "split.json", err);
    json_free(root);
    return status;
}

/* Folds that are drawn anew have seeds that `medley split --seed` takes too, so that one can be made alone. */
static split_lot lot_of(const split_job *job, int64_t fold)
{
    static const uint64_t stream_folds = UINT64_MAX - 1;
    const uint64_t seed = (uint64_t)job->p->seed;
    const bool anew = job->p->folds > 1 && job->strategy->folds == FOLDS_REPEAT;
    return (split_lot){anew ? random_bits(seed, stream_folds, (uint64_t)fold) >> 12 : seed, fold, job->p->folds,
                       job->store->ordered};
}

static medley_status assign(const split_job *job, const split_lot *lot, medley_error *err)
{
    return job->strategy->assign(job->store->rt, job->values, &job->store->files.view, lot, job->part, err);
}

/* One split whole, of the parts that are assigned, into a folder that is there. */
static medley_status write_split(const split_job *job, const split_lot *lot, const char *folder,
                                 leak_report *leaks, medley_error *err)
{
    fingerprint *print;
    char hex[FINGERPRINT_SIZE];
    medley_status status = MEDLEY_OK;
    TRY(fingerprint_create(job->store->rt, &print, err));
    TRY_DONE(leak_report_find(job->store, job->part, leaks, err));
    for (int which = 0; which < PART_COUNT; which++)
        TRY_DONE(write_part(job->store, job->part, (part_name)which, leaks->part[which].interactions, folder,
                            print, err));
    fingerprint_hex(print, hex);
    status = write_description(job, lot, leaks, hex, folder, err);
done:
    fingerprint_free(print);
    return status;
}

static void tell(const split_job *job, medley_report *report)
{
    report_facts(report, "counts", "Split");
    report_string(report, "name", job->p->name);
    report_string(report, "strategy", job->strategy->name);
    report_int(report, "seed", job->p->seed);
}

static medley_status write_single(const split_job *job, const char *folder, medley_report *report,
                                  medley_error *err)
{
    const split_lot lot = lot_of(job, 0);
    leak_report leaks;
    TRY(write_split(job, &lot, folder, &leaks, err));
    tell(job, report);
    for (int which = 0; which < PART_COUNT; which++)
        if (leaks.part[which].interactions > 0 || !optional(which))
            report_int(report, part_names[which], leaks.part[which].interactions);
    leak_report_tell(&leaks, report);
    return MEDLEY_OK;
}

/* ---- folds ---- */

static medley_status write_fold(const split_job *job, int64_t fold, const char *folder, medley_report *report,
                                medley_error *err)
{
    const split_lot lot = lot_of(job, fold);
    leak_report leaks;
    char name[160], number[24], *path;
    snprintf(number, sizeof number, "%lld", (long long)fold + 1);
    TRY(runtime_progress(job->store->rt, "folds", fold, job->p->folds, err));
    TRY(file_join(job->store->rt, folder, number, &path, err));
    medley_status status = file_make_folder(job->store->rt, path, err);
    if (status == MEDLEY_OK && fold > 0)
        status = assign(job, &lot, err);
    if (status == MEDLEY_OK)
        status = write_split(job, &lot, path, &leaks, err);
    mem_free(path);
    TRY(status);
    snprintf(name, sizeof name, "%s.%s", job->p->name, number);
    report_string(report, NULL, name);
    const int64_t row[] = {(int64_t)lot.seed,
                           leaks.part[PART_TRAIN].interactions,
                           leaks.part[PART_VAL].interactions,
                           leaks.part[PART_TEST].interactions,
                           leaks.test.before_own_train,
                           leaks.test.cold_users,
                           leaks.test.cold_items,
                           leaks.repeated_pairs};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        report_int(report, NULL, row[i]);
    return MEDLEY_OK;
}

static medley_status write_folds(const split_job *job, const char *folder, medley_report *report,
                                 medley_error *err)
{
    tell(job, report);
    report_int(report, "folds", job->p->folds);
    report_table(report, "folds", "Folds",
                 "name|seed|train|val|test|test_before_own_training|test_users_without_training|"
                 "test_items_without_training|pairs_in_several_parts");
    for (int64_t fold = 0; fold < job->p->folds; fold++)
        TRY(write_fold(job, fold, folder, report, err));
    json *root = json_new_object();
    json_set_text(root, "format", FOLDS_FORMAT);
    json_set_text(root, "strategy", job->strategy->name);
    json_set_int(root, "seed", job->p->seed);
    json_set_int(root, "folds", job->p->folds);
    const medley_status status = description_save(job->store->rt, root, folder, "split.json", err);
    json_free(root);
    return status;
}

/* ---- where a split is ---- */

static bool usable_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t length = strlen(name);
    return length > 0 && length < 100 && name[0] != '.' && strspn(name, letters) == length;
}

static medley_status check_name(const char *name, medley_error *err)
{
    return usable_name(name)
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_CONFIG,
                      "name: '%.100s' cannot name a split; accepted: letters, digits, '.', '_' and '-'", name);
}

/* splits/<name>, or for a fold splits/<set>/<number>; *out is NULL when neither is there. `name` is usable. */
static medley_status find_split(const medley_store *store, const char *name, char **out, medley_error *err)
{
    char relative[160];
    snprintf(relative, sizeof relative, "splits/%s", name);
    TRY(store_path(store, relative, out, err));
    char *const dot = strrchr(relative, '.');
    if (!file_is_folder(*out) && dot != NULL && strspn(dot + 1, "0123456789") == strlen(dot + 1)) {
        mem_free(*out);
        *dot = '/';
        TRY(store_path(store, relative, out, err));
    }
    if (!file_is_folder(*out)) {
        mem_free(*out);
        *out = NULL;
    }
    return MEDLEY_OK;
}

/* Refuses `name` where a split of that name would hide a fold, or the other way round. */
static medley_status check_free(const medley_store *store, const char *name, const char *own, medley_error *err)
{
    char *path;
    TRY(find_split(store, name, &path, err));
    const bool taken = path != NULL && strcmp(path, own) != 0;
    mem_free(path);
    return taken
               ? fail(err, MEDLEY_E_EXISTS, "name: split '%s' exists already, made otherwise; name another", name)
               : MEDLEY_OK;
}

static medley_status check_names_free(const medley_store *store, const split_params *p, const char *path,
                                      medley_error *err)
{
    char name[160], *own = NULL;
    medley_status status = check_free(store, p->name, path, err);
    for (int64_t fold = 1; fold <= p->folds && p->folds > 1 && status == MEDLEY_OK; fold++) {
        snprintf(name, sizeof name, "%lld", (long long)fold);
        TRY(file_join(store->rt, path, name, &own, err));
        snprintf(name, sizeof name, "%s.%lld", p->name, (long long)fold);
        status = check_free(store, name, own, err);
        mem_free(own);
    }
    return status;
}

static medley_status check_settings(const medley_store *store, const split_params *p, const split_class *strategy,
                                    medley_error *err)
{
    TRY(check_name(p->name, err));
    if (strategy->needs_order && !store->ordered)
        return fail(err, MEDLEY_E_CONFIG, "strategy: '%s' needs an order in time, which this store does not have",
                    strategy->name);
    if (strategy->folds == FOLDS_NONE && p->folds > 1)
        return fail(err, MEDLEY_E_CONFIG,
                    "folds: %lld; strategy '%s' draws nothing, so every fold would be the same; accepted: 1",
                    (long long)p->folds, strategy->name);
    if (strategy->folds == FOLDS_PARTITION && p->folds < 2)
        return fail(err, MEDLEY_E_CONFIG, "folds: %lld; strategy '%s' needs 2..1000", (long long)p->folds,
                    strategy->name);
    return MEDLEY_OK;
}

medley_status split_run(const medley_store *store, const split_params *p, const split_class *strategy,
                        const void *values, medley_report *report, medley_error *err)
{
    split_job job = {store, p, strategy, values, NULL};
    char *parent = NULL, *path = NULL;
    save_folder *folder = NULL;
    medley_status status = MEDLEY_OK;
    TRY(check_settings(store, p, strategy, err));
    TRY_DONE(mem_alloc_zero(store->rt, store->count, 1, &job.part, err));
    const split_lot first = lot_of(&job, 0);
    TRY_DONE(assign(&job, &first, err)); /* before anything is made: it may refuse */
    TRY_DONE(store_path(store, "splits", &parent, err));
    TRY_DONE(file_join(store->rt, parent, p->name, &path, err));
    TRY_DONE(check_names_free(store, p, path, err));
    TRY_DONE(file_make_folder(store->rt, parent, err));
    TRY_DONE(save_folder_open(store->rt, path, p->force, "split.json", &folder, err));
    TRY_DONE((p->folds > 1 ? write_folds : write_single)(&job, save_folder_path(folder), report, err));
    TRY_DONE(report_status(report, err));
    status = save_folder_commit(folder, err);
    folder = NULL;
done:
    mem_free(job.part);
    mem_free(parent);
    mem_free(path);
    save_folder_abandon(folder);
    return status;
}

/* ---- reading ---- */

static medley_status split_folder(const medley_store *store, const char *name, char **out, medley_error *err)
{
    *out = NULL;
    TRY(check_name(name, err));
    TRY(find_split(store, name, out, err));
    return *out != NULL ? MEDLEY_OK
                        : fail(err, MEDLEY_E_NOT_FOUND, "split: '%s' has no split '%s' (see medley split)",
                               store->path, name);
}

/* A set of folds is no split: one of them must be named. */
static medley_status fail_format(const char *path, const json *root, const char *name, medley_error *err)
{
    const char *format = json_text(root, "format");
    int64_t folds;
    if (format != NULL && strcmp(format, FOLDS_FORMAT) == 0 && json_int(root, "folds", &folds))
        return fail(err, MEDLEY_E_NOT_FOUND, "split: '%s' is %lld folds; accepted: one of '%s.1' ... '%s.%lld'",
                    name, (long long)folds, name, name, (long long)folds);
    return fail(err, MEDLEY_E_FORMAT, "%s: format '%s'; accepted: '" SPLIT_FORMAT "'", path,
                format != NULL ? format : "");
}

static medley_status read_facts(const medley_store *store, const char *folder, const char *name, split_facts *out,
                                medley_error *err)
{
    char *path = NULL, *bytes = NULL;
    size_t length;
    json *root = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(file_join(store->rt, folder, "split.json", &path, err));
    TRY_DONE(file_read_whole(store->rt, path, DESCRIPTION_LONGEST, &bytes, &length, err));
    TRY_DONE(json_parse(path, bytes, length, &root, err));
    const char *format = json_text(root, "format"), *strategy = json_text(root, "strategy");
    const char *of_store = json_text(root, "store_fingerprint"), *own = json_text(root, "fingerprint");
    bool counted = true;
    *out = (split_facts){0};
    for (int which = 0; which < PART_COUNT; which++)
        counted &= json_int(json_member(root, "counts"), part_names[which], &out->count[which]) || optional(which);
    if (format == NULL || strcmp(format, SPLIT_FORMAT) != 0)
        status = fail_format(path, root, name, err);
    else if (strategy == NULL || of_store == NULL || own == NULL || strlen(own) != FINGERPRINT_SIZE - 1 ||
             !json_int(root, "seed", &out->seed) || !counted)
        status = fail(err, MEDLEY_E_FORMAT, "%s: strategy, seed, counts or a fingerprint is missing", path);
    else if (strcmp(of_store, store->fingerprint) != 0)
        status = fail(err, MEDLEY_E_STALE, "%s: made from store %s, but the store is %s now; split again", path,
                      of_store, store->fingerprint);
    if (status == MEDLEY_OK) {
        snprintf(out->name, sizeof out->name, "%s", name);
        snprintf(out->strategy, sizeof out->strategy, "%s", strategy);
        memcpy(out->fingerprint, own, FINGERPRINT_SIZE);
    }
done:
    json_free(root);
    mem_free(bytes);
    mem_free(path);
    return status;
}

static medley_status open_part(const medley_store *store, const char *folder, const split_facts *facts,
                               part_name which, interaction_files *out, medley_error *err)
{
    char *path;
    if (optional(which) && facts->count[which] == 0)
        return MEDLEY_OK;
    TRY(file_join(store->rt, folder, part_names[which], &path, err));
    medley_status status = interactions_open(store->rt, path, store->users, store->items, out, err);
    const interactions *v = &out->view;
    if (status == MEDLEY_OK && v->count != facts->count[which])
        status = fail(err, MEDLEY_E_FORMAT, "%s: %lld rows; split.json names %lld", path, (long long)v->count,
                      (long long)facts->count[which]);
    else if (status == MEDLEY_OK &&
             ((v->rating != NULL) != store->has_rating || (v->timestamp != NULL) != store->has_timestamp))
        status = fail(err, MEDLEY_E_FORMAT, "%s: does not have the store's columns; split again", path);
    mem_free(path);
    return status;
}

medley_status selection_open(const medley_store *store, const char *name, selection_parts *out, medley_error *err)
{
    char *folder = NULL;
    *out = (selection_parts){0};
    medley_status status = MEDLEY_OK;
    TRY_DONE(split_folder(store, name, &folder, err));
    TRY_DONE(read_facts(store, folder, name, &out->facts, err));
    TRY_DONE(open_part(store, folder, &out->facts, PART_TRAIN, &out->train, err));
    TRY_DONE(open_part(store, folder, &out->facts, PART_VAL, &out->val, err));
    status = open_part(store, folder, &out->facts, PART_VAL_KNOWN, &out->val_known, err);
done:
    mem_free(folder);
    if (status != MEDLEY_OK)
        selection_release(out);
    return status;
}

void selection_release(selection_parts *s)
{
    interactions_release(&s->train);
    interactions_release(&s->val);
    interactions_release(&s->val_known);
}

medley_status judging_open(const medley_store *store, const char *name, judging_parts *out, medley_error *err)
{
    char *folder = NULL;
    *out = (judging_parts){0};
    medley_status status = MEDLEY_OK;
    TRY_DONE(split_folder(store, name, &folder, err));
    TRY_DONE(read_facts(store, folder, name, &out->facts, err));
    for (int which = 0; which < PART_COUNT; which++)
        TRY_DONE(open_part(store, folder, &out->facts, (part_name)which, &out->part[which], err));
done:
    mem_free(folder);
    if (status != MEDLEY_OK)
        judging_release(out);
    return status;
}

void judging_release(judging_parts *s)
{
    for (int which = 0; which < PART_COUNT; which++)
        interactions_release(&s->part[which]);
}
