/* A comparison as sections of a report, as CSV and as LaTeX. */
#include "api/comparison.h"

#include <math.h>

static const char *const mark_names[] = {
    [MARK_T] = "paired t test", [MARK_WILCOXON] = "Wilcoxon signed-rank test"};
static const char *const adjust_names[] = {[P_HOLM] = "Holm", [P_BENJAMINI_HOCHBERG] = "Benjamini-Hochberg"};

static bool has_seeds(const comparison *c)
{
    return c->system_count < c->run_count;
}

static bool has_pooled(const comparison *c)
{
    for (int64_t i = 0; i < c->column_count; i++)
        if (c->columns[i].pooled && c->columns[i].per_user)
            return true;
    return false;
}

static void explain_intervals(const comparison *c, text *out)
{
    if (c->choices.resamples > 0)
        text_format(out, "95 %%, percentile bootstrap over users, %lld resamples, seed %lld",
                    (long long)c->choices.resamples, (long long)c->choices.seed);
}

static void explain_marks(const comparison *c, text *out)
{
    const comparison_choices *o = &c->choices;
    text_format(out, "%s (two-sided, one pair a user), %s-adjusted p < %g", mark_names[o->test],
                adjust_names[o->adjust], o->alpha);
}

static void explain_family(const comparison *c, text *out)
{
    text_format(out, "%lld tests of each kind: %s x metrics with a value a user", (long long)c->family,
                c->choices.pairs == PAIRS_ALL ? "all pairs" : "pairs with the baseline");
}

static void explain_seeds(const comparison *c, text *out)
{
    if (has_seeds(c))
        text_add(
            out,
            "runs that differ by their seed alone are one system, with the mean of their values and its sample "
            "standard deviation; users' values are averaged over seeds before testing");
}

static void explain_ratios(const comparison *c, text *out)
{
    if (has_pooled(c))
        text_add(out,
                 "ratios of sums over users (rmse, gauc, ...) are tested by the users' own values, whose mean "
                 "they are not");
}

static const struct explanation {
    const char *name;
    void (*add)(const comparison *c, text *out);
} explanations[] = {{"intervals", explain_intervals},
                    {"significant", explain_marks},
                    {"family", explain_family},
                    {"seeds", explain_seeds},
                    {"ratios", explain_ratios}};
enum { EXPLANATIONS = sizeof explanations / sizeof *explanations };

void comparison_explain(const comparison *c, text *out)
{
    for (int i = 0; i < EXPLANATIONS; i++) {
        text one = {.rt = c->rt};
        explanations[i].add(c, &one);
        if (one.length > 0)
            text_format(out, "%s%c%s: %s.", out->length > 0 ? " " : "", explanations[i].name[0] - 'a' + 'A',
                        explanations[i].name + 1, one.bytes);
        out->failed |= one.failed;
        text_release(&one);
    }
}

/* ---- Report ---- */

/* As the first run has them; the others have the same. */
static void tell_protocol(const comparison *c, medley_report *r)
{
    static const char *const facts[] = {"task",
                                        "split",
                                        "part",
                                        "candidates",
                                        "masked",
                                        "history",
                                        "relevant_from",
                                        "users",
                                        "targets",
                                        "split_fingerprint",
                                        "judged_fingerprint"};
    const json *protocol = json_member(c->runs[0].file.root, "protocol");
    char shown[64];
    report_facts(r, "protocol", "Protocol");
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (json_member(protocol, facts[i]) != NULL)
            report_string(r, facts[i], comparison_fact(protocol, facts[i], shown));
}

static medley_status tell_choices(const comparison *c, medley_report *r, medley_error *err)
{
    medley_status status = MEDLEY_OK;
    report_facts(r, "comparison", "Comparison");
    report_string(r, "evaluation", c->evaluation);
    report_int(r, "runs", c->run_count);
    report_int(r, "systems", c->system_count);
    report_string(r, "baseline", c->systems[c->baseline].label);
    report_string(r, "baseline_chosen", c->choices.baseline[0] != '\0' ? "as asked for" : "the first run named");
    report_int(r, "tests", c->family);
    report_string(r, "metrics_left_out", c->left_out[0] != '\0' ? c->left_out : "none");
    for (int i = 0; i < EXPLANATIONS && status == MEDLEY_OK; i++) {
        text words = {.rt = c->rt};
        explanations[i].add(c, &words);
        status = text_status(&words, err);
        if (status == MEDLEY_OK && words.length > 0)
            report_string(r, explanations[i].name, words.bytes);
        text_release(&words);
    }
    return status;
}

/* "l2=100, threads=2": what is particular to a run. */
static void list_settings(const compared_run *run, text *out)
{
    static const char *const elsewhere[] = {"store", "split", "run", "model", "seed", "force"};
    for (int64_t i = 0; i < run->setting_count; i++) {
        bool said = false;
        for (size_t j = 0; j < sizeof elsewhere / sizeof *elsewhere; j++)
            said = said || strcmp(run->settings[i].key, elsewhere[j]) == 0;
        if (!said)
            text_format(out, "%s%s=%s", out->length > 0 ? ", " : "", run->settings[i].key, run->settings[i].value);
    }
}

static medley_status tell_runs(const comparison *c, medley_report *r, medley_error *err)
{
    report_table(r, "runs", "Runs", "system|model|run|seed|settings");
    for (int64_t i = 0; i < c->run_count; i++) {
        const compared_run *run = &c->runs[i];
        const char *seed = NULL;
        text settings = {.rt = c->rt};
        list_settings(run, &settings);
        const medley_status status = text_status(&settings, err);
        for (int64_t s = 0; s < run->setting_count; s++)
            seed = strcmp(run->settings[s].key, "seed") == 0 ? run->settings[s].value : seed;
        report_string(r, NULL, c->systems[run->system].label);
        report_string(r, NULL, run->file.model);
        report_string(r, NULL, run->path);
        report_string(r, NULL, seed);
        report_string(r, NULL, settings.bytes);
        text_release(&settings);
        TRY(status);
    }
    return MEDLEY_OK;
}

/* Starts a table with a row a metric and a column a system. */
static medley_status start_table(const comparison *c, const char *name, const char *title, const char *more,
                                 medley_report *r, medley_error *err)
{
    text columns = {.rt = c->rt};
    text_add(&columns, "metric");
    for (int64_t s = 0; s < c->system_count; s++)
        text_format(&columns, "|%s", c->systems[s].label);
    text_add(&columns, more);
    const medley_status status = text_status(&columns, err);
    if (status == MEDLEY_OK)
        report_table(r, name, title, columns.bytes);
    text_release(&columns);
    return status;
}

static const char *best_of(const comparison *c, int64_t column)
{
    const char *best = NULL;
    for (int64_t s = 0; s < c->system_count; s++)
        if (comparison_is_best(c, s, column))
            best = best == NULL ? c->systems[s].label : "several";
    return best;
}

static medley_status tell_values(const comparison *c, medley_report *r, medley_error *err)
{
    TRY(start_table(c, "values", has_seeds(c) ? "Values (means over seeds)" : "Values", "|best of all", r, err));
    for (int64_t i = 0; i < c->column_count; i++) {
        report_string(r, NULL, c->columns[i].name);
        for (int64_t s = 0; s < c->system_count; s++)
            report_real(r, NULL, c->systems[s].value[i]);
        report_string(r, NULL, best_of(c, i));
    }
    if (!has_seeds(c))
        return MEDLEY_OK;
    TRY(start_table(c, "seeds", "Sample standard deviations between seeds", "", r, err));
    for (int64_t i = 0; i < c->column_count; i++) {
        report_string(r, NULL, c->columns[i].name);
        for (int64_t s = 0; s < c->system_count; s++)
            if (c->systems[s].runs > 1)
                report_real(r, NULL, c->systems[s].std[i]);
            else
                report_string(r, NULL, NULL);
    }
    return MEDLEY_OK;
}

/* As texts, to be read; the CSV has the numbers. */
static medley_status tell_intervals(const comparison *c, medley_report *r, medley_error *err)
{
    if (c->choices.resamples == 0)
        return MEDLEY_OK;
    TRY(start_table(c, "intervals", "95 % intervals", "", r, err));
    for (int64_t i = 0; i < c->column_count; i++) {
        report_string(r, NULL, c->columns[i].name);
        for (int64_t s = 0; s < c->system_count; s++) {
            const interval *own = &c->systems[s].interval[i];
            char shown[96];
            number_print(shown, sizeof shown, "%.4g..%.4g", own->low, own->high);
            report_string(r, NULL, isnan(own->low) ? NULL : shown);
        }
    }
    return MEDLEY_OK;
}

static void report_defined(medley_report *r, double value)
{
    if (isnan(value))
        report_string(r, NULL, NULL);
    else
        report_real(r, NULL, value);
}

#define TEST_COLUMNS \
    "metric|system|against|users|difference|low|high|t|p_t|p_t_holm|p_t_bh|wilcoxon|p_w|p_w_holm|p_w_bh|effect_d"

static void tell_tests(const comparison *c, medley_report *r)
{
    report_table(r, "tests", "Differences", TEST_COLUMNS "|significant");
    for (const compared_pair *p = c->pairs; p < c->pairs + c->pair_count; p++) {
        const bool tested = !isnan(p->p[MARK_T]);
        const double numbers[] = {
            p->difference,        p->interval.low,
            p->interval.high,     p->t.t,
            p->p[MARK_T],         p->holm[MARK_T],
            p->bh[MARK_T],        tested ? fmin(p->wilcoxon.positive, p->wilcoxon.negative) : (double)NAN,
            p->p[MARK_WILCOXON],  p->holm[MARK_WILCOXON],
            p->bh[MARK_WILCOXON], p->t.cohens_d};
        report_string(r, NULL, c->columns[p->column].name);
        report_string(r, NULL, c->systems[p->system].label);
        report_string(r, NULL, c->systems[p->against].label);
        report_int(r, NULL, p->users);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            report_defined(r, numbers[i]);
        report_string(r, NULL, p->significant ? "yes" : "no");
    }
}

medley_status comparison_tell(const comparison *c, medley_report *report, medley_error *err)
{
    tell_protocol(c, report);
    TRY(tell_choices(c, report, err));
    TRY(tell_runs(c, report, err));
    TRY(tell_values(c, report, err));
    TRY(tell_intervals(c, report, err));
    tell_tests(c, report);
    return MEDLEY_OK;
}

/* ---- CSV (RFC 4180, but lines end with a line feed) ---- */

static void csv_words(text *out, const char *words)
{
    if (strpbrk(words, ",\"\r\n") == NULL) {
        text_add(out, words);
        return;
    }
    text_add(out, "\"");
    for (; *words != '\0'; words++)
        text_append(out, *words == '"' ? "\"\"" : words, *words == '"' ? 2 : 1);
    text_add(out, "\"");
}

/* Every digit; nothing for what is not defined. */
static void csv_number(text *out, double value)
{
    char digits[40];
    text_add(out, ",");
    if (isnan(value))
        return;
    number_format(value, digits, sizeof digits);
    text_add(out, digits);
}

void comparison_values_csv(const comparison *c, text *out)
{
    text_add(out, "system,model,runs,metric,more_is_better,value,std_between_seeds,low,high,best\n");
    for (int64_t s = 0; s < c->system_count; s++)
        for (int64_t i = 0; i < c->column_count; i++) {
            const compared_system *system = &c->systems[s];
            csv_words(out, system->label);
            text_add(out, ",");
            csv_words(out, system->model);
            text_format(out, ",%lld,%s,%s", (long long)system->runs, c->columns[i].name,
                        c->columns[i].more_is_better ? "true" : "false");
            csv_number(out, system->value[i]);
            csv_number(out, system->std[i]);
            csv_number(out, system->interval[i].low);
            csv_number(out, system->interval[i].high);
            text_add(out, comparison_is_best(c, s, i) ? ",true\n" : ",false\n");
        }
}

void comparison_tests_csv(const comparison *c, text *out)
{
    text_add(out, "metric,system,against,users,difference,low,high,t,p_t,p_t_holm,p_t_bh,wilcoxon_positive,"
                  "wilcoxon_negative,wilcoxon_z,p_w,p_w_holm,p_w_bh,effect_d,significant\n");
    for (const compared_pair *p = c->pairs; p < c->pairs + c->pair_count; p++) {
        const bool tested = !isnan(p->p[MARK_T]);
        const double numbers[] = {p->difference,
                                  p->interval.low,
                                  p->interval.high,
                                  p->t.t,
                                  p->p[MARK_T],
                                  p->holm[MARK_T],
                                  p->bh[MARK_T],
                                  tested ? p->wilcoxon.positive : (double)NAN,
                                  tested ? p->wilcoxon.negative : (double)NAN,
                                  tested ? p->wilcoxon.z : (double)NAN,
                                  p->p[MARK_WILCOXON],
                                  p->holm[MARK_WILCOXON],
                                  p->bh[MARK_WILCOXON],
                                  p->t.cohens_d};
        text_format(out, "%s,", c->columns[p->column].name);
        csv_words(out, c->systems[p->system].label);
        text_add(out, ",");
        csv_words(out, c->systems[p->against].label);
        text_format(out, ",%lld", (long long)p->users);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            csv_number(out, numbers[i]);
        text_add(out, p->significant ? ",true\n" : ",false\n");
    }
}

/* ---- LaTeX (needs no package) ---- */

static void latex_words(text *out, const char *words)
{
    static const struct {
        char plain;
        const char *latex;
    } escapes[] = {{'\\', "\\textbackslash{}"},
                   {'~', "\\textasciitilde{}"},
                   {'^', "\\textasciicircum{}"},
                   {'<', "\\textless{}"},
                   {'>', "\\textgreater{}"},
                   {'|', "\\textbar{}"},
                   {'&', "\\&"},
                   {'%', "\\%"},
                   {'$', "\\$"},
                   {'#', "\\#"},
                   {'_', "\\_"},
                   {'{', "\\{"},
                   {'}', "\\}"}};
    for (; *words != '\0'; words++) {
        size_t i = 0;
        while (i < sizeof escapes / sizeof *escapes && escapes[i].plain != *words)
            i++;
        if (i < sizeof escapes / sizeof *escapes)
            text_add(out, escapes[i].latex);
        else
            text_append(out, (unsigned char)*words < 0x20 ? " " : words, 1);
    }
}

static void latex_value(const comparison *c, int64_t s, int64_t column, text *out)
{
    const compared_system *system = &c->systems[s];
    const double value = system->value[column];
    const compared_pair *test = comparison_against_baseline(c, s, column);
    const bool best = comparison_is_best(c, s, column);
    if (isnan(value)) {
        text_add(out, "--");
        return;
    }
    text_add(out, best ? "\\textbf{" : "");
    text_format(out, fabs(value) < 10 ? "%.4f" : "%.5g", value);
    text_add(out, best ? "}" : "");
    if (system->runs > 1)
        text_format(out, fabs(value) < 10 ? " $\\pm$ %.4f" : " $\\pm$ %.3g", system->std[column]);
    text_add(out, test != NULL && test->significant ? "$^{\\dagger}$" : "");
}

enum { LATEX_COLUMNS_MOST = 8 }; /* what fits a page */

static void latex_table(const comparison *c, const int64_t *columns, int64_t count, text *out)
{
    text_add(out, "\\begin{tabular}{l");
    for (int64_t i = 0; i < count; i++)
        text_add(out, "r");
    text_add(out, "}\n\\hline\nsystem");
    for (int64_t i = 0; i < count; i++) {
        text_add(out, " & ");
        latex_words(out, c->columns[columns[i]].name);
        text_add(out, c->columns[columns[i]].more_is_better ? "" : " $\\downarrow$");
    }
    text_add(out, " \\\\\n\\hline\n");
    for (int64_t s = 0; s < c->system_count; s++) {
        latex_words(out, c->systems[s].label);
        for (int64_t i = 0; i < count; i++) {
            text_add(out, " & ");
            latex_value(c, s, columns[i], out);
        }
        text_add(out, " \\\\\n");
    }
    text_add(out, "\\hline\n\\end{tabular}\n\n\\medskip\n");
}

/* The columns at the cutoff of the `first` that has it. */
static void latex_cutoff(const comparison *c, int64_t first, text *out)
{
    const char *cutoff = comparison_cutoff(c->columns[first].name);
    int64_t columns[LATEX_COLUMNS_MOST], count = 0;
    for (int64_t i = 0; i < first; i++)
        if (strcmp(comparison_cutoff(c->columns[i].name), cutoff) == 0)
            return;
    for (int64_t i = first; i < c->column_count; i++) {
        if (strcmp(comparison_cutoff(c->columns[i].name), cutoff) != 0)
            continue;
        columns[count++] = i;
        if (count == LATEX_COLUMNS_MOST) {
            latex_table(c, columns, count, out);
            count = 0;
        }
    }
    if (count > 0)
        latex_table(c, columns, count, out);
}

static void latex_caption(const comparison *c, text *out)
{
    text note = {.rt = c->rt};
    comparison_explain(c, &note);
    out->failed |= note.failed;
    text_add(out, "\\caption{");
    latex_words(out, c->evaluation);
    text_format(out, ", %lld users. Bold: best. $\\dagger$: differs from ", (long long)c->users);
    latex_words(out, c->systems[c->baseline].label);
    text_add(out, ". ");
    latex_words(out, note.bytes != NULL ? note.bytes : "");
    text_add(out, "}\n");
    text_release(&note);
}

void comparison_latex(const comparison *c, text *out)
{
    text_add(out, "% Needs no package; replace \\hline by \\toprule, \\midrule and \\bottomrule with booktabs.\n"
                  "\\begin{table}\n\\centering\n");
    for (int64_t i = 0; i < c->column_count; i++)
        latex_cutoff(c, i, out);
    latex_caption(c, out);
    text_add(out, "\\end{table}\n");
}
