/* What an experiment can be refused for before it reads data: hours may lie between that and the step at fault. */
#include "api/comparison.h"
#include "api/evaluation_plan.h"
#include "api/experiment.h"
#include "data/store.h"

extern const operation_class operation_prepare, operation_features_import, operation_extract, operation_split,
    operation_sweep, operation_compare;

/* In the place of paths that are not there yet. */
static const char none[] = "-";

static medley_status check_group(const experiment *e, const char *group, const operation_class *operation,
                                 const char *const *given, medley_error *err)
{
    medley_config *config;
    TRY(settings_group(e->settings, group, &config, err));
    medley_status status = experiment_set(config, given, err);
    if (status == MEDLEY_OK)
        status = operation_check(operation, e->rt, config, err);
    medley_config_free(config);
    return status;
}

/* ---- data ---- */

/* Where the store is, or will be, and whether there is one. */
static medley_status find_store(const experiment *e, bool *there, medley_error *err)
{
    const bool named = e->p->store[0] != '\0';
    char *path;
    TRY(file_join(e->rt, named ? e->p->store : e->p->out, named ? "dataset.json" : "store/dataset.json", &path,
                  err));
    *there = file_exists(path);
    mem_free(path);
    return MEDLEY_OK;
}

/* A store that is there is kept without its sources. */
static medley_status check_input(const medley_config *prepare, bool there, medley_error *err)
{
    const char *input = medley_config_value(prepare, "input");
    return there || input == NULL || file_exists(input)
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_NOT_FOUND,
                      "prepare.input: '%s' is not there; a folder or file to read is needed", input);
}

static medley_status check_store(const experiment *e, medley_error *err)
{
    medley_store *store;
    TRY(store_open(e->rt, e->p->store, false, &store, err));
    store_free(store);
    return MEDLEY_OK;
}

static medley_status check_data(const experiment *e, medley_error *err)
{
    medley_config *config;
    bool there;
    TRY(find_store(e, &there, err));
    TRY(settings_group(e->settings, "prepare", &config, err));
    const bool prepared = settings_count(config) > 0 || e->p->store[0] == '\0';
    medley_status status = prepared ? check_input(config, there, err) : check_store(e, err);
    medley_config_free(config);
    TRY(status);
    if (prepared)
        TRY(check_group(e, "prepare", &operation_prepare, (const char *const[]){"store", none, NULL}, err));
    return check_group(e, "split", &operation_split, (const char *const[]){"store", none, NULL}, err);
}

/* ---- features ---- */

static medley_status check_matrix(const experiment *e, const operation_class *operation, medley_config *config,
                                  medley_error *err)
{
    TRY(experiment_set(config, (const char *const[]){"store", none, "name", none, NULL}, err));
    return operation_check(operation, e->rt, config, err);
}

static medley_status check_features(const experiment *e, const char *group, const operation_class *operation,
                                    medley_error *err)
{
    char word[SETTINGS_WORD];
    for (int64_t i = 0;; i++) {
        medley_config *config;
        TRY(settings_named_group(e->settings, group, i, word, &config, err));
        if (config == NULL)
            return MEDLEY_OK;
        const char *input = medley_config_value(config, "input");
        medley_status status = check_matrix(e, operation, config, err);
        if (status == MEDLEY_OK && input != NULL && !file_exists(input))
            status = fail(err, MEDLEY_E_NOT_FOUND, "%s.%s.input: '%s' is not there", group, word, input);
        medley_config_free(config);
        TRY(status);
    }
}

/* A matrix comes from one place. */
static medley_status check_names(const experiment *e, medley_error *err)
{
    char imported[SETTINGS_WORD], extracted[SETTINGS_WORD];
    for (int64_t i = 0; settings_searched(e->settings, "import", i, imported); i++)
        for (int64_t j = 0; settings_searched(e->settings, "extract", j, extracted); j++)
            if (strcmp(imported, extracted) == 0)
                return fail(err, MEDLEY_E_CONFIG, "import.%s: extract.%s makes a matrix of that name", imported,
                            extracted);
    return MEDLEY_OK;
}

/* ---- models ---- */

static medley_status check_sweep(experiment *e, medley_error *err)
{
    medley_config *config;
    TRY(experiment_sweep_config(e, none, none, none, &config, err));
    const medley_status status = operation_check(&operation_sweep, e->rt, config, err);
    medley_config_free(config);
    return status;
}

/* ---- results ---- */

/* The columns that the evaluations will have. */
typedef struct column_names {
    arena texts;
    const char **names;
    int64_t count;
} column_names;

static medley_status name_columns(const experiment *e, const judging *plan, column_names *out, medley_error *err)
{
    int64_t count;
    const metric_column *columns = judging_columns(plan, &count);
    TRY(mem_alloc(e->rt, count, sizeof *out->names, &out->names, err));
    for (; out->count < count; out->count++) {
        char name[96];
        metric_column_name(&columns[out->count], name, sizeof name);
        TRY(arena_text(&out->texts, name, strlen(name), &out->names[out->count], err));
    }
    return MEDLEY_OK;
}

static medley_status plan_columns(experiment *e, column_names *out, medley_error *err)
{
    medley_config *config;
    bound_settings s;
    judging *plan = NULL;
    TRY(experiment_evaluate_config(e, none, &config, err));
    medley_status status = settings_bind(config, &operation_evaluate, &s, err);
    if (status == MEDLEY_OK) {
        status = evaluation_plan(e->rt, &s, &plan, err);
        if (status != MEDLEY_OK)
            fail_while(err, status, "evaluate");
        settings_release(&s);
    }
    if (status == MEDLEY_OK)
        status = name_columns(e, plan, out, err);
    judging_end(plan);
    medley_config_free(config);
    return status;
}

static medley_status check_show(const experiment *e, const column_names *c, medley_error *err)
{
    for (const char *at = e->p->show; *at != '\0'; at += *at == ',') {
        const size_t length = strcspn(at, ",");
        char word[96];
        bool found = false;
        snprintf(word, sizeof word, "%.*s", length < sizeof word ? (int)length : 95, at);
        for (int64_t i = 0; i < c->count && !found; i++)
            found = strcmp(c->names[i], word) == 0;
        if (!found) {
            const char *nearest = medley_nearest(word, c->names, c->count);
            return fail(err, MEDLEY_E_CONFIG,
                        "show: '%s' is no column of the evaluation%s%s%s; accepted: such as %s", word,
                        nearest != NULL ? " (did you mean '" : "", nearest != NULL ? nearest : "",
                        nearest != NULL ? "'?)" : "", c->count > 0 ? c->names[0] : "");
        }
        at += length;
    }
    return MEDLEY_OK;
}

/* A run is named after its model or variant: "ease", "ease-seed1", "ease (2 seeds)", "ease #2"; or it is given as a path. */
static medley_status check_baseline(const experiment *e, const char *baseline, medley_error *err)
{
    char name[96];
    settings_variant model;
    if (baseline == NULL || baseline[0] == '\0' || strchr(baseline, '/') != NULL)
        return MEDLEY_OK;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(baseline, " "), baseline);
    char *const seed = strstr(name, "-seed");
    if (seed != NULL)
        *seed = '\0';
    return settings_find_variant(e->settings, "models", name, &model, err) == MEDLEY_OK
               ? MEDLEY_OK
               : fail_while(err, MEDLEY_E_CONFIG, "baseline");
}

static medley_status check_compare(const experiment *e, const column_names *c, medley_error *err)
{
    medley_config *config;
    TRY(check_group(e, "compare", &operation_compare, (const char *const[]){"runs", none, NULL}, err));
    TRY(settings_group(e->settings, "compare", &config, err));
    const char *metrics = medley_config_value(config, "metrics");
    medley_status status = MEDLEY_OK;
    if (metrics != NULL)
        status = comparison_check_metrics(e->rt, metrics, c->names, c->count, err);
    if (status == MEDLEY_OK)
        status = check_baseline(e, medley_config_value(config, "baseline"), err);
    medley_config_free(config);
    return status == MEDLEY_OK ? status : fail_while(err, status, "compare");
}

medley_status experiment_check(experiment *e, medley_error *err)
{
    column_names columns = {.texts = {.rt = e->rt}};
    medley_status status;
    TRY(check_data(e, err));
    TRY(check_features(e, "import", &operation_features_import, err));
    TRY(check_features(e, "extract", &operation_extract, err));
    TRY(check_names(e, err));
    TRY(check_sweep(e, err));
    TRY_DONE(plan_columns(e, &columns, err));
    TRY_DONE(check_show(e, &columns, err));
    status = check_compare(e, &columns, err);
done:
    mem_free(columns.names);
    arena_release(&columns.texts);
    return status;
}
