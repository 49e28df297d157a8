/* The comparison of an experiment. Beside it lies experiment.yaml: what it was made of, and how. */
#include "api/experiment.h"
#include "io/save.h"

extern const operation_class operation_compare;

/* What a comparison reads of a run, by its fingerprint. */
static medley_status describe_run(const experiment *e, const experiment_run *r, text *out, medley_error *err)
{
    static const char *const files[] = {"config.yaml",
                                        EVALUATIONS_FOLDER "/" EXPERIMENT_EVALUATION "/metrics.json",
                                        EVALUATIONS_FOLDER "/" EXPERIMENT_EVALUATION "/per_user.safetensors"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char hex[FINGERPRINT_SIZE], *path;
        TRY(file_join(e->rt, r->path, files[i], &path, err));
        const medley_status status = experiment_hash(e->rt, path, hex, err);
        mem_free(path);
        TRY(status);
        text_format(out, "# %s\n", hex);
    }
    return text_status(out, err);
}

static medley_status describe(const experiment *e, medley_config *config, text *out, medley_error *err)
{
    bound_settings s;
    text_format(out, "# medley %s\n", medley_version());
    for (int64_t i = 0; i < e->run_count; i++)
        TRY(describe_run(e, &e->runs[i], out, err));
    TRY(settings_bind(config, &operation_compare, &s, err));
    const medley_status status = settings_yaml(&s, out, err);
    settings_release(&s);
    return status;
}

static medley_status make_config(const experiment *e, const char *folder, medley_config **config,
                                 medley_error *err)
{
    text runs = {.rt = e->rt};
    for (int64_t i = 0; i < e->run_count; i++)
        text_format(&runs, "%s%s", i > 0 ? "," : "", e->runs[i].path);
    medley_status status = text_status(&runs, err);
    if (status == MEDLEY_OK)
        status = settings_group(e->settings, "compare", config, err);
    if (status == MEDLEY_OK)
        status = experiment_set(*config,
                                (const char *const[]){"runs", runs.bytes, "evaluation", EXPERIMENT_EVALUATION,
                                                      "out", folder, "force", "true", NULL},
                                err);
    text_release(&runs);
    return status;
}

medley_status experiment_comparison(experiment *e, medley_error *err)
{
    const double start = runtime_seconds();
    medley_config *config = NULL;
    text said = {.rt = e->rt};
    char *folder = NULL, *before = NULL;
    medley_status status = MEDLEY_OK;
    if (e->run_count < 2)
        return MEDLEY_OK;
    TRY_DONE(file_join(e->rt, e->out, "comparison", &folder, err));
    TRY_DONE(make_config(e, folder, &config, err));
    TRY_DONE(describe(e, config, &said, err));
    TRY_DONE(experiment_read(e->rt, folder, "experiment.yaml", &before, err));
    if (before != NULL && strcmp(before, said.bytes) == 0) {
        status = experiment_note(e, "compare", "up to date", start, err);
        goto done;
    }
    TRY_DONE(operation_run(&operation_compare, e->rt, config, NULL, err));
    TRY_DONE(save_in(e->rt, folder, "experiment.yaml", said.bytes, (size_t)said.length, err));
    status = experiment_note(e, "compare", "comparison/report.html", start, err);
done:
    medley_config_free(config);
    mem_free(before);
    mem_free(folder);
    text_release(&said);
    return status;
}
