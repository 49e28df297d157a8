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

medley_status model_histories_of(const medley_model *m, known_parts parts, const uint32_t *users, int64_t count,
                                 histories_owner *out, medley_error *err)
{
    const interactions *views[PART_COUNT];
    const int64_t view_count = choose_parts(m, parts, views);
    return histories_of_users(m->rt, views, view_count, users, count, out, err);
}

medley_status model_left(const medley_model *m, const histories *known, left_sides *out, medley_error *err)
{
    return model_encode(m->rt, m->file.class, m->file.params, &m->file.state, &m->how, known, out, err);
}

medley_status model_left_of(const medley_model *m, known_parts parts, const uint32_t *users, int64_t count,
                            left_sides *out, medley_error *err)
{
    histories_owner known;
    *out = (left_sides){.rows = count};
    if (!model_reads_histories(m->file.class, &m->how))
        return MEDLEY_OK;
    TRY(model_histories_of(m, parts, users, count, &known, err));
    const medley_status status = model_left(m, &known.view, out, err);
    histories_release(&known);
    return status;
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
    const medley_status status = model_known(*out, KNOWN_ALL, &(*out)->known, err);
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
