/* Downloads into "<out>.download", verifies, unpacks into the folder being built, puts that in place. */
#include <medley/store.h>

#include "api/operation.h"
#include "data/public_set.h"
#include "io/archive.h"
#include "io/digest.h"
#include "io/download.h"
#include "io/json.h"
#include "io/save.h"

typedef struct fetch_params {
    const char *name, *out, *url, *checksum;
    bool force;
} fetch_params;

static const medley_param fetch_table[] = {
    MEDLEY_TEXT(fetch_params, name, NULL, .flags = MEDLEY_PARAM_REQUIRED, .help = "see medley list sets"),
    MEDLEY_TEXT(fetch_params, out, "", .flags = MEDLEY_PARAM_PATH,
                .help = "folder to write (default: the set's name)"),
    MEDLEY_TEXT(fetch_params, url, "",
                .help = "take the files from this folder of another server instead: http, https or file"),
    MEDLEY_TEXT(fetch_params, checksum, "",
                .help = "md5:... or sha256:... that the file must have, instead of the published one"),
    MEDLEY_BOOL(fetch_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace an existing folder"),
    MEDLEY_PARAMS_END,
};

/* Its presence says that a folder was fetched, and may be replaced. */
#define RECORD "fetch.json"

typedef struct fetched {
    const char *name; /* of the file; borrowed from its URL */
    char *url;        /* where it comes from */
    char *path;       /* where it is downloaded to */
    int64_t bytes;
    char checksum[CHECKSUM_SIZE];
    bool verified; /* against a checksum said before */
} fetched;

typedef struct fetch_job {
    medley_runtime *rt;
    const fetch_params *p;
    const public_set *set;
    const char *out;
    char *downloads; /* folder */
    int64_t count;
    fetched files[PUBLIC_FILES_MOST];
    save_folder *folder;
} fetch_job;

static medley_status join_texts(const medley_runtime *rt, const char *a, const char *b, const char *c, char **out,
                                medley_error *err)
{
    text whole = {.rt = rt};
    text_add(&whole, a);
    text_add(&whole, b);
    text_add(&whole, c);
    const medley_status status = text_status(&whole, err);
    if (status != MEDLEY_OK)
        text_release(&whole);
    *out = whole.bytes;
    return status;
}

static medley_status name_file(const fetch_job *job, const char *url, fetched *f, medley_error *err)
{
    const char *mirror = job->p->url;
    f->name = strrchr(url, '/') + 1;
    TRY(file_join(job->rt, job->downloads, f->name, &f->path, err));
    if (mirror[0] == '\0')
        return join_texts(job->rt, url, "", "", &f->url, err);
    return join_texts(job->rt, mirror, mirror[strlen(mirror) - 1] == '/' ? "" : "/", f->name, &f->url, err);
}

/* What is not as it should be is kept under another name, to be looked at; the next run downloads anew. */
static medley_status set_aside(const fetch_job *job, const fetched *f, const char *wanted, medley_error *err)
{
    char *aside;
    TRY(join_texts(job->rt, f->path, ".refused", "", &aside, err));
    medley_status status = file_rename(job->rt, f->path, aside, err);
    if (status == MEDLEY_OK)
        status = fail(err, MEDLEY_E_FORMAT,
                      "%s: its checksum is %s, expected %s; nothing was unpacked, the file is now '%s'", f->name,
                      f->checksum, wanted, aside);
    mem_free(aside);
    return status;
}

static medley_status verify(const fetch_job *job, const public_file *source, fetched *f, medley_error *err)
{
    const char *said = job->p->checksum[0] != '\0' ? job->p->checksum : source->checksum;
    digest_kind kind = DIGEST_SHA256;
    char wanted[CHECKSUM_SIZE] = "";
    file *opened;
    if (said != NULL)
        TRY(checksum_parse(said, &kind, wanted, err));
    TRY(checksum_file(job->rt, f->path, kind, f->checksum, err));
    TRY(file_open(job->rt, f->path, &opened, err));
    f->bytes = file_size(opened);
    file_close(opened);
    f->verified = said != NULL;
    return said == NULL || strcmp(wanted, f->checksum) == 0 ? MEDLEY_OK : set_aside(job, f, wanted, err);
}

static medley_status download_all(fetch_job *job, medley_error *err)
{
    download_options options = download_defaults;
    options.most = job->set->most;
    TRY(file_make_folder(job->rt, job->downloads, err));
    for (int64_t i = 0; i < job->count; i++) {
        const public_file *source = &job->set->files[i];
        fetched *f = &job->files[i];
        TRY(name_file(job, source->url, f, err));
        if (!file_exists(f->path)) /* else from a run that failed later */
            TRY(download_file(job->rt, f->url, f->path, &options, err));
        TRY(verify(job, source, f, err));
    }
    return MEDLEY_OK;
}

static bool is_archive(const char *name)
{
    static const char *const endings[] = {".zip", ".tar", ".tar.gz", ".tgz"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t length = strlen(name), ending = strlen(endings[i]);
        if (length > ending && strcmp(name + length - ending, endings[i]) == 0)
            return true;
    }
    return false;
}

/* Archives are unpacked; compressed tables stay as they are: the readers read them so. */
static medley_status place_all(const fetch_job *job, medley_error *err)
{
    const char *folder = save_folder_path(job->folder);
    for (const fetched *f = job->files; f < job->files + job->count; f++) {
        char *to;
        if (is_archive(f->name)) {
            TRY(unpack_archive(job->rt, f->path, folder, job->set->folder, job->set->most, err));
            continue;
        }
        TRY(file_join(job->rt, folder, f->name, &to, err));
        const medley_status status = file_rename(job->rt, f->path, to, err);
        mem_free(to);
        TRY(status);
    }
    return MEDLEY_OK;
}

static medley_status write_record(const fetch_job *job, medley_error *err)
{
    text out = {.rt = job->rt};
    json *record = json_new_object(), *files = json_new_array();
    json_set_text(record, "set", job->set->name);
    for (int64_t i = 0; i < job->count; i++) {
        const fetched *f = &job->files[i];
        json *row = json_new_object();
        json_set_text(row, "file", f->name);
        json_set_text(row, "url", f->url);
        json_set_int(row, "bytes", f->bytes);
        json_set_text(row, "checksum", f->checksum);
        json_set_bool(row, "verified", f->verified);
        json_append(files, row);
    }
    json_set(record, "files", files);
    medley_status status = json_render(record, 2, &out, err);
    text_add(&out, "\n");
    if (status == MEDLEY_OK)
        status = text_status(&out, err);
    if (status == MEDLEY_OK)
        status = save_in(job->rt, save_folder_path(job->folder), RECORD, out.bytes, (size_t)out.length, err);
    json_free(record);
    text_release(&out);
    return status;
}

static medley_status tell(const fetch_job *job, medley_report *r, medley_error *err)
{
    report_facts(r, "fetch", "Fetched");
    report_string(r, "set", job->set->name);
    report_string(r, "folder", job->out);
    report_string(r, "about", job->set->details);
    report_table(r, "files", "Files", "file|bytes|checksum|verified");
    for (int64_t i = 0; i < job->count; i++) {
        report_string(r, NULL, job->files[i].name);
        report_int(r, NULL, job->files[i].bytes);
        report_string(r, NULL, job->files[i].checksum);
        report_string(r, NULL, job->files[i].verified ? "yes" : "none published");
    }
    return report_status(r, err);
}

static medley_status check_checksum(const fetch_job *job, medley_error *err)
{
    digest_kind kind;
    char checksum[CHECKSUM_SIZE];
    if (job->p->checksum[0] == '\0')
        return MEDLEY_OK;
    if (job->count > 1)
        return fail(err, MEDLEY_E_CONFIG, "checksum: '%s' has %lld files; one checksum is for sets of one file",
                    job->set->name, (long long)job->count);
    const medley_status status = checksum_parse(job->p->checksum, &kind, checksum, err);
    return status == MEDLEY_OK ? MEDLEY_OK : fail_while(err, status, "checksum");
}

/* Takes the folder of downloads away: with all it holds, or only when nothing has come. */
static medley_status remove_downloads(const fetch_job *job, bool all, medley_error *err)
{
    char **names;
    int64_t count = 0;
    if (!all && file_is_folder(job->downloads)) {
        TRY(file_list(job->rt, job->downloads, &names, &count, err));
        file_names_free(names, count);
    }
    return count == 0 ? file_remove_tree(job->rt, job->downloads, err) : MEDLEY_OK;
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    fetch_job job = {.rt = rt, .p = s->values, .set = &public_sets[s->member]};
    medley_status status;
    job.count = public_set_files(job.set);
    job.out = job.p->out[0] != '\0' ? job.p->out : job.set->name;
    TRY(check_checksum(&job, err));
    TRY(join_texts(rt, job.out, ".download", "", &job.downloads, err));
    /* First, so that nothing is downloaded that could not be kept, and nobody else fetches this meanwhile. */
    TRY_DONE(save_folder_open(rt, job.out, job.p->force, RECORD, &job.folder, err));
    TRY_DONE(download_all(&job, err));
    TRY_DONE(place_all(&job, err));
    TRY_DONE(write_record(&job, err));
    TRY_DONE(tell(&job, report, err));
    status = save_folder_commit(job.folder, err);
    job.folder = NULL;
done:
    if (status == MEDLEY_OK)
        status = remove_downloads(&job, true, err);
    else if (job.folder != NULL)
        (void)!remove_downloads(&job, false, NULL);
    save_folder_abandon(job.folder);
    for (int64_t i = 0; i < job.count; i++) {
        mem_free(job.files[i].path);
        mem_free(job.files[i].url);
    }
    mem_free(job.downloads);
    return status;
}

const operation_class operation_fetch = {
    .name = "fetch",
    .summary = "download a public data set, verify it, and unpack it",
    .details =
        "What has come stays in <out>.download until all is there, so that an interrupted run goes on where it was. "
        "A file whose checksum is not the published one is refused before anything is unpacked; where none is "
        "published, fetch.json keeps the SHA-256 of what came.",
    .table = fetch_table,
    .size = sizeof(fetch_params),
    .member_kind = "sets",
    .member_key = "name",
    .run = run,
};

medley_status medley_fetch(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_fetch, rt, config, report, err);
}
