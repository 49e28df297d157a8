#include <medley/model.h>

#include "api/comparison.h"
#include "api/operation.h"
#include "io/save.h"

typedef struct compare_params {
    const char *runs, *evaluation, *baseline, *metrics, *out;
    int pairs, test, adjust;
    double alpha;
    int64_t resamples, seed;
    bool force;
} compare_params;

static const medley_param table[] = {
    MEDLEY_TEXT(compare_params, runs, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "folders of evaluated runs, or of evaluations, separated by commas"),
    MEDLEY_TEXT(compare_params, evaluation, "",
                .help = "which of the runs' evaluations, such as retrieval-test; empty: the one that all have"),
    MEDLEY_TEXT(compare_params, baseline, "", .help = "the run that others are tested against; empty: the first"),
    MEDLEY_TEXT(
        compare_params, metrics, "all",
        .help = "names separated by commas, with or without cutoff: ndcg@10,recall; or all that all runs have"),
    MEDLEY_ENUM(compare_params, pairs, "baseline", "baseline|all",
                .help = "what is tested: pairs with the baseline, or all"),
    MEDLEY_ENUM(compare_params, test, "t", "t|wilcoxon", .help = "the test that decides what is significant"),
    MEDLEY_ENUM(compare_params, adjust, "holm", "holm|bh",
                .help = "the adjustment of its p values for the number of tests: Holm, Benjamini-Hochberg"),
    MEDLEY_REAL(compare_params, alpha, "0.05", 1e-9, 0.5, .help = "significant: an adjusted p below this"),
    MEDLEY_INT(compare_params, resamples, "1000", 0, 1e6, .help = "of the bootstrap intervals; 0: no intervals"),
    MEDLEY_INT(compare_params, seed, "0", 0, 9e15, .help = "of the bootstrap"),
    MEDLEY_TEXT(compare_params, out, "", .flags = MEDLEY_PARAM_PATH,
                .help = "folder to make: report.html, values.csv, tests.csv, table.tex, comparison.json"),
    MEDLEY_BOOL(compare_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace a comparison that is there"),
    MEDLEY_PARAMS_END,
};

static const struct output {
    const char *name;
    void (*write)(const comparison *c, text *out);
} outputs[] = {{"report.html", comparison_page},
               {"values.csv", comparison_values_csv},
               {"tests.csv", comparison_tests_csv},
               {"table.tex", comparison_latex}};

static medley_status write_outputs(const comparison *c, medley_report *report, const char *folder,
                                   medley_error *err)
{
    const char *rendered;
    medley_status status = MEDLEY_OK;
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs && status == MEDLEY_OK; i++) {
        text bytes = {.rt = c->rt};
        outputs[i].write(c, &bytes);
        status = text_status(&bytes, err);
        if (status == MEDLEY_OK)
            status = save_in(c->rt, folder, outputs[i].name, bytes.bytes, (size_t)bytes.length, err);
        text_release(&bytes);
    }
    TRY(status);
    TRY(medley_report_render(report, MEDLEY_REPORT_JSON, &rendered, err));
    return save_in(c->rt, folder, "comparison.json", rendered, strlen(rendered), err);
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    const compare_params *p = s->values;
    const comparison_choices choices = {.runs = p->runs,
                                        .evaluation = p->evaluation,
                                        .baseline = p->baseline,
                                        .metrics = p->metrics,
                                        .pairs = p->pairs,
                                        .test = p->test,
                                        .adjust = p->adjust,
                                        .alpha = p->alpha,
                                        .resamples = p->resamples,
                                        .seed = p->seed};
    comparison c = {0};
    save_folder *folder = NULL;
    medley_status status = MEDLEY_OK;
    if (p->out[0] != '\0')
        TRY_DONE(save_folder_open(rt, p->out, p->force, "comparison.json", &folder, err));
    TRY_DONE(comparison_open(rt, &choices, &c, err));
    TRY_DONE(comparison_tell(&c, report, err));
    TRY_DONE(report_status(report, err));
    if (folder == NULL)
        goto done;
    TRY_DONE(write_outputs(&c, report, save_folder_path(folder), err));
    status = save_folder_commit(folder, err);
    folder = NULL;
done:
    save_folder_abandon(folder);
    comparison_close(&c);
    return status;
}

const operation_class operation_compare = {
    .name = "compare",
    .summary = "runs side by side: intervals, and which differences are more than chance",
    .details =
        "Takes what medley evaluate left in the runs. Refuses runs that were judged by another split, part, task, mask, "
        "candidates, cutoffs or targets. Runs that differ by their seed alone are one system. Differences to the baseline "
        "are tested user by user (paired t, Wilcoxon signed-rank) and p values adjusted for all tests shown (Holm, "
        "Benjamini-Hochberg); metrics of all lists together, such as coverage, have no test.",
    .table = table,
    .size = sizeof(compare_params),
    .run = run,
};

medley_status medley_compare(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_compare, rt, config, report, err);
}
