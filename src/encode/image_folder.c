#include "encode/image_folder.h"

#include "encode/image_preparation.h"
#include "io/save.h"

#define RECORD "images.tsv" /* its presence says that a folder is ours, and may be replaced */

enum { BLOCK = 256, TOLD = 20 };

const medley_param image_folder_table[] = {
    MEDLEY_TEXT(image_folder_params, input, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "folder of pictures: JPEG, PNG, WebP, GIF, TIFF, BMP"),
    MEDLEY_TEXT(image_folder_params, out, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "folder to write"),
    MEDLEY_INT(image_folder_params, compress_if_kb_larger_than, "0", 0, 1000000,
               .help = "make files above so many KiB smaller; 0: none for that"),
    MEDLEY_INT(image_folder_params, target_quality, "85", 1, 100, .help = "JPEG quality of what is made smaller"),
    MEDLEY_INT(image_folder_params, resize_target_longest_edge, "0", 0, 65500,
               .help = "make pictures with a longer edge smaller, to this; 0: keep the size"),
    MEDLEY_INT(image_folder_params, min_width, "1", 1, 65500, .help = "refuse narrower pictures"),
    MEDLEY_INT(image_folder_params, min_height, "1", 1, 65500, .help = "refuse lower pictures"),
    MEDLEY_REAL(image_folder_params, max_aspect, "0", 0, 65500,
                .help = "refuse pictures whose longer edge is more than so many times the shorter; 0: none"),
    MEDLEY_BOOL(image_folder_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace an existing folder"),
    MEDLEY_PARAMS_END,
};

typedef enum fate { FATE_FOLDER, FATE_REFUSED, FATE_KEPT, FATE_COMPRESSED } fate;

typedef struct picture {
    fate fate;
    int64_t bytes_before, bytes_after;
    char *reason; /* why it was refused */
} picture;

typedef struct folder_job {
    const medley_runtime *rt;
    const image_folder_params *p;
    const char *out; /* being built */
    char **names;    /* sorted */
    int64_t count, first;
    picture *pictures;
} folder_job;

/* ---- one picture ---- */

static medley_status check_shape(const image_folder_params *p, const image *m, medley_error *err)
{
    const double aspect =
        m->width > m->height ? (double)m->width / (double)m->height : (double)m->height / (double)m->width;
    if (m->width < p->min_width || m->height < p->min_height)
        return fail(err, MEDLEY_E_FORMAT, "%lldx%lld pixels: at least %lldx%lld are accepted", (long long)m->width,
                    (long long)m->height, (long long)p->min_width, (long long)p->min_height);
    if (p->max_aspect > 0 && aspect > p->max_aspect)
        return fail(err, MEDLEY_E_FORMAT, "%lldx%lld pixels: an aspect up to %g is accepted", (long long)m->width,
                    (long long)m->height, p->max_aspect);
    return MEDLEY_OK;
}

/* Where the name ends and its extension begins. */
static size_t stem(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
}

static bool same_stem(const char *a, const char *b)
{
    return stem(a) == stem(b) && memcmp(a, b, stem(a)) == 0;
}

static bool is_jpeg_name(const char *name)
{
    static const char *const extensions[] = {".jpg", ".jpeg", ".JPG", ".JPEG"};
    for (int i = 0; i < 4; i++)
        if (strcmp(name + stem(name), extensions[i]) == 0)
            return true;
    return false;
}

/* Whether no other file is called the same but for the extension. All that begin alike stand together. */
static bool is_alone(const folder_job *job, int64_t i)
{
    const char *const name = job->names[i];
    const size_t length = stem(name);
    for (int64_t j = i - 1; j >= 0 && strncmp(job->names[j], name, length) == 0; j--)
        if (same_stem(job->names[j], name))
            return false;
    for (int64_t j = i + 1; j < job->count && strncmp(job->names[j], name, length) == 0; j++)
        if (same_stem(job->names[j], name))
            return false;
    return true;
}

static medley_status jpeg_name(const folder_job *job, const char *name, char **out, medley_error *err)
{
    text changed = {.rt = job->rt};
    const bool changes = !is_jpeg_name(name);
    text_append(&changed, name, changes ? stem(name) : strlen(name));
    text_add(&changed, changes ? ".jpg" : "");
    const medley_status status = text_status(&changed, err);
    *out = changed.bytes;
    return status;
}

static medley_status write_file(const folder_job *job, const char *name, const void *bytes, size_t length,
                                medley_error *err)
{
    char *path;
    file *to = NULL;
    TRY(file_join(job->rt, job->out, name, &path, err));
    medley_status status = file_create(job->rt, path, &to, err);
    if (status == MEDLEY_OK)
        status = file_write(to, bytes, length, err); /* flushed with the folder */
    file_close(to);
    mem_free(path);
    return status;
}

/* m at its target size, as a JPEG. */
static medley_status compress(const folder_job *job, const image *m, void **bytes, size_t *length,
                              medley_error *err)
{
    const int64_t edge = job->p->resize_target_longest_edge, longer = m->width > m->height ? m->width : m->height;
    image smaller = *m;
    uint8_t *pixels = NULL;
    medley_status status = MEDLEY_OK;
    if (edge > 0 && longer > edge) {
        smaller.width = m->width * edge / longer > 0 ? m->width * edge / longer : 1;
        smaller.height = m->height * edge / longer > 0 ? m->height * edge / longer : 1;
        TRY(mem_alloc(job->rt, smaller.width * smaller.height, 3, &pixels, err));
        TRY_DONE(image_resize(job->rt, m, RESAMPLE_LANCZOS, smaller.width, smaller.height, pixels, err));
        smaller.pixels = pixels;
    }
    TRY_DONE(image_encode(job->rt, smaller.pixels, smaller.width, smaller.height, IMAGE_JPEG,
                          (int)job->p->target_quality, bytes, length, err));
done:
    mem_free(pixels);
    return status;
}

static bool is_large(const image_folder_params *p, const image *m, size_t length)
{
    const int64_t longer = m->width > m->height ? m->width : m->height;
    return (p->compress_if_kb_larger_than > 0 && length > 1024 * (uint64_t)p->compress_if_kb_larger_than) ||
           (p->resize_target_longest_edge > 0 && longer > p->resize_target_longest_edge);
}

/* Writes m, which was decoded from `bytes`, as those bytes unless it is large and comes out smaller. What is made
 * smaller is a JPEG and called so; a name that may be another's is not given. */
static medley_status write_picture(const folder_job *job, int64_t i, const image *m, const void *bytes,
                                   size_t length, medley_error *err)
{
    const char *const name = job->names[i];
    picture *out = &job->pictures[i];
    void *made = NULL;
    char *made_name = NULL;
    size_t made_length = length;
    medley_status status = MEDLEY_OK;
    if (is_large(job->p, m, length) && (is_jpeg_name(name) || is_alone(job, i))) {
        TRY_DONE(jpeg_name(job, name, &made_name, err));
        TRY_DONE(compress(job, m, &made, &made_length, err));
    }
    const bool smaller = made_length < length;
    out->fate = smaller ? FATE_COMPRESSED : FATE_KEPT;
    out->bytes_before = (int64_t)length;
    out->bytes_after = (int64_t)(smaller ? made_length : length);
    TRY_DONE(write_file(job, smaller ? made_name : name, smaller ? made : bytes, (size_t)out->bytes_after, err));
done:
    mem_free(made);
    mem_free(made_name);
    return status;
}

static medley_status take_picture(const folder_job *job, int64_t i, const char *path, medley_error *err)
{
    char *bytes;
    size_t length;
    image m = {0};
    medley_status status;
    TRY(file_read_whole(job->rt, path, image_limits_default.bytes_most, &bytes, &length, err));
    TRY_DONE(image_decode(job->rt, bytes, length, 0, &image_limits_default, &m, err));
    TRY_DONE(check_shape(job->p, &m, err));
    TRY_DONE(write_picture(job, i, &m, bytes, length, err));
done:
    image_release(&m);
    mem_free(bytes);
    return status;
}

/* A picture that is no good is listed; a machine that is no good ends it all. */
static medley_status take_file(void *context, int64_t task, int worker, medley_error *err)
{
    const folder_job *job = context;
    const int64_t i = job->first + task;
    picture *out = &job->pictures[i];
    char *path;
    medley_error why = {MEDLEY_OK, ""};
    (void)worker;
    TRY(file_join(job->rt, job->p->input, job->names[i], &path, err));
    medley_status status = file_is_folder(path) ? MEDLEY_OK : take_picture(job, i, path, &why);
    mem_free(path);
    if (status == MEDLEY_E_FORMAT || status == MEDLEY_E_LIMIT) {
        out->fate = FATE_REFUSED;
        status = mem_text(job->rt, why.message, strlen(why.message), &out->reason, &why);
    }
    if (status != MEDLEY_OK && err != NULL)
        *err = why;
    return status;
}

/* ---- all ---- */

static medley_status take_files(folder_job *job, medley_error *err)
{
    for (job->first = 0; job->first < job->count; job->first += BLOCK) {
        const int64_t left = job->count - job->first;
        TRY(runtime_progress(job->rt, "pictures", job->first, job->count, err));
        TRY(parallel_run(job->rt, left < BLOCK ? left : BLOCK, take_file, job, err));
    }
    return runtime_progress(job->rt, "pictures", job->count, job->count, err);
}

static medley_status write_record(const folder_job *job, medley_error *err)
{
    text table = {.rt = job->rt};
    text_add(&table, "file\treason\n");
    for (int64_t i = 0; i < job->count; i++)
        if (job->pictures[i].fate == FATE_REFUSED) {
            text_add_plain(&table, job->names[i]);
            text_add(&table, "\t");
            text_add_plain(&table, job->pictures[i].reason);
            text_add(&table, "\n");
        }
    medley_status status = text_status(&table, err);
    if (status == MEDLEY_OK)
        status = write_file(job, RECORD, table.bytes, (size_t)table.length, err);
    text_release(&table);
    return status;
}

static void tell(const folder_job *job, medley_report *report)
{
    int64_t of[FATE_COMPRESSED + 1] = {0}, before = 0, after = 0, told = 0;
    for (int64_t i = 0; i < job->count; i++) {
        of[job->pictures[i].fate]++;
        before += job->pictures[i].bytes_before;
        after += job->pictures[i].bytes_after;
    }
    report_facts(report, "images", "Images");
    report_int(report, "files", job->count - of[FATE_FOLDER]);
    report_int(report, "kept", of[FATE_KEPT]);
    report_int(report, "compressed", of[FATE_COMPRESSED]);
    report_int(report, "refused", of[FATE_REFUSED]);
    report_int(report, "folders", of[FATE_FOLDER]);
    report_int(report, "bytes_before", before);
    report_int(report, "bytes_after", after);
    if (of[FATE_REFUSED] == 0)
        return;
    report_table(report, "refused", "Refused (all of them: " RECORD ")", "file|reason");
    for (int64_t i = 0; i < job->count && told < TOLD; i++)
        if (job->pictures[i].fate == FATE_REFUSED) {
            report_string(report, NULL, job->names[i]);
            report_string(report, NULL, job->pictures[i].reason);
            told++;
        }
}

static medley_status check_places(const medley_runtime *rt, const image_folder_params *p, medley_error *err)
{
    char *from = NULL, *to = NULL;
    medley_status status = MEDLEY_OK;
    if (!file_is_folder(p->input))
        return fail(err, MEDLEY_E_NOT_FOUND, "input: '%s' is no folder", p->input);
    if (!file_exists(p->out))
        return MEDLEY_OK;
    TRY_DONE(file_absolute(rt, p->input, &from, err));
    TRY_DONE(file_absolute(rt, p->out, &to, err));
    if (strcmp(from, to) == 0)
        status = fail(err, MEDLEY_E_CONFIG, "out: '%s' is the input: another folder is accepted", p->out);
done:
    mem_free(from);
    mem_free(to);
    return status;
}

medley_status image_folder_run(const medley_runtime *rt, const image_folder_params *p, medley_report *report,
                               medley_error *err)
{
    folder_job job = {.rt = rt, .p = p};
    save_folder *folder = NULL;
    medley_status status;
    TRY(check_places(rt, p, err));
    TRY(file_list(rt, p->input, &job.names, &job.count, err));
    TRY_DONE(mem_alloc_zero(rt, job.count, sizeof *job.pictures, &job.pictures, err));
    TRY_DONE(save_folder_open(rt, p->out, p->force, RECORD, &folder, err));
    job.out = save_folder_path(folder);
    TRY_DONE(take_files(&job, err));
    TRY_DONE(write_record(&job, err));
    tell(&job, report);
    TRY_DONE(report_status(report, err));
    status = save_folder_commit(folder, err);
    folder = NULL;
done:
    save_folder_abandon(folder);
    for (int64_t i = 0; i < job.count && job.pictures != NULL; i++)
        mem_free(job.pictures[i].reason);
    mem_free(job.pictures);
    file_names_free(job.names, job.count);
    return status;
}
