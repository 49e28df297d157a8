/* The feature matrices of an experiment: does the store have them, made as the settings say, of what is there now? */
#include "api/experiment.h"
#include "api/source_look.h"
#include "data/features.h"
#include "io/save.h"

extern const operation_class operation_features_import, operation_extract;

/* One matrix, in <store>/features, and its stamp, in <out>/features. */
typedef struct matrix {
    const char *name;
    const operation_class *operation;
    char print[FINGERPRINT_SIZE]; /* of its rows; "": it is not there */
    char *stamps;                 /* folder */
    char file[SETTINGS_WORD + 8]; /* of the stamp */
    text said;                    /* what it must have been made by */
} matrix;

/* The value of a text row of the operation or its member; "": there is none. */
static const char *text_of(const bound_settings *s, const char *name)
{
    const medley_param *own = medley_param_find(s->operation->table, name);
    const medley_param *p = own != NULL ? own : medley_param_find(s->member_table, name);
    const char *const values = own != NULL ? s->values : s->member_values;
    const char *const value = p != NULL ? *(const char *const *)(const void *)(values + p->offset) : NULL;
    return value != NULL ? value : "";
}

/* ---- what it is made of ---- */

static medley_status look(const medley_store *store, const bound_settings *s, fingerprint *print,
                          medley_error *err)
{
    static const char *const paths[] = {"input", "ids", "model"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (text_of(s, paths[i])[0] != '\0')
            TRY(source_look_path(store->rt, text_of(s, paths[i]), print, err));
    return s->operation == &operation_extract
               ? source_look_items(store, encoder_classes[s->member]->modality, text_of(s, "images"), print, err)
               : MEDLEY_OK;
}

static medley_status describe_sources(const experiment *e, const bound_settings *s, text *out, medley_error *err)
{
    char hex[FINGERPRINT_SIZE];
    medley_store *store = NULL;
    fingerprint *print = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(store_open(e->rt, e->store, false, &store, err));
    TRY_DONE(fingerprint_create(e->rt, &print, err));
    TRY_DONE(look(store, s, print, err));
    fingerprint_hex(print, hex);
    text_format(out, "# medley %s\n# store %s\n# sources %s\n", medley_version(), store->fingerprint, hex);
done:
    fingerprint_free(print);
    store_free(store);
    return status;
}

static medley_status describe(const experiment *e, const matrix *m, medley_config *config, text *out,
                              medley_error *err)
{
    bound_settings s;
    TRY(settings_bind(config, m->operation, &s, err));
    medley_status status = describe_sources(e, &s, out, err);
    if (status == MEDLEY_OK)
        status = settings_yaml(&s, out, err);
    settings_release(&s);
    return status;
}

/* ---- whether it is there ---- */

/* A stamp starts with the fingerprint of the matrix. */
static medley_status is_current(const experiment *e, const matrix *m, bool *out, medley_error *err)
{
    char *bytes;
    TRY(experiment_read(e->rt, m->stamps, m->file, &bytes, err));
    const size_t line = bytes != NULL ? strcspn(bytes, "\n") : 0;
    *out = m->print[0] != '\0' && line == strlen(m->print) + 2 && bytes[line] == '\n' &&
           memcmp(bytes + 2, m->print, line - 2) == 0 && strcmp(bytes + line + 1, m->said.bytes) == 0;
    mem_free(bytes);
    return MEDLEY_OK;
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
    bool current;
    TRY(experiment_set(config, (const char *const[]){"store", e->store, "name", m->name, "force", "true", NULL},
                       err));
    TRY(describe(e, m, config, &m->said, err));
    TRY(features_read_print(e->rt, e->store, m->name, m->print, err));
    TRY(is_current(e, m, &current, err));
    if (current)
        return MEDLEY_OK;
    *made = true;
    TRY(operation_run(m->operation, e->rt, config, NULL, err));
    TRY(features_read_print(e->rt, e->store, m->name, m->print, err));
    return stamp(e, m, err);
}

static medley_status make_group(experiment *e, const char *group, const operation_class *operation,
                                medley_error *err)
{
    const double start = runtime_seconds();
    bool made = false;
    for (int64_t i = 0;; i++) {
        char word[SETTINGS_WORD];
        medley_config *config;
        matrix m = {.name = word, .operation = operation, .said = {.rt = e->rt}};
        TRY(settings_named_group(e->settings, group, i, word, &config, err));
        if (config == NULL)
            return i == 0 ? MEDLEY_OK : experiment_note(e, group, made ? "made" : "up to date", start, err);
        snprintf(m.file, sizeof m.file, "%s.yaml", word);
        medley_status status = file_join(e->rt, e->out, "features", &m.stamps, err);
        if (status == MEDLEY_OK)
            status = make(e, &m, config, &made, err);
        text_release(&m.said);
        mem_free(m.stamps);
        medley_config_free(config);
        TRY(status);
    }
}

medley_status experiment_features(experiment *e, medley_error *err)
{
    TRY(make_group(e, "import", &operation_features_import, err));
    return make_group(e, "extract", &operation_extract, err);
}
