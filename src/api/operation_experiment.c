#include <medley/model.h>

#include <math.h>

#include "api/experiment.h"
#include "api/sweep.h"
#include "io/save.h"

extern const operation_class operation_prepare, operation_features_import, operation_extract, operation_split,
    operation_sweep, operation_evaluate, operation_compare;

enum { SHOWN_LONGEST = 96 };

static const medley_param table[] = {
    MEDLEY_TEXT(experiment_params, out, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "folder for everything; what is there and up to date is not made again"),
    MEDLEY_TEXT(experiment_params, store, "", .flags = MEDLEY_PARAM_PATH,
                .help = "the store; none: OUT/store. One that is there needs no prepare settings"),
    MEDLEY_TEXT(experiment_params, models, "",
                .help = "models to search over the spaces of their tables, separated by commas, or all"),
    MEDLEY_TEXT(experiment_params, metric, "ndcg@10",
                .help = "what the best settings are best in, on validation; and the order of the results"),
    MEDLEY_TEXT(experiment_params, show, "",
                .help = "columns of the results, such as ndcg@10,recall@10; none: the metric. The file has all"),
    MEDLEY_TEXT(experiment_params, task, "retrieval", .help = "what is asked of a list; see medley list tasks"),
    MEDLEY_TEXT(experiment_params, candidates, "all", .help = "the items that are ranked, as of evaluate"),
    MEDLEY_ENUM(experiment_params, mask, "auto", "auto|known|none",
                .help = "take known items from the candidates; auto: as the task says"),
    MEDLEY_REAL(experiment_params, relevant_from, "0", 0, 1e6,
                .help = "a held-out interaction is relevant from this rating on"),
    MEDLEY_TEXT(experiment_params, seeds, "0",
                .help =
                    "of the search and the models (the first); with the others what is random is fitted again"),
    MEDLEY_PARAMS_END,
};

static const setting_group groups[] = {
    {.name = "prepare",
     .operation = &operation_prepare,
     .given = "store|append|force",
     .help = "how the store is made"},
    {.name = "import",
     .operation = &operation_features_import,
     .given = "store|name|force",
     .named = true,
     .help =
         "feature matrices made elsewhere, by name: {visual: {input: resnet50/}, textual: {input: sbert.csv}}"},
    {.name = "extract",
     .operation = &operation_extract,
     .given = "store|name|force|npy_folder",
     .named = true,
     .help = "feature matrices, by name: {visual: {encoder: histogram}, textual: {encoder: tfidf}}"},
    {.name = "split", .operation = &operation_split, .given = "store|folds|force", .help = "how it is split"},
    {.name = "models", .spaces = "models", .member_key = "model", .help = SWEEP_SPACES_HELP},
    {.name = "sweep",
     .operation = &operation_sweep,
     .given = "store|split|out|models|metric|task|candidates|mask|relevant_from|seed|fit_best",
     .help = "how settings are searched: search, trials"},
    {.name = "evaluate",
     .operation = &operation_evaluate,
     .given = "run|store|split|recs_from|on_error|part|task|candidates|mask|relevant_from|name|out|per_user|recs|"
              "recs_format",
     .help = "how runs are judged on test: cutoffs, metrics, intervals"},
    {.name = "compare",
     .operation = &operation_compare,
     .given = "runs|evaluation|out|force",
     .help = "how runs are tested against each other"},
    {.name = NULL},
};

medley_status experiment_note(experiment *e, const char *name, const char *what, double start, medley_error *err)
{
    assert(e->step_count < EXPERIMENT_STEPS_MOST);
    e->steps[e->step_count].name = name;
    e->steps[e->step_count].seconds = runtime_seconds() - start;
    TRY(arena_text(&e->texts, what, strlen(what), &e->steps[e->step_count].what, err));
    e->step_count++;
    return MEDLEY_OK;
}

medley_status experiment_set(medley_config *config, const char *const *pairs, medley_error *err)
{
    for (; *pairs != NULL; pairs += 2)
        TRY(medley_config_set(config, pairs[0], pairs[1], MEDLEY_FROM_FLAG, "experiment", err));
    return MEDLEY_OK;
}

/* ---- opening ---- */

static medley_status read_seeds(experiment *e, medley_error *err)
{
    for (const char *at = e->p->seeds;;) {
        const size_t length = strcspn(at, ",");
        int64_t seed;
        if (!number_int(at, length, &seed) || seed < 0 || seed > (int64_t)9e15)
            return fail(err, MEDLEY_E_CONFIG, "seeds: '%.*s' is no seed; accepted: 0..9e15, separated by commas",
                        length < 60 ? (int)length : 60, at);
        for (int64_t i = 0; i < e->seed_count; i++)
            if (e->seeds[i] == seed)
                return fail(err, MEDLEY_E_CONFIG, "seeds: %lld is given twice", (long long)seed);
        if (e->seed_count == EXPERIMENT_SEEDS_MOST)
            return fail(err, MEDLEY_E_CONFIG, "seeds: more than %d of them", EXPERIMENT_SEEDS_MOST);
        e->seeds[e->seed_count++] = seed;
        if (at[length] == '\0')
            return MEDLEY_OK;
        at += length + 1;
    }
}

static medley_status open_folders(experiment *e, medley_error *err)
{
    TRY(file_make_folder(e->rt, e->p->out, err));
    TRY(file_absolute(e->rt, e->p->out, &e->out, err));
    TRY(file_join(e->rt, e->out, "runs", &e->runs_folder, err));
    if (e->p->store[0] == '\0')
        return file_join(e->rt, e->out, "store", &e->store, err);
    return mem_text(e->rt, e->p->store, strlen(e->p->store), &e->store, err);
}

/* What failed before anything was made leaves no folder; that this fails too is no news. */
static void remove_if_empty(const experiment *e)
{
    char **names;
    int64_t count;
    if (e->out == NULL || file_list(e->rt, e->out, &names, &count, NULL) != MEDLEY_OK)
        return;
    file_names_free(names, count);
    if (count == 0)
        (void)!file_remove_tree(e->rt, e->out, NULL);
}

static void close_experiment(experiment *e)
{
    medley_report_free(e->sweep);
    mem_free(e->runs);
    mem_free(e->runs_folder);
    mem_free(e->store);
    mem_free(e->out);
    arena_release(&e->texts);
}

/* ---- results ---- */

static medley_status load_evaluation(const experiment *e, const experiment_run *r, evaluation_file *out,
                                     medley_error *err)
{
    char *folder;
    TRY(file_join(e->rt, r->path, EVALUATIONS_FOLDER "/" EXPERIMENT_EVALUATION, &folder, err));
    const medley_status status = evaluation_load(e->rt, folder, out, err);
    mem_free(folder);
    return status;
}

static void add_number(text *out, double value)
{
    char number[40] = "";
    if (!isnan(value))
        number_format(value, number, sizeof number);
    text_add(out, "\t");
    text_add(out, number);
}

/* results.tsv: a row a run; each column of the evaluation with its interval. */
static void add_result(const experiment_run *r, const evaluation_file *f, bool first, text *out)
{
    if (first) {
        text_add(out, "model\tseed\tvalidation");
        for (int64_t c = 0; c < f->column_count; c++)
            text_format(out, "\t%s\t%s_low\t%s_high", f->columns[c].name, f->columns[c].name, f->columns[c].name);
        text_add(out, "\tfit_seconds\tevaluate_seconds\tsettings\n");
    }
    text_format(out, "%s\t%lld", r->model, (long long)r->seed);
    add_number(out, r->validation);
    for (int64_t c = 0; c < f->column_count; c++) {
        add_number(out, f->columns[c].value);
        add_number(out, f->columns[c].low);
        add_number(out, f->columns[c].high);
    }
    add_number(out, r->fit_seconds);
    add_number(out, r->evaluate_seconds);
    text_add(out, "\t");
    text_add_plain(out, r->settings);
    text_add(out, "\n");
}

static const char *shown_columns(const experiment *e)
{
    return e->p->show[0] != '\0' ? e->p->show : e->p->metric;
}

/* The next of the shown columns into name; false behind the last. */
static bool next_shown(const char **at, char name[SHOWN_LONGEST])
{
    if (**at == '\0')
        return false;
    const size_t length = strcspn(*at, ",");
    snprintf(name, SHOWN_LONGEST, "%.*s", length < SHOWN_LONGEST ? (int)length : SHOWN_LONGEST - 1, *at);
    *at += length + ((*at)[length] == ',');
    return true;
}

/* "FIRST|ndcg@10|ndcg@10_95|...LAST". */
static medley_status start_table(const experiment *e, const char *name, const char *title, const char *first,
                                 const char *beside, const char *last, medley_report *report, medley_error *err)
{
    char shown[SHOWN_LONGEST];
    text columns = {.rt = e->rt};
    text_add(&columns, first);
    for (const char *at = shown_columns(e); next_shown(&at, shown);)
        text_format(&columns, "|%s|%s_%s", shown, shown, beside);
    text_add(&columns, last);
    const medley_status status = text_status(&columns, err);
    if (status == MEDLEY_OK)
        report_table(report, name, title, columns.bytes);
    text_release(&columns);
    return status;
}

/* Nothing where there is no value. */
static void tell_or_leave(double value, medley_report *report)
{
    if (isnan(value))
        report_string(report, NULL, "");
    else
        report_real(report, NULL, value);
}

static void tell_value(const evaluation_file *f, const char *name, medley_report *report)
{
    char shown[96] = "";
    const int64_t c = evaluation_file_find(f, name);
    if (c < 0) {
        report_string(report, NULL, "");
    } else {
        report_real(report, NULL, f->columns[c].value);
        if (!isnan(f->columns[c].low))
            number_print(shown, sizeof shown, "%.4g..%.4g", f->columns[c].low, f->columns[c].high);
    }
    report_string(report, NULL, shown);
}

static void tell_result(const experiment *e, const experiment_run *r, const evaluation_file *f,
                        medley_report *report)
{
    char shown[SHOWN_LONGEST];
    report_string(report, NULL, r->model);
    report_int(report, NULL, r->seed);
    tell_or_leave(r->validation, report);
    for (const char *at = shown_columns(e); next_shown(&at, shown);)
        tell_value(f, shown, report);
    report_real(report, NULL, r->fit_seconds);
    report_real(report, NULL, r->evaluate_seconds);
    report_string(report, NULL, r->settings);
}

/* Best in the metric first; the order of the search where it is the same, or not there. */
static void sort_results(const experiment *e, const evaluation_file *files, int64_t *order)
{
    for (int64_t i = 0; i < e->run_count; i++) {
        const int64_t c = evaluation_file_find(&files[i], e->p->metric);
        int64_t at = i;
        for (; at > 0 && c >= 0; at--) {
            const evaluation_file_column *own = &files[i].columns[c], *before = &files[order[at - 1]].columns[c];
            if (!(own->more_is_better ? own->value > before->value : own->value < before->value))
                break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

/* ---- over seeds ---- */

/* Mean of a column over the runs of a model, NaN where there is none; and its standard deviation. */
static double mean_over_seeds(const experiment *e, const evaluation_file *files, const char *model,
                              const char *column, double *deviation)
{
    double sum = 0, square = 0, mean = NAN;
    for (int pass = 0; pass < 2; pass++) {
        int64_t count = 0;
        for (int64_t i = 0; i < e->run_count; i++) {
            const int64_t c = strcmp(e->runs[i].model, model) == 0 ? evaluation_file_find(&files[i], column) : -1;
            if (c < 0)
                continue;
            count++;
            sum += pass == 0 ? files[i].columns[c].value : 0;
            square += pass == 0 ? 0 : pow(files[i].columns[c].value - mean, 2);
        }
        mean = count > 0 ? sum / (double)count : NAN;
        *deviation = count > 1 ? sqrt(square / (double)(count - 1)) : NAN;
    }
    return mean;
}

static int64_t runs_before(const experiment *e, int64_t end, const char *model)
{
    int64_t count = 0;
    for (int64_t i = 0; i < end; i++)
        count += strcmp(e->runs[i].model, model) == 0;
    return count;
}

/* The first run of each model, best mean of the metric first; returns how many. */
static int64_t sort_models(const experiment *e, const evaluation_file *files, int64_t *first)
{
    int64_t count = 0;
    double unused;
    for (int64_t i = 0; i < e->run_count; i++) {
        const char *model = e->runs[i].model;
        const int64_t c = evaluation_file_find(&files[i], e->p->metric);
        if (runs_before(e, i, model) > 0)
            continue;
        const double mean = mean_over_seeds(e, files, model, e->p->metric, &unused);
        int64_t at = count++;
        for (; at > 0 && c >= 0; at--) {
            const double before = mean_over_seeds(e, files, e->runs[first[at - 1]].model, e->p->metric, &unused);
            if (!(files[i].columns[c].more_is_better ? mean > before : mean < before))
                break;
            first[at] = first[at - 1];
        }
        first[at] = i;
    }
    return count;
}

/* first: [runs] scratch */
static medley_status tell_seeds(const experiment *e, const evaluation_file *files, int64_t *first,
                                medley_report *report, medley_error *err)
{
    char shown[SHOWN_LONGEST];
    if (e->seed_count < 2)
        return MEDLEY_OK;
    TRY(start_table(e, "seeds", "Over seeds, mean and standard deviation", "model|seeds", "std", "", report, err));
    const int64_t count = sort_models(e, files, first);
    for (int64_t m = 0; m < count; m++) {
        const char *model = e->runs[first[m]].model;
        report_string(report, NULL, model);
        report_int(report, NULL, runs_before(e, e->run_count, model));
        for (const char *at = shown_columns(e); next_shown(&at, shown);) {
            double deviation;
            tell_or_leave(mean_over_seeds(e, files, model, shown, &deviation), report);
            tell_or_leave(deviation, report);
        }
    }
    return MEDLEY_OK;
}

static medley_status tell_runs(const experiment *e, const evaluation_file *files, medley_report *report,
                               medley_error *err)
{
    text tsv = {.rt = e->rt};
    int64_t *order = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(mem_alloc(e->rt, e->run_count, sizeof *order, &order, err));
    sort_results(e, files, order);
    TRY_DONE(start_table(e, "results", "Results on test", "model|seed|validation", "95",
                         "|fit_seconds|evaluate_seconds|settings", report, err));
    for (int64_t i = 0; i < e->run_count; i++) {
        tell_result(e, &e->runs[order[i]], &files[order[i]], report);
        add_result(&e->runs[order[i]], &files[order[i]], i == 0, &tsv);
    }
    TRY_DONE(tell_seeds(e, files, order, report, err));
    TRY_DONE(text_status(&tsv, err));
    status = save_in(e->rt, e->out, "results.tsv", tsv.bytes, (size_t)tsv.length, err);
done:
    mem_free(order);
    text_release(&tsv);
    return status;
}

/* Every choice behind the numbers: those of the evaluations, which are the same for all but the model's own facts. */
static void tell_protocol(const experiment *e, const evaluation_file *f, const medley_store *store,
                          medley_report *r)
{
    static const char *const own[] = {"model", "targets_masked_away", "lists_shorter_than_cutoff",
                                      "users_without_signal"};
    static const char *const searched[] = {"metric", "search", "trials_of_each", "seed", "best_fitted_to"};
    const json *protocol = json_member(f->root, "protocol");
    report_facts(r, "protocol", "Protocol");
    report_string(r, "store", store->path);
    report_string(r, "store_fingerprint", store->fingerprint);
    report_int(r, "store_users", store->users);
    report_int(r, "store_items", store->items);
    report_int(r, "store_interactions", store->count);
    for (size_t i = 0; i < sizeof searched / sizeof *searched; i++) {
        char name[64];
        double number;
        const char *said = medley_report_text(e->sweep, "search", 0, searched[i]);
        snprintf(name, sizeof name, "search_%s", searched[i]);
        if (said != NULL)
            report_string(r, i == 1 ? "search" : name, said);
        else if (medley_report_number(e->sweep, "search", 0, searched[i], &number))
            report_int(r, name, (int64_t)number);
    }
    report_string(r, "chosen_on", "validation; each run was judged on test once");
    for (int64_t i = 0; i < json_count(protocol); i++) {
        const char *key;
        double number;
        bool skip = false;
        const json *value = json_at(protocol, i, &key);
        for (size_t n = 0; n < sizeof own / sizeof *own; n++)
            skip = skip || strcmp(key, own[n]) == 0;
        if (skip)
            continue;
        if (json_as_text(value) != NULL)
            report_string(r, key, json_as_text(value));
        else if (json_real(protocol, key, &number))
            report_real(r, key, number);
    }
}

static void tell_steps(const experiment *e, medley_report *r)
{
    report_table(r, "steps", "Steps", "step|what|seconds");
    for (int64_t i = 0; i < e->step_count; i++) {
        report_string(r, NULL, e->steps[i].name);
        report_string(r, NULL, e->steps[i].what);
        report_real(r, NULL, e->steps[i].seconds);
    }
}

static medley_status tell(const experiment *e, medley_report *report, medley_error *err)
{
    evaluation_file *files = NULL;
    medley_store *store = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(store_open(e->rt, e->store, false, &store, err));
    TRY_DONE(mem_alloc_zero(e->rt, e->run_count, sizeof *files, &files, err));
    for (int64_t i = 0; i < e->run_count; i++)
        TRY_DONE(load_evaluation(e, &e->runs[i], &files[i], err));
    tell_protocol(e, &files[0], store, report);
    tell_steps(e, report);
    status = tell_runs(e, files, report, err);
done:
    for (int64_t i = 0; files != NULL && i < e->run_count; i++)
        evaluation_file_release(&files[i]);
    mem_free(files);
    store_free(store);
    return status;
}

static medley_status write_all(const experiment *e, medley_report *r, medley_error *err)
{
    const char *rendered;
    text yaml = {.rt = e->rt};
    text_format(&yaml, "# medley %s experiment\n", medley_version());
    medley_status status = settings_yaml(e->settings, &yaml, err);
    if (status == MEDLEY_OK)
        status = save_in(e->rt, e->out, "config.yaml", yaml.bytes, (size_t)yaml.length, err);
    text_release(&yaml);
    if (status == MEDLEY_OK)
        status = report_status(r, err);
    if (status == MEDLEY_OK)
        status = medley_report_render(r, MEDLEY_REPORT_JSON, &rendered, err);
    return status == MEDLEY_OK ? save_in(e->rt, e->out, "experiment.json", rendered, strlen(rendered), err)
                               : status;
}

static medley_status run(medley_runtime *rt, const bound_settings *settings, medley_report *report,
                         medley_error *err)
{
    experiment e = {.rt = rt, .settings = settings, .p = settings->values, .texts = {.rt = rt}};
    file *lock = NULL;
    bool made = false;
    medley_status status = MEDLEY_OK;
    TRY_DONE(read_seeds(&e, err));
    TRY_DONE(experiment_check(&e, err));
    made = !file_exists(e.p->out);
    TRY_DONE(open_folders(&e, err));
    TRY_DONE(file_lock_folder(rt, e.out, false, &lock, err));
    TRY_DONE(experiment_data(&e, err));
    TRY_DONE(experiment_features(&e, err));
    TRY_DONE(experiment_models(&e, err));
    TRY_DONE(experiment_comparison(&e, err));
    TRY_DONE(tell(&e, report, err));
    status = write_all(&e, report, err);
done:
    if (status != MEDLEY_OK && made)
        remove_if_empty(&e);
    file_close(lock);
    close_experiment(&e);
    return status;
}

const operation_class operation_experiment = {
    .name = "experiment",
    .summary =
        "prepare, split, bring in features, search, train and judge as one configuration says, to a table of results",
    .details =
        "Each step is an operation, with its settings in a group of its name; feature matrices are imported or extracted "
        "under the names that they have in their group, and models name them in features. A step whose output is there is done "
        "again only when a setting, a source file or what came before it has changed, and the report says why. "
        "Settings are chosen on validation, every model with the same budget; then each run is judged on test once. "
        "OUT then holds store, runs (trials.tsv and a run of each model), comparison (report.html), results.tsv and "
        "experiment.json. An experiment that was stopped goes on where it was.",
    .table = table,
    .size = sizeof(experiment_params),
    .groups = groups,
    .run = run,
};

medley_status medley_experiment(medley_runtime *rt, medley_config *config, medley_report **report,
                                medley_error *err)
{
    return operation_run(&operation_experiment, rt, config, report, err);
}
