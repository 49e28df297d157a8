#include "api/model_access.h"

#include "io/yaml.h"

/* What a run's config.yaml says of the data it was trained on. */
typedef struct run_origin {
    const medley_runtime *rt;
    char *store, *split;
    bool saw_validation;
} run_origin;

static medley_status take_origin(void *context, const char *key, const char *value, int line, medley_error *err)
{
    run_origin *o = context;
    char **kept = strcmp(key, "store") == 0 ? &o->store : strcmp(key, "split") == 0 ? &o->split : NULL;
    (void)line;
    o->saw_validation |= strcmp(key, "learn_from") == 0 && strcmp(value, "train_val") == 0;
    return kept != NULL && *kept == NULL ? mem_text(o->rt, value, strlen(value), kept, err) : MEDLEY_OK;
}

static medley_status read_origin(const medley_runtime *rt, const char *run, run_origin *out, medley_error *err)
{
    char *path = NULL, *bytes = NULL;
    size_t length;
    medley_status status = MEDLEY_OK;
    *out = (run_origin){.rt = rt};
    TRY_DONE(file_join(rt, run, "config.yaml", &path, err));
    if (!file_exists(path)) {
        status =
            fail(err, MEDLEY_E_NOT_FOUND, "run: '%s' is no run: it has no config.yaml (see medley train)", run);
        goto done;
    }
    TRY_DONE(file_read_whole(rt, path, RUN_TEXT_LONGEST, &bytes, &length, err));
    TRY_DONE(yaml_read(rt, path, bytes, length, take_origin, out, err));
    if (out->store == NULL || out->split == NULL)
        status = fail(err, MEDLEY_E_FORMAT, "%s: store or split is missing", path);
done:
    mem_free(bytes);
    mem_free(path);
    return status;
}

static medley_status load_parts(medley_model *m, const char *run, const char *store, bool names, medley_error *err)
{
    run_origin origin;
    char *path = NULL;
    medley_status status = read_origin(m->rt, run, &origin, err);
    if (status != MEDLEY_OK)
        goto done;
    m->saw_validation = origin.saw_validation;
    TRY_DONE(file_join(m->rt, run, "model.safetensors", &path, err));
    TRY_DONE(model_load(m->rt, path, &m->file, err));
    TRY_DONE(store_open(m->rt, store != NULL && store[0] != '\0' ? store : origin.store, names, &m->store, err));
    TRY_DONE(judging_open(m->store, origin.split, &m->split, err));
    if (strcmp(m->split.facts.fingerprint, m->file.fingerprint) != 0)
        status =
            fail(err, MEDLEY_E_STALE, "run: '%s' was trained on split %s, but '%s' of %s is %s now; train again",
                 run, m->file.fingerprint, origin.split, m->store->path, m->split.facts.fingerprint);
    else if (m->file.users != m->store->users || m->file.items != m->store->items)
        status =
            fail(err, MEDLEY_E_STALE, "run: '%s' knows %lld users and %lld items, the store has %lld and %lld",
                 run, (long long)m->file.users, (long long)m->file.items, (long long)m->store->users,
                 (long long)m->store->items);
    else
        status =
            m->file.class->scoring(m->file.params, &m->file.state, m->store->users, m->store->items, &m->how, err);
done:
    mem_free(path);
    mem_free(origin.store);
    mem_free(origin.split);
    return status;
}

medley_status model_open(const medley_runtime *rt, const char *run, const char *store, bool names,
                         medley_model **out, medley_error *err)
{
    medley_model *m;
    *out = NULL;
    TRY(mem_alloc_zero(rt, 1, sizeof *m, &m, err));
    m->rt = rt;
    const medley_status status = load_parts(m, run, store, names, err);
    if (status != MEDLEY_OK) {
        medley_model_free(m);
        return status;
    }
    *out = m;
    return MEDLEY_OK;
}

static int64_t choose_parts(const medley_model *m, known_parts parts, const interactions **views)
{
    static const int chosen[][PART_COUNT + 1] = {
        [KNOWN_TRAINING] = {PART_TRAIN, -1},
        [KNOWN_BEFORE_VAL] = {PART_TRAIN, PART_VAL_KNOWN, -1},
        [KNOWN_BEFORE_TEST] = {PART_TRAIN, PART_VAL_KNOWN, PART_VAL, PART_TEST_KNOWN, -1},
        [KNOWN_ALL] = {PART_TRAIN, PART_VAL_KNOWN, PART_VAL, PART_TEST_KNOWN, PART_TEST, -1},
    };
    int64_t count = 0;
    for (; chosen[parts][count] >= 0; count++)
        views[count] = &m->split.part[chosen[parts][count]].view;
    return count;
}

medley_status model_known(const medley_model *m, known_parts parts, csr_owner *out, medley_error *err)
{
    const interactions *views[PART_COUNT];
    const int64_t count = choose_parts(m, parts, views);
    return matrix_of_parts(m->rt, views, count, m->store->users, m->store->items, false, out, err);
}

medley_status model_histories(const medley_model *m, known_parts parts, histories_owner *out, medley_error *err)
{
    const interactions *views[PART_COUNT];
    const int64_t count = choose_parts(m, parts, views);
    return histories_of_parts(m->rt, views, count, m->store->users, out, err);
}

/* The rows of chosen users of one part. */
typedef struct picked_part {
    interactions view;
    uint32_t *user, *item;
    float *rating;
    int64_t *timestamp;
} picked_part;

static void picked_release(picked_part *p)
{
    mem_free(p->user);
    mem_free(p->item);
    mem_free(p->rating);
    mem_free(p->timestamp);
}

/* The first row of `user` or a later one. */
static int64_t first_row(const interactions *all, int64_t user)
{
    int64_t low = 0, high = all->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if ((int64_t)all->user[middle] < user)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static medley_status pick_alloc(const medley_runtime *rt, const interactions *all, int64_t count, picked_part *out,
                                medley_error *err)
{
    TRY(mem_alloc(rt, count, sizeof *out->user, &out->user, err));
    TRY(mem_alloc(rt, count, sizeof *out->item, &out->item, err));
    if (all->rating != NULL)
        TRY(mem_alloc(rt, count, sizeof *out->rating, &out->rating, err));
    if (all->timestamp != NULL)
        TRY(mem_alloc(rt, count, sizeof *out->timestamp, &out->timestamp, err));
    out->view = (interactions){count, out->user, out->item, out->rating, out->timestamp, NULL};
    return MEDLEY_OK;
}

/* users: [count] ascending, distinct */
static medley_status pick_part(const medley_runtime *rt, const interactions *all, const uint32_t *users,
                               int64_t count, picked_part *out, medley_error *err)
{
    int64_t total = 0, n = 0;
    for (int64_t i = 0; i < count; i++)
        total += first_row(all, (int64_t)users[i] + 1) - first_row(all, users[i]);
    TRY(pick_alloc(rt, all, total, out, err));
    for (int64_t i = 0; i < count; i++) {
        const int64_t from = first_row(all, users[i]), rows = first_row(all, (int64_t)users[i] + 1) - from;
        if (rows == 0)
            continue; /* an empty part has no arrays */
        memcpy(out->user + n, all->user + from, (size_t)rows * sizeof *out->user);
        memcpy(out->item + n, all->item + from, (size_t)rows * sizeof *out->item);
        if (out->rating != NULL)
            memcpy(out->rating + n, all->rating + from, (size_t)rows * sizeof *out->rating);
        if (out->timestamp != NULL)
            memcpy(out->timestamp + n, all->timestamp + from, (size_t)rows * sizeof *out->timestamp);
        n += rows;
    }
    return MEDLEY_OK;
}

static int by_index(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Ascending and distinct. */
static medley_status distinct_users(const medley_runtime *rt, const uint32_t *users, int64_t count, uint32_t **out,
                                    int64_t *distinct, medley_error *err)
{
    TRY(mem_alloc(rt, count, sizeof **out, out, err));
    if (count > 0)
        memcpy(*out, users, (size_t)count * sizeof **out);
    qsort(*out, (size_t)count, sizeof **out, by_index);
    *distinct = 0;
    for (int64_t i = 0; i < count; i++)
        if (i == 0 || (*out)[i] != (*out)[i - 1])
            (*out)[(*distinct)++] = (*out)[i];
    return MEDLEY_OK;
}

medley_status model_histories_of(const medley_model *m, known_parts parts, const uint32_t *users, int64_t count,
                                 histories_owner *out, medley_error *err)
{
    const interactions *views[PART_COUNT];
    picked_part picked[PART_COUNT] = {0};
    uint32_t *chosen = NULL;
    int64_t distinct;
    const int64_t view_count = choose_parts(m, parts, views);
    medley_status status;
    *out = (histories_owner){0};
    TRY_DONE(distinct_users(m->rt, users, count, &chosen, &distinct, err));
    for (int64_t p = 0; p < view_count; p++) {
        TRY_DONE(pick_part(m->rt, views[p], chosen, distinct, &picked[p], err));
        views[p] = &picked[p].view;
    }
    status = histories_of_parts(m->rt, views, view_count, m->store->users, out, err);
done:
    for (int64_t p = 0; p < view_count; p++)
        picked_release(&picked[p]);
    mem_free(chosen);
    return status;
}

medley_status model_left(const medley_model *m, const histories *known, left_sides *out, medley_error *err)
{
    return model_encode(m->rt, m->file.class, m->file.params, &m->file.state, &m->how, known, out, err);
}

medley_status model_left_known(const medley_model *m, known_parts parts, left_sides *out, medley_error *err)
{
    histories_owner known;
    *out = (left_sides){0};
    TRY(model_histories(m, parts, &known, err));
    const medley_status status = model_left(m, &known.view, out, err);
    histories_release(&known);
    return status;
}

medley_status medley_model_open(medley_runtime *rt, const char *run, const char *store, medley_model **out,
                                medley_error *err)
{
    *out = NULL;
    if (run == NULL)
        return fail(err, MEDLEY_E_ARGUMENT, "run: NULL; a run's folder is needed");
    TRY(model_open(rt, run, store, true, out, err));
    medley_status status = model_known(*out, KNOWN_ALL, &(*out)->known, err);
    if (status == MEDLEY_OK)
        status = model_left_known(*out, KNOWN_ALL, &(*out)->left, err);
    if (status != MEDLEY_OK) {
        medley_model_free(*out);
        *out = NULL;
        return status;
    }
    error_clear(err);
    return MEDLEY_OK;
}

void medley_model_free(medley_model *m)
{
    if (m == NULL)
        return;
    csr_release(&m->known);
    left_sides_release(&m->left);
    judging_release(&m->split);
    store_free(m->store);
    model_file_release(&m->file);
    mem_free(m);
}

const char *medley_model_name(const medley_model *m)
{
    return m->file.class->name;
}

const medley_store *medley_model_store(const medley_model *m)
{
    return m->store;
}
