/* What an evaluation tells: every choice behind the numbers, then the numbers. */
#include <math.h>

#include "api/judging_state.h"

static void tell_candidates(const judging *j, medley_report *r)
{
    static const char *const drawn[] = {
        [CANDIDATES_UNIFORM] = "uniformly", [CANDIDATES_POPULAR] = "in proportion to training users"};
    char shown[256];
    if (j->candidates != CANDIDATES_ALL)
        snprintf(shown, sizeof shown,
                 "SAMPLED: the target and %lld others that the user does not know, drawn %s, seed %lld",
                 (long long)j->sampled, drawn[j->candidates], (long long)j->p.seed);
    else if (j->allowed != NULL)
        snprintf(shown, sizeof shown, "the %lld of %lld items without a training user",
                 (long long)j->items_without_training, (long long)j->store->items);
    else
        snprintf(shown, sizeof shown, "all %lld items", (long long)j->store->items);
    report_string(r, "candidates", shown);
}

/* "training", or that and what came between. */
static const char *name_parts(const judging *j, bool all)
{
    return all && strcmp(j->data.part, "test") == 0 ? "training and validation" : "training";
}

static void tell_lists(const judging *j, const evaluation *e, medley_report *r)
{
    char shown[256];
    tell_candidates(j, r);
    snprintf(shown, sizeof shown, "the user's %s items", name_parts(j, true));
    report_string(r, "masked", j->masked ? shown : "nothing");
    report_string(r, "ties",
                  j->p.given
                      ? "as the file orders them; equal scores without ranks: expected value over random order"
                      : "expected value over random order; lists shown are ordered by hash");
    report_int(r, "targets_masked_away", e->masked_targets);
    report_int(r, "lists_shorter_than_cutoff", e->short_lists);
    report_int(r, "items_without_training", j->items_without_training);
    report_int(r, "items_never_candidates", j->items_never);
    if (j->context.space != NULL)
        report_string(r, "space", j->space.name);
    if (j->context.space != NULL)
        report_int(r, "items_without_space", j->space.missing);
    if (j->context.attributes != NULL)
        report_string(r, "attribute", j->attributes.name);
    if (j->context.attributes != NULL)
        report_int(r, "items_without_attribute", j->attributes.missing);
    if ((j->needs & METRIC_NEEDS_PRIMITIVE) != 0)
        report_string(r, "primitive", "popularity: most training users first");
    if (j->task->beyond)
        report_int(r, "short_head_items", j->context.head_items);
}

static void tell_ratings(const judging *j, medley_report *r)
{
    char shown[128];
    report_string(r, "candidates", "the given pairs");
    report_string(r, "masked", "nothing");
    snprintf(shown, sizeof shown, "kept within %g..%g, the ratings of training", j->context.rating_low,
             j->context.rating_high);
    report_string(r, "predictions", j->p.clip ? shown : "as they are");
}

static void tell_protocol(const judging *j, const char *model, const evaluation *e, medley_report *r)
{
    const split_facts *facts = j->data.facts;
    char shown[256];
    report_facts(r, "protocol", "Protocol");
    report_string(r, "model", model);
    report_string(r, "task", j->task->name);
    snprintf(shown, sizeof shown, "%s (%s, seed %lld)", facts->name, facts->strategy, (long long)facts->seed);
    report_string(r, "split", shown);
    report_string(r, "part", j->data.part);
    if (j->task->pairs)
        tell_ratings(j, r);
    else
        tell_lists(j, e, r);
    if (!j->p.given)
        report_string(r, "history", name_parts(j, j->p.history == HISTORY_KNOWN));
    report_real(r, "relevant_from", j->p.relevant_from);
    report_int(r, "users", e->users);
    report_int(r, "users_without_answers", j->store->users - e->users);
    report_int(r, "users_without_training", j->cold_users);
    if (!j->p.given && !j->task->pairs)
        report_int(r, "users_without_signal", e->without_signal);
    if (j->task->cold_users)
        report_int(r, "cold_threshold", j->p.cold_threshold);
    if (j->task->cold_users)
        report_int(r, "users_too_warm", j->warm_users);
    report_int(r, "targets", csr_count(&j->targets.view));
    report_int(r, "targets_below_threshold", j->below_threshold);
    if (j->task->cold_items)
        report_int(r, "targets_too_warm", j->warm_targets);
    report_string(r, "split_fingerprint", facts->fingerprint);
    report_string(r, "judged_fingerprint", j->fingerprint);
}

static bool has_columns(const judging *j, bool without_cutoff)
{
    for (int64_t c = 0; c < j->column_count; c++)
        if (j->columns[c].metric->no_cutoff == without_cutoff)
            return true;
    return false;
}

/* Starts a table with a column a cutoff. */
static medley_status start_table(const judging *j, const char *name, const char *title, medley_report *r,
                                 medley_error *err)
{
    text columns = {.rt = j->store->rt};
    text_add(&columns, "metric");
    for (int64_t c = 0; c < j->cutoff_count; c++)
        text_format(&columns, "|@%lld", (long long)j->cutoffs[c]);
    const medley_status status = text_status(&columns, err);
    if (status == MEDLEY_OK)
        report_table(r, name, title, columns.bytes);
    text_release(&columns);
    return status;
}

static medley_status tell_values(const judging *j, const evaluation *e, medley_report *r, medley_error *err)
{
    const char *sampled = j->candidates != CANDIDATES_ALL ? " (SAMPLED candidates)" : "";
    char title[64];
    if (has_columns(j, false)) {
        snprintf(title, sizeof title, "Metrics%s", sampled);
        TRY(start_table(j, "metrics", title, r, err));
    }
    for (int64_t c = 0; c < j->column_count; c++) {
        if (j->columns[c].metric->no_cutoff)
            continue;
        if (j->columns[c].k == j->cutoffs[0])
            report_string(r, NULL, j->columns[c].metric->name);
        report_real(r, NULL, e->value[c]);
    }
    if (has_columns(j, true)) {
        snprintf(title, sizeof title, "Metrics without cutoff%s", sampled);
        report_table(r, "values", title, "metric|value");
    }
    for (int64_t c = 0; c < j->column_count; c++)
        if (j->columns[c].metric->no_cutoff) {
            report_string(r, NULL, j->columns[c].metric->name);
            report_real(r, NULL, e->value[c]);
        }
    return MEDLEY_OK;
}

/* As texts, to be read; the evaluation on disk has the numbers. */
static medley_status tell_intervals(const judging *j, const evaluation *e, medley_report *r, medley_error *err)
{
    char title[128];
    if (e->intervals == NULL)
        return MEDLEY_OK;
    snprintf(title, sizeof title, "95 %% intervals (bootstrap over users, %lld resamples, seed %lld)",
             (long long)j->p.intervals, (long long)j->p.seed);
    TRY(start_table(j, "intervals", title, r, err));
    for (int64_t c = 0; c < j->column_count; c++) {
        char shown[96] = "";
        if (j->columns[c].metric->no_cutoff || j->columns[c].metric->of_lists != NULL)
            continue;
        if (j->columns[c].k == j->cutoffs[0])
            report_string(r, NULL, j->columns[c].metric->name);
        if (!isnan(e->intervals[c].low))
            number_print(shown, sizeof shown, "%.4g..%.4g", e->intervals[c].low, e->intervals[c].high);
        report_string(r, NULL, shown);
    }
    if (!has_columns(j, true))
        return MEDLEY_OK;
    report_table(r, "value_intervals", "95 % intervals of those without cutoff", "metric|low|high");
    for (int64_t c = 0; c < j->column_count; c++)
        if (j->columns[c].metric->no_cutoff) {
            report_string(r, NULL, j->columns[c].metric->name);
            report_real(r, NULL, e->intervals[c].low);
            report_real(r, NULL, e->intervals[c].high);
        }
    return MEDLEY_OK;
}

static void tell_undefined(const judging *j, const evaluation *e, medley_report *r)
{
    bool started = false;
    for (int64_t c = 0; c < j->column_count; c++) {
        char name[96];
        if (j->columns[c].metric->of_user == NULL || e->defined[c] == e->users)
            continue;
        if (!started)
            report_table(r, "undefined", "Users for whom a metric is not defined: they are left out of its mean",
                         "metric|users");
        started = true;
        metric_column_name(&j->columns[c], name, sizeof name);
        report_string(r, NULL, name);
        report_int(r, NULL, e->users - e->defined[c]);
    }
}

medley_status judging_tell(const judging *j, const char *model, const evaluation *e, medley_report *report,
                           medley_error *err)
{
    tell_protocol(j, model, e, report);
    TRY(tell_values(j, e, report, err));
    TRY(tell_intervals(j, e, report, err));
    tell_undefined(j, e, report);
    return MEDLEY_OK;
}
