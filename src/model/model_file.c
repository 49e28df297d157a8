/* model.safetensors: the state's tensors; as metadata the format, the model, its parameters ("param.l2"), the
 * numbers of users and items, the data's fingerprint and the tensors' names. */
#include "model/model.h"

#include <stdio.h>

#define FORMAT "medley-model-1"

enum { NAME_MOST = 64 };

/* key, value, key, ... with texts of our own in an arena. */
typedef struct pairs {
    arena texts;
    const char **list;
    int64_t count;
} pairs;

static void pair_add(pairs *p, const char *key, const char *value)
{
    p->list[p->count++] = key;
    p->list[p->count++] = value;
}

static medley_status pair_add_number(pairs *p, const char *key, int64_t number, medley_error *err)
{
    char digits[32];
    const char *value;
    const int length = snprintf(digits, sizeof digits, "%lld", (long long)number);
    TRY(arena_text(&p->texts, digits, (size_t)length, &value, err));
    pair_add(p, key, value);
    return MEDLEY_OK;
}

static medley_status pair_add_param(pairs *p, const medley_param *param, const void *params, medley_error *err)
{
    char first[64];
    char *key, *value;
    const size_t key_size = strlen("param.") + strlen(param->name) + 1;
    const int length = medley_param_format(param, params, first, sizeof first);
    TRY(arena_alloc(&p->texts, (int64_t)key_size, 1, &key, err));
    TRY(arena_alloc(&p->texts, length + 1, 1, &value, err));
    snprintf(key, key_size, "param.%s", param->name);
    medley_param_format(param, params, value, (size_t)length + 1);
    pair_add(p, key, value);
    return MEDLEY_OK;
}

/* "start,index,value" */
static medley_status pair_add_names(pairs *p, const model_state *state, text *names, medley_error *err)
{
    for (int64_t i = 0; i < state->count; i++)
        text_format(names, "%s%s", i > 0 ? "," : "", state->tensors[i].name);
    TRY(text_status(names, err));
    pair_add(p, "tensors", names->bytes);
    return MEDLEY_OK;
}

static int64_t param_count(const medley_param *table)
{
    int64_t count = 0;
    while (table != NULL && table[count].kind != MEDLEY_PARAM_END)
        count++;
    return count;
}

/* Bytes of an element. */
static int64_t width(const named_tensor *t)
{
    const named_tensor scalar = {.type = t->type};
    return named_tensor_bytes(&scalar);
}

/* The tensors in the order of a file, where wide types come first so that all are aligned. */
static void order_tensors(const model_state *state, named_tensor *out)
{
    for (int64_t i = 0; i < state->count; i++) {
        const named_tensor *t = &state->tensors[i];
        int64_t at = i;
        for (; at > 0 && width(&out[at - 1]) < width(t); at--)
            out[at] = out[at - 1];
        out[at] = *t;
    }
}

medley_status model_save(const medley_runtime *rt, const char *path, const model_class *class, const void *params,
                         const model_state *state, int64_t users, int64_t items, const char *fingerprint,
                         medley_error *err)
{
    const int64_t param_rows = param_count(class->params);
    named_tensor tensors[MODEL_TENSORS_MOST];
    pairs p = {.texts.rt = rt};
    text names = {.rt = rt};
    medley_status status;
    TRY_DONE(mem_alloc(rt, 2 * (6 + param_rows), sizeof *p.list, &p.list, err));
    pair_add(&p, "format", FORMAT);
    pair_add(&p, "model", class->name);
    pair_add(&p, "fingerprint", fingerprint);
    TRY_DONE(pair_add_number(&p, "users", users, err));
    TRY_DONE(pair_add_number(&p, "items", items, err));
    TRY_DONE(pair_add_names(&p, state, &names, err));
    for (int64_t i = 0; i < param_rows; i++)
        TRY_DONE(pair_add_param(&p, &class->params[i], params, err));
    order_tensors(state, tensors);
    TRY_DONE(safetensors_write(rt, path, tensors, state->count, p.list, p.count, err));
done:
    mem_free(p.list);
    arena_release(&p.texts);
    text_release(&names);
    return status;
}

/* The value of a key that every model file has. */
static medley_status read_text(const safetensors *from, const char *key, const char **out, medley_error *err)
{
    *out = safetensors_metadata(from, key);
    return *out != NULL ? MEDLEY_OK
                        : fail(err, MEDLEY_E_FORMAT, "metadata '%s' is missing: not a Medley model", key);
}

static medley_status read_count(const safetensors *from, const char *key, int64_t *out, medley_error *err)
{
    const char *value;
    TRY(read_text(from, key, &value, err));
    if (!number_int(value, strlen(value), out) || *out < 0 || *out > IDMAP_MOST)
        return fail(err, MEDLEY_E_FORMAT, "metadata '%s': '%s' is not a number in 0..%lld", key, value,
                    (long long)IDMAP_MOST);
    return MEDLEY_OK;
}

static medley_status find_class(const char *name, const model_class **out, medley_error *err)
{
    const char *names[64];
    int64_t count = 0;
    for (; model_classes[count] != NULL && count < (int64_t)(sizeof names / sizeof *names); count++) {
        names[count] = model_classes[count]->name;
        if (strcmp(names[count], name) == 0) {
            *out = model_classes[count];
            return MEDLEY_OK;
        }
    }
    const char *nearest = medley_nearest(name, names, count);
    return fail(err, MEDLEY_E_FORMAT, "unknown model '%s'%s%s%s", name, nearest != NULL ? " (did you mean '" : "",
                nearest != NULL ? nearest : "", nearest != NULL ? "'?)" : "");
}

static medley_status read_identity(model_file *m, medley_error *err)
{
    const char *format, *name, *fingerprint;
    TRY(read_text(m->file, "format", &format, err));
    if (strcmp(format, FORMAT) != 0)
        return fail(err, MEDLEY_E_FORMAT, "format '%s'; " FORMAT " is accepted", format);
    TRY(read_text(m->file, "model", &name, err));
    TRY(find_class(name, &m->class, err));
    TRY(read_count(m->file, "users", &m->users, err));
    TRY(read_count(m->file, "items", &m->items, err));
    TRY(read_text(m->file, "fingerprint", &fingerprint, err));
    if (strlen(fingerprint) >= sizeof m->fingerprint)
        return fail(err, MEDLEY_E_FORMAT, "metadata 'fingerprint': '%.40s' is longer than %zu digits", fingerprint,
                    sizeof m->fingerprint - 1);
    memcpy(m->fingerprint, fingerprint, strlen(fingerprint) + 1);
    return MEDLEY_OK;
}

static medley_status read_tensor(model_file *m, const char *name, size_t length, medley_error *err)
{
    char copy[NAME_MOST] = "";
    const named_tensor *tensor = NULL;
    if (length < sizeof copy) {
        memcpy(copy, name, length);
        tensor = safetensors_find(m->file, copy);
    }
    if (tensor == NULL || m->state.count == MODEL_TENSORS_MOST)
        return fail(err, MEDLEY_E_FORMAT, "metadata 'tensors': '%.*s' is %s", (int)(length < 64 ? length : 64),
                    name, tensor == NULL ? "not in the file" : "one too many");
    m->state.tensors[m->state.count++] = *tensor;
    return MEDLEY_OK;
}

static medley_status read_tensors(model_file *m, medley_error *err)
{
    const char *names;
    TRY(read_text(m->file, "tensors", &names, err));
    while (*names != '\0') {
        const size_t length = strcspn(names, ",");
        TRY(read_tensor(m, names, length, err));
        names += length + (names[length] == ',');
    }
    return MEDLEY_OK;
}

/* The settings it was trained with; a setting that the file does not know has its default. */
static medley_status read_params(const medley_runtime *rt, model_file *m, medley_error *err)
{
    const medley_param *table = m->class->params;
    TRY(mem_alloc_zero(rt, 1, m->class->params_size, &m->params, err));
    medley_params_reset(table, m->params);
    for (int64_t i = 0; i < param_count(table); i++) {
        char key[NAME_MOST + 8];
        snprintf(key, sizeof key, "param.%.*s", NAME_MOST, table[i].name);
        const char *value = safetensors_metadata(m->file, key);
        if (value != NULL && medley_param_set(&table[i], m->params, value, err) != MEDLEY_OK)
            return fail_while(err, MEDLEY_E_FORMAT, "metadata");
    }
    return MEDLEY_OK;
}

medley_status model_load(const medley_runtime *rt, const char *path, model_file *out, medley_error *err)
{
    scoring unused;
    *out = (model_file){0};
    TRY(safetensors_open(rt, path, &out->file, err));
    medley_status status;
    TRY_DONE(read_identity(out, err));
    TRY_DONE(read_params(rt, out, err));
    TRY_DONE(read_tensors(out, err));
    TRY_DONE(out->class->scoring(out->params, &out->state, out->users, out->items, &unused, err));
done:
    if (status != MEDLEY_OK) {
        fail_while(err, status, "%s", path);
        model_file_release(out);
    }
    return status;
}

void model_file_release(model_file *m)
{
    model_state_release(&m->state);
    mem_free(m->params);
    safetensors_close(m->file);
    *m = (model_file){0};
}
