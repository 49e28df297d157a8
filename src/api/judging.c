#include "api/judging_state.h"

#include <math.h>

#include "data/matrix.h"
#include "eval/evaluation_sample.h"
#include "eval/short_head.h"

judging_data judging_of_selection(const selection_parts *parts)
{
    return (judging_data){
        .facts = &parts->facts,
        .part = "val",
        .known = {&parts->train.view, &parts->val_known.view},
        .known_count = 2,
        .targets = &parts->val.view,
    };
}

judging_data judging_of_parts(const judging_parts *parts, part_name targets)
{
    static const part_name before[] = {PART_TRAIN, PART_VAL_KNOWN, PART_VAL, PART_TEST_KNOWN};
    judging_data data = {
        .facts = &parts->facts,
        .part = part_names[targets],
        .known_count = targets == PART_TEST ? 4 : 2,
        .targets = &parts->part[targets].view,
    };
    for (int64_t p = 0; p < data.known_count; p++)
        data.known[p] = &parts->part[before[p]].view;
    return data;
}

/* ---- What is counted in training ---- */

static medley_status count_training(judging *j, medley_error *err)
{
    const medley_store *s = j->store;
    const interactions *train = j->data.known[0];
    metric_context *c = &j->context;
    TRY(matrix_of_parts(s->rt, &train, 1, s->users, s->items, false, &j->train, err));
    TRY(mem_alloc_zero(s->rt, s->items, sizeof *j->item_count, &j->item_count, err));
    TRY(mem_alloc(s->rt, s->items, sizeof *j->head, &j->head, err));
    const csr *m = &j->train.view;
    *c = (metric_context){
        .items = s->items,
        .training_pairs = csr_count(m),
        .item_count = j->item_count,
        .train = m,
        .head = j->head,
        .relevant_from = j->p.relevant_from,
    };
    for (int64_t i = 0; i < csr_count(m); i++)
        j->item_count[m->index[i]]++;
    for (int64_t i = 0; i < s->items; i++)
        if (j->item_count[i] > 0 && (c->least_count == 0 || j->item_count[i] < c->least_count))
            c->least_count = j->item_count[i];
    for (int64_t i = 0; i < s->items; i++)
        j->items_without_training += j->item_count[i] == 0;
    for (int64_t u = 0; u < m->rows; u++)
        c->training_users += csr_row_count(m, u) > 0;
    for (int64_t n = 0; n < train->count && train->rating != NULL; n++) {
        const double rating = (double)train->rating[n];
        c->rating_low = n == 0 ? rating : fmin(c->rating_low, rating);
        c->rating_high = n == 0 ? rating : fmax(c->rating_high, rating);
    }
    return short_head_mark(s->rt, j->item_count, s->items, 0.8, j->head, &c->head_items, err);
}

/* ---- Who is to find what among what ---- */

/* The relevant interactions of the part: all of them, or each user's first; of cold users or items only. */
static medley_status find_targets(judging *j, medley_error *err)
{
    const medley_store *s = j->store;
    const interactions *v = j->data.targets;
    uint32_t *user = NULL, *item = NULL;
    float *rating = NULL;
    int64_t n = 0;
    medley_status status = MEDLEY_OK;
    TRY_DONE(mem_alloc(s->rt, v->count, sizeof *user, &user, err));
    TRY_DONE(mem_alloc(s->rt, v->count, sizeof *item, &item, err));
    TRY_DONE(mem_alloc(s->rt, v->count, sizeof *rating, &rating, err));
    for (int64_t i = 0; i < v->count; i++) {
        if (j->task->cold_users && csr_row_count(&j->train.view, v->user[i]) > j->p.cold_threshold) {
            j->warm_users += i == 0 || v->user[i] != v->user[i - 1];
            continue;
        }
        if (j->task->cold_items && j->item_count[v->item[i]] > 0) {
            j->warm_targets++;
            continue;
        }
        if (!j->task->pairs && v->rating != NULL && (double)v->rating[i] < j->p.relevant_from) {
            j->below_threshold++;
            continue;
        }
        if (j->task->first_target && n > 0 && user[n - 1] == v->user[i])
            continue;
        user[n] = v->user[i];
        rating[n] = v->rating != NULL ? v->rating[i] : 1;
        item[n++] = v->item[i];
    }
    status =
        csr_build(s->rt, s->users, s->items, user, item, v->rating != NULL ? rating : NULL, n, &j->targets, err);
    for (int64_t u = 0; status == MEDLEY_OK && u < s->users; u++) {
        const bool asked = csr_row_count(&j->targets.view, u) > 0;
        j->users += asked;
        j->cold_users += asked && csr_row_count(&j->train.view, u) == 0;
    }
done:
    mem_free(user);
    mem_free(item);
    mem_free(rating);
    return status;
}

static medley_status find_known(judging *j, medley_error *err)
{
    const medley_store *s = j->store;
    j->known_count = j->p.history == HISTORY_TRAIN ? 1 : j->data.known_count;
    TRY(matrix_of_parts(s->rt, j->data.known, j->data.known_count, s->users, s->items, false, &j->known, err));
    j->context.known = &j->known.view;
    return MEDLEY_OK;
}

static medley_status find_candidates(judging *j, medley_error *err)
{
    const medley_store *s = j->store;
    if (j->task->cold_items && j->p.cold_items == COLD_ITEMS_ALONE) {
        TRY(mem_alloc(s->rt, s->items, sizeof *j->allowed, &j->allowed, err));
        for (int64_t i = 0; i < s->items; i++)
            j->allowed[i] = j->item_count[i] == 0;
    }
    if (j->candidates == CANDIDATES_ALL)
        return MEDLEY_OK;
    const sample_plan plan = {
        .count = j->sampled,
        .weight = j->candidates == CANDIDATES_POPULAR ? j->item_count : NULL,
        .seed = (uint64_t)j->p.seed,
    };
    return evaluation_sample(s->rt, &plan, &j->targets.view, &j->known.view, &j->only, err);
}

/* Items that no evaluated user's list can hold. */
static medley_status count_never(judging *j, medley_error *err)
{
    const medley_store *s = j->store;
    const csr *only = j->candidates != CANDIDATES_ALL ? &j->only.view : NULL;
    int64_t *lists; /* [items] users with the item among the candidates */
    TRY(mem_alloc(s->rt, s->items, sizeof *lists, &lists, err));
    for (int64_t i = 0; i < s->items; i++)
        lists[i] = only != NULL || (j->allowed != NULL && j->allowed[i] == 0) ? 0 : j->users;
    for (int64_t n = 0; only != NULL && n < csr_count(only); n++)
        lists[only->index[n]]++;
    for (int64_t u = 0; u < s->users && j->masked; u++)
        for (int64_t at = j->known.view.start[u];
             csr_row_count(&j->targets.view, u) > 0 && at < j->known.view.start[u + 1]; at++)
            lists[j->known.view.index[at]] -= lists[j->known.view.index[at]] > 0;
    for (int64_t i = 0; i < s->items; i++)
        j->items_never += lists[i] == 0;
    mem_free(lists);
    return MEDLEY_OK;
}

/* ---- What metrics need beside ---- */

/* An attribute is a space, whose messages begin with the setting `space`. */
static medley_status open_attribute(judging *j, medley_error *err)
{
    static const char space[] = "space: ";
    const char *key = j->p.attribute;
    char name[300];
    medley_error own = {MEDLEY_OK, ""};
    snprintf(name, sizeof name, "%s%.200s", strncmp(key, "attribute:", 10) == 0 ? "" : "attribute:", key);
    const medley_status status = item_space_open(j->store, name, &j->attributes, &own);
    if (status != MEDLEY_OK) {
        const size_t prefix = strncmp(own.message, space, strlen(space)) == 0 ? strlen(space) : 0;
        return fail(err, status, "attribute: %s", own.message + prefix);
    }
    if (j->attributes.labels == NULL)
        return fail(err, MEDLEY_E_CONFIG, "attribute: '%s' has numbers; one with names is needed, such as genres",
                    key);
    j->context.attributes = &j->attributes;
    return MEDLEY_OK;
}

static medley_status open_spaces(judging *j, medley_error *err)
{
    if (j->p.space[0] != '\0') {
        TRY(item_space_open(j->store, j->p.space, &j->space, err));
        j->context.space = &j->space;
    }
    return j->p.attribute[0] != '\0' ? open_attribute(j, err) : MEDLEY_OK;
}

static medley_status make_primitive(judging *j, medley_error *err)
{
    const int64_t items = j->store->items;
    if ((j->needs & METRIC_NEEDS_PRIMITIVE) == 0)
        return MEDLEY_OK;
    TRY(mem_alloc(j->store->rt, items, sizeof *j->popularity, &j->popularity, err));
    for (int64_t i = 0; i < items; i++)
        j->popularity[i] = (float)j->item_count[i];
    j->primitive = (scoring){.form = SCORING_FACTORED, .items = items, .bias = j->popularity};
    return MEDLEY_OK;
}

static void add_matrix(fingerprint *print, const csr *m)
{
    if (m->start == NULL)
        return;
    fingerprint_add(print, m->start, (size_t)(m->rows + 1) * sizeof *m->start);
    fingerprint_add(print, m->index, (size_t)csr_count(m) * sizeof *m->index);
    if (m->value != NULL)
        fingerprint_add(print, m->value, (size_t)csr_count(m) * sizeof *m->value);
}

static medley_status name_it(judging *j, medley_error *err)
{
    static const char *const sampled[] = {[CANDIDATES_UNIFORM] = "uniform", [CANDIDATES_POPULAR] = "popular"};
    fingerprint *print;
    int length = snprintf(j->name, sizeof j->name, "%s-%s", j->task->name, j->data.part);
    if (j->candidates != CANDIDATES_ALL)
        length += snprintf(j->name + length, sizeof j->name - (size_t)length, "-%s%lld", sampled[j->candidates],
                           (long long)j->sampled);
    if (j->task->cold_items && j->p.cold_items == COLD_ITEMS_MIXED)
        snprintf(j->name + length, sizeof j->name - (size_t)length, "-mixed");
    TRY(fingerprint_create(j->store->rt, &print, err));
    fingerprint_add(print, j->data.facts->fingerprint, strlen(j->data.facts->fingerprint));
    add_matrix(print, &j->targets.view);
    add_matrix(print, &j->only.view);
    if (j->masked)
        add_matrix(print, &j->known.view);
    if (j->allowed != NULL)
        fingerprint_add(print, j->allowed, (size_t)j->store->items);
    fingerprint_hex(print, j->fingerprint);
    fingerprint_free(print);
    return MEDLEY_OK;
}

static medley_status make(judging *j, medley_error *err)
{
    TRY(judging_read_protocol(j, err));
    TRY(count_training(j, err));
    TRY(find_targets(j, err));
    if (j->users == 0)
        return fail(err, MEDLEY_E_ARGUMENT,
                    "nothing to evaluate: none of %lld users has a target in part %s for task %s",
                    (long long)j->store->users, j->data.part, j->task->name);
    TRY(open_spaces(j, err));
    TRY(judging_read_metrics(j, err));
    TRY(find_known(j, err));
    TRY(find_candidates(j, err));
    TRY(count_never(j, err));
    TRY(make_primitive(j, err));
    return name_it(j, err);
}

medley_status judging_begin(const medley_store *store, const judging_data *data, const judging_protocol *protocol,
                            judging **out, medley_error *err)
{
    judging *j;
    *out = NULL;
    TRY(mem_alloc_zero(store->rt, 1, sizeof *j, &j, err));
    j->store = store;
    j->data = *data;
    j->p = *protocol;
    const medley_status status = make(j, err);
    if (status != MEDLEY_OK) {
        judging_end(j);
        return status;
    }
    *out = j;
    return MEDLEY_OK;
}

void judging_end(judging *j)
{
    if (j == NULL)
        return;
    csr_release(&j->train);
    csr_release(&j->known);
    csr_release(&j->targets);
    csr_release(&j->only);
    item_space_release(&j->space);
    item_space_release(&j->attributes);
    mem_free(j->item_count);
    mem_free(j->head);
    mem_free(j->allowed);
    mem_free(j->popularity);
    mem_free(j);
}

/* ---- Judging ---- */

static evaluation_request request_of(const judging *j)
{
    return (evaluation_request){
        .targets = &j->targets.view,
        .columns = j->columns,
        .column_count = j->column_count,
        .context = j->context,
        .intervals = {.resamples = j->p.intervals, .level = 0.95, .seed = (uint64_t)j->p.seed},
        .excluded = j->masked ? &j->known.view : NULL,
        .only = j->candidates != CANDIDATES_ALL ? &j->only.view : NULL,
        .allowed = j->allowed,
        .seed = (uint64_t)j->p.seed,
        .clip = j->p.clip,
        .primitive = (j->needs & METRIC_NEEDS_PRIMITIVE) != 0 ? &j->primitive : NULL,
    };
}

typedef struct encoding_users {
    const medley_runtime *rt;
    const judging *j;
    const judging_model *model;
} encoding_users;

/* Left sides of some, from what is known of them. */
static medley_status encode_users(const void *context, const uint32_t *users, int64_t count, left_sides *out,
                                  medley_error *err)
{
    const encoding_users *const e = context;
    const judging_model *const m = e->model;
    histories_owner known;
    *out = (left_sides){0};
    TRY(histories_of_users(e->rt, e->j->data.known, e->j->known_count, users, count, &known, err));
    const medley_status status = model_encode(e->rt, m->class, m->params, m->state, m->how, &known.view, out, err);
    histories_release(&known);
    return status;
}

medley_status judging_run(const medley_runtime *rt, const judging *j, const judging_model *model, evaluation *out,
                          medley_error *err)
{
    const encoding_users encoding = {rt, j, model};
    evaluation_request request = request_of(j);
    *out = (evaluation){0};
    assert(!j->p.given);
    if (j->task->pairs && !model->class->predicts_ratings)
        return fail(err, MEDLEY_E_CONFIG, "task: '%s' needs a model that predicts ratings, which '%s' does not",
                    j->task->name, model->class->name);
    request.how = model->how;
    if (model_reads_histories(model->class, model->how)) {
        request.encode = encode_users;
        request.encode_context = &encoding;
    }
    return (j->task->pairs ? evaluation_of_pairs : evaluation_run)(rt, &request, out, err);
}

medley_status judging_lists(const medley_runtime *rt, const judging *j, const given_lists *lists, int64_t *removed,
                            evaluation *out, medley_error *err)
{
    const int64_t users = j->store->users, entries = lists->start[users];
    const evaluation_request request = request_of(j);
    int64_t *start = NULL, *tie = NULL, n = 0;
    uint32_t *item = NULL;
    float *score = NULL;
    medley_status status;
    *removed = 0;
    *out = (evaluation){0};
    assert(j->p.given);
    TRY_DONE(mem_alloc(rt, users + 1, sizeof *start, &start, err));
    TRY_DONE(mem_alloc(rt, entries, sizeof *item, &item, err));
    TRY_DONE(mem_alloc(rt, entries, sizeof *score, &score, err));
    TRY_DONE(mem_alloc(rt, entries, sizeof *tie, &tie, err));
    for (int64_t u = 0; u < users; u++) {
        start[u] = n;
        for (int64_t at = lists->start[u]; at < lists->start[u + 1]; at++) {
            if (!evaluation_is_candidate(&request, (uint32_t)u, lists->item[at])) {
                *removed += 1;
                continue;
            }
            item[n] = lists->item[at];
            score[n] = lists->score[at];
            tie[n++] = lists->tie != NULL ? lists->tie[at] : at;
        }
    }
    start[users] = n;
    status = evaluation_of_lists(rt, &request, &(given_lists){start, item, score, tie}, out, err);
done:
    mem_free(start);
    mem_free(item);
    mem_free(score);
    mem_free(tie);
    return status;
}

/* ---- Values ---- */

const metric_column *judging_columns(const judging *j, int64_t *count)
{
    *count = j->column_count;
    return j->columns;
}

int64_t judging_find(const judging *j, const char *name)
{
    for (int64_t c = 0; c < j->column_count; c++) {
        char own[96];
        metric_column_name(&j->columns[c], own, sizeof own);
        if (strcmp(own, name) == 0)
            return c;
    }
    return -1;
}

bool judging_value(const judging *j, const evaluation *e, const char *name, double *out)
{
    const int64_t c = judging_find(j, name);
    if (c < 0 || isnan(e->value[c]))
        return false;
    *out = e->value[c];
    return true;
}

bool judging_more_is_better(const judging *j, int64_t column)
{
    return j->columns[column].metric->best > j->columns[column].metric->worst;
}

const char *judging_fingerprint(const judging *j)
{
    return j->fingerprint;
}

const char *judging_name(const judging *j)
{
    return j->name;
}

int64_t judging_target_count(const judging *j, uint32_t user)
{
    return csr_row_count(&j->targets.view, user);
}

const medley_store *judging_store(const judging *j)
{
    return j->store;
}
