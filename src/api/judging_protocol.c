/* What the texts of a protocol mean. */
#include "api/judging_state.h"
#include "api/operation.h"

const judging_protocol judging_defaults = {
    .task = "retrieval",
    .cutoffs = "5,10,20",
    .metrics = "all",
    .candidates = "all",
    .space = "",
    .attribute = "",
    .cold_threshold = 5,
};

static medley_status read_cutoffs(judging *j, medley_error *err)
{
    for (const char *at = j->p.cutoffs;;) {
        const size_t length = strcspn(at, ",");
        int64_t k;
        if (!number_int(at, length, &k) || k < 1 || k > 100000)
            return fail(err, MEDLEY_E_CONFIG,
                        "cutoffs: '%.*s' is no list length; accepted: 1..100000, separated by commas",
                        length < 60 ? (int)length : 60, at);
        if (j->cutoff_count > 0 && k <= j->cutoffs[j->cutoff_count - 1])
            return fail(err, MEDLEY_E_CONFIG, "cutoffs: %lld does not ascend", (long long)k);
        if (j->cutoff_count == CUTOFFS_MOST)
            return fail(err, MEDLEY_E_CONFIG, "cutoffs: more than %d of them", CUTOFFS_MOST);
        j->cutoffs[j->cutoff_count++] = k;
        if (at[length] == '\0')
            return MEDLEY_OK;
        at += length + 1;
    }
}

static medley_status read_candidates(judging *j, medley_error *err)
{
    static const char *const prefixes[] = {[CANDIDATES_UNIFORM] = "uniform:", [CANDIDATES_POPULAR] = "popular:"};
    const char *given = j->p.candidates;
    if (strcmp(given, "all") == 0)
        return MEDLEY_OK;
    for (int kind = CANDIDATES_UNIFORM; kind <= CANDIDATES_POPULAR; kind++) {
        const size_t length = strlen(prefixes[kind]);
        if (strncmp(given, prefixes[kind], length) != 0 ||
            !number_int(given + length, strlen(given + length), &j->sampled) || j->sampled < 1 ||
            j->sampled > 1000000)
            continue;
        j->candidates = (candidate_kind)kind;
        if (!j->task->samples)
            return fail(err, MEDLEY_E_CONFIG, "candidates: '%s' is for the task next_item; '%s' takes all", given,
                        j->task->name);
        if (j->p.given)
            return fail(err, MEDLEY_E_CONFIG, "candidates: '%s' for lists that were made from all items", given);
        return MEDLEY_OK;
    }
    return fail(err, MEDLEY_E_CONFIG,
                "candidates: '%s' is not accepted; accepted: all, uniform:N, popular:N, N in 1..1000000", given);
}

/* What the store must have. */
static medley_status check_store(const judging *j, medley_error *err)
{
    if (j->store == NULL)
        return MEDLEY_OK;
    if (j->task->needs_order && !j->store->ordered)
        return fail(err, MEDLEY_E_CONFIG, "task: '%s' needs an order in time, which the store does not have",
                    j->p.task);
    if (j->task->pairs && j->data.targets->rating == NULL)
        return fail(err, MEDLEY_E_CONFIG, "task: '%s' needs ratings, which the store does not have", j->p.task);
    if (j->p.relevant_from > 0 && j->data.targets->rating == NULL)
        return fail(err, MEDLEY_E_CONFIG, "relevant_from: %g; the store has no ratings", j->p.relevant_from);
    return MEDLEY_OK;
}

medley_status judging_read_protocol(judging *j, medley_error *err)
{
    registry_member member;
    const medley_status found = registry_find("tasks", j->p.task, &member, err);
    if (found != MEDLEY_OK)
        return fail_while(err, MEDLEY_E_CONFIG, "task");
    j->task = &task_classes[member.index];
    j->masked = !j->task->pairs && (j->p.mask == MASK_KNOWN || (j->p.mask == MASK_AUTO && j->task->masks_known));
    if (j->task->pairs && j->p.given)
        return fail(err, MEDLEY_E_CONFIG, "task: '%s' judges predicted ratings, not lists", j->p.task);
    if (j->task->pairs && j->p.relevant_from > 0)
        return fail(err, MEDLEY_E_CONFIG, "relevant_from: %g; the task '%s' judges every rating",
                    j->p.relevant_from, j->p.task);
    if (j->p.clip && !j->task->pairs)
        return fail(err, MEDLEY_E_CONFIG, "clip: true is for the task rating, not '%s'", j->p.task);
    TRY(read_candidates(j, err));
    TRY(read_cutoffs(j, err));
    return check_store(j, err);
}

/* ---- metrics ---- */

/* Why metrics with that need cannot be had, or NULL. */
static const char *why_not(const judging *j, metric_need need)
{
    const metric_context *c = &j->context;
    const bool planned = j->store == NULL;
    switch (need) {
    case METRIC_NEEDS_LISTS:
        return j->task->pairs ? "the task rating makes no lists" : NULL;
    case METRIC_NEEDS_RANKS:
        return j->p.given ? "lists from elsewhere do not say how all candidates rank" : NULL;
    case METRIC_NEEDS_RATINGS:
        return !planned && j->targets.view.value == NULL ? "the store has no ratings" : NULL;
    case METRIC_NEEDS_PREDICTIONS:
        return j->task->pairs ? NULL : "only the task rating predicts ratings";
    case METRIC_NEEDS_SHARES:
        return planned || (c->rating_low >= 0 && c->rating_high <= 1) ? NULL
                                                                      : "the store's ratings are not within 0..1";
    case METRIC_NEEDS_SPACE:
        return j->p.space[0] != '\0' ? NULL : "a space is needed, such as space: text";
    case METRIC_NEEDS_ATTRIBUTE:
        return j->p.attribute[0] != '\0' ? NULL : "an attribute is needed, such as attribute: genres";
    default:
        return NULL;
    }
}

static const char *why_not_metric(const judging *j, const metric_class *metric)
{
    const char *why = NULL;
    for (int need = 1; need <= metric->needs && why == NULL; need *= 2)
        if ((metric->needs & need) != 0)
            why = why_not(j, (metric_need)need);
    return why;
}

static medley_status add_metric(judging *j, const metric_class *metric, medley_error *err)
{
    const int64_t count = metric->no_cutoff ? 1 : j->cutoff_count;
    for (int64_t c = 0; c < j->column_count; c++)
        if (j->columns[c].metric == metric)
            return fail(err, MEDLEY_E_CONFIG, "metrics: '%s' is named twice", metric->name);
    assert(j->column_count + count <= COLUMNS_MOST); /* each of the metrics once, at CUTOFFS_MOST */
    for (int64_t c = 0; c < count; c++)
        j->columns[j->column_count++] =
            (metric_column){.metric = metric, .k = metric->no_cutoff ? 0 : j->cutoffs[c]};
    j->needs |= metric->needs;
    return MEDLEY_OK;
}

static medley_status add_all_metrics(judging *j, medley_error *err)
{
    for (int m = 0; metric_classes[m] != NULL; m++)
        if (why_not_metric(j, metric_classes[m]) == NULL && (!metric_classes[m]->beyond || j->task->beyond))
            TRY(add_metric(j, metric_classes[m], err));
    return MEDLEY_OK;
}

medley_status judging_read_metrics(judging *j, medley_error *err)
{
    if (strcmp(j->p.metrics, "all") == 0)
        return add_all_metrics(j, err);
    for (const char *at = j->p.metrics;;) {
        const size_t length = strcspn(at, ",");
        char name[64];
        registry_member member;
        snprintf(name, sizeof name, "%.*s", length < 60 ? (int)length : 60, at);
        const medley_status status = registry_find("metrics", name, &member, err);
        if (status != MEDLEY_OK)
            return fail_while(err, MEDLEY_E_CONFIG, "metrics");
        const metric_class *metric = metric_classes[member.index];
        const char *why = why_not_metric(j, metric);
        if (why != NULL)
            return fail(err, MEDLEY_E_CONFIG, "metrics: '%s' is not possible: %s", name, why);
        TRY(add_metric(j, metric, err));
        if (at[length] == '\0')
            return MEDLEY_OK;
        at += length + 1;
    }
}

medley_status judging_plan(const medley_runtime *rt, const judging_protocol *protocol, judging **out,
                           medley_error *err)
{
    judging *j;
    *out = NULL;
    TRY(mem_alloc_zero(rt, 1, sizeof *j, &j, err));
    j->p = *protocol;
    medley_status status = judging_read_protocol(j, err);
    if (status == MEDLEY_OK)
        status = judging_read_metrics(j, err);
    if (status == MEDLEY_OK)
        *out = j;
    else
        judging_end(j);
    return status;
}
