/* Bringing vectors from elsewhere into a store, and telling what is there. */
#include "data/features_input.h"
#include "io/save.h"
#include "io/utf8.h"

#include <math.h>

enum { CHUNK_BYTES = 8 << 20, TASK_BYTES = 256 * 1024, TOLD_LONGEST = 400 };

const medley_param features_import_table[] = {
    MEDLEY_TEXT(features_import, store, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "the store whose items the vectors are of"),
    MEDLEY_TEXT(features_import, name, NULL, .flags = MEDLEY_PARAM_REQUIRED,
                .help = "what the matrix is called: visual, textual"),
    MEDLEY_TEXT(features_import, input, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "an .npy, a folder of <id>.npy, a CSV or TSV of id and numbers, or a safetensors file"),
    MEDLEY_TEXT(features_import, ids, "", .flags = MEDLEY_PARAM_PATH,
                .help = "item ids of the rows of an .npy or safetensors file: lines of a text, or an .npy"),
    MEDLEY_ENUM(features_import, format, "auto", "auto|" FEATURES_FORM_NAMES,
                .help = "what the input is; auto: by its name"),
    MEDLEY_TEXT(features_import, tensor, "", .help = "which one of a safetensors file that has several"),
    MEDLEY_BOOL(features_import, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace a matrix of that name"),
    MEDLEY_PARAMS_END,
};

typedef struct import_job {
    const medley_runtime *rt;
    const features_import *p;
    medley_store *store;
    char *folder, *path; /* <store>/features, and the matrix in it */
    bool made_folder;
    features_input in;
    save *file;
    float *chunk;           /* [step, length] */
    int64_t first, end;     /* items of the chunk */
    int64_t step, per_task; /* items of a chunk, and of a task of it */
    char fingerprint[FINGERPRINT_SIZE], items_print[FINGERPRINT_SIZE];
} import_job;

/* ---- the matrix ---- */

static medley_status fill_rows(void *context, int64_t task, int worker, medley_error *err)
{
    const import_job *job = context;
    const features_input *in = &job->in;
    const int64_t from = job->first + task * job->per_task;
    const int64_t to = from + job->per_task < job->end ? from + job->per_task : job->end;
    (void)worker;
    for (int64_t item = from; item < to; item++) {
        float *row = job->chunk + (item - job->first) * in->length;
        if (in->row_of[item] >= 0)
            TRY(in->form->read(in, item, row, err));
        else
            for (int64_t i = 0; i < in->length; i++)
                row[i] = NAN;
    }
    return MEDLEY_OK;
}

static int64_t rows_in(int64_t bytes, int64_t length)
{
    const int64_t rows = bytes / (length * (int64_t)sizeof(float));
    return rows > 0 ? rows : 1;
}

/* Item by item, a chunk at a time: the matrix is never in memory as a whole. */
static medley_status write_rows(import_job *job, fingerprint *print, medley_error *err)
{
    const int64_t items = job->store->items, length = job->in.length;
    char header[NPY_HEADER_MOST];
    const size_t header_length = npy_header(header, NPY_F32, items, length);
    fingerprint_add(print, header, header_length);
    TRY(save_write(job->file, header, header_length, err));
    for (job->first = 0; job->first < items; job->first = job->end) {
        job->end = job->first + job->step < items ? job->first + job->step : items;
        const int64_t rows = job->end - job->first;
        const size_t bytes = (size_t)(rows * length) * sizeof *job->chunk;
        TRY(runtime_progress(job->rt, "items", job->first, items, err));
        TRY(parallel_run(job->rt, (rows + job->per_task - 1) / job->per_task, fill_rows, job, err));
        fingerprint_add(print, job->chunk, bytes);
        TRY(save_write(job->file, job->chunk, bytes, err));
    }
    return MEDLEY_OK;
}

static medley_status write_matrix(import_job *job, medley_error *err)
{
    fingerprint *print = NULL;
    const int64_t items = job->store->items, length = job->in.length, step = rows_in(CHUNK_BYTES, length);
    medley_status status = MEDLEY_OK;
    job->step = step < items ? step : items;
    job->per_task = rows_in(TASK_BYTES, length);
    TRY_DONE(fingerprint_create(job->rt, &print, err));
    TRY_DONE(mem_alloc(job->rt, job->step * length, sizeof *job->chunk, &job->chunk, err));
    TRY_DONE(save_open(job->rt, job->path, &job->file, err));
    TRY_DONE(write_rows(job, print, err));
    fingerprint_hex(print, job->fingerprint);
done:
    fingerprint_free(print);
    return status;
}

/* ---- what it is ---- */

/* The last part of a path; "" when it is no UTF-8. */
static const char *last_part(const char *path, char *name, size_t size)
{
    size_t end = strlen(path), start;
    while (end > 1 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/';)
        start--;
    number_print(name, size, "%.*s", (int)(end - start), path + start);
    return utf8_invalid_at(name, strlen(name)) < 0 ? name : "";
}

static double coverage(const import_job *job)
{
    return job->store->items > 0 ? (double)job->in.matched / (double)job->store->items : 0;
}

/* <name>.json stands before the matrix is put in place: whoever dies between the two leaves one that is refused as
 * stale, never one that is taken for another. */
static medley_status write_json(const import_job *job, medley_error *err)
{
    const features_input *in = &job->in;
    char source[256];
    text rendered = {.rt = job->rt};
    json *root = json_new_object();
    json_set_text(root, "format", FEATURES_FORMAT);
    json_set_text(root, "medley", medley_version());
    json_set_text(root, "name", job->p->name);
    json_set_text(root, "source", last_part(job->p->input, source, sizeof source));
    json_set_text(root, "source_format", in->form->name);
    json_set_int(root, "items", job->store->items);
    json_set_int(root, "length", in->length);
    json_set_int(root, "missing", job->store->items - in->matched);
    json_set_real(root, "coverage", coverage(job));
    json_set_int(root, "vectors", in->rows);
    json_set_int(root, "unknown", in->unknown);
    json_set_int(root, "duplicates", in->duplicate);
    json_set_text(root, "items_fingerprint", job->items_print);
    json_set_text(root, "fingerprint", job->fingerprint);
    char *path = NULL;
    medley_status status = json_render(root, 2, &rendered, err);
    if (status == MEDLEY_OK)
        status = features_path(job->rt, job->store->path, job->p->name, ".json", &path, err);
    if (status == MEDLEY_OK)
        status = save_bytes(job->rt, path, rendered.bytes, (size_t)rendered.length, err);
    mem_free(path);
    text_release(&rendered);
    json_free(root);
    return status;
}

/* "a, b, ...": the first of `count` ids. */
static void tell_ids(medley_report *report, const char *name, const char *const *ids, int64_t count)
{
    char shown[TOLD_LONGEST] = "";
    size_t used = 0;
    for (int64_t i = 0; i < count && i < FEATURES_TOLD; i++)
        used += (size_t)number_print(shown + used, sizeof shown - used, "%s%.60s", i > 0 ? ", " : "", ids[i]);
    if (count > FEATURES_TOLD)
        number_print(shown + used, sizeof shown - used, ", ...");
    if (count > 0)
        report_string(report, name, shown);
}

static void tell_missing(const import_job *job, medley_report *report)
{
    const char *ids[FEATURES_TOLD] = {NULL};
    int64_t count = 0;
    for (int64_t item = 0; item < job->store->items; item++)
        if (job->in.row_of[item] < 0 && count++ < FEATURES_TOLD)
            ids[count - 1] = job->store->item_ids[item];
    tell_ids(report, "first_missing", ids, count);
}

static void tell(const import_job *job, medley_report *report)
{
    const features_input *in = &job->in;
    report_facts(report, "features", "Features");
    report_string(report, "name", job->p->name);
    report_string(report, "format", in->form->name);
    report_int(report, "vectors", in->rows);
    report_int(report, "length", in->length);
    report_int(report, "matched", in->matched);
    report_int(report, "unknown", in->unknown);
    tell_ids(report, "first_unknown", in->first_unknown, in->unknown);
    report_int(report, "duplicates", in->duplicate);
    tell_ids(report, "first_duplicates", in->first_duplicate, in->duplicate);
    report_int(report, "missing", job->store->items - in->matched);
    tell_missing(job, report);
    report_real(report, "coverage", coverage(job));
    report_string(report, "fingerprint", job->fingerprint);
}

/* ---- all ---- */

static medley_status make_folder(import_job *job, medley_error *err)
{
    TRY(store_path(job->store, "features", &job->folder, err));
    TRY(features_path(job->rt, job->store->path, job->p->name, ".npy", &job->path, err));
    if (file_exists(job->path) && !job->p->force)
        return fail(err, MEDLEY_E_EXISTS,
                    "features: '%s' exists already in the store; choose another name or ask to "
                    "replace it",
                    job->p->name);
    job->made_folder = !file_exists(job->folder);
    return MEDLEY_OK;
}

/* A folder that nothing came into goes again. */
static void job_release(import_job *job)
{
    char **names;
    int64_t count;
    save_abandon(job->file);
    if (job->made_folder && file_is_folder(job->folder) &&
        file_list(job->rt, job->folder, &names, &count, NULL) == MEDLEY_OK) {
        file_names_free(names, count);
        if (count == 0 && file_remove_tree(job->rt, job->folder, NULL) != MEDLEY_OK)
            runtime_log(job->rt, MEDLEY_LOG_WARNING, "left behind: %s", job->folder);
    }
    mem_free(job->chunk);
    features_input_release(&job->in);
    mem_free(job->path);
    mem_free(job->folder);
    store_free(job->store);
}

medley_status features_import_run(const medley_runtime *rt, const features_import *p, medley_report *report,
                                  medley_error *err)
{
    import_job job = {.rt = rt, .p = p, .in.file.width = 1};
    medley_status status = MEDLEY_OK;
    if (!features_name_is_plain(p->name))
        return fail(
            err, MEDLEY_E_CONFIG,
            "name: '%.100s'; up to %d letters, digits, '_', '-' and '.' are accepted, the first a letter or digit",
            p->name, FEATURES_NAME_MOST);
    TRY_DONE(store_open(rt, p->store, true, &job.store, err));
    TRY_DONE(make_folder(&job, err));
    TRY_DONE(features_input_open(rt, p, job.store, &job.in, err));
    TRY_DONE(features_items_print(rt, job.store->path, job.items_print, err));
    TRY_DONE(file_make_folder(rt, job.folder, err));
    TRY_DONE(write_matrix(&job, err));
    tell(&job, report);
    TRY_DONE(report_status(report, err));
    TRY_DONE(write_json(&job, err));
    status = save_commit(job.file, err);
    job.file = NULL;
done:
    job_release(&job);
    return status;
}

/* ---- telling ---- */

static void tell_listed(const json *root, const char *name, medley_report *report)
{
    int64_t items = 0, length = 0, missing = 0;
    double covered = 0;
    const char *source = json_text(root, "source");
    (void)(json_int(root, "items", &items) && json_int(root, "length", &length) &&
           json_int(root, "missing", &missing) && json_real(root, "coverage", &covered));
    report_string(report, NULL, name);
    report_int(report, NULL, items);
    report_int(report, NULL, length);
    report_int(report, NULL, missing);
    report_real(report, NULL, covered);
    report_string(report, NULL, source != NULL ? source : "");
}

medley_status features_list_run(const medley_runtime *rt, const char *store, medley_report *report,
                                medley_error *err)
{
    medley_store *s = NULL;
    char **names = NULL;
    int64_t count = 0;
    medley_status status = MEDLEY_OK;
    TRY_DONE(store_open(rt, store, false, &s, err));
    TRY_DONE(features_names(rt, s->path, &names, &count, err));
    report_table(report, "features", "Features", "name|items|length|missing|coverage|source");
    for (int64_t i = 0; i < count; i++) {
        json *root;
        TRY_DONE(features_read_json(rt, s->path, names[i], &root, err));
        tell_listed(root, names[i], report);
        json_free(root);
    }
    status = report_status(report, err);
done:
    file_names_free(names, count);
    store_free(s);
    return status;
}

/* What a look at the numbers tells: a matrix of zeros, or one that was never scaled, is seen at once. */
static void tell_numbers(const features *f, medley_report *report)
{
    double least = HUGE_VAL, most = -HUGE_VAL, lengths = 0;
    int64_t zero = 0;
    for (int64_t item = 0; item < f->items; item++) {
        const float *row = f->rows + item * f->length;
        double square = 0;
        if (f->lacks[item])
            continue;
        for (int64_t i = 0; i < f->length; i++) {
            const double value = (double)row[i];
            least = value < least ? value : least;
            most = value > most ? value : most;
            square += value * value;
        }
        zero += square == 0;
        lengths += sqrt(square);
    }
    const int64_t vectors = f->items - f->missing;
    report_int(report, "zero_vectors", zero);
    if (vectors == 0)
        return;
    report_real(report, "least_value", least);
    report_real(report, "largest_value", most);
    report_real(report, "mean_norm", lengths / (double)vectors);
}

medley_status features_show_run(const medley_runtime *rt, const char *store, const char *name,
                                medley_report *report, medley_error *err)
{
    static const char *const texts[] = {"source", "source_format"};
    static const char *const counts[] = {"vectors", "unknown", "duplicates"};
    medley_store *s = NULL;
    features f = {.file.width = 1};
    json *root = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(store_open(rt, store, false, &s, err));
    TRY_DONE(features_open(rt, s->path, s->items, name, &f, err));
    TRY_DONE(features_read_json(rt, s->path, name, &root, err));
    report_facts(report, "features", "Features");
    report_string(report, "name", name);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (json_text(root, texts[i]) != NULL)
            report_string(report, texts[i], json_text(root, texts[i]));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        int64_t value;
        if (json_int(root, counts[i], &value))
            report_int(report, counts[i], value);
    }
    report_int(report, "items", f.items);
    report_int(report, "length", f.length);
    report_int(report, "missing", f.missing);
    report_real(report, "coverage", f.items > 0 ? (double)(f.items - f.missing) / (double)f.items : 0);
    tell_numbers(&f, report);
    report_string(report, "fingerprint", f.fingerprint);
    status = report_status(report, err);
done:
    json_free(root);
    features_release(&f);
    store_free(s);
    return status;
}
