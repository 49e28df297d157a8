#include <medley/model.h>

#include "api/model_access.h"
#include "api/operation.h"
#include "io/description.h"
#include "io/npy.h"
#include "io/save.h"

enum { BUFFER_BYTES = 256 * 1024, NAMES_SHOWN = 300 };
enum { WHAT_BOTH, WHAT_USERS, WHAT_ITEMS };
#define VECTORS_FORMAT "medley-vectors-1"
#define DESCRIPTION "vectors.json"

typedef struct embed_params {
    const char *run, *out;
    int format, what, known;
    const char *store;
    bool force;
} embed_params;

static const medley_param table[] = {
    MEDLEY_TEXT(embed_params, run, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "the run whose vectors to write"),
    MEDLEY_TEXT(embed_params, out, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "folder to make"),
    MEDLEY_ENUM(embed_params, format, "csv", "csv|npy|safetensors", .help = "of its files"),
    MEDLEY_ENUM(embed_params, what, "both", "both|users|items", .help = "whose vectors"),
    MEDLEY_ENUM(embed_params, known, "train", "train|train_val|all",
                .help = "the interactions that users' vectors tell of, where the model makes them of a history"),
    MEDLEY_TEXT(embed_params, store, "", .flags = MEDLEY_PARAM_PATH,
                .help = "the store, when it is not where the run was trained"),
    MEDLEY_BOOL(embed_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace vectors that are there"),
    MEDLEY_PARAMS_END,
};

/* Users or items. Borrowed. */
typedef struct side {
    const char *name;
    int64_t count, length;
    const char *const *ids; /* [count] */
    const float *vectors;   /* [count, length] */
    const float *bias;      /* [count] or NULL */
} side;

typedef struct embedding {
    const medley_runtime *rt;
    const embed_params *p;
    medley_model *model;
    left_sides left;
    side sides[2];
    int count;
    save_folder *folder;
} embedding;

/* ---- whose ---- */

/* Models with the setting `factors`: those that learn vectors. */
static void models_with_vectors(char names[NAMES_SHOWN])
{
    size_t used = 0;
    names[0] = '\0';
    for (int64_t i = 0; model_classes[i] != NULL; i++)
        if (medley_param_find(model_classes[i]->params, "factors") != NULL && used + 64 < NAMES_SHOWN)
            used += (size_t)number_print(names + used, NAMES_SHOWN - used, "%s%s", used > 0 ? ", " : "",
                                         model_classes[i]->name);
}

static medley_status make_sides(embedding *e, medley_error *err)
{
    const medley_model *m = e->model;
    const scoring *how = &m->how;
    char names[NAMES_SHOWN];
    models_with_vectors(names);
    if (how->form != SCORING_FACTORED || how->factors == 0)
        return fail(err, MEDLEY_E_ARGUMENT,
                    "run: model %s has no vectors of users and items; models that have: %s", m->file.class->name,
                    names);
    const float *users = how->user;
    if (e->p->what != WHAT_ITEMS && (e->p->known > 0 || users == NULL)) {
        TRY(model_left_known(m, (known_parts)(e->p->known + 1), &e->left, err));
        users = e->left.vectors != NULL ? e->left.vectors : how->user;
    }
    if (e->p->what != WHAT_ITEMS)
        e->sides[e->count++] = (side){"users", m->store->users, how->factors, m->store->user_ids, users, NULL};
    if (e->p->what != WHAT_USERS)
        e->sides[e->count++] =
            (side){"items", m->store->items, how->factors, m->store->item_ids, how->item, how->bias};
    return MEDLEY_OK;
}

/* ---- CSV ---- */

/* As RFC 4180 wants: quoted when it has to be. */
static void add_field(text *out, const char *field)
{
    const bool quoted = strpbrk(field, ",\"\r\n") != NULL;
    if (!quoted) {
        text_add(out, field);
        return;
    }
    text_add(out, "\"");
    for (const char *at = field; *at != '\0'; at++) {
        text_append(out, at, 1);
        if (*at == '"')
            text_append(out, at, 1);
    }
    text_add(out, "\"");
}

static medley_status flush(text *lines, file *f, medley_error *err)
{
    TRY(text_status(lines, err));
    TRY(file_write(f, lines->bytes, (size_t)lines->length, err));
    lines->length = 0;
    return MEDLEY_OK;
}

/* 9 digits tell every float from the next. */
static medley_status write_lines(const embedding *e, const side *s, text *lines, file *f, medley_error *err)
{
    for (int64_t row = 0; row < s->count; row++) {
        add_field(lines, s->ids[row]);
        for (int64_t i = 0; i < s->length; i++)
            text_format(lines, ",%.9g", (double)s->vectors[row * s->length + i]);
        text_add(lines, "\n");
        if (lines->length < BUFFER_BYTES)
            continue;
        TRY(runtime_progress(e->rt, s->name, row, s->count, err));
        TRY(flush(lines, f, err));
    }
    return flush(lines, f, err);
}

static medley_status write_table(const embedding *e, const side *s, const char *path, const char *column,
                                 medley_error *err)
{
    text lines = {.rt = e->rt};
    file *f;
    TRY(file_create(e->rt, path, &f, err));
    text_add(&lines, "id");
    if (column != NULL)
        text_format(&lines, ",%s", column);
    for (int64_t i = 0; i < s->length && column == NULL; i++)
        text_format(&lines, ",v%lld", (long long)i + 1);
    text_add(&lines, "\n");
    const medley_status status = write_lines(e, s, &lines, f, err);
    text_release(&lines);
    if (status == MEDLEY_OK)
        return file_finish(f, err);
    file_close(f);
    return status;
}

/* ---- files ---- */

static medley_status path_of(const embedding *e, const side *s, const char *ending, char **out, medley_error *err)
{
    char name[64];
    number_print(name, sizeof name, "%s%s", s->name, ending);
    return file_join(e->rt, save_folder_path(e->folder), name, out, err);
}

static medley_status write_csv(const embedding *e, const side *s, medley_error *err)
{
    char *path = NULL, *bias_path = NULL;
    const side bias = {s->name, s->count, 1, s->ids, s->bias, NULL};
    medley_status status = MEDLEY_OK;
    TRY_DONE(path_of(e, s, ".csv", &path, err));
    TRY_DONE(path_of(e, s, "_bias.csv", &bias_path, err));
    TRY_DONE(write_table(e, s, path, NULL, err));
    if (s->bias != NULL)
        status = write_table(e, &bias, bias_path, "bias", err);
done:
    mem_free(bias_path);
    mem_free(path);
    return status;
}

static medley_status write_ids(const embedding *e, const side *s, const char *path, medley_error *err)
{
    text lines = {.rt = e->rt};
    file *f;
    TRY(file_create(e->rt, path, &f, err));
    medley_status status = MEDLEY_OK;
    for (int64_t row = 0; row < s->count && status == MEDLEY_OK; row++) {
        if (strpbrk(s->ids[row], "\r\n") != NULL)
            status = fail(err, MEDLEY_E_FORMAT,
                          "format: npy has no room for the id '%.100s', which holds a line end; accepted: "
                          "csv|safetensors",
                          s->ids[row]);
        text_add(&lines, s->ids[row]);
        text_add(&lines, "\n");
        if (status == MEDLEY_OK && lines.length >= BUFFER_BYTES)
            status = flush(&lines, f, err);
    }
    if (status == MEDLEY_OK)
        status = flush(&lines, f, err);
    text_release(&lines);
    if (status == MEDLEY_OK)
        return file_finish(f, err);
    file_close(f);
    return status;
}

static medley_status write_npy(const embedding *e, const side *s, medley_error *err)
{
    char *path = NULL, *ids_path = NULL, *bias_path = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(path_of(e, s, ".npy", &path, err));
    TRY_DONE(path_of(e, s, ".txt", &ids_path, err));
    TRY_DONE(path_of(e, s, "_bias.npy", &bias_path, err));
    TRY_DONE(npy_write(e->rt, path, NPY_F32, s->count, s->length, s->vectors, NULL, err));
    TRY_DONE(write_ids(e, s, ids_path, err));
    if (s->bias != NULL)
        status = npy_write(e->rt, bias_path, NPY_F32, s->count, 0, s->bias, NULL, err);
done:
    mem_free(bias_path);
    mem_free(ids_path);
    mem_free(path);
    return status;
}

/* Ids are bytes [count, width], UTF-8 with zeros behind: what numpy.frombuffer calls 'S<width>'. */
static medley_status pad_ids(const embedding *e, const side *s, char **out, int64_t *width, medley_error *err)
{
    *out = NULL;
    *width = 1;
    for (int64_t row = 0; row < s->count; row++) {
        const int64_t length = (int64_t)strlen(s->ids[row]);
        *width = length > *width ? length : *width;
    }
    TRY(mem_alloc_zero(e->rt, s->count, (size_t)*width, out, err));
    for (int64_t row = 0; row < s->count; row++)
        memcpy(*out + row * *width, s->ids[row], strlen(s->ids[row]));
    return MEDLEY_OK;
}

static medley_status write_safetensors(const embedding *e, const side *s, medley_error *err)
{
    const char *const metadata[] = {"format", VECTORS_FORMAT, "model", e->model->file.class->name};
    named_tensor tensors[3] = {{"vectors", TENSOR_F32, 2, {s->count, s->length}, s->vectors}};
    char *path = NULL, *ids = NULL;
    int64_t count = 1, width;
    medley_status status = MEDLEY_OK;
    TRY_DONE(path_of(e, s, ".safetensors", &path, err));
    TRY_DONE(pad_ids(e, s, &ids, &width, err));
    if (s->bias != NULL)
        tensors[count++] = (named_tensor){"bias", TENSOR_F32, 1, {s->count}, s->bias};
    tensors[count++] = (named_tensor){"ids", TENSOR_U8, 2, {s->count, width}, ids};
    status = safetensors_write(e->rt, path, tensors, count, metadata, sizeof metadata / sizeof *metadata, err);
done:
    mem_free(ids);
    mem_free(path);
    return status;
}

static medley_status write_description(const embedding *e, medley_error *err)
{
    const medley_model *m = e->model;
    json *root = json_new_object(), *options = json_new_object();
    medley_status status = description_add(e->rt, options, table, e->p, err);
    json_set_text(root, "format", VECTORS_FORMAT);
    json_set_text(root, "medley", medley_version());
    json_set_text(root, "model", m->file.class->name);
    json_set_text(root, "fingerprint", m->file.fingerprint);
    json_set_int(root, "length", m->how.factors);
    for (int i = 0; i < e->count; i++)
        json_set_int(root, e->sides[i].name, e->sides[i].count);
    json_set(root, "options", options);
    if (status == MEDLEY_OK)
        status = description_save(e->rt, root, save_folder_path(e->folder), DESCRIPTION, err);
    json_free(root);
    return status;
}

/* ---- all ---- */

static void tell(const embedding *e, medley_report *report)
{
    const side *last = &e->sides[e->count - 1];
    report_facts(report, "vectors", "Vectors");
    report_string(report, "out", e->p->out);
    report_string(report, "model", e->model->file.class->name);
    report_int(report, "length", last->length);
    for (int i = 0; i < e->count; i++)
        report_int(report, e->sides[i].name, e->sides[i].count);
    report_int(report, "biases", last->bias != NULL ? last->count : 0);
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    static medley_status (*const writers[])(const embedding *e, const side *s,
                                            medley_error *err) = {write_csv, write_npy, write_safetensors};
    embedding e = {.rt = rt, .p = s->values};
    medley_status status = MEDLEY_OK;
    TRY_DONE(model_open(rt, e.p->run, e.p->store, true, &e.model, err));
    TRY_DONE(make_sides(&e, err));
    TRY_DONE(save_folder_open(rt, e.p->out, e.p->force, DESCRIPTION, &e.folder, err));
    for (int i = 0; i < e.count; i++)
        TRY_DONE(writers[e.p->format](&e, &e.sides[i], err));
    TRY_DONE(write_description(&e, err));
    tell(&e, report);
    TRY_DONE(report_status(report, err));
    save_folder *const whole = e.folder;
    e.folder = NULL;
    status = save_folder_commit(whole, err);
done:
    save_folder_abandon(e.folder);
    left_sides_release(&e.left);
    medley_model_free(e.model);
    return status;
}

const operation_class operation_embed = {
    .name = "embed",
    .summary = "write the vectors of users and items of a trained model",
    .details =
        "For models that score by vectors: score(u, i) = <u, i> + bias_i. csv: users.csv and items.csv, 'id,v1,v2,...'; "
        "npy: users.npy and items.npy, float32 [rows, length], and the ids a line each in users.txt and items.txt; "
        "safetensors: users.safetensors and items.safetensors, with the tensors 'vectors' and 'ids', bytes [rows, width] "
        "of UTF-8 with zeros behind it. Biases of items, if the model has any, are items_bias.csv, items_bias.npy, or the "
        "tensor 'bias'. Rows are in the order of the store. With known train, users have the vectors that they were "
        "trained with, where the model keeps them. What is written can be read by features_import.",
    .table = table,
    .size = sizeof(embed_params),
    .run = run,
};

medley_status medley_embed(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_embed, rt, config, report, err);
}
