#include "api/job_cost.h"

#include <math.h>

#include "api/model_access.h"
#include "api/sweep.h"
#include "data/reader.h"
#include "eval/metric.h"
#include "train/training_loop.h"
#include "train/training_set.h"

void cost_add_part(job_cost *cost, const char *name, double bytes)
{
    assert(cost->part_count < COST_PARTS_MOST);
    cost->parts[cost->part_count++] = (cost_part){name, bytes};
}

cost_step *cost_add_step(job_cost *cost, const char *name, bool known)
{
    assert(cost->step_count < COST_STEPS_MOST);
    cost_step *step = &cost->steps[cost->step_count++];
    *step = (cost_step){.name = name, .known = known};
    return step;
}

double cost_bytes(const job_cost *cost)
{
    double bytes = 0;
    for (int64_t i = 0; i < cost->part_count; i++)
        bytes += cost->parts[i].bytes;
    return bytes;
}

double cost_seconds(const cost_step *step, const work_rates *rates)
{
    return step->seconds + work_seconds(&step->work, rates);
}

/* ---- Settings by their keys ---- */

static const void *value_of(const bound_settings *s, const char *key)
{
    const medley_param *p = medley_param_find(s->operation->table, key);
    assert(p != NULL);
    return (const char *)s->values + p->offset;
}

static const char *text_of(const bound_settings *s, const char *key)
{
    return *(const char *const *)value_of(s, key);
}

static int64_t int_of(const bound_settings *s, const char *key)
{
    return *(const int64_t *)value_of(s, key);
}

/* Words between commas. */
static int64_t count_words(const char *list)
{
    int64_t count = list[0] != '\0';
    for (const char *p = list; *p != '\0'; p++)
        count += *p == ',';
    return count;
}

/* ---- Data ---- */

static double column_bytes(const interactions *v)
{
    return (double)v->count * (8 + (v->rating != NULL ? 4 : 0) + (v->timestamp != NULL ? 8 : 0));
}

static double matrix_bytes(const csr *m)
{
    return (double)csr_count(m) * (m->value != NULL ? 8 : 4) + 8 * (double)m->rows;
}

/* Constants here and below were measured on published data sets of 10^5 to 10^6 interactions. Building a matrix sorts
 * its rows beside it. */
static void add_matrix(job_cost *cost, const csr *m)
{
    cost_add_part(cost, "matrix", matrix_bytes(m));
    cost_add_part(cost, "sorting rows", 8 * (double)csr_count(m));
    cost_add_step(cost, "building matrices", true)->work.alone[WORK_UPDATES] = 40 * (double)csr_count(m);
}

/* ---- Training ---- */

/* Users with targets. */
static int64_t count_targets(const interactions *v)
{
    int64_t users = 0;
    for (int64_t i = 0; i < v->count; i++)
        users += i == 0 || v->user[i] != v->user[i - 1];
    return users;
}

/* Ranking all items for `users` users, `times`. */
static void add_validations(const training_cost *c, double users, double items, double times, workload *w)
{
    w->shared[WORK_SCANS] += times * 45 * users * items;
    w->shared[WORK_SINGLE] += times * 2 * users * items * (double)c->factors;
}

/* Models that are trained step by step do a few steps to be measured. */
static medley_status count_learning(const medley_runtime *rt, const model_class *class, const void *params,
                                    const training_set *set, job_cost *cost, medley_error *err)
{
    const double entries = (double)csr_count(&set->data.matrix), users = (double)set->data.users;
    training_cost c;
    TRY(train_rehearse(rt, class, params, &set->data, &c, err));
    cost_add_part(cost, "training", (double)c.bytes);
    cost_add_step(cost, "training", true)->seconds = (double)c.steps * c.step_seconds;
    if (c.validations > 0) {
        cost_add_part(cost, "validation", 16 * entries + 48 * users);
        add_validations(&c, (double)count_targets(&set->parts.val.view), (double)set->data.items,
                        (double)c.validations, &cost_add_step(cost, "validation", true)->work);
    }
    return MEDLEY_OK;
}

static medley_status count_fit(const medley_runtime *rt, const model_class *class, const void *params,
                               const training_set *set, job_cost *cost, medley_error *err)
{
    workload encode = {0};
    training_size size;
    cost_add_part(cost, "split, mapped",
                  column_bytes(&set->parts.train.view) + column_bytes(&set->parts.val.view));
    add_matrix(cost, &set->data.matrix);
    cost->advice = class->advice;
    if (class->learner != NULL)
        return count_learning(rt, class, params, set, cost, err);
    cost_add_part(cost, "fitting", (double)class->estimate(params, &set->data));
    TRY(training_measure(rt, &set->data, &size, err));
    cost_step *fit = cost_add_step(cost, "fitting", class->work != NULL);
    if (fit->known)
        class->work(params, &size, &fit->work, &encode);
    return MEDLEY_OK;
}

static medley_status count_train(const medley_runtime *rt, const bound_settings *s, job_cost *cost,
                                 medley_error *err)
{
    training_set set;
    medley_status status = training_set_open(rt, text_of(s, "store"), text_of(s, "split"), &set, err);
    if (status == MEDLEY_OK && *(const int *)value_of(s, "learn_from") == 1)
        status = training_set_add_validation(rt, &set, err);
    if (status == MEDLEY_OK)
        status = count_fit(rt, model_classes[s->member], s->member_values, &set, cost, err);
    training_set_release(&set);
    return status;
}

/* ---- Ranking ---- */

/* Scoring and choosing for `rows` users with `known` items in all, and finding the `places` of targets. Of sparse right
 * sides the mean row counts. */
static void add_ranking(const scoring *how, double rows, double known, bool places, job_cost *cost)
{
    workload *w = &cost_add_step(cost, "ranking", true)->work;
    const double items = (double)how->items, pairs = rows * items;
    w->shared[WORK_SCANS] += (places ? 45 : 25) * pairs;
    if (how->form == SCORING_FACTORED)
        w->shared[WORK_SINGLE] += 2 * pairs * (double)how->factors;
    if (how->form == SCORING_LINEAR_DENSE)
        w->shared[WORK_SCANS] += 2 * known * items;
    if (how->form == SCORING_LINEAR_SPARSE)
        w->shared[WORK_UPDATES] += known * (double)csr_count(&how->sparse) / fmax((double)how->sparse.rows, 1);
}

static medley_status add_encoding(const medley_runtime *rt, const medley_model *m, const csr *known, double share,
                                  job_cost *cost, medley_error *err)
{
    const model_class *class = m->file.class;
    const training data = {.users = m->store->users,
                           .items = m->store->items,
                           .events = m->split.part[PART_TRAIN].view,
                           .matrix = *known};
    training_size size;
    workload fit = {0}, encode = {0};
    TRY(training_measure(rt, &data, &size, err));
    cost_step *step = cost_add_step(cost, "encoding histories", class->work != NULL);
    if (!step->known)
        return MEDLEY_OK;
    class->work(m->file.params, &size, &fit, &encode);
    for (int kind = 0; kind < WORK_KINDS; kind++) {
        step->work.shared[kind] = share * encode.shared[kind];
        step->work.alone[kind] = share * encode.alone[kind];
    }
    return MEDLEY_OK;
}

/* What evaluate and recommend have in common: a run, its store with names, histories and their left sides of a block
 * of users at a time. */
static medley_status count_queries(const medley_runtime *rt, const medley_model *m, const csr *known, double users,
                                   bool places, job_cost *cost, medley_error *err)
{
    const double at_once = fmin(users, EVALUATION_BLOCK), block = users > 0 ? at_once / users : 0;
    double tensors = 0, columns = 0;
    const double share = m->store->users > 0 ? users / (double)m->store->users : 0;
    const double entries = (double)csr_count(known);
    for (int64_t i = 0; i < m->file.state.count; i++)
        tensors += (double)named_tensor_bytes(&m->file.state.tensors[i]);
    for (int p = 0; p < PART_COUNT; p++)
        columns += column_bytes(&m->split.part[p].view);
    cost_add_part(cost, "model, mapped", tensors);
    cost_add_part(cost, "split, mapped", columns);
    cost_add_part(cost, "names", 96 * (double)(m->store->users + m->store->items));
    cost_add_part(cost, "histories", block * share * entries * 16 + 16 * at_once);
    cost_add_part(cost, "left sides",
                  m->how.form == SCORING_FACTORED ? 4 * at_once * (double)m->how.factors
                                                  : block * share * 8 * entries);
    TRY(add_encoding(rt, m, known, share, cost, err));
    add_ranking(&m->how, users, share * entries, places, cost);
    return MEDLEY_OK;
}

static int64_t count_columns(const bound_settings *s)
{
    const char *metrics = text_of(s, "metrics");
    const bool beyond = strcmp(text_of(s, "task"), "beyond_accuracy") == 0;
    int64_t count = 0;
    if (strcmp(metrics, "all") != 0)
        return count_words(metrics) * count_words(text_of(s, "cutoffs"));
    for (int m = 0; metric_classes[m] != NULL; m++) {
        const int needs = metric_classes[m]->needs;
        const bool special =
            (needs & (METRIC_NEEDS_PREDICTIONS | METRIC_NEEDS_SPACE | METRIC_NEEDS_ATTRIBUTE)) != 0;
        if (!special && (beyond || !metric_classes[m]->beyond))
            count += metric_classes[m]->no_cutoff ? 1 : count_words(text_of(s, "cutoffs"));
    }
    return count;
}

/* Whether a metric that is a ratio of sums over users is asked for: then all columns have room for sums. */
static bool has_sums(const bound_settings *s)
{
    const char *metrics = text_of(s, "metrics");
    for (int m = 0; metric_classes[m] != NULL; m++)
        if (metric_classes[m]->add != NULL &&
            (strcmp(metrics, "all") == 0 || strstr(metrics, metric_classes[m]->name) != NULL))
            return true;
    return false;
}

static int64_t longest_cutoff(const bound_settings *s)
{
    const char *last = strrchr(text_of(s, "cutoffs"), ',');
    int64_t k = 0;
    last = last != NULL ? last + 1 : text_of(s, "cutoffs");
    return number_int(last, strlen(last), &k) ? k : 0;
}

static medley_status count_judging(const medley_runtime *rt, const bound_settings *s, const medley_model *m,
                                   const csr *known, job_cost *cost, medley_error *err)
{
    const bool val = *(const int *)value_of(s, "part") == 1;
    const double users = (double)count_targets(&m->split.part[val ? PART_VAL : PART_TEST].view);
    const double columns = (double)count_columns(s), entries = (double)csr_count(known);
    const double longest = fmin((double)longest_cutoff(s), (double)m->store->items);
    const double resamples = (double)int_of(s, "intervals"), workers = (double)parallel_workers(rt);
    TRY(count_queries(rt, m, known, users, true, cost, err));
    cost_add_part(cost, "masks", 10 * entries + 48 * (double)m->store->users);
    cost_add_part(cost, "users' values", users * columns * 8);
    if (has_sums(s))
        cost_add_part(cost, "users' sums", users * columns * METRIC_SUMS * 8);
    cost_add_part(cost, "lists", users * longest * 8);
    if (resamples > 0)
        cost_add_part(cost, "resamples", users * (columns * 16 + workers * 32));
    cost_add_step(cost, "reading", true)->work.alone[WORK_UPDATES] = 60 * entries;
    cost_add_step(cost, "metrics", true)->work.shared[WORK_UPDATES] = users * columns * 20;
    cost_add_step(cost, "intervals", true)->work.shared[WORK_SCANS] = 2 * users * columns * resamples;
    cost->advice = "name fewer metrics, shorter cutoffs, or intervals 0";
    return MEDLEY_OK;
}

typedef medley_status (*query_counter)(const medley_runtime *rt, const bound_settings *s, const medley_model *m,
                                       const csr *known, job_cost *cost, medley_error *err);

static medley_status count_with_model(const medley_runtime *rt, const bound_settings *s, query_counter counter,
                                      job_cost *cost, medley_error *err)
{
    medley_model *m;
    csr_owner known = {0};
    TRY(model_open(rt, text_of(s, "run"), text_of(s, "store"), false, &m, err));
    medley_status status = model_known(m, KNOWN_BEFORE_TEST, &known, err);
    if (status == MEDLEY_OK)
        status = counter(rt, s, m, &known.view, cost, err);
    csr_release(&known);
    medley_model_free(m);
    return status;
}

static medley_status count_evaluate(const medley_runtime *rt, const bound_settings *s, job_cost *cost,
                                    medley_error *err)
{
    if (text_of(s, "run")[0] == '\0')
        return fail(err, MEDLEY_E_CONFIG, "run: none; evaluations of lists from elsewhere are not estimated");
    return count_with_model(rt, s, count_judging, cost, err);
}

static medley_status count_lists(const medley_runtime *rt, const bound_settings *s, const medley_model *m,
                                 const csr *known, job_cost *cost, medley_error *err)
{
    const bool all = *(const bool *)value_of(s, "all");
    const int64_t named = count_words(text_of(s, "users")) + int_of(s, "sample");
    const double users = (double)(all ? m->store->users : named < m->store->users ? named : m->store->users);
    const double rows = users * (double)int_of(s, "top_k");
    TRY(count_queries(rt, m, known, users, false, cost, err));
    cost_add_step(cost, "writing lists", true)->work.alone[WORK_UPDATES] = 2000 * rows;
    if (text_of(s, "out")[0] == '\0')
        cost_add_part(cost, "report", rows * 250);
    cost->advice = "ask for fewer users, or name a file with out";
    return MEDLEY_OK;
}

static medley_status count_recommend(const medley_runtime *rt, const bound_settings *s, job_cost *cost,
                                     medley_error *err)
{
    if (text_of(s, "user_file")[0] != '\0' || text_of(s, "history_file")[0] != '\0')
        return fail(err, MEDLEY_E_CONFIG, "user_file, history_file: requests from files are not estimated");
    return count_with_model(rt, s, count_lists, cost, err);
}

/* ---- Searching ---- */

/* Defaults, but what the search cannot change, and texts: those name things, of which a default may not be there. */
static medley_status usual_values(const bound_settings *s, const settings_variant *model, search_space *space,
                                  void *values, medley_error *err)
{
    medley_params_reset(model->member.entry.params, values);
    TRY(settings_space(s, "models", model, space, err));
    for (int64_t i = 0; i < space->count; i++) {
        const search_dimension *d = &space->dimensions[i];
        if (d->count == 1 || (d->count > 0 && d->param->kind == MEDLEY_PARAM_TEXT))
            TRY(medley_param_set(d->param, values, d->values[0], err));
    }
    return MEDLEY_OK;
}

/* A trial of a model: memory into *bytes if it is the most so far, time into the step. */
static medley_status count_trial(const medley_runtime *rt, const model_class *class, const void *values,
                                 const training_size *size, double users, double *bytes, cost_step *step,
                                 medley_error *err)
{
    workload encode = {0};
    if (class->learner != NULL) {
        training_cost c;
        TRY(train_rehearse(rt, class, values, size->data, &c, err));
        *bytes = fmax(*bytes, (double)c.bytes);
        step->seconds = (double)c.steps * c.step_seconds;
        add_validations(&c, users, size->items, (double)c.validations + 1, &step->work);
        return MEDLEY_OK;
    }
    *bytes = fmax(*bytes, (double)class->estimate(values, size->data));
    if (step->known)
        class->work(values, size, &step->work, &encode);
    for (int kind = 0; kind < WORK_KINDS; kind++) {
        step->work.shared[kind] += encode.shared[kind] + (kind == WORK_SCANS ? 45 * users * size->items : 0);
        step->work.alone[kind] += encode.alone[kind];
    }
    return MEDLEY_OK;
}

/* Variants of a model share its step. */
static cost_step *step_of(job_cost *cost, const model_class *class)
{
    for (int64_t i = 0; i < cost->step_count; i++)
        if (cost->steps[i].name == class->name)
            return &cost->steps[i];
    return cost_add_step(cost, class->name, class->work != NULL || class->learner != NULL);
}

/* All trials of a model. */
static medley_status count_search(const medley_runtime *rt, const bound_settings *s, const settings_variant *model,
                                  const training_size *size, double users, double *bytes, job_cost *cost,
                                  medley_error *err)
{
    const model_class *class = model_classes[model->member.index];
    const double trials = (double)((const sweep_params *)s->values)->trials;
    search_space space;
    void *values;
    search_space_init(&space, rt);
    TRY(mem_alloc_zero(rt, 1, class->params_size, &values, err));
    cost_step *step = step_of(cost, class), trial = {.known = step->known};
    medley_status status = usual_values(s, model, &space, values, err);
    if (status == MEDLEY_OK)
        status = count_trial(rt, class, values, size, users, bytes, &trial, err);
    search_space_release(&space);
    mem_free(values);
    step->seconds += trials * trial.seconds;
    for (int kind = 0; kind < WORK_KINDS; kind++) {
        step->work.shared[kind] += trials * trial.work.shared[kind];
        step->work.alone[kind] += trials * trial.work.alone[kind];
    }
    return status;
}

static medley_status count_searches(const medley_runtime *rt, const bound_settings *s, const training_set *set,
                                    job_cost *cost, medley_error *err)
{
    const double users = (double)count_targets(&set->parts.val.view);
    sweep_models models;
    training_size size;
    double bytes = 0;
    TRY(sweep_list_models(s, &models, err));
    TRY(training_measure(rt, &set->data, &size, err));
    cost_add_part(cost, "split, mapped",
                  column_bytes(&set->parts.train.view) + column_bytes(&set->parts.val.view));
    add_matrix(cost, &set->data.matrix);
    for (int64_t i = 0; i < models.count; i++)
        TRY(count_search(rt, s, &models.at[i], &size, users, &bytes, cost, err));
    /* side by side where a quarter of the memory holds a trial for each thread; the most the sweep lets them take */
    const double at_once = (double)parallel_workers(rt), quarter = (double)runtime_memory_available() / 4;
    cost_add_part(cost, "fitting", bytes * at_once < quarter ? bytes * at_once : bytes);
    cost->advice = "search fewer models at a time, or with fewer threads";
    return MEDLEY_OK;
}

static medley_status count_sweep(const medley_runtime *rt, const bound_settings *s, job_cost *cost,
                                 medley_error *err)
{
    training_set set;
    medley_status status = training_set_open(rt, text_of(s, "store"), text_of(s, "split"), &set, err);
    if (status == MEDLEY_OK)
        status = count_searches(rt, s, &set, cost, err);
    training_set_release(&set);
    return status;
}

/* ---- Preparing ---- */

/* Rows of a file from the rows at its beginning. */
typedef struct input_size {
    double bytes, rows;
    bool compressed;
} input_size;

static bool ends_with(const char *name, const char *end)
{
    const size_t length = strlen(name), own = strlen(end);
    return length >= own && strcmp(name + length - own, end) == 0;
}

/* A row ends with a line, or (`words`) with a word. */
static medley_status add_file(const medley_runtime *rt, const char *path, bool words, input_size *out,
                              medley_error *err)
{
    enum { SAMPLE = 256 * 1024 };
    file *f;
    char *head;
    size_t got;
    int64_t rows = 0;
    out->compressed = out->compressed || ends_with(path, ".gz") || ends_with(path, ".zst");
    TRY(file_open(rt, path, &f, err));
    medley_status status = mem_alloc(rt, SAMPLE, 1, &head, err);
    if (status == MEDLEY_OK) {
        status = file_read(f, head, SAMPLE, &got, err);
        for (size_t i = 0; status == MEDLEY_OK && i < got; i++)
            rows += head[i] == '\n' || (words && head[i] == ' ');
        const double bytes = (double)file_size(f);
        out->bytes += bytes;
        if (status == MEDLEY_OK && got > 0)
            out->rows += bytes * (double)rows / (double)got;
        mem_free(head);
    }
    file_close(f);
    return status;
}

static medley_status add_folder(const medley_runtime *rt, const char *path, bool words, input_size *out,
                                medley_error *err)
{
    char **names;
    int64_t count;
    medley_status status = file_list(rt, path, &names, &count, err);
    TRY(status);
    for (int64_t i = 0; i < count && status == MEDLEY_OK; i++) {
        char *inside = NULL;
        status = file_join(rt, path, names[i], &inside, err);
        if (status == MEDLEY_OK && !file_is_folder(inside))
            status = add_file(rt, inside, words, out, err);
        mem_free(inside);
    }
    file_names_free(names, count);
    return status;
}

static medley_status count_prepare(const medley_runtime *rt, const bound_settings *s, job_cost *cost,
                                   medley_error *err)
{
    const char *input = text_of(s, "input");
    const bool words = strcmp(reader_classes[s->member]->name, "sequences") == 0;
    input_size size = {0};
    TRY(file_is_folder(input) ? add_folder(rt, input, words, &size, err) : add_file(rt, input, words, &size, err));
    if (size.compressed)
        return fail(err, MEDLEY_E_CONFIG,
                    "input: '%s' is compressed: how much is in it is not known before it is read", input);
    cost_add_part(cost, "rows as read", size.rows * 24);
    cost_add_part(cost, "rows sorted", size.rows * 20);
    cost_add_part(cost, "blocks of text", fmin(size.bytes, 4e6 * (double)parallel_workers(rt)));
    cost_add_step(cost, "reading", true)->work.shared[WORK_UPDATES] = 3 * size.bytes;
    cost_add_step(cost, "sorting", true)->work.shared[WORK_UPDATES] = 40 * size.rows;
    cost_add_step(cost, "writing", true)->work.alone[WORK_UPDATES] = 60 * size.rows;
    cost_add_step(cost, "making a catalogue", true)->seconds = 0.04;
    cost->count = (int64_t)size.rows;
    cost->advice = "split the input, and add its parts with append";
    return MEDLEY_OK;
}

/* ---- Jobs ---- */

static const struct {
    const char *name;
    job_counter count;
} counters[] = {{"prepare", count_prepare},
                {"train", count_train},
                {"sweep", count_sweep},
                {"evaluate", count_evaluate},
                {"recommend", count_recommend}};
const char job_counter_names[] = "prepare, train, sweep, evaluate, recommend";

job_counter job_counter_find(const char *job)
{
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        if (strcmp(counters[i].name, job) == 0)
            return counters[i].count;
    return NULL;
}
