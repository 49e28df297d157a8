/* The matrices of a store, when items are added to it. */
#include "data/features_file.h"
#include "io/description.h"
#include "io/save.h"

#include <math.h>

enum { CHUNK_BYTES = 8 << 20 };

typedef struct carry_job {
    const medley_runtime *rt;
    const char *from, *to;  /* folders of the stores */
    int64_t items;          /* of `to`: those of `from`, and more */
    const uint8_t *changed; /* [items of `from`] ITEM_NEW_..., or NULL */
    features matrix;
    int encoded;      /* ITEM_NEW_... that this matrix was encoded from; 0: it comes from elsewhere */
    int64_t outdated; /* items that it had a vector of, which is no longer theirs */
    char items_print[FINGERPRINT_SIZE], fingerprint[FINGERPRINT_SIZE];
} carry_job;

static medley_status write_bytes(save *s, fingerprint *print, const void *bytes, int64_t length, medley_error *err)
{
    fingerprint_add(print, bytes, (size_t)length);
    return save_write(s, bytes, (size_t)length, err);
}

/* What of an item the matrix was made from. */
static int encoded_parts(const json *about)
{
    static const struct {
        const char *source, *part;
        int mask;
    } parts[] = {{"pictures", NULL, ITEM_NEW_PICTURE},
                 {"texts", "title", ITEM_NEW_TITLE},
                 {"texts", "description", ITEM_NEW_TEXT},
                 {"texts", NULL, ITEM_NEW_TITLE | ITEM_NEW_TEXT}};
    const char *format = json_text(about, "source_format"), *source = json_text(about, "source");
    const char *part = json_text(about, "text");
    for (size_t i = 0; format != NULL && strcmp(format, "encoder") == 0 && i < sizeof parts / sizeof *parts; i++)
        if (source != NULL && strcmp(source, parts[i].source) == 0 &&
            (parts[i].part == NULL || (part != NULL && strcmp(part, parts[i].part) == 0)))
            return parts[i].mask;
    return 0;
}

static bool is_outdated(const carry_job *job, int64_t item)
{
    return job->changed != NULL && (job->changed[item] & job->encoded) != 0;
}

static medley_status find_outdated(carry_job *job, medley_error *err)
{
    json *about;
    TRY(features_read_json(job->rt, job->from, job->matrix.name, &about, err));
    job->encoded = encoded_parts(about);
    json_free(about);
    job->outdated = 0;
    for (int64_t item = 0; item < job->matrix.items; item++)
        job->outdated += is_outdated(job, item) && !job->matrix.lacks[item];
    return MEDLEY_OK;
}

/* Rows of the matrix and behind it, those of NaN that the items lack. */
static void fill_rows(const carry_job *job, int64_t first, int64_t count, float *rows)
{
    const int64_t length = job->matrix.length;
    for (int64_t i = 0; i < count; i++) {
        const bool there = first + i < job->matrix.items && !is_outdated(job, first + i);
        if (there)
            memcpy(rows + i * length, job->matrix.rows + (first + i) * length, (size_t)length * sizeof *rows);
        for (int64_t j = 0; !there && j < length; j++)
            rows[i * length + j] = NAN;
    }
}

static medley_status write_rows(const carry_job *job, save *s, fingerprint *print, medley_error *err)
{
    const int64_t length = job->matrix.length, row_bytes = length * (int64_t)sizeof(float);
    const int64_t chunk = least(CHUNK_BYTES / row_bytes + 1, job->items);
    char header[NPY_HEADER_MOST];
    float *rows;
    const size_t header_length = npy_header(header, NPY_F32, job->items, length);
    TRY(write_bytes(s, print, header, (int64_t)header_length, err));
    TRY(mem_alloc(job->rt, chunk * length, sizeof *rows, &rows, err));
    medley_status status = MEDLEY_OK;
    for (int64_t item = 0; status == MEDLEY_OK && item < job->items; item += chunk) {
        const int64_t count = least(chunk, job->items - item);
        fill_rows(job, item, count, rows);
        status = write_bytes(s, print, rows, count * row_bytes, err);
    }
    mem_free(rows);
    return status;
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
    return job->matrix.missing + job->outdated + job->items - job->matrix.items;
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

/* What was encoded so far, under the fingerprints of the contents; without it all is encoded again. */
static medley_status keep_encoded(const carry_job *job, medley_error *err)
{
    char *from = NULL, *to = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(features_path(job->rt, job->from, job->matrix.name, ".encoded", &from, err));
    TRY_DONE(features_path(job->rt, job->to, job->matrix.name, ".encoded", &to, err));
    if (file_exists(from) && !file_link(from, to))
        runtime_log(job->rt, MEDLEY_LOG_WARNING, "%s is not kept: its items will be encoded again", from);
done:
    mem_free(from);
    mem_free(to);
    return status;
}

static void tell_state(const carry_job *job, int64_t items, medley_report *report)
{
    static const char *const which[2][2] = {{"", "changed"}, {"new", "new and changed"}};
    const char *const said = which[job->items > items][job->outdated > 0];
    char state[96];
    snprintf(state, sizeof state, "kept; %s it again to cover the %s items",
             job->encoded != 0 ? "extract" : "import", said);
    report_string(report, NULL, said[0] != '\0' ? state : "kept");
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
    status = find_outdated(job, err);
    report_int(report, NULL, lacking(job));
    report_real(report, NULL, coverage(job));
    tell_state(job, items, report);
    if (status == MEDLEY_OK)
        status = write_matrix(job, err);
    if (status == MEDLEY_OK)
        status = keep_encoded(job, err);
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
                             int64_t items, const uint8_t *changed, medley_report *report, medley_error *err)
{
    carry_job job = {
        .rt = rt, .from = from, .to = to, .items = items, .changed = changed, .matrix = {.file.width = 1}};
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
