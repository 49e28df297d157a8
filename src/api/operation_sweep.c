#include <medley/model.h>

#include "api/sweep.h"
#include "io/save.h"
#include "io/svg.h"

static const medley_param table[] = {
    MEDLEY_TEXT(sweep_params, store, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "the store to learn from"),
    MEDLEY_TEXT(sweep_params, split, NULL, .flags = MEDLEY_PARAM_REQUIRED,
                .help = "its split: fitted on the training part, judged on validation; test cannot be read"),
    MEDLEY_TEXT(sweep_params, out, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "folder for the trials and a run of each model's best; an unfinished one goes on"),
    MEDLEY_TEXT(sweep_params, models, "",
                .help = "models to search over the spaces of their tables, separated by commas, or all"),
    MEDLEY_TEXT(sweep_params, search, "tpe", .help = "how points are proposed; see medley list searches"),
    MEDLEY_INT(sweep_params, trials, "20", 1, 100000,
               .help = "budget of every model alike; a smaller space is tried whole"),
    MEDLEY_TEXT(sweep_params, metric, "ndcg@10", .help = "what the best is best in; see medley list metrics"),
    MEDLEY_TEXT(sweep_params, task, "retrieval", .help = "what is asked of a list; see medley list tasks"),
    MEDLEY_TEXT(sweep_params, candidates, "all", .help = "the items that are ranked, as of evaluate"),
    MEDLEY_ENUM(sweep_params, mask, "auto", "auto|known|none",
                .help = "take known items from the candidates; auto: as the task says"),
    MEDLEY_REAL(sweep_params, relevant_from, "0", 0, 1e6,
                .help = "a held-out interaction is relevant from this rating on"),
    MEDLEY_INT(sweep_params, seed, "0", 0, 9e15, .help = "of the search and of everything random in the models"),
    MEDLEY_BOOL(sweep_params, fit_best, "true", .help = "save a run of each model's best settings"),
    MEDLEY_ENUM(
        sweep_params, refit, "train", "train|train_val",
        .help =
            "what that run is fitted to; train_val: to validation too, which has then served, with the number of "
            "epochs that was best there"),
    MEDLEY_PARAMS_END,
};

static const setting_group groups[] = {
    {.name = "models", .spaces = "models", .member_key = "model", .help = SWEEP_SPACES_HELP},
    {.name = NULL},
};

/* ---- what is told ---- */

static void tell_search(const sweep *s, const sweep_models *models, medley_report *r)
{
    char shown[256];
    report_facts(r, "search", "Search");
    report_string(r, "store", s->set.store->path);
    snprintf(shown, sizeof shown, "%s (%s, seed %lld)", s->set.parts.facts.name, s->set.parts.facts.strategy,
             (long long)s->set.parts.facts.seed);
    report_string(r, "split", shown);
    report_string(r, "split_fingerprint", s->set.parts.facts.fingerprint);
    report_string(r, "judged_as", judging_name(s->judge));
    report_string(r, "metric", s->p->metric);
    report_string(r, "search", s->p->search);
    report_int(r, "models", models->count);
    report_int(r, "trials_of_each", s->p->trials);
    report_int(r, "seed", s->p->seed);
    report_string(r, "best_fitted_to", s->p->refit == 1 ? "training and validation" : "training");
    report_string(r, "out", s->out);
}

static void tell_best(const sweep *s, const sweep_search *m, medley_report *r)
{
    int64_t failed = 0;
    for (int64_t i = 0; i < m->result.count; i++)
        failed += m->result.trials[i].status != MEDLEY_OK;
    report_string(r, NULL, m->name);
    if (m->result.best >= 0)
        report_real(r, NULL, m->result.trials[m->result.best].value);
    else
        report_string(r, NULL, "");
    report_int(r, NULL, m->result.count);
    report_int(r, NULL, failed);
    report_string(r, NULL, m->result.whole ? "whole space" : s->p->search);
    report_real(r, NULL, m->seconds);
    report_string(r, NULL, m->result.best >= 0 ? m->best.bytes : m->result.trials[0].message);
}

static void tell(const sweep *s, const sweep_models *models, const sweep_search *found, medley_report *r)
{
    tell_search(s, models, r);
    report_table(r, "best", "Best on validation", "model|value|trials|failed|tried|seconds|settings");
    for (int64_t i = 0; i < models->count; i++)
        tell_best(s, &found[i], r);
}

/* ---- what is written ---- */

/* The trials of this sweep alone, model by model: what a log holds of others goes. */
static medley_status write_trials(const sweep *s, const sweep_search *found, int64_t models, medley_error *err)
{
    trial_record *records = NULL;
    text *settings = NULL;
    char(*keys)[FINGERPRINT_SIZE] = NULL;
    int64_t count = 0, n = 0;
    medley_status status = MEDLEY_OK;
    for (int64_t m = 0; m < models; m++)
        count += found[m].result.count;
    TRY_DONE(mem_alloc(s->rt, count, sizeof *records, &records, err));
    TRY_DONE(mem_alloc(s->rt, count, sizeof *keys, &keys, err));
    TRY_DONE(mem_alloc_zero(s->rt, count, sizeof *settings, &settings, err));
    for (int64_t m = 0; m < models; m++)
        for (int64_t t = 0; t < found[m].result.count; t++, n++) {
            const double *point = found[m].result.points + t * found[m].space.count;
            settings[n].rt = s->rt;
            search_space_format(&found[m].space, point, &settings[n]);
            TRY_DONE(text_status(&settings[n], err));
            TRY_DONE(sweep_trial_key(s, &found[m], point, keys[n], err));
            records[n] = (trial_record){found[m].name, settings[n].bytes, keys[n], t, found[m].result.trials[t]};
        }
    status = trial_log_write(s->rt, s->log_path, records, count, err);
done:
    for (int64_t i = 0; settings != NULL && i < count; i++)
        text_release(&settings[i]);
    mem_free(settings);
    mem_free(keys);
    mem_free(records);
    return status;
}

/* trials.svg: a panel a model, values in the order of the trials. */
static medley_status write_plot(const sweep *s, const sweep_search *found, int64_t models, medley_error *err)
{
    svg_panel *panels = NULL;
    double *numbers = NULL, *at;
    text out = {.rt = s->rt};
    int64_t count = 0;
    medley_status status = MEDLEY_OK;
    for (int64_t m = 0; m < models; m++)
        count += found[m].result.count;
    TRY_DONE(mem_alloc_zero(s->rt, models, sizeof *panels, &panels, err));
    TRY_DONE(mem_alloc(s->rt, 2 * count, sizeof *numbers, &numbers, err));
    at = numbers;
    for (int64_t m = 0; m < models; m++) {
        const study *r = &found[m].result;
        double *x = at, *y = at + r->count;
        int64_t n = 0;
        for (int64_t t = 0; t < r->count; t++)
            if (r->trials[t].status == MEDLEY_OK) {
                x[n] = (double)(t + 1);
                y[n++] = r->trials[t].value;
            }
        panels[m] = (svg_panel){
            .title = found[m].name, .x_label = "trial", .y_label = s->p->metric, .x = x, .y = y, .count = n};
        at = y + r->count;
    }
    svg_plot(&out, panels, models);
    TRY_DONE(text_status(&out, err));
    status = save_in(s->rt, s->out, "trials.svg", out.bytes, (size_t)out.length, err);
done:
    text_release(&out);
    mem_free(numbers);
    mem_free(panels);
    return status;
}

static medley_status write_settings(const sweep *s, medley_report *r, medley_error *err)
{
    const char *rendered;
    text yaml = {.rt = s->rt};
    text_format(&yaml, "# medley %s sweep\n", medley_version());
    medley_status status = settings_yaml(s->settings, &yaml, err);
    if (status == MEDLEY_OK)
        status = save_in(s->rt, s->out, "config.yaml", yaml.bytes, (size_t)yaml.length, err);
    text_release(&yaml);
    if (status == MEDLEY_OK)
        status = report_status(r, err);
    if (status == MEDLEY_OK)
        status = medley_report_render(r, MEDLEY_REPORT_JSON, &rendered, err);
    return status == MEDLEY_OK ? save_in(s->rt, s->out, "sweep.json", rendered, strlen(rendered), err) : status;
}

static medley_status search_all(sweep *s, const sweep_models *models, sweep_search *found, medley_report *r,
                                medley_error *err)
{
    bool any = false;
    for (int64_t i = 0; i < models->count; i++) {
        TRY(sweep_search_run(s, &models->at[i], &found[i], err));
        any = any || found[i].result.best >= 0;
        if (found[i].result.best < 0)
            runtime_log(s->rt, MEDLEY_LOG_WARNING, "%s: no trial succeeded: %s", found[i].name,
                        found[i].result.trials[0].message);
    }
    TRY(write_trials(s, found, models->count, err));
    if (!any)
        return fail(err, MEDLEY_E_CONFIG, "no trial succeeded; the first: %s: %s", found[0].name,
                    found[0].result.trials[0].message);
    for (int64_t i = 0; i < models->count && s->p->fit_best; i++)
        TRY(sweep_fit_best(s, &found[i], err));
    TRY(write_plot(s, found, models->count, err));
    tell(s, models, found, r);
    return write_settings(s, r, err);
}

static medley_status check(const medley_runtime *rt, const bound_settings *settings, medley_error *err)
{
    sweep_models models;
    TRY(sweep_list_models(settings, &models, err));
    return sweep_check(rt, settings->values, err);
}

static medley_status run(medley_runtime *rt, const bound_settings *settings, medley_report *report,
                         medley_error *err)
{
    sweep s = {0};
    sweep_models models = {.count = 0};
    sweep_search *found = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(sweep_list_models(settings, &models, err));
    TRY_DONE(mem_alloc_zero(rt, models.count, sizeof *found, &found, err));
    TRY_DONE(sweep_open(rt, settings, &s, err));
    status = search_all(&s, &models, found, report, err);
done:
    for (int64_t i = 0; found != NULL && i < models.count; i++)
        sweep_search_release(&found[i]);
    mem_free(found);
    sweep_close(&s);
    return status;
}

const operation_class operation_sweep = {
    .name = "sweep",
    .summary = "search each model's best settings on the validation part of a split",
    .details =
        "Every model gets the same number of trials; a space that has fewer points is tried whole, and the report says "
        "so. Each trial is written to trials.tsv at once: a sweep that was stopped goes on where it was, with the "
        "same result, and one with more trials or other spaces takes what is known from there. A trial whose settings "
        "do not fit the data or the memory is recorded as failed. The best settings are fitted to the training part (refit: train_val, to validation too, for as many epochs as were best there) "
        "and saved in OUT/MODEL, as train does; config.yaml of that run is what to train with. A model can be searched "
        "several times, as variants with names of their own: {vbpr_visual: {model: vbpr, features: visual}, "
        "vbpr_textual: {model: vbpr, features: textual}}. Besides: trials.svg, "
        "sweep.json. Spaces are values [32, 64], ranges 1..100 or log:1e-6..1e-2, all choices: all, or default; what "
        "a model's mapping does not name has its default. Search strategies have settings of their own: medley "
        "help search NAME.",
    .table = table,
    .size = sizeof(sweep_params),
    .member_kind = "searches",
    .member_key = "search",
    .groups = groups,
    .check = check,
    .run = run,
};

medley_status medley_sweep(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_sweep, rt, config, report, err);
}
