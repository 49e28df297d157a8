/* Bringing vectors from elsewhere into a store, and telling what is there. */
#include "data/features_input.h"
#include "data/features_write.h"
#include "io/utf8.h"

#include <math.h>

enum { TOLD_LONGEST = 400 };

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
    features_input in;
    features_writing writing;
} import_job;

static medley_status fill_row(const void *context, int64_t item, float *out, medley_error *err)
{
    const features_input *in = context;
    if (in->row_of[item] >= 0)
        return in->form->read(in, item, out, err);
    for (int64_t i = 0; i < in->length; i++)
        out[i] = NAN;
    return MEDLEY_OK;
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

static json *describe(const import_job *job)
{
    const features_input *in = &job->in;
    char source[256];
    json *about = json_new_object();
    json_set_text(about, "source", last_part(job->p->input, source, sizeof source));
    json_set_text(about, "source_format", in->form->name);
    json_set_int(about, "vectors", in->rows);
    json_set_int(about, "unknown", in->unknown);
    json_set_int(about, "duplicates", in->duplicate);
    return about;
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
    report_real(report, "coverage", job->store->items > 0 ? (double)in->matched / (double)job->store->items : 0);
    report_string(report, "fingerprint", job->writing.fingerprint);
}

/* ---- all ---- */

medley_status features_import_run(const medley_runtime *rt, const features_import *p, medley_report *report,
                                  medley_error *err)
{
    import_job job = {.rt = rt, .p = p, .in.file.width = 1};
    json *about = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(store_open(rt, p->store, true, &job.store, err));
    TRY_DONE(features_write_check(rt, job.store->path, p->name, p->force, err));
    TRY_DONE(features_input_open(rt, p, job.store, &job.in, err));
    TRY_DONE(features_write_rows(rt, job.store->path, p->name, job.store->items, job.in.length, fill_row, &job.in,
                                 &job.writing, err));
    tell(&job, report);
    TRY_DONE(report_status(report, err));
    about = describe(&job);
    status = features_write_commit(&job.writing, about, err);
done:
    json_free(about);
    features_writing_release(&job.writing);
    features_input_release(&job.in);
    store_free(job.store);
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
