#include <medley/model.h>

#include "api/list_file.h"
#include "api/model_access.h"
#include "api/operation.h"
#include "eval/evaluation.h"
#include "eval/task.h"
#include "io/save.h"

enum { CUTOFFS_MOST = 32, METRICS_MOST = 64 };
enum { PART_CHOICE_TEST = 0, PART_CHOICE_VAL = 1 };
enum { MASK_AUTO = 0, MASK_KNOWN = 1, MASK_NONE = 2 };
enum { HISTORY_KNOWN = 0, HISTORY_TRAIN = 1 };

typedef struct evaluate_params {
    const char *run, *store, *task, *cutoffs, *metrics, *per_user, *recs;
    int part, mask, history;
    double relevant_from;
    int64_t seed;
} evaluate_params;

static const medley_param table[] = {
    MEDLEY_TEXT(evaluate_params, run, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "the run to judge"),
    MEDLEY_TEXT(evaluate_params, task, "retrieval", .help = "what is asked of a list; see medley list tasks"),
    MEDLEY_ENUM(evaluate_params, part, "test", "test|val", .help = "the part of the split with the answers"),
    MEDLEY_TEXT(evaluate_params, cutoffs, "5,10,20", .help = "list lengths, ascending, separated by commas"),
    MEDLEY_TEXT(evaluate_params, metrics, "all",
                .help = "names separated by commas, or all; see medley list metrics"),
    MEDLEY_ENUM(evaluate_params, mask, "auto", "auto|known|none",
                .help = "take known items from the candidates; auto: as the task says"),
    MEDLEY_ENUM(evaluate_params, history, "known", "known|train",
                .help = "what models score from: all that is known before the target, or training only"),
    MEDLEY_REAL(evaluate_params, relevant_from, "0", 0, 1e6,
                .help = "a held-out interaction is relevant from this rating on"),
    MEDLEY_INT(evaluate_params, seed, "0", 0, 9e15, .help = "of the hash that orders ties in the lists shown"),
    MEDLEY_TEXT(evaluate_params, per_user, "", .flags = MEDLEY_PARAM_PATH,
                .help = "TSV file for every user's values"),
    MEDLEY_TEXT(evaluate_params, recs, "", .flags = MEDLEY_PARAM_PATH,
                .help = "TSV file for the lists: user, rank, item, score, title"),
    MEDLEY_TEXT(evaluate_params, store, "", .flags = MEDLEY_PARAM_PATH,
                .help = "the store, when it is not where the run was trained"),
    MEDLEY_PARAMS_END,
};

/* Everything one evaluation needs, made from the settings. */
typedef struct judgement {
    const evaluate_params *p;
    const task_class *task;
    medley_model *model;
    bool masked;
    int64_t cutoffs[CUTOFFS_MOST], cutoff_count;
    const metric_class *metrics[METRICS_MOST];
    int64_t metric_count;
    csr_owner known, targets, train;
    left_sides left;
    int64_t *item_count;
    int64_t training_users, below_threshold;
} judgement;

static medley_status parse_cutoffs(judgement *j, medley_error *err)
{
    for (const char *at = j->p->cutoffs;;) {
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

static medley_status parse_metrics(judgement *j, medley_error *err)
{
    if (strcmp(j->p->metrics, "all") == 0) {
        for (; metric_classes[j->metric_count] != NULL; j->metric_count++)
            j->metrics[j->metric_count] = metric_classes[j->metric_count];
        return MEDLEY_OK;
    }
    for (const char *at = j->p->metrics;;) {
        const size_t length = strcspn(at, ",");
        char name[64];
        registry_member member;
        snprintf(name, sizeof name, "%.*s", length < 60 ? (int)length : 60, at);
        const medley_status status = registry_find("metrics", name, &member, err);
        if (status != MEDLEY_OK)
            return fail_while(err, MEDLEY_E_CONFIG, "metrics");
        if (j->metric_count == METRICS_MOST)
            return fail(err, MEDLEY_E_CONFIG, "metrics: more than %d of them", METRICS_MOST);
        j->metrics[j->metric_count++] = metric_classes[member.index];
        if (at[length] == '\0')
            return MEDLEY_OK;
        at += length + 1;
    }
}

/* The relevant interactions of the part: all of them, or each user's first. */
static medley_status find_targets(judgement *j, medley_error *err)
{
    const medley_model *m = j->model;
    const interactions *v = &m->split.part[j->p->part == PART_CHOICE_VAL ? PART_VAL : PART_TEST].view;
    uint32_t *user = NULL, *item = NULL;
    int64_t n = 0;
    medley_status status = MEDLEY_OK;
    if (j->p->relevant_from > 0 && v->rating == NULL)
        return fail(err, MEDLEY_E_CONFIG, "relevant_from: %g; the store has no ratings", j->p->relevant_from);
    TRY_DONE(mem_alloc(m->rt, v->count, sizeof *user, &user, err));
    TRY_DONE(mem_alloc(m->rt, v->count, sizeof *item, &item, err));
    for (int64_t i = 0; i < v->count; i++) {
        if (v->rating != NULL && (double)v->rating[i] < j->p->relevant_from) {
            j->below_threshold++;
            continue;
        }
        if (j->task->first_target && n > 0 && user[n - 1] == v->user[i])
            continue;
        user[n] = v->user[i];
        item[n++] = v->item[i];
    }
    status = csr_build(m->rt, m->store->users, m->store->items, user, item, NULL, n, &j->targets, err);
done:
    mem_free(user);
    mem_free(item);
    return status;
}

static medley_status count_training(judgement *j, medley_error *err)
{
    TRY(model_known(j->model, KNOWN_TRAINING, &j->train, err));
    TRY(mem_alloc_zero(j->model->rt, j->model->store->items, sizeof *j->item_count, &j->item_count, err));
    const csr *train = &j->train.view;
    for (int64_t i = 0; i < csr_count(train); i++)
        j->item_count[train->index[i]]++;
    for (int64_t u = 0; u < train->rows; u++)
        j->training_users += csr_row_count(train, u) > 0;
    return MEDLEY_OK;
}

static medley_status judgement_create(const medley_runtime *rt, const evaluate_params *p, judgement *j,
                                      medley_error *err)
{
    registry_member member;
    *j = (judgement){.p = p};
    const medley_status found = registry_find("tasks", p->task, &member, err);
    if (found != MEDLEY_OK)
        return fail_while(err, MEDLEY_E_CONFIG, "task");
    j->task = &task_classes[member.index];
    j->masked = p->mask == MASK_KNOWN || (p->mask == MASK_AUTO && j->task->masks_known);
    TRY(parse_cutoffs(j, err));
    TRY(parse_metrics(j, err));
    TRY(model_open(rt, p->run, p->store, true, &j->model, err));
    if (j->task->needs_order && !j->model->store->ordered)
        return fail(err, MEDLEY_E_CONFIG, "task: '%s' needs an order in time, which the store does not have",
                    p->task);
    TRY(find_targets(j, err));
    TRY(count_training(j, err));
    const known_parts before = p->part == PART_CHOICE_TEST ? KNOWN_BEFORE_TEST : KNOWN_BEFORE_VAL;
    TRY(model_known(j->model, before, &j->known, err));
    return model_left_known(j->model, p->history == HISTORY_KNOWN ? before : KNOWN_TRAINING, &j->left, err);
}

static void judgement_release(judgement *j)
{
    csr_release(&j->known);
    left_sides_release(&j->left);
    csr_release(&j->targets);
    csr_release(&j->train);
    mem_free(j->item_count);
    medley_model_free(j->model);
}

/* ---- what is told ---- */

static void tell_protocol(const judgement *j, const evaluation *e, medley_report *r)
{
    const medley_model *m = j->model;
    char shown[256];
    int64_t cold = 0;
    for (int64_t i = 0; i < e->users; i++)
        cold += csr_row_count(&j->train.view, e->user[i]) == 0;
    report_facts(r, "protocol", "Protocol");
    report_string(r, "model", m->file.class->name);
    report_string(r, "task", j->task->name);
    snprintf(shown, sizeof shown, "%s (%s, seed %lld)", m->split.facts.name, m->split.facts.strategy,
             (long long)m->split.facts.seed);
    report_string(r, "split", shown);
    report_string(r, "part", j->p->part == PART_CHOICE_TEST ? "test" : "val");
    snprintf(shown, sizeof shown, "all %lld items", (long long)m->store->items);
    report_string(r, "candidates", shown);
    report_string(r, "masked",
                  !j->masked                       ? "nothing"
                  : j->p->part == PART_CHOICE_TEST ? "the user's training and validation items"
                                                   : "the user's training items");
    report_string(r, "history",
                  j->p->history == HISTORY_KNOWN && j->p->part == PART_CHOICE_TEST ? "training and validation"
                                                                                   : "training");
    report_real(r, "relevant_from", j->p->relevant_from);
    report_string(r, "ties", "expected value over random order; lists shown are ordered by hash");
    report_int(r, "users", e->users);
    report_int(r, "users_without_answers", m->store->users - e->users);
    report_int(r, "users_without_training", cold);
    report_int(r, "targets", csr_count(&j->targets.view));
    report_int(r, "targets_masked_away", e->masked_targets);
    report_int(r, "targets_below_threshold", j->below_threshold);
    report_string(r, "split_fingerprint", m->split.facts.fingerprint);
}

static medley_status tell_metrics(const judgement *j, const evaluation *e, medley_report *r, medley_error *err)
{
    text columns = {.rt = j->model->rt};
    text_add(&columns, "metric");
    for (int64_t c = 0; c < j->cutoff_count; c++)
        text_format(&columns, "|@%lld", (long long)j->cutoffs[c]);
    const medley_status status = text_status(&columns, err);
    if (status == MEDLEY_OK)
        report_table(r, "metrics", "Metrics", columns.bytes);
    for (int64_t m = 0; m < j->metric_count && status == MEDLEY_OK; m++) {
        report_string(r, NULL, j->metrics[m]->name);
        for (int64_t c = 0; c < j->cutoff_count; c++)
            report_real(r, NULL, e->value[m * j->cutoff_count + c]);
    }
    text_release(&columns);
    return status;
}

static medley_status write_per_user(const judgement *j, const evaluation *e, medley_error *err)
{
    const int64_t width = j->metric_count * j->cutoff_count;
    text out = {.rt = j->model->rt};
    text_add(&out, "user\ttargets");
    for (int64_t n = 0; n < width; n++)
        if (j->metrics[n / j->cutoff_count]->of_user != NULL)
            text_format(&out, "\t%s@%lld", j->metrics[n / j->cutoff_count]->name,
                        (long long)j->cutoffs[n % j->cutoff_count]);
    text_add(&out, "\n");
    for (int64_t i = 0; i < e->users; i++) {
        text_add_plain(&out, j->model->store->user_ids[e->user[i]]);
        text_format(&out, "\t%lld", (long long)csr_row_count(&j->targets.view, e->user[i]));
        for (int64_t n = 0; n < width; n++) {
            char value[40];
            if (j->metrics[n / j->cutoff_count]->of_user == NULL)
                continue;
            number_format(e->per_user[i * width + n], value, sizeof value);
            text_add(&out, "\t");
            text_add(&out, value);
        }
        text_add(&out, "\n");
    }
    medley_status status = text_status(&out, err);
    if (status == MEDLEY_OK)
        status = save_bytes(j->model->rt, j->p->per_user, out.bytes, (size_t)out.length, err);
    text_release(&out);
    return status;
}

static medley_status write_lists(const judgement *j, const evaluation *e, medley_error *err)
{
    list_file *lists;
    medley_status status = list_file_open(j->model->store, j->p->recs, &lists, err);
    for (int64_t i = 0; status == MEDLEY_OK && i < e->users * e->longest; i++)
        if (e->lists[i] != UINT32_MAX)
            status =
                list_file_add(lists, e->user[i / e->longest], i % e->longest + 1, e->lists[i], e->scores[i], err);
    if (status == MEDLEY_OK)
        return list_file_commit(lists, err);
    list_file_abandon(lists);
    return status;
}

static medley_status write_metrics(const judgement *j, medley_report *r, medley_error *err)
{
    const char *rendered;
    TRY(report_status(r, err));
    TRY(medley_report_render(r, MEDLEY_REPORT_JSON, &rendered, err));
    return save_in(j->model->rt, j->p->run, "metrics.json", rendered, strlen(rendered), err);
}

static medley_status judge(medley_runtime *rt, judgement *j, medley_report *report, medley_error *err)
{
    evaluation e = {0};
    medley_status status = MEDLEY_OK;
    const evaluation_request request = {
        .how = &j->model->how,
        .left = &j->left,
        .excluded = j->masked ? &j->known.view : NULL,
        .targets = &j->targets.view,
        .seed = (uint64_t)j->p->seed,
        .cutoffs = j->cutoffs,
        .cutoff_count = j->cutoff_count,
        .metrics = j->metrics,
        .metric_count = j->metric_count,
        .context = {j->model->store->items, j->training_users, j->item_count},
    };
    TRY_DONE(evaluation_run(rt, &request, &e, err));
    tell_protocol(j, &e, report);
    TRY_DONE(tell_metrics(j, &e, report, err));
    if (j->p->per_user[0] != '\0')
        TRY_DONE(write_per_user(j, &e, err));
    if (j->p->recs[0] != '\0')
        TRY_DONE(write_lists(j, &e, err));
    status = write_metrics(j, report, err);
done:
    evaluation_release(&e);
    return status;
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    judgement j;
    medley_status status = judgement_create(rt, s->values, &j, err);
    if (status == MEDLEY_OK)
        status = judge(rt, &j, report, err);
    judgement_release(&j);
    return status;
}

const operation_class operation_evaluate = {
    .name = "evaluate",
    .summary = "judge a run's lists by a part of its split",
    .details =
        "Prints every choice behind the numbers, and writes them to metrics.json in the run folder. Use part val "
        "while choosing; test is for the end.",
    .table = table,
    .size = sizeof(evaluate_params),
    .run = run,
};

medley_status medley_evaluate(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_evaluate, rt, config, report, err);
}
