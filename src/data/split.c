#include "data/split.h"

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

/* ---- the leak report ---- */

typedef struct leaks {
    int64_t test_before_train;      /* test interactions earlier than the latest training interaction of anybody */
    int64_t test_before_own_train;  /* ... than the latest training interaction of the same user */
    int64_t repeated;               /* test interactions whose (user, item) is in training too */
    int64_t cold_users, cold_items; /* users and items of test that training does not have */
    int64_t cold_interactions;      /* test interactions of either */
} leaks;

/* What the training part has: latest time, which items; and per user as its rows are walked. */
typedef struct leak_state {
    int64_t latest;
    uint8_t *item_trained, *item_tested;
    uint32_t *item_seen_by; /* [items] last user, + 1, who has it in training */
} leak_state;

static void count_user_leaks(const interactions *v, const uint8_t *part, int64_t start, int64_t end,
                             const leak_state *s, leaks *out)
{
    int64_t latest = INT64_MIN, trained = 0, tested = 0;
    for (int64_t i = start; i < end; i++) {
        if (part[i] != PART_TRAIN)
            continue;
        trained++;
        s->item_seen_by[v->item[i]] = v->user[i] + 1;
        if (v->timestamp != NULL && v->timestamp[i] > latest)
            latest = v->timestamp[i];
    }
    for (int64_t i = start; i < end; i++) {
        if (part[i] != PART_TEST)
            continue;
        tested++;
        const bool cold_item = !s->item_trained[v->item[i]];
        out->cold_items += cold_item && !s->item_tested[v->item[i]];
        s->item_tested[v->item[i]] = 1;
        out->cold_interactions += cold_item || trained == 0;
        out->repeated += s->item_seen_by[v->item[i]] == v->user[i] + 1;
        if (v->timestamp != NULL) {
            out->test_before_train += v->timestamp[i] < s->latest;
            out->test_before_own_train += v->timestamp[i] < latest;
        }
    }
    out->cold_users += tested > 0 && trained == 0;
}

static medley_status find_leaks(const medley_store *store, const uint8_t *part, leaks *out, medley_error *err)
{
    const interactions *v = &store->files.view;
    leak_state s = {.latest = INT64_MIN};
    medley_status status = MEDLEY_OK;
    *out = (leaks){0};
    TRY_DONE(mem_alloc_zero(store->rt, store->items, 1, &s.item_trained, err));
    TRY_DONE(mem_alloc_zero(store->rt, store->items, 1, &s.item_tested, err));
    TRY_DONE(mem_alloc_zero(store->rt, store->items, sizeof *s.item_seen_by, &s.item_seen_by, err));
    for (int64_t i = 0; i < v->count; i++) {
        if (part[i] != PART_TRAIN)
            continue;
        s.item_trained[v->item[i]] = 1;
        if (v->timestamp != NULL && v->timestamp[i] > s.latest)
            s.latest = v->timestamp[i];
    }
    for (int64_t start = 0, end; start < v->count; start = end) {
        end = split_user_end(v, start);
        count_user_leaks(v, part, start, end, &s, out);
    }
done:
    mem_free(s.item_trained);
    mem_free(s.item_tested);
    mem_free(s.item_seen_by);
    return status;
}

/* ---- writing ---- */

/* The rows of one part, gathered into columns of their own. */
static medley_status write_part(const medley_store *store, const uint8_t *part, part_name which,
                                const char *folder, fingerprint *print, int64_t *count, medley_error *err)
{
    const interactions *v = &store->files.view;
    uint32_t *user = NULL, *item = NULL;
    float *rating = NULL;
    int64_t *timestamp = NULL, n = 0;
    char *path = NULL;
    medley_status status = MEDLEY_OK;
    for (int64_t i = 0; i < v->count; i++)
        n += part[i] == which;
    *count = n;
    if (n == 0 && optional(which))
        return MEDLEY_OK;
    TRY_DONE(mem_alloc(store->rt, n, sizeof *user, &user, err));
    TRY_DONE(mem_alloc(store->rt, n, sizeof *item, &item, err));
    if (v->rating != NULL)
        TRY_DONE(mem_alloc(store->rt, n, sizeof *rating, &rating, err));
    if (v->timestamp != NULL)
        TRY_DONE(mem_alloc(store->rt, n, sizeof *timestamp, &timestamp, err));
    n = 0;
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

/* One number of the leak report, for people and for split.json. */
static void tell(medley_report *report, json *object, const char *name, int64_t value)
{
    report_int(report, name, value);
    json_set_int(object, name, value);
}

static json *describe_leaks(const medley_store *store, const leaks *l, medley_report *report)
{
    json *object = json_new_object();
    report_facts(report, "leaks", "Leak report");
    if (store->files.view.timestamp != NULL) {
        tell(report, object, "test_before_latest_training", l->test_before_train);
        tell(report, object, "test_before_own_training", l->test_before_own_train);
    } else {
        report_string(report, "test_before_latest_training", "unknown: the store has no times");
    }
    tell(report, object, "test_pairs_also_in_training", l->repeated);
    tell(report, object, "test_users_without_training", l->cold_users);
    tell(report, object, "test_items_without_training", l->cold_items);
    tell(report, object, "test_interactions_of_either", l->cold_interactions);
    return object;
}

static medley_status write_description(const medley_store *store, const split_params *p,
                                       const split_class *strategy, const void *values, json *counts,
                                       json *leak_report, const char *hex, const char *folder, medley_error *err)
{
    json *root = json_new_object(), *options = json_new_object();
    medley_status status = description_add(store->rt, options, strategy->params, values, err);
    json_set_text(root, "format", SPLIT_FORMAT);
    json_set_text(root, "strategy", strategy->name);
    json_set_int(root, "seed", p->seed);
    json_set(root, "options", options);
    json_set_text(root, "store_fingerprint", store->fingerprint);
    json_set_text(root, "fingerprint", hex);
    json_set(root, "counts", counts);
    json_set(root, "leaks", leak_report);
    if (status == MEDLEY_OK)
        status = description_save(store->rt, root, folder, "split.json", err);
    json_free(root);
    return status;
}

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

static medley_status write_split(const medley_store *store, const split_params *p, const split_class *strategy,
                                 const void *values, const uint8_t *part, const char *folder,
                                 medley_report *report, medley_error *err)
{
    fingerprint *print;
    leaks found;
    char hex[FINGERPRINT_SIZE];
    medley_status status = MEDLEY_OK;
    TRY(fingerprint_create(store->rt, &print, err));
    json *counts = json_new_object();
    report_facts(report, "counts", "Split");
    report_string(report, "name", p->name);
    report_string(report, "strategy", strategy->name);
    report_int(report, "seed", p->seed);
    for (int which = 0; which < PART_COUNT; which++) {
        int64_t count;
        TRY_DONE(write_part(store, part, (part_name)which, folder, print, &count, err));
        if (count > 0 || !optional(which))
            tell(report, counts, part_names[which], count);
    }
    fingerprint_hex(print, hex);
    TRY_DONE(find_leaks(store, part, &found, err));
    status = write_description(store, p, strategy, values, counts, describe_leaks(store, &found, report), hex,
                               folder, err);
    counts = NULL;
done:
    json_free(counts);
    fingerprint_free(print);
    return status;
}

medley_status split_run(const medley_store *store, const split_params *p, const split_class *strategy,
                        const void *values, medley_report *report, medley_error *err)
{
    uint8_t *part = NULL;
    char *parent = NULL, *path = NULL;
    save_folder *folder = NULL;
    medley_status status = MEDLEY_OK;
    TRY(check_name(p->name, err));
    if (strategy->needs_order && !store->ordered)
        return fail(err, MEDLEY_E_CONFIG, "strategy: '%s' needs an order in time, which this store does not have",
                    strategy->name);
    TRY_DONE(mem_alloc_zero(store->rt, store->count, 1, &part, err));
    TRY_DONE(strategy->assign(store->rt, values, &store->files.view, (uint64_t)p->seed, part, err));
    TRY_DONE(store_path(store, "splits", &parent, err));
    TRY_DONE(file_make_folder(store->rt, parent, err));
    TRY_DONE(file_join(store->rt, parent, p->name, &path, err));
    TRY_DONE(save_folder_open(store->rt, path, p->force, "split.json", &folder, err));
    TRY_DONE(write_split(store, p, strategy, values, part, save_folder_path(folder), report, err));
    TRY_DONE(report_status(report, err));
    status = save_folder_commit(folder, err);
    folder = NULL;
done:
    mem_free(part);
    mem_free(parent);
    mem_free(path);
    save_folder_abandon(folder);
    return status;
}

/* ---- reading ---- */

static medley_status split_folder(const medley_store *store, const char *name, char **out, medley_error *err)
{
    char relative[160];
    *out = NULL;
    TRY(check_name(name, err));
    snprintf(relative, sizeof relative, "splits/%s", name);
    TRY(store_path(store, relative, out, err));
    if (file_is_folder(*out))
        return MEDLEY_OK;
    mem_free(*out);
    *out = NULL;
    return fail(err, MEDLEY_E_NOT_FOUND, "split: '%s' has no split '%s' (see medley split)", store->path, name);
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
        status = fail(err, MEDLEY_E_FORMAT, "%s: format '%s'; accepted: '" SPLIT_FORMAT "'", path,
                      format != NULL ? format : "");
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
