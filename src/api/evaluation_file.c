#include "api/evaluation_file.h"

#include <math.h>

#include "io/description.h"
#include "io/save.h"

/* ---- Writing ---- */

static json *describe_column(const metric_column *column, const evaluation *e, int64_t c)
{
    json *one = json_new_object();
    char name[96];
    metric_column_name(column, name, sizeof name);
    json_set_text(one, "name", name);
    json_set_real(one, "value", e->value[c]);
    if (e->intervals != NULL && !isnan(e->intervals[c].low)) {
        json_set_real(one, "low", e->intervals[c].low);
        json_set_real(one, "high", e->intervals[c].high);
    }
    json_set_bool(one, "more_is_better", column->metric->best > column->metric->worst);
    json_set_bool(one, "per_user", column->metric->of_user != NULL);
    json_set_int(one, "defined", e->defined[c]);
    json_set_text(one, "definition", column->metric->definition);
    return one;
}

static medley_status write_json(const medley_runtime *rt, const char *folder, const char *name, const judging *j,
                                const evaluation *e, medley_report *report, medley_error *err)
{
    const char *rendered;
    json *root, *columns = json_new_array();
    int64_t count;
    const metric_column *column = judging_columns(j, &count);
    medley_status status = medley_report_render(report, MEDLEY_REPORT_JSON, &rendered, err);
    if (status == MEDLEY_OK)
        status = json_parse("report", rendered, strlen(rendered), &root, err);
    if (status != MEDLEY_OK) {
        json_free(columns);
        return status;
    }
    json_set_text(root, "format", EVALUATION_FORMAT);
    json_set_text(root, "name", name);
    for (int64_t c = 0; c < count; c++)
        json_append(columns, describe_column(&column[c], e, c));
    json_set(root, "columns", columns);
    status = description_save(rt, root, folder, "metrics.json", err);
    json_free(root);
    return status;
}

static medley_status write_per_user(const medley_runtime *rt, const char *folder, const judging *j,
                                    const medley_store *store, const evaluation *e, medley_error *err)
{
    medley_status status;
    char *path = NULL;
    int64_t *targets = NULL;
    text ids = {.rt = rt};
    TRY_DONE(file_join(rt, folder, "per_user.safetensors", &path, err));
    TRY_DONE(mem_alloc(rt, e->users, sizeof *targets, &targets, err));
    for (int64_t i = 0; i < e->users; i++) {
        targets[i] = judging_target_count(j, e->user[i]);
        text_append(&ids, store->user_ids[e->user[i]], strlen(store->user_ids[e->user[i]]) + 1);
    }
    TRY_DONE(text_status(&ids, err));
    const named_tensor tensors[] = {
        {"value", TENSOR_F64, 2, {e->users, e->columns}, e->per_user},
        {"targets", TENSOR_I64, 1, {e->users}, targets},
        {"user", TENSOR_U32, 1, {e->users}, e->user},
        {"id", TENSOR_U8, 1, {ids.length}, ids.bytes},
    };
    const char *const metadata[] = {"format", EVALUATION_FORMAT};
    status = safetensors_write(rt, path, tensors, sizeof tensors / sizeof *tensors, metadata, 2, err);
done:
    text_release(&ids);
    mem_free(targets);
    mem_free(path);
    return status;
}

medley_status evaluation_save(const medley_runtime *rt, const char *folder, const char *name, const judging *j,
                              const evaluation *e, medley_report *report, medley_error *err)
{
    save_folder *target;
    TRY(save_folder_open(rt, folder, true, "metrics.json", &target, err));
    medley_status status = write_json(rt, save_folder_path(target), name, j, e, report, err);
    if (status == MEDLEY_OK)
        status = write_per_user(rt, save_folder_path(target), j, judging_store(j), e, err);
    if (status == MEDLEY_OK)
        return save_folder_commit(target, err);
    save_folder_abandon(target);
    return status;
}

/* ---- Reading ---- */

enum { JSON_LONGEST = 64 * 1024 * 1024 };

static medley_status take_text(const json *object, const char *key, const char *path, const char **out,
                               medley_error *err)
{
    *out = json_text(object, key);
    return *out != NULL ? MEDLEY_OK : fail(err, MEDLEY_E_FORMAT, "%s: '%s' is missing or no text", path, key);
}

static medley_status read_columns(const medley_runtime *rt, const char *path, evaluation_file *f,
                                  medley_error *err)
{
    const json *columns = json_member(f->root, "columns");
    if (columns == NULL || !json_is_array(columns) || json_count(columns) == 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: 'columns' is missing or no list", path);
    f->column_count = json_count(columns);
    TRY(mem_alloc_zero(rt, f->column_count, sizeof *f->columns, &f->columns, err));
    for (int64_t c = 0; c < f->column_count; c++) {
        const json *one = json_at(columns, c, NULL);
        evaluation_file_column *column = &f->columns[c];
        column->value = column->low = column->high = NAN;
        TRY(take_text(one, "name", path, &column->name, err));
        if (!json_bool(one, "more_is_better", &column->more_is_better) ||
            !json_bool(one, "per_user", &column->per_user) || !json_int(one, "defined", &column->defined))
            return fail(err, MEDLEY_E_FORMAT, "%s: column '%s' is not whole", path, column->name);
        (void)json_real(one, "value", &column->value);
        (void)json_real(one, "low", &column->low);
        (void)json_real(one, "high", &column->high);
    }
    return MEDLEY_OK;
}

static medley_status read_json(const medley_runtime *rt, const char *path, evaluation_file *f, medley_error *err)
{
    char *bytes;
    size_t length;
    const char *format;
    TRY(file_read_whole(rt, path, JSON_LONGEST, &bytes, &length, err));
    const medley_status status = json_parse(path, bytes, length, &f->root, err);
    mem_free(bytes);
    TRY(status);
    TRY(take_text(f->root, "format", path, &format, err));
    if (strcmp(format, EVALUATION_FORMAT) != 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: format '%s'; '%s' is accepted", path, format, EVALUATION_FORMAT);
    const json *protocol = json_member(f->root, "protocol");
    if (protocol == NULL || !json_is_object(protocol))
        return fail(err, MEDLEY_E_FORMAT, "%s: 'protocol' is missing or no object", path);
    const struct {
        const char *key, **out;
    } facts[] = {{"model", &f->model},
                 {"task", &f->task},
                 {"part", &f->part},
                 {"split_fingerprint", &f->split_fingerprint},
                 {"judged_fingerprint", &f->judged_fingerprint}};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        TRY(take_text(protocol, facts[i].key, path, facts[i].out, err));
    TRY(take_text(f->root, "name", path, &f->name, err));
    return read_columns(rt, path, f, err);
}

static medley_status find_tensor(const evaluation_file *f, const char *path, const char *name, tensor_type type,
                                 int rank, const int64_t *shape, const named_tensor **out, medley_error *err)
{
    const named_tensor *t = *out = safetensors_find(f->data, name);
    bool fits = t != NULL && t->type == type && t->rank == rank;
    for (int d = 0; fits && d < rank; d++)
        fits = shape[d] < 0 || t->shape[d] == shape[d];
    return fits
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_FORMAT, "%s: tensor '%s' is missing or has another type or shape", path, name);
}

/* The ids' texts are one tensor; each must end in it. */
static medley_status cut_ids(const medley_runtime *rt, const char *path, const named_tensor *ids,
                             evaluation_file *f, medley_error *err)
{
    const char *at = ids->data, *end = at + ids->shape[0];
    TRY(mem_alloc(rt, f->users, sizeof *f->user_ids, &f->user_ids, err));
    for (int64_t u = 0; u < f->users; u++) {
        const char *nul = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;
        if (nul == NULL)
            return fail(err, MEDLEY_E_FORMAT, "%s: the id of user %lld of %lld is missing", path, (long long)u,
                        (long long)f->users);
        f->user_ids[u] = at;
        at = nul + 1;
    }
    return MEDLEY_OK;
}

static medley_status read_per_user(const medley_runtime *rt, const char *path, evaluation_file *f,
                                   medley_error *err)
{
    const int64_t any = -1;
    const named_tensor *user, *value, *targets, *ids;
    TRY(safetensors_open(rt, path, &f->data, err));
    TRY(find_tensor(f, path, "user", TENSOR_U32, 1, &any, &user, err));
    f->users = user->shape[0];
    const int64_t shape[] = {f->users, f->column_count};
    TRY(find_tensor(f, path, "value", TENSOR_F64, 2, shape, &value, err));
    TRY(find_tensor(f, path, "targets", TENSOR_I64, 1, shape, &targets, err));
    TRY(find_tensor(f, path, "id", TENSOR_U8, 1, &any, &ids, err));
    f->user = user->data;
    f->per_user = value->data;
    f->targets = targets->data;
    return cut_ids(rt, path, ids, f, err);
}

medley_status evaluation_load(const medley_runtime *rt, const char *folder, evaluation_file *out,
                              medley_error *err)
{
    char *path = NULL, *data = NULL;
    medley_status status;
    *out = (evaluation_file){0};
    TRY_DONE(file_join(rt, folder, "metrics.json", &path, err));
    TRY_DONE(file_join(rt, folder, "per_user.safetensors", &data, err));
    TRY_DONE(read_json(rt, path, out, err));
    status = read_per_user(rt, data, out, err);
done:
    mem_free(path);
    mem_free(data);
    if (status != MEDLEY_OK)
        evaluation_file_release(out);
    return status;
}

void evaluation_file_release(evaluation_file *f)
{
    mem_free(f->user_ids);
    mem_free(f->columns);
    safetensors_close(f->data);
    json_free(f->root);
    *f = (evaluation_file){0};
}

int64_t evaluation_file_find(const evaluation_file *f, const char *column)
{
    for (int64_t c = 0; c < f->column_count; c++)
        if (strcmp(f->columns[c].name, column) == 0)
            return c;
    return -1;
}
