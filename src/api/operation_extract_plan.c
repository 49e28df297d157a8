#include <medley/store.h>

#include "api/encoding.h"
#include "api/operation.h"
#include "api/planned_items.h"
#include "data/features_write.h"
#include "data/store.h"

typedef struct plan_params {
    const char *plan, *models, *store, *cache_folder;
    int cache;
    int64_t cache_memory, cache_disk;
    bool precompute, force;
} plan_params;

static const medley_param table[] = {
    MEDLEY_TEXT(plan_params, plan, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "Ducho's configuration, a YAML file"),
    MEDLEY_TEXT(plan_params, models, "", .flags = MEDLEY_PARAM_PATH,
                .help =
                    "folder with ONNX exports of models, each called as the model; empty: the Hugging Face cache"),
    MEDLEY_TEXT(plan_params, store, "", .flags = MEDLEY_PARAM_PATH,
                .help =
                    "also write the matrices to this store, for its items; empty: only the folders of vectors"),
    ENCODING_CACHE_PARAMS(plan_params, "<output_path>/cache"),
    MEDLEY_BOOL(plan_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace matrices of the store; what has been encoded is used again"),
    MEDLEY_PARAMS_END,
};

/* One of the plan's extractions. */
typedef struct job {
    const medley_runtime *rt;
    const plan_params *p;
    const planned_extraction *planned;
    const medley_store *store; /* or NULL */
    planned_items items;
    encoding how;
    int64_t matched; /* items of the store that the input has */
} job;

/* "<output>.encoded", beside the folder of vectors. */
static medley_status beside(const job *j, const char *ending, char **out, medley_error *err)
{
    text path = {.rt = j->rt};
    text_format(&path, "%s%s", j->planned->output, ending);
    medley_status status = text_status(&path, err);
    if (status == MEDLEY_OK)
        status = mem_text(j->rt, path.bytes, (size_t)path.length, out, err);
    text_release(&path);
    return status;
}

static medley_status encode_items(job *j, medley_error *err)
{
    const plan_params *p = j->p;
    const char *const folder = p->cache_folder[0] != '\0' ? p->cache_folder : j->planned->cache;
    const encoding_cache cache = {p->cache, folder, p->cache_memory, p->cache_disk, p->precompute};
    char *log = NULL, *items = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(file_make_folder(j->rt, j->planned->output, err));
    TRY_DONE(beside(j, ".encoded", &log, err));
    TRY_DONE(beside(j, ".items.tsv", &items, err));
    TRY_DONE(encoding_run(&j->how, log, &cache, err));
    TRY_DONE(encoding_write_npys(&j->how, j->planned->output, err));
    TRY_DONE(encoding_write_items(&j->how, items, err));
    if (j->how.done.refused > 0)
        runtime_log(j->rt, MEDLEY_LOG_WARNING, "%lld items could not be encoded: see %s",
                    (long long)j->how.done.refused, items);
done:
    mem_free(log);
    mem_free(items);
    return status;
}

/* The input's item of an item of the store, or -1. */
static int64_t item_of(const job *j, int64_t item)
{
    const char *const id = j->store->item_ids[item];
    const uint32_t found = idmap_find(&j->items.map, id, strlen(id));
    return found != IDMAP_NONE ? (int64_t)found : -1;
}

static medley_status store_row(const void *context, int64_t item, float *out, medley_error *err)
{
    const job *const j = context;
    const int64_t found = item_of(j, item);
    if (found >= 0)
        return extraction_row(&j->how.done, found, out, err);
    for (int64_t i = 0; i < j->how.done.length; i++)
        out[i] = __builtin_nanf("");
    return MEDLEY_OK;
}

static medley_status write_matrix(job *j, medley_error *err)
{
    features_writing writing = {0};
    for (int64_t i = 0; i < j->store->items; i++)
        j->matched += item_of(j, i) >= 0;
    medley_status status = features_write_rows(j->rt, j->store->path, j->planned->feature, j->store->items,
                                               j->how.done.length, store_row, j, &writing, err);
    if (status == MEDLEY_OK) {
        json *about = encoding_describe(&j->how);
        status = features_write_commit(&writing, about, err);
        json_free(about);
    }
    features_writing_release(&writing);
    return status;
}

static void tell(const job *j, medley_report *report)
{
    const planned_extraction *const e = j->planned;
    const extraction *const x = &j->how.done;
    const char *const words[] = {e->modality == MODALITY_IMAGE ? "visual" : "textual", e->model, e->layer,
                                 e->class->name};
    const int64_t counts[] = {x->items, x->length, x->found, x->encoded, x->without, x->refused};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        report_string(report, NULL, words[i]);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        report_int(report, NULL, counts[i]);
    report_real(report, NULL, x->seconds);
    report_string(report, NULL, e->output);
    if (j->store == NULL)
        return;
    report_string(report, NULL, e->feature);
    report_int(report, NULL, j->matched);
}
#define COLUMNS \
    "modality|model|layer|encoder|items|length|encoded_before|encoded_now|without|refused|seconds|output"

static medley_status run_one(job *j, medley_report *report, medley_error *err)
{
    const planned_extraction *const e = j->planned;
    TRY(planned_items_read(j->rt, e, &j->items, err));
    TRY(encoding_open(&j->how, e->params, err));
    j->how.ids = j->items.ids;
    j->how.source = (extraction_source){.items = j->items.count, .content = j->items.content, .folder = e->input};
    TRY(encoding_check_ids(&j->how, err));
    TRY(encode_items(j, err));
    if (j->store != NULL)
        TRY(write_matrix(j, err));
    tell(j, report);
    return report_status(report, err);
}

/* Of several encoders none should fail to open after hours of the others. */
static medley_status try_encoders(const medley_runtime *rt, const extraction_plan *plan, medley_error *err)
{
    for (int64_t i = 0; i < plan->count; i++) {
        encoding how = {.rt = rt, .class = plan->extractions[i].class};
        const medley_status status = encoding_open(&how, plan->extractions[i].params, err);
        encoding_release(&how);
        if (status != MEDLEY_OK)
            return fail_while(err, status, "line %d: %s", plan->extractions[i].line, plan->extractions[i].model);
    }
    return MEDLEY_OK;
}

static void tell_notes(const extraction_plan *plan, medley_report *report)
{
    if (plan->note_count == 0)
        return;
    report_table(report, "notes", "Notes", "line|key|note");
    for (int64_t i = 0; i < plan->note_count; i++) {
        report_int(report, NULL, plan->notes[i].line);
        report_string(report, NULL, plan->notes[i].key);
        report_string(report, NULL, plan->notes[i].note);
    }
}

static medley_status run_plan(const medley_runtime *rt, const plan_params *p, const extraction_plan *plan,
                              const medley_store *store, medley_report *report, medley_error *err)
{
    for (int64_t i = 0; store != NULL && i < plan->count; i++)
        TRY(features_write_check(rt, store->path, plan->extractions[i].feature, p->force, err));
    TRY(try_encoders(rt, plan, err));
    tell_notes(plan, report);
    report_table(report, "extractions", "Extractions", store != NULL ? COLUMNS "|features|matched" : COLUMNS);
    for (int64_t i = 0; i < plan->count; i++) {
        const planned_extraction *const e = &plan->extractions[i];
        job j = {.rt = rt, .p = p, .planned = e, .store = store, .how = {.rt = rt, .class = e->class}};
        medley_status status = run_one(&j, report, err);
        if (status != MEDLEY_OK && status != MEDLEY_E_STOPPED && status != MEDLEY_E_NOMEM)
            status = fail_while(err, status, "%s:%d", p->plan, e->line);
        encoding_release(&j.how);
        planned_items_release(&j.items);
        TRY(status);
    }
    return MEDLEY_OK;
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    const plan_params *const p = s->values;
    extraction_plan plan = {.rt = rt};
    medley_store *store = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(encoding_cache_check(p->cache, p->precompute, err));
    TRY_DONE(extraction_plan_read(rt, p->plan, p->models, &plan, err));
    if (p->store[0] != '\0')
        TRY_DONE(store_open(rt, p->store, true, &store, err));
    status = run_plan(rt, p, &plan, store, report, err);
done:
    store_free(store);
    extraction_plan_release(&plan);
    return status;
}

const operation_class operation_extract_plan = {
    .name = "extract_plan",
    .summary = "turn pictures and texts into vectors as Ducho's configuration says",
    .details =
        "Reads dataset_path and the sections visual, textual and visual_textual, each with items: input_path, a folder of "
        "pictures or a TSV with item_column and text_column, output_path, and a list of models with model_name, "
        "output_layers, backend, batch_size. Writes <output_path>/<backend>/<model>/<layer>/<id>.npy [1, length]; beside "
        "the folder, <layer>.items.tsv says what became of each item, and <layer>.encoded keeps what was encoded, so that "
        "a run that was stopped goes on. A model is an encoder, by its name or the one it has elsewhere (ResNet50, "
        "openai/clip-vit-base-patch16), or any ONNX export: model_path names its folder, models the folder of many. A "
        "model also takes the settings of its encoder. Keys that say nothing here are listed with the reason; unknown "
        "ones are refused.",
    .table = table,
    .size = sizeof(plan_params),
    .run = run,
};

medley_status medley_extract_plan(medley_runtime *rt, medley_config *config, medley_report **report,
                                  medley_error *err)
{
    return operation_run(&operation_extract_plan, rt, config, report, err);
}
