#include "api/extraction_plan.h"

#include <ctype.h>

#include "data/features_file.h"
#include "io/file.h"

enum { PLAN_LONGEST = 1 << 20, NAME_LONGEST = 512, KEYS_MOST = 48 };

typedef struct plan_reader {
    const medley_runtime *rt;
    const char *path, *models;
    extraction_plan *plan;
    const char *dataset;
} plan_reader;

/* ---- nodes ---- */

/* Refuses keys that are none of `keys` (ends with NULL) nor settings of an encoder of `classes` (so, too, or NULL). */
static medley_status check_keys(const plan_reader *r, const yaml_node *map, const char *where,
                                const char *const *keys, const encoder_class *const *classes, medley_error *err)
{
    const char *known[KEYS_MOST];
    int64_t count = 0;
    for (; *keys != NULL; keys++)
        known[count++] = *keys;
    for (; classes != NULL && *classes != NULL; classes++)
        for (const medley_param *p = (*classes)->params; p->kind != MEDLEY_PARAM_END && count < KEYS_MOST; p++)
            known[count++] = p->name;
    for (int64_t i = 0; i < map->count; i++) {
        const yaml_node *const child = &map->children[i];
        bool found = false;
        for (int64_t k = 0; k < count && !found; k++)
            found = strcmp(known[k], child->key) == 0;
        if (found)
            continue;
        const char *const near = medley_nearest(child->key, known, count);
        return near != NULL ? fail(err, MEDLEY_E_CONFIG, "%s:%d: unknown key '%s' of %s (did you mean '%s'?)",
                                   r->path, child->line, child->key, where, near)
                            : fail(err, MEDLEY_E_CONFIG, "%s:%d: unknown key '%s' of %s", r->path, child->line,
                                   child->key, where);
    }
    return MEDLEY_OK;
}

/* The text of a key; NULL when it is not there. */
static medley_status take_text(const plan_reader *r, const yaml_node *map, const char *key, const char **out,
                               medley_error *err)
{
    const yaml_node *const child = yaml_child(map, key);
    *out = NULL;
    if (child == NULL)
        return MEDLEY_OK;
    if (child->kind != YAML_SCALAR || child->value[0] == '\0')
        return fail(err, MEDLEY_E_CONFIG, "%s:%d: %s: accepted: a text", r->path, child->line, key);
    *out = child->value;
    return MEDLEY_OK;
}

static medley_status need_text(const plan_reader *r, const yaml_node *map, const char *where, const char *key,
                               const char **out, medley_error *err)
{
    TRY(take_text(r, map, key, out, err));
    return *out != NULL ? MEDLEY_OK
                        : fail(err, MEDLEY_E_CONFIG, "%s:%d: %s has no %s", r->path, map->line, where, key);
}

static medley_status need_map(const plan_reader *r, const yaml_node *node, const char *where, medley_error *err)
{
    return node->kind == YAML_MAP ? MEDLEY_OK
                                  : fail(err, MEDLEY_E_CONFIG, "%s:%d: %s: accepted: a mapping of keys to values",
                                         r->path, node->line, where);
}

static medley_status add_note(plan_reader *r, const yaml_node *node, const char *said, medley_error *err)
{
    extraction_plan *const p = r->plan;
    for (int64_t i = 0; i < p->note_count; i++) /* of a model with several layers or modalities */
        if (p->notes[i].key == node->key)
            return MEDLEY_OK;
    TRY(mem_reserve(r->rt, &p->notes, &p->note_capacity, p->note_count + 1, sizeof *p->notes, err));
    p->notes[p->note_count++] = (plan_note){node->line, node->key, said};
    return MEDLEY_OK;
}

static medley_status keep(plan_reader *r, text *t, const char **out, medley_error *err)
{
    medley_status status = text_status(t, err);
    if (status == MEDLEY_OK)
        status = arena_text(&r->plan->memory, t->bytes, (size_t)t->length, out, err);
    text_release(t);
    return status;
}

/* folder/name, or `name` if that says where it is by itself. */
static medley_status join(plan_reader *r, const char *folder, const char *name, const char **out,
                          medley_error *err)
{
    text t = {.rt = r->rt};
    if (name[0] == '/')
        text_add(&t, name);
    else
        text_format(&t, "%s/%s", folder, name);
    return keep(r, &t, out, err);
}

/* ---- which encoder ---- */

/* Letters and digits alone count: ResNet50, resnet-50. */
static bool is_alike(const char *a, const char *b)
{
    for (;;) {
        while (*a != '\0' && !isalnum((unsigned char)*a))
            a++;
        while (*b != '\0' && !isalnum((unsigned char)*b))
            b++;
        if (*a == '\0' || *b == '\0')
            return *a == *b;
        if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++))
            return false;
    }
}

static const char *last_part(const char *name)
{
    const char *const slash = strrchr(name, '/');
    return slash != NULL ? slash + 1 : name;
}

/* What torchvision and Keras call models whose names differ by more than signs. */
static const struct {
    const char *name, *encoder;
} aliases[] = {{"ConvNeXtBase", "convnext-base-224"}};

static const encoder_class *class_named(const char *name, modality m)
{
    for (const encoder_class *const *c = encoder_classes; *c != NULL; c++) {
        const medley_param *const model = medley_param_find((*c)->params, "model");
        const char *const hub = model != NULL ? model->preset : NULL;
        if ((*c)->modality == m && (is_alike(name, (*c)->name) ||
                                    (hub != NULL && (is_alike(name, hub) || is_alike(name, last_part(hub))))))
            return *c;
    }
    return NULL;
}

static const encoder_class *find_class(const char *name, modality m)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (is_alike(name, aliases[i].name))
            return class_named(aliases[i].encoder, m);
    return class_named(name, m);
}

/* The export of a model: what model_path says, else <models>/<name>, its last part, the encoder's name; NULL: none. */
static medley_status find_export(plan_reader *r, const yaml_node *map, const planned_extraction *e,
                                 const char **out, medley_error *err)
{
    const char *const names[] = {e->model, last_part(e->model), e->class != NULL ? e->class->name : ""};
    TRY(take_text(r, map, "model_path", out, err));
    for (size_t i = 0; i < sizeof names / sizeof *names && *out == NULL && r->models[0] != '\0'; i++) {
        const char *path;
        if (names[i][0] == '\0')
            continue;
        TRY(join(r, r->models, names[i], &path, err));
        *out = file_is_folder(path) ? path : NULL;
    }
    return MEDLEY_OK;
}

static const encoder_class *any_export(modality m)
{
    return class_named(m == MODALITY_IMAGE ? "onnx-image" : "onnx-text", m);
}

static medley_status choose_class(plan_reader *r, const yaml_node *map, planned_extraction *e, const char **folder,
                                  medley_error *err)
{
    e->class = find_class(e->model, e->modality);
    TRY(find_export(r, map, e, folder, err));
    if (e->class == NULL && *folder != NULL)
        e->class = any_export(e->modality);
    return e->class != NULL
               ? MEDLEY_OK
               : fail(
                     err, MEDLEY_E_NOT_FOUND,
                     "%s:%d: model_name: no encoder of %s is called '%s', and no export of it is there; give its "
                     "folder as model_path, or the folder of its folder as models ('optimum-cli export onnx --model "
                     "%s FOLDER' makes one)",
                     r->path, map->line, e->modality == MODALITY_IMAGE ? "pictures" : "texts", e->model, e->model);
}

/* ---- its settings ---- */

/* Keys of a model that are Ducho's, and what becomes of those that say nothing here. */
static const struct {
    const char *key, *note;
} model_keys[] = {
    {"model_name", NULL},
    {"output_layers", NULL},
    {"model_path", NULL},
    {"backend", NULL},
    {"batch_size", NULL},
    {"reshape", "not used: the encoder's own preparation says the size"},
    {"resize", "not used: the encoder's own preparation says the size"},
    {"preprocessing", "not used: pixels are prepared as the encoder was trained"},
    {"mean", "not used: pixels are prepared as the encoder was trained"},
    {"std", "not used: pixels are prepared as the encoder was trained"},
    {"clear_text", "not used: texts are cleaned as the encoder's tokenizer does"},
    {"tokenizer_name", "not used: the tokenizer is the one beside the model"},
    {"task", "not used: there is one task, the vectors"},
};
enum { MODEL_KEYS = sizeof model_keys / sizeof *model_keys };

/* Layers as torch, Keras and transformers call what is a kind of output here. */
static const struct {
    const char *layer, *output;
} outputs[] = {
    {"avgpool", "pooled"}, {"avg_pool", "pooled"}, {"pooler_output", "pooled"}, {"last_hidden_state", "mean"}};

static bool is_number(const char *layer)
{
    return layer[strspn(layer, "-0123456789")] == '\0';
}

static medley_status set(plan_reader *r, const planned_extraction *e, int line, const char *key, const char *value,
                         medley_error *err)
{
    const medley_status status = medley_param_set(medley_param_find(e->class->params, key), e->params, value, err);
    return status == MEDLEY_OK ? status : fail_while(err, status, "%s:%d", r->path, line);
}

/* A number, as SentenceTransformers and CLIP have it in Ducho, leaves the choice to the encoder. */
static medley_status set_layer(plan_reader *r, const yaml_node *node, const planned_extraction *e,
                               medley_error *err)
{
    const char *output = e->layer;
    if (node == NULL || is_number(e->layer))
        return MEDLEY_OK;
    if (medley_param_find(e->class->params, "output") == NULL)
        return add_note(r, node, "not used: the encoder has one output", err);
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        if (strcmp(e->layer, outputs[i].layer) == 0)
            output = outputs[i].output;
    return set(r, e, node->line, "output", output, err);
}

/* Vectors do not depend on the batch, so this is about speed alone. */
static medley_status set_batch(plan_reader *r, const yaml_node *node, const planned_extraction *e,
                               medley_error *err)
{
    if (node->kind != YAML_SCALAR)
        return fail(err, MEDLEY_E_CONFIG, "%s:%d: batch_size: accepted: a number", r->path, node->line);
    if (medley_param_find(e->class->params, "batch") == NULL)
        return add_note(r, node, "not used: the encoder takes all at once", err);
    return e->modality == MODALITY_IMAGE ? set(r, e, node->line, "batch", node->value, err)
                                         : add_note(r, node, "not used: texts are batched by their tokens", err);
}

static medley_status set_key(plan_reader *r, const yaml_node *node, const planned_extraction *e, medley_error *err)
{
    for (int i = 0; i < MODEL_KEYS; i++)
        if (strcmp(node->key, model_keys[i].key) == 0)
            return model_keys[i].note != NULL             ? add_note(r, node, model_keys[i].note, err)
                   : strcmp(node->key, "batch_size") == 0 ? set_batch(r, node, e, err)
                                                          : MEDLEY_OK;
    if (medley_param_find(e->class->params, node->key) == NULL)
        return MEDLEY_OK; /* the other modality's */
    if (node->kind != YAML_SCALAR)
        return fail(err, MEDLEY_E_CONFIG, "%s:%d: %s: accepted: a single value", r->path, node->line, node->key);
    return set(r, e, node->line, node->key, node->value, err);
}

/* Of a model with two modalities, what makes the vectors of the other one. */
static const encoder_class *class_of_other(const planned_extraction *e)
{
    const modality other = e->modality == MODALITY_IMAGE ? MODALITY_TEXT : MODALITY_IMAGE;
    const encoder_class *const class = find_class(e->model, other);
    return class != NULL ? class : any_export(other);
}

static medley_status set_all(plan_reader *r, const yaml_node *map, planned_extraction *e, const char *folder,
                             medley_error *err)
{
    const char *keys[MODEL_KEYS + 1];
    const encoder_class *const classes[] = {e->class, e->both ? class_of_other(e) : NULL, NULL};
    for (int i = 0; i < MODEL_KEYS; i++)
        keys[i] = model_keys[i].key;
    keys[MODEL_KEYS] = NULL;
    TRY(check_keys(r, map, "a model", keys, classes, err));
    TRY(arena_alloc(&r->plan->memory, 1, e->class->params_size, &e->params, err));
    memset(e->params, 0, e->class->params_size);
    medley_params_reset(e->class->params, e->params);
    for (int64_t i = 0; i < map->count; i++)
        TRY(set_key(r, &map->children[i], e, err));
    if (folder == NULL)
        return MEDLEY_OK;
    if (medley_param_find(e->class->params, "model") != NULL)
        return set(r, e, map->line, "model", folder, err);
    const yaml_node *const path = yaml_child(map, "model_path");
    return path != NULL ? add_note(r, path, "not used: the encoder is built in", err) : MEDLEY_OK;
}

/* ---- where vectors go ---- */

static bool is_part(const char *name, size_t length)
{
    return length > 0 && !(length <= 2 && strncmp(name, "..", length) == 0);
}

/* Ducho's folder of a model: its whole name, but of the section visual the last part. */
static void add_model(text *t, const planned_extraction *e)
{
    bool whole = e->whole_name;
    for (const char *at = e->model; whole; at++) {
        const size_t length = strcspn(at, "/");
        whole = is_part(at, length);
        at += length;
        if (*at == '\0')
            break;
    }
    const char *const name = whole ? e->model : last_part(e->model);
    const char *const dot = strrchr(name, '.');
    const bool ending = dot != NULL && (strcmp(dot, ".pt") == 0 || strcmp(dot, ".onnx") == 0);
    text_append(t, name, ending ? (size_t)(dot - name) : strlen(name));
}

static medley_status name_feature(plan_reader *r, const char *backend, planned_extraction *e, medley_error *err)
{
    text t = {.rt = r->rt};
    text_format(&t, "%s-%s-%s-%s", e->modality == MODALITY_IMAGE ? "visual" : "textual", backend,
                last_part(e->model), e->layer);
    for (int64_t i = 0; i < t.length; i++)
        if (!isalnum((unsigned char)t.bytes[i]) && t.bytes[i] != '_' && t.bytes[i] != '.')
            t.bytes[i] = '-';
    if (!t.failed && t.length > FEATURES_NAME_MOST)
        t.bytes[t.length = FEATURES_NAME_MOST] = '\0';
    return keep(r, &t, &e->feature, err);
}

static medley_status place_output(plan_reader *r, const yaml_node *map, planned_extraction *e, medley_error *err)
{
    const char *backend;
    text t = {.rt = r->rt};
    TRY(take_text(r, map, "backend", &backend, err));
    if (backend == NULL)
        backend = "medley";
    if (!is_part(backend, strlen(backend)) || strchr(backend, '/') != NULL ||
        !is_part(e->layer, strlen(e->layer)) || strchr(e->layer, '/') != NULL ||
        !is_part(last_part(e->model), strlen(last_part(e->model))))
        return fail(err, MEDLEY_E_CONFIG,
                    "%s:%d: a folder cannot be named by backend '%s', model '%s' and layer '%s'", r->path,
                    map->line, backend, e->model, e->layer);
    TRY(join(r, e->output, "cache", &e->cache, err));
    text_format(&t, "%s/%s/", e->output, backend);
    add_model(&t, e);
    text_format(&t, "/%s", e->layer);
    TRY(keep(r, &t, &e->output, err));
    for (int64_t i = 0; i < r->plan->count; i++)
        if (strcmp(r->plan->extractions[i].output, e->output) == 0)
            return fail(err, MEDLEY_E_CONFIG, "%s:%d: '%s' is the output of line %d, too", r->path, map->line,
                        e->output, r->plan->extractions[i].line);
    return name_feature(r, backend, e, err);
}

/* ---- sections ---- */

static medley_status add_layer(plan_reader *r, const yaml_node *map, const planned_extraction *shared,
                               const char *layer, medley_error *err)
{
    extraction_plan *const p = r->plan;
    planned_extraction e = *shared;
    const char *folder;
    e.layer = layer;
    TRY(choose_class(r, map, &e, &folder, err));
    TRY(set_all(r, map, &e, folder, err));
    TRY(set_layer(r, yaml_child(map, "output_layers"), &e, err));
    TRY(place_output(r, map, &e, err));
    TRY(mem_reserve(r->rt, &p->extractions, &p->capacity, p->count + 1, sizeof *p->extractions, err));
    p->extractions[p->count++] = e;
    return MEDLEY_OK;
}

static medley_status add_model_layers(plan_reader *r, const yaml_node *map, const planned_extraction *input,
                                      medley_error *err)
{
    const yaml_node *const layers = yaml_child(map, "output_layers");
    planned_extraction e = *input;
    e.line = map->line;
    TRY(need_text(r, map, "a model", "model_name", &e.model, err));
    if (strlen(e.model) > NAME_LONGEST)
        return fail(err, MEDLEY_E_CONFIG, "%s:%d: model_name: longer than %d bytes", r->path, map->line,
                    NAME_LONGEST);
    if (layers == NULL)
        return add_layer(r, map, &e, "1", err);
    if (layers->kind == YAML_SCALAR && layers->value[0] != '\0')
        return add_layer(r, map, &e, layers->value, err);
    if (layers->kind != YAML_LIST || layers->count == 0)
        return fail(err, MEDLEY_E_CONFIG, "%s:%d: output_layers: accepted: a layer, or a list of layers", r->path,
                    layers->line);
    for (int64_t i = 0; i < layers->count; i++) {
        if (layers->children[i].kind != YAML_SCALAR)
            return fail(err, MEDLEY_E_CONFIG, "%s:%d: output_layers: accepted: a layer, or a list of layers",
                        r->path, layers->children[i].line);
        TRY(add_layer(r, map, &e, layers->children[i].value, err));
    }
    return MEDLEY_OK;
}

/* A section, as Ducho calls it, and what it is about. */
typedef struct plan_section {
    const char *name;
    int count;
    modality modalities[2];
} plan_section;
static const plan_section sections[] = {
    {"visual", 1, {MODALITY_IMAGE}},
    {"textual", 1, {MODALITY_TEXT}},
    {"visual_textual", 2, {MODALITY_IMAGE, MODALITY_TEXT}},
};
enum { SECTIONS = sizeof sections / sizeof *sections };
static const char *const modality_keys[] = {[MODALITY_IMAGE] = "visual", [MODALITY_TEXT] = "textual"};

/* input_path or output_path: a text, or with two modalities {visual: , textual: }. */
static medley_status take_path(plan_reader *r, const yaml_node *items, const plan_section *s, const char *key,
                               modality m, const char **out, medley_error *err)
{
    const yaml_node *node = items;
    const char *said;
    if (s->count > 1) {
        node = yaml_child(items, key);
        if (node == NULL || node->kind != YAML_MAP)
            return fail(err, MEDLEY_E_CONFIG, "%s:%d: %s: accepted: {visual: PATH, textual: PATH}", r->path,
                        node != NULL ? node->line : items->line, key);
        TRY(check_keys(r, node, key, (const char *const[]){"visual", "textual", NULL}, NULL, err));
        key = modality_keys[m];
    }
    TRY(need_text(r, node, s->name, key, &said, err));
    return join(r, r->dataset, said, out, err);
}

static medley_status read_items(plan_reader *r, const yaml_node *items, const plan_section *s, medley_error *err)
{
    static const char *const keys[] = {"input_path", "output_path", "item_column", "text_column", "model", NULL};
    TRY(need_map(r, items, "items", err));
    TRY(check_keys(r, items, "items", keys, NULL, err));
    const yaml_node *const models = yaml_child(items, "model");
    if (models == NULL || models->kind != YAML_LIST || models->count == 0)
        return fail(err, MEDLEY_E_CONFIG, "%s:%d: %s: model: accepted: a list of {model_name: ..., ...}", r->path,
                    models != NULL ? models->line : items->line, s->name);
    for (int m = 0; m < s->count; m++) {
        planned_extraction e = {
            .modality = s->modalities[m], .both = s->count > 1, .whole_name = s != &sections[0]};
        TRY(take_path(r, items, s, "input_path", e.modality, &e.input, err));
        TRY(take_path(r, items, s, "output_path", e.modality, &e.output, err));
        TRY(take_text(r, items, "item_column", &e.item_column, err));
        TRY(take_text(r, items, "text_column", &e.text_column, err));
        e.item_column = e.item_column != NULL ? e.item_column : "";
        e.text_column = e.text_column != NULL ? e.text_column : "";
        for (int64_t i = 0; i < models->count; i++) {
            TRY(need_map(r, &models->children[i], "a model", err));
            TRY(add_model_layers(r, &models->children[i], &e, err));
        }
    }
    return MEDLEY_OK;
}

static medley_status read_section(plan_reader *r, const yaml_node *node, const plan_section *s, medley_error *err)
{
    TRY(need_map(r, node, s->name, err));
    TRY(check_keys(r, node, s->name, (const char *const[]){"items", "interactions", NULL}, NULL, err));
    const yaml_node *const events = yaml_child(node, "interactions"), *const items = yaml_child(node, "items");
    if (events != NULL)
        return fail(err, MEDLEY_E_CONFIG, "%s:%d: %s: interactions are not encoded; accepted: items", r->path,
                    events->line, s->name);
    return items != NULL ? read_items(r, items, s, err)
                         : fail(err, MEDLEY_E_CONFIG, "%s:%d: %s has no items", r->path, node->line, s->name);
}

static medley_status read_root(plan_reader *r, const yaml_node *root, medley_error *err)
{
    static const char *const keys[] = {"dataset_path", "gpu list",       "gpu_list", "visual",
                                       "textual",      "visual_textual", "audio",    NULL};
    TRY(check_keys(r, root, "a plan", keys, NULL, err));
    const yaml_node *const audio = yaml_child(root, "audio");
    if (audio != NULL)
        return fail(err, MEDLEY_E_CONFIG,
                    "%s:%d: audio: no encoder hears; accepted: visual, textual, visual_textual", r->path,
                    audio->line);
    TRY(take_text(r, root, "dataset_path", &r->dataset, err));
    if (r->dataset == NULL)
        return fail(err, MEDLEY_E_CONFIG, "%s: no dataset_path, the folder that paths are in", r->path);
    for (int i = 1; i <= 2; i++)
        if (yaml_child(root, keys[i]) != NULL)
            TRY(add_note(r, yaml_child(root, keys[i]), "not used: encoders run on the processor", err));
    for (int i = 0; i < SECTIONS; i++)
        if (yaml_child(root, sections[i].name) != NULL)
            TRY(read_section(r, yaml_child(root, sections[i].name), &sections[i], err));
    return r->plan->count > 0 ? MEDLEY_OK
                              : fail(err, MEDLEY_E_CONFIG,
                                     "%s: nothing to encode; accepted: visual, textual, visual_textual", r->path);
}

medley_status extraction_plan_read(const medley_runtime *rt, const char *path, const char *models,
                                   extraction_plan *out, medley_error *err)
{
    plan_reader r = {.rt = rt, .path = path, .models = models, .plan = out};
    char *bytes;
    size_t length;
    *out = (extraction_plan){.rt = rt, .memory.rt = rt};
    TRY(file_read_whole(rt, path, PLAN_LONGEST, &bytes, &length, err));
    const medley_status status = yaml_parse(rt, path, bytes, length, &out->document, err);
    mem_free(bytes);
    TRY(status);
    return read_root(&r, yaml_root(out->document), err);
}

void extraction_plan_release(extraction_plan *p)
{
    yaml_document_free(p->document);
    arena_release(&p->memory);
    mem_free(p->extractions);
    mem_free(p->notes);
    *p = (extraction_plan){0};
}
