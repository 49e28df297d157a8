/* The feature matrices of an experiment: does the store have them, made as the settings say? */
#include "api/experiment.h"
#include "data/store.h"
#include "io/json.h"
#include "io/save.h"

extern const operation_class operation_extract;

enum { JSON_LONGEST = 1 << 24 };

/* One matrix, in <store>/features and its stamp, in <out>/extract. */
typedef struct matrix {
    const char *name;
    char print[FINGERPRINT_SIZE]; /* of its rows; "": it is not there */
    char *stamps;                 /* folder */
    char file[SETTINGS_WORD + 8]; /* of the stamp */
    text said;                    /* what it must have been made by */
} matrix;

/* The fingerprint of a matrix's rows, as the file beside it says; "": there is none. */
static medley_status read_print(const experiment *e, const char *name, char print[FINGERPRINT_SIZE],
                                medley_error *err)
{
    char inside[SETTINGS_WORD + 16], *path = NULL, *bytes = NULL;
    size_t length;
    json *root = NULL;
    medley_status status = MEDLEY_OK;
    print[0] = '\0';
    snprintf(inside, sizeof inside, "features/%s.json", name);
    TRY_DONE(file_join(e->rt, e->store, inside, &path, err));
    if (!file_exists(path))
        goto done;
    TRY_DONE(file_read_whole(e->rt, path, JSON_LONGEST, &bytes, &length, err));
    TRY_DONE(json_parse(path, bytes, length, &root, err));
    const char *said = json_text(root, "fingerprint");
    snprintf(print, FINGERPRINT_SIZE, "%s", said != NULL ? said : "");
done:
    json_free(root);
    mem_free(bytes);
    mem_free(path);
    return status;
}

/* Everything that a matrix depends on but the bytes of pictures, which the store does not know either. */
static medley_status describe(const experiment *e, medley_config *config, text *out, medley_error *err)
{
    medley_store *store;
    bound_settings s;
    TRY(store_open(e->rt, e->store, false, &store, err));
    text_format(out, "# medley %s\n# store %s\n", medley_version(), store->fingerprint);
    store_free(store);
    TRY(settings_bind(config, &operation_extract, &s, err));
    const medley_status status = settings_yaml(&s, out, err);
    settings_release(&s);
    return status;
}

/* A stamp starts with the fingerprint of the matrix. */
static medley_status is_current(const experiment *e, const matrix *m, char before[FINGERPRINT_SIZE], bool *out,
                                medley_error *err)
{
    char *bytes;
    TRY(experiment_read(e->rt, m->stamps, m->file, &bytes, err));
    const size_t line = bytes != NULL ? strcspn(bytes, "\n") : 0;
    snprintf(before, FINGERPRINT_SIZE, "%.*s", line > 2 ? (int)line - 2 : 0, line > 2 ? bytes + 2 : "");
    *out = bytes != NULL && bytes[line] == '\n' && m->print[0] != '\0' && strcmp(before, m->print) == 0 &&
           strcmp(bytes + line + 1, m->said.bytes) == 0;
    mem_free(bytes);
    return MEDLEY_OK;
}

/* Models were fitted, or tried, on a matrix that is another one now: they know no better than its name. Before the stamp, so
 * that whoever is killed between does it again. */
static medley_status forget_runs(const experiment *e, const char *name, medley_error *err)
{
    if (!file_exists(e->runs_folder))
        return MEDLEY_OK;
    runtime_log(e->rt, MEDLEY_LOG_INFO, "runs: made again, because the features %s have changed", name);
    return file_remove_tree(e->rt, e->runs_folder, err);
}

static medley_status stamp(const experiment *e, const matrix *m, medley_error *err)
{
    text out = {.rt = e->rt};
    text_format(&out, "# %s\n", m->print);
    text_add(&out, m->said.bytes);
    medley_status status = text_status(&out, err);
    if (status == MEDLEY_OK)
        status = file_make_folder(e->rt, m->stamps, err);
    if (status == MEDLEY_OK)
        status = save_in(e->rt, m->stamps, m->file, out.bytes, (size_t)out.length, err);
    text_release(&out);
    return status;
}

static medley_status make(experiment *e, matrix *m, medley_config *config, bool *made, medley_error *err)
{
    char stamped[FINGERPRINT_SIZE];
    bool current;
    TRY(experiment_set(config, (const char *const[]){"store", e->store, "name", m->name, "force", "true", NULL},
                       err));
    TRY(describe(e, config, &m->said, err));
    TRY(read_print(e, m->name, m->print, err));
    TRY(is_current(e, m, stamped, &current, err));
    if (current)
        return MEDLEY_OK;
    *made = true;
    const bool there = m->print[0] != '\0' || stamped[0] != '\0';
    TRY(operation_run(&operation_extract, e->rt, config, NULL, err));
    TRY(read_print(e, m->name, m->print, err));
    if (there && strcmp(stamped, m->print) != 0)
        TRY(forget_runs(e, m->name, err));
    return stamp(e, m, err);
}

medley_status experiment_features(experiment *e, medley_error *err)
{
    const double start = runtime_seconds();
    bool made = false;
    for (int64_t i = 0;; i++) {
        char word[SETTINGS_WORD];
        medley_config *config;
        matrix m = {.name = word, .said = {.rt = e->rt}};
        TRY(settings_named_group(e->settings, "extract", i, word, &config, err));
        if (config == NULL)
            return i == 0 ? MEDLEY_OK : experiment_note(e, "extract", made ? "made" : "up to date", start, err);
        snprintf(m.file, sizeof m.file, "%s.yaml", word);
        medley_status status = file_join(e->rt, e->out, "extract", &m.stamps, err);
        if (status == MEDLEY_OK)
            status = make(e, &m, config, &made, err);
        text_release(&m.said);
        mem_free(m.stamps);
        medley_config_free(config);
        TRY(status);
    }
}
