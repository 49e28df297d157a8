/* The models of an experiment: search, further seeds, and one look at the test part. */
#include <math.h>

#include "api/evaluation_plan.h"
#include "api/experiment.h"
#include "api/training_run.h"
#include "data/features.h"
#include "io/save.h"

extern const operation_class operation_sweep;

enum { TEXT_LONGEST = 1024 * 1024 };

/* ---- search ---- */

static medley_status number_text(experiment *e, double value, const char **out, medley_error *err)
{
    char number[64];
    number_format(value, number, sizeof number);
    return arena_text(&e->texts, number, strlen(number), out, err);
}

/* The choices that search and evaluation share. */
static medley_status set_protocol(experiment *e, medley_config *config, medley_error *err)
{
    static const char *const masks[] = {"auto", "known", "none"};
    const char *relevant;
    TRY(number_text(e, e->p->relevant_from, &relevant, err));
    return experiment_set(config,
                          (const char *const[]){"task", e->p->task, "candidates", e->p->candidates, "mask",
                                                masks[e->p->mask], "relevant_from", relevant, NULL},
                          err);
}

static medley_status add_run(experiment *e, const char *model, int64_t seed, const char *folder, double validation,
                             const char *settings, medley_error *err)
{
    char *path = NULL;
    experiment_run r = {.seed = seed, .validation = validation};
    TRY(file_join(e->rt, e->runs_folder, folder, &path, err));
    medley_status status = arena_text(&e->texts, path, strlen(path), &r.path, err);
    mem_free(path);
    if (status == MEDLEY_OK)
        status = arena_text(&e->texts, model, strlen(model), &r.model, err);
    if (status == MEDLEY_OK)
        status = arena_text(&e->texts, settings, strlen(settings), &r.settings, err);
    if (status == MEDLEY_OK)
        status = mem_reserve(e->rt, &e->runs, &e->run_capacity, e->run_count + 1, sizeof r, err);
    if (status == MEDLEY_OK)
        e->runs[e->run_count++] = r;
    return status;
}

medley_status experiment_sweep_config(experiment *e, const char *store, const char *split, const char *out,
                                      medley_config **config, medley_error *err)
{
    char seed[32];
    snprintf(seed, sizeof seed, "%lld", (long long)e->seeds[0]);
    TRY(settings_group(e->settings, "sweep", config, err));
    medley_status status = set_protocol(e, *config, err);
    if (status == MEDLEY_OK)
        status = experiment_set(*config,
                                (const char *const[]){"store", store, "split", split, "out", out, "metric",
                                                      e->p->metric, "seed", seed, NULL},
                                err);
    if (status == MEDLEY_OK)
        status = settings_copy_group(e->settings, "models", *config, err);
    if (status != MEDLEY_OK) {
        medley_config_free(*config);
        *config = NULL;
    }
    return status;
}

static medley_status sweep_models(experiment *e, medley_error *err)
{
    const double start = runtime_seconds();
    medley_config *config;
    TRY(experiment_sweep_config(e, e->store, e->split, e->runs_folder, &config, err));
    medley_status status = operation_run(&operation_sweep, e->rt, config, &e->sweep, err);
    medley_config_free(config);
    for (int64_t i = 0; status == MEDLEY_OK && i < medley_report_rows(e->sweep, "best"); i++) {
        const char *model = medley_report_text(e->sweep, "best", i, "model");
        double value;
        if (medley_report_number(e->sweep, "best", i, "value", &value))
            status = add_run(e, model, e->seeds[0], model, value,
                             medley_report_text(e->sweep, "best", i, "settings"), err);
    }
    return status == MEDLEY_OK ? experiment_note(e, "search", "on validation", start, err) : status;
}

/* ---- further seeds ---- */

static medley_status train_again(experiment *e, const experiment_run *base, const experiment_run *own,
                                 medley_error *err)
{
    const char *print = medley_report_text(e->sweep, "search", 0, "split_fingerprint");
    char *yaml = NULL, seed[32];
    medley_config *config = NULL;
    bool current;
    medley_status status = MEDLEY_OK;
    snprintf(seed, sizeof seed, "%lld", (long long)own->seed);
    TRY_DONE(file_join(e->rt, base->path, "config.yaml", &yaml, err));
    TRY_DONE(medley_config_create(e->rt, &config, err));
    TRY_DONE(medley_config_load(config, yaml, err));
    TRY_DONE(experiment_set(config, (const char *const[]){"run", own->path, "seed", seed, NULL}, err));
    TRY_DONE(training_run_is_current(e->rt, config, print, &current, err));
    if (!current)
        status = operation_run(&operation_train, e->rt, config, NULL, err);
done:
    medley_config_free(config);
    mem_free(yaml);
    return status;
}

static medley_status hash_model(const experiment *e, const experiment_run *r, char hex[FINGERPRINT_SIZE],
                                medley_error *err)
{
    char *path;
    TRY(file_join(e->rt, r->path, "model.safetensors", &path, err));
    const medley_status status = experiment_hash(e->rt, path, hex, err);
    mem_free(path);
    return status;
}

/* A model that is the same for another seed has nothing random in it: one run says all. The second stays, so that
 * nobody has to find that out again. */
static medley_status add_seeds(experiment *e, int64_t base, medley_error *err)
{
    for (int64_t i = 1; i < e->seed_count; i++) {
        char folder[128], first[FINGERPRINT_SIZE], own[FINGERPRINT_SIZE];
        const experiment_run b = e->runs[base];
        snprintf(folder, sizeof folder, "%.80s-seed%lld", b.model, (long long)e->seeds[i]);
        TRY(add_run(e, b.model, e->seeds[i], folder, NAN, b.settings, err));
        TRY(train_again(e, &b, &e->runs[e->run_count - 1], err));
        TRY(hash_model(e, &b, first, err));
        TRY(hash_model(e, &e->runs[e->run_count - 1], own, err));
        if (strcmp(first, own) != 0)
            continue;
        e->run_count--;
        return MEDLEY_OK;
    }
    return MEDLEY_OK;
}

static medley_status train_seeds(experiment *e, medley_error *err)
{
    const double start = runtime_seconds();
    const int64_t models = e->run_count;
    if (e->seed_count == 1)
        return MEDLEY_OK;
    for (int64_t i = 0; i < models; i++)
        TRY(add_seeds(e, i, err));
    return experiment_note(e, "seeds", "of what is random in the models", start, err);
}

/* ---- test ---- */

medley_status experiment_read(const medley_runtime *rt, const char *folder, const char *name, char **out,
                              medley_error *err)
{
    char *path;
    size_t length;
    *out = NULL;
    TRY(file_join(rt, folder, name, &path, err));
    const medley_status status =
        file_exists(path) ? file_read_whole(rt, path, TEXT_LONGEST, out, &length, err) : MEDLEY_OK;
    mem_free(path);
    return status;
}

/* The number behind `name` and a space; NaN: there is none. */
static double number_behind(const char *bytes, const char *name)
{
    double number = NAN;
    const char *at = bytes != NULL ? strstr(bytes, name) : NULL;
    if (at != NULL) {
        at += strlen(name);
        if (!number_real(at, strcspn(at, "\n"), &number))
            number = NAN;
    }
    return number;
}

static medley_status read_seconds(const experiment *e, experiment_run *r, medley_error *err)
{
    char *bytes;
    TRY(experiment_read(e->rt, r->path, "log.txt", &bytes, err));
    r->fit_seconds = number_behind(bytes, "fit_seconds ");
    mem_free(bytes);
    TRY(experiment_read(e->rt, r->path, "experiment.yaml", &bytes, err));
    r->evaluate_seconds = number_behind(bytes, "# seconds ");
    mem_free(bytes);
    return MEDLEY_OK;
}

/* Whether the run was evaluated as `wanted`, the version and all settings in YAML, says. A run that is trained again is another folder
 * and has no evaluation. */
static medley_status is_evaluated(const experiment *e, const experiment_run *r, const text *wanted, bool *out,
                                  medley_error *err)
{
    char *bytes = NULL;
    char *folder = NULL;
    medley_status status = MEDLEY_OK;
    *out = false;
    TRY_DONE(experiment_read(e->rt, r->path, "experiment.yaml", &bytes, err));
    TRY_DONE(
        file_join(e->rt, r->path, EVALUATIONS_FOLDER "/" EXPERIMENT_EVALUATION "/metrics.json", &folder, err));
    const char *said = bytes != NULL ? strchr(bytes, '\n') : NULL;
    *out = said != NULL && strcmp(said + 1, wanted->bytes) == 0 && file_exists(folder);
done:
    mem_free(folder);
    mem_free(bytes);
    return status;
}

static medley_status stamp(const experiment *e, const experiment_run *r, const text *said, double seconds,
                           medley_error *err)
{
    text out = {.rt = e->rt};
    text_format(&out, "# seconds %.3f\n", seconds);
    text_add(&out, said->bytes);
    medley_status status = text_status(&out, err);
    if (status == MEDLEY_OK)
        status = save_in(e->rt, r->path, "experiment.yaml", out.bytes, (size_t)out.length, err);
    text_release(&out);
    return status;
}

/* Metrics can measure in a feature matrix, "features:visual", whatever the model was fitted on. */
static medley_status describe_spaces(const experiment *e, const bound_settings *s, text *out, medley_error *err)
{
    static const char kind[] = "features:";
    for (const medley_param *p = s->operation->table; p->kind != MEDLEY_PARAM_END; p++) {
        char print[FINGERPRINT_SIZE];
        if (p->kind != MEDLEY_PARAM_TEXT)
            continue;
        const char *value = *(const char *const *)(const void *)((const char *)s->values + p->offset);
        if (value == NULL || strncmp(value, kind, sizeof kind - 1) != 0)
            continue;
        TRY(features_read_print(e->rt, e->store, value + sizeof kind - 1, print, err));
        text_format(out, "# %s %s\n", value, print);
    }
    return MEDLEY_OK;
}

static medley_status describe(const experiment *e, medley_config *config, text *out, medley_error *err)
{
    bound_settings s;
    text_format(out, "# medley %s\n", medley_version());
    TRY(settings_bind(config, &operation_evaluate, &s, err));
    medley_status status = describe_spaces(e, &s, out, err);
    if (status == MEDLEY_OK)
        status = settings_yaml(&s, out, err);
    settings_release(&s);
    return status;
}

medley_status experiment_evaluate_config(experiment *e, const char *run, medley_config **config, medley_error *err)
{
    TRY(settings_group(e->settings, "evaluate", config, err));
    medley_status status = set_protocol(e, *config, err);
    if (status == MEDLEY_OK)
        status = experiment_set(
            *config, (const char *const[]){"run", run, "part", "test", "name", EXPERIMENT_EVALUATION, NULL}, err);
    if (status != MEDLEY_OK) {
        medley_config_free(*config);
        *config = NULL;
    }
    return status;
}

static medley_status evaluate_run(experiment *e, experiment_run *r, bool *made, medley_error *err)
{
    medley_config *config = NULL;
    text said = {.rt = e->rt};
    bool current = false;
    medley_status status = MEDLEY_OK;
    TRY_DONE(experiment_evaluate_config(e, r->path, &config, err));
    TRY_DONE(describe(e, config, &said, err));
    TRY_DONE(is_evaluated(e, r, &said, &current, err));
    if (!current) {
        const double start = runtime_seconds();
        TRY_DONE(operation_run(&operation_evaluate, e->rt, config, NULL, err));
        TRY_DONE(stamp(e, r, &said, runtime_seconds() - start, err));
        *made = true;
    }
    status = read_seconds(e, r, err);
done:
    text_release(&said);
    medley_config_free(config);
    return status;
}

static medley_status evaluate_runs(experiment *e, medley_error *err)
{
    const double start = runtime_seconds();
    bool made = false;
    for (int64_t i = 0; i < e->run_count; i++)
        TRY(evaluate_run(e, &e->runs[i], &made, err));
    return experiment_note(e, "evaluate", made ? "on test" : "up to date", start, err);
}

medley_status experiment_models(experiment *e, medley_error *err)
{
    TRY(sweep_models(e, err));
    TRY(train_seeds(e, err));
    return evaluate_runs(e, err);
}
