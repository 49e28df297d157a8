/* The matrices of a store, when items are added to it. */
#include "data/features_file.h"
#include "io/description.h"
#include "io/save.h"

#include <math.h>

enum { CHUNK_BYTES = 8 << 20 };

typedef struct carry_job {
    const medley_runtime *rt;
    const char *from, *to; /* folders of the stores */
    int64_t items;         /* of `to`: those of `from`, and more */
    features matrix;
    char items_print[FINGERPRINT_SIZE], fingerprint[FINGERPRINT_SIZE];
} carry_job;

static medley_status write_bytes(save *s, fingerprint *print, const void *bytes, int64_t length, medley_error *err)
{
    fingerprint_add(print, bytes, (size_t)length);
    return save_write(s, bytes, (size_t)length, err);
}

static medley_status write_lacking(const carry_job *job, save *s, fingerprint *print, medley_error *err)
{
    const int64_t length = job->matrix.length, row_bytes = length * (int64_t)sizeof(float);
    const int64_t chunk = least(CHUNK_BYTES / row_bytes + 1, job->items - job->matrix.items);
    float *rows;
    TRY(mem_alloc(job->rt, chunk * length, sizeof *rows, &rows, err));
    for (int64_t i = 0; i < chunk * length; i++)
        rows[i] = NAN;
    medley_status status = MEDLEY_OK;
    for (int64_t item = job->matrix.items; status == MEDLEY_OK && item < job->items; item += chunk)
        status = write_bytes(s, print, rows, least(chunk, job->items - item) * row_bytes, err);
    mem_free(rows);
    return status;
}

static medley_status write_rows(const carry_job *job, save *s, fingerprint *print, medley_error *err)
{
    const features *m = &job->matrix;
    char header[NPY_HEADER_MOST];
    const size_t header_length = npy_header(header, NPY_F32, job->items, m->length);
    TRY(write_bytes(s, print, header, (int64_t)header_length, err));
    TRY(write_bytes(s, print, m->rows, npy_bytes(&m->file), err));
    return write_lacking(job, s, print, err);
}

static medley_status write_matrix(carry_job *job, medley_error *err)
{
    char *path = NULL;
    fingerprint *print = NULL;
    save *s = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(features_path(job->rt, job->to, job->matrix.name, ".npy", &path, err));
    TRY_DONE(fingerprint_create(job->rt, &print, err));
    TRY_DONE(save_open(job->rt, path, &s, err));
    TRY_DONE(write_rows(job, s, print, err));
    fingerprint_hex(print, job->fingerprint);
    status = save_commit(s, err);
    s = NULL;
done:
    save_abandon(s);
    fingerprint_free(print);
    mem_free(path);
    return status;
}

static int64_t lacking(const carry_job *job)
{
    return job->matrix.missing + job->items - job->matrix.items;
}

static double coverage(const carry_job *job)
{
    return job->items > 0 ? (double)(job->items - lacking(job)) / (double)job->items : 0;
}

/* The old description with what has changed. */
static medley_status write_json(const carry_job *job, medley_error *err)
{
    char name[FEATURES_NAME_MOST + 32];
    json *root;
    int64_t before = 0;
    TRY(features_read_json(job->rt, job->from, job->matrix.name, &root, err));
    (void)json_int(root, "appended_items", &before);
    json_set_int(root, "items", job->items);
    json_set_int(root, "missing", lacking(job));
    json_set_real(root, "coverage", coverage(job));
    json_set_int(root, "appended_items", before + job->items - job->matrix.items);
    json_set_text(root, "items_fingerprint", job->items_print);
    json_set_text(root, "fingerprint", job->fingerprint);
    number_print(name, sizeof name, "features/%s.json", job->matrix.name);
    const medley_status status = description_save(job->rt, root, job->to, name, err);
    json_free(root);
    return status;
}

/* What is wrong with a matrix is no reason to refuse new interactions. */
static bool is_of_matrix(medley_status status)
{
    return status == MEDLEY_E_FORMAT || status == MEDLEY_E_STALE || status == MEDLEY_E_NOT_FOUND;
}

static medley_status carry(carry_job *job, int64_t items, const char *name, medley_report *report,
                           medley_error *err)
{
    medley_error own = {MEDLEY_OK, ""};
    medley_status status = features_open(job->rt, job->from, items, name, &job->matrix, &own);
    report_string(report, NULL, name);
    if (is_of_matrix(status)) {
        runtime_log(job->rt, MEDLEY_LOG_WARNING, "left out: %s", own.message);
        report_int(report, NULL, job->items);
        report_real(report, NULL, 0);
        char gone[sizeof own.message + 8];
        snprintf(gone, sizeof gone, "gone: %s", own.message);
        report_string(report, NULL, gone);
        return MEDLEY_OK;
    }
    if (status != MEDLEY_OK)
        return fail(err, status, "%s", own.message);
    report_int(report, NULL, lacking(job));
    report_real(report, NULL, coverage(job));
    report_string(report, NULL, job->items > items ? "kept; import it again to cover the new items" : "kept");
    status = write_matrix(job, err);
    if (status == MEDLEY_OK)
        status = write_json(job, err);
    features_release(&job->matrix);
    return status;
}

static medley_status make_folder(const carry_job *job, medley_error *err)
{
    char *path;
    TRY(file_join(job->rt, job->to, "features", &path, err));
    const medley_status status = file_make_folder(job->rt, path, err);
    mem_free(path);
    return status;
}

medley_status features_carry(const medley_runtime *rt, const char *from, int64_t from_items, const char *to,
                             int64_t items, medley_report *report, medley_error *err)
{
    carry_job job = {.rt = rt, .from = from, .to = to, .items = items, .matrix = {.file.width = 1}};
    char **names;
    int64_t count;
    medley_status status = MEDLEY_OK;
    TRY_DONE(features_names(rt, from, &names, &count, err));
    if (count == 0)
        goto done;
    TRY_DONE(make_folder(&job, err));
    TRY_DONE(features_items_print(rt, to, job.items_print, err));
    report_table(report, "features", "Features", "name|missing|coverage|state");
    for (int64_t i = 0; i < count; i++)
        TRY_DONE(carry(&job, from_items, names[i], report, err));
done:
    file_names_free(names, count);
    return status;
}
