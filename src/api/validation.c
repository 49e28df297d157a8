#include "api/validation.h"

#include "api/operation.h"

void validation_ask(judging_protocol *protocol, const char *metric, char name[VALIDATION_METRIC])
{
    const size_t length = strcspn(metric, "@");
    snprintf(name, VALIDATION_METRIC, "%.*s", length < VALIDATION_METRIC ? (int)length : VALIDATION_METRIC - 1,
             metric);
    protocol->metrics = name;
    if (metric[length] == '@')
        protocol->cutoffs = metric + length + 1;
}

medley_status validation_check(const medley_runtime *rt, const judging_protocol *rest, const char *metric,
                               medley_error *err)
{
    char name[VALIDATION_METRIC];
    judging_protocol protocol = *rest;
    registry_member member;
    judging *plan;
    int64_t k = 1;
    validation_ask(&protocol, metric, name);
    if (registry_find("metrics", name, &member, err) != MEDLEY_OK)
        return fail_while(err, MEDLEY_E_CONFIG, "metric");
    const bool said = protocol.cutoffs != rest->cutoffs;
    bool known = !said || (number_int(protocol.cutoffs, strlen(protocol.cutoffs), &k) && k >= 1);
    if (!known)
        protocol.cutoffs = rest->cutoffs;
    TRY(judging_plan(rt, &protocol, &plan, err));
    known = known && judging_find(plan, metric) >= 0;
    judging_end(plan);
    return known ? MEDLEY_OK
                 : fail(err, MEDLEY_E_CONFIG,
                        "metric: '%s' is no metric with a cutoff; accepted: such as ndcg@10, cutoffs 1..100000",
                        metric);
}

/* The task that a metric is about. */
static const char *task_of(const char *metric)
{
    char name[VALIDATION_METRIC];
    judging_protocol unused = judging_defaults;
    validation_ask(&unused, metric, name);
    for (int i = 0; metric_classes[i] != NULL; i++)
        if (strcmp(metric_classes[i]->name, name) == 0 &&
            (metric_classes[i]->needs & METRIC_NEEDS_PREDICTIONS) != 0)
            return "rating";
    return judging_defaults.task;
}

medley_status validation_check_settings(const medley_runtime *rt, const model_class *class, const void *params,
                                        medley_error *err)
{
    const learning *s = params;
    judging_protocol protocol = judging_defaults;
    if (class->learner == NULL || s->validate_every == 0)
        return MEDLEY_OK;
    protocol.task = task_of(s->metric);
    TRY(validation_check(rt, &protocol, s->metric, err));
    if (strcmp(protocol.task, "rating") == 0 && !class->predicts_ratings)
        return fail(err, MEDLEY_E_CONFIG, "metric: '%s' is of predicted ratings, which '%s' does not make",
                    s->metric, class->name);
    return MEDLEY_OK;
}

medley_status validation_begin(const training_set *set, const model_class *class, const void *params,
                               validation *out, medley_error *err)
{
    const judging_data data = judging_of_selection(&set->parts);
    const learning *s = params;
    judging_protocol protocol = judging_defaults;
    *out = (validation){.class = class, .params = params, .users = set->data.users, .items = set->data.items};
    if (class->learner == NULL || s->validate_every == 0 || data.targets->count == 0)
        return MEDLEY_OK;
    out->metric = s->metric;
    validation_ask(&protocol, s->metric, out->name);
    protocol.task = task_of(s->metric);
    TRY(judging_begin(set->store, &data, &protocol, &out->own, err));
    const int64_t column = judging_find(out->own, s->metric);
    assert(column >= 0); /* validation_check_settings saw to it */
    out->judge = out->own;
    out->more_is_better = judging_more_is_better(out->own, column);
    return MEDLEY_OK;
}

void validation_end(validation *v)
{
    judging_end(v->own);
    *v = (validation){0};
}

medley_status validation_value(void *context, const medley_runtime *rt, const model_state *state, double *value,
                               medley_error *err)
{
    const validation *v = context;
    scoring how;
    evaluation e = {0};
    medley_status status;
    TRY_DONE(v->class->scoring(v->params, state, v->users, v->items, &how, err));
    const judging_model model = {v->class, v->params, state, &how};
    TRY_DONE(judging_run(rt, v->judge, &model, &e, err));
    if (!judging_value(v->judge, &e, v->metric, value))
        status = fail(err, MEDLEY_E_CONFIG, "metric: '%s' is not defined for any user", v->metric);
done:
    evaluation_release(&e);
    return status;
}
