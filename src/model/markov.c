/* A first-order Markov chain over items that backs off to popularity.
 *
 *   n_ji = sum over users and positions t, distances d = 1..window, with x_t = j and x_(t+d) = i,
 *          of window_decay^(d-1) f(T - time of x_(t+d)),     n_j = sum over i of n_ji
 *   P_pop(i) = (events of i, each counting f(T - its time)) / the sum of that over all items
 *   P(i | j) = max(n_ji - delta, 0) / n_j (1 - m_j) + l_j P_pop(i)
 *   score(u, i) = sum over the last events a = 0, 1, .. of u of w_a P(i | x_a),
 *          w_a proportional to last_decay^a f(time of x_0 - time of x_a), and sums to 1
 *
 * x_0 is u's latest event, T the last training event, f(age) = 2^(-age / half_life), or 1 without a half-life
 * or times. The smoothing says what is taken from what was seen, so that P(. | j) sums to 1:
 *
 *   dirichlet        l_j = m_j = strength / (n_j + strength)
 *   jelinek_mercer   l_j = m_j = strength
 *   absolute         delta = strength, m_j = 0, l_j = sum over i of min(n_ji, delta) / n_j
 *
 * (Zhai and Lafferty, A study of smoothing methods for language models applied to information retrieval, TOIS
 * 2004.) l_j = 1 where nothing ever followed j, and for users without history: they get P_pop.
 *
 * On file: row j of `chain` [I + 1, I] is P(. | j) without its back-off, row I is P_pop; `backoff` [I] is l_j.
 * */
#include "base/tally.h"
#include "model/model.h"

#include <float.h>
#include <math.h>

typedef struct markov_params {
    int64_t window, last;
    double window_decay, last_decay, strength, half_life_days;
    int smoothing;
} markov_params;

enum { DIRICHLET, JELINEK_MERCER, ABSOLUTE };
enum { LAST_MOST = 100 };

static const medley_param params[] = {
    MEDLEY_INT(markov_params, window, "1", 1, 100, .sweep = "1,2,3,5,10",
               .help = "events after an item that count as its successors"),
    MEDLEY_REAL(markov_params, window_decay, "0.5", 0, 1, .sweep = "0.3,0.5,0.7,0.9",
                .help = "what a successor counts less for every event between"),
    MEDLEY_INT(markov_params, last, "1", 1, LAST_MOST, .sweep = "1,2,3,5,10",
               .help = "events of the history, counted from its end, that are continued"),
    MEDLEY_REAL(markov_params, last_decay, "0.5", 0, 1, .sweep = "0.3,0.5,0.7,0.9",
                .help = "what an event of the history counts less than the one after it"),
    MEDLEY_ENUM(markov_params, smoothing, "dirichlet", "dirichlet|jelinek_mercer|absolute",
                .sweep = "dirichlet,jelinek_mercer,absolute",
                .help = "how popularity is mixed in: fading as an item's successors grow in number, as a fixed "
                        "share, or by what is taken off every count"),
    MEDLEY_REAL(markov_params, strength, "0.5", 0, 1e9, .sweep = "log:0.01..1",
                .help =
                    "of the smoothing: successors at popularity that every item is given, the share (0..1), or "
                    "what every count loses"),
    MEDLEY_REAL(markov_params, half_life_days, "0", 0, 1e6, .sweep = "0,30,180,365",
                .help = "days after which an event counts half; 0: never"),
    MEDLEY_PARAMS_END,
};

enum { ITEMS_A_TASK = 64 };

static const double day = 86400;

/* A worker's memory. */
typedef struct scratch {
    double *sum;       /* [I] n_ji of the current j; all zero between items */
    uint32_t *touched; /* [I] items whose sum is not zero, in order of appearance */
} scratch;

typedef struct fitting {
    const markov_params *p;
    const interactions *events;
    int64_t items, end; /* end: T */
    double *distance;   /* [window] window_decay^(d-1) */
    int64_t *first;     /* [I + 1] where an item's positions begin */
    uint32_t *position; /* [events] by item, ascending */
    int64_t *start;     /* [I + 2] where a row's entries begin; room for the most there can be */
    int64_t *count;     /* [I + 1] its entries */
    uint32_t *index;
    float *value;
    float *backoff; /* [I] */
    scratch *scratch;
    tally *progress;
} fitting;

static int64_t successors_most(int64_t positions, int64_t window, int64_t items)
{
    return positions < items / window ? positions * window : items;
}

static int64_t estimate(const void *values, const training *data)
{
    const markov_params *p = values;
    const double events = (double)data->events.count, items = (double)data->items;
    const double entries = fmin(events * (double)p->window, items * items) + items;
    return (int64_t)(entries * 32 + events * 4 + items * 128);
}

/* f */
static double fade(const markov_params *p, int64_t later, int64_t earlier)
{
    return p->half_life_days > 0 ? exp2(((double)earlier - (double)later) / (day * p->half_life_days)) : 1;
}

static double event_weight(const fitting *f, int64_t at)
{
    return f->p->half_life_days > 0 ? fade(f->p, f->end, f->events->timestamp[at]) : 1;
}

/* s->sum = n_j. ; returns how many items were touched. */
static int64_t sum_successors(const fitting *f, int64_t j, const scratch *s)
{
    const interactions *e = f->events;
    int64_t touched = 0;
    for (int64_t n = f->first[j]; n < f->first[j + 1]; n++) {
        const int64_t from = f->position[n];
        for (int64_t d = 1; d <= f->p->window && from + d < e->count; d++) {
            if (e->user[from + d] != e->user[from])
                break;
            const uint32_t i = e->item[from + d];
            const double weight = f->distance[d - 1] * event_weight(f, from + d);
            if (s->sum[i] == 0 && weight > 0)
                s->touched[touched++] = i;
            s->sum[i] += weight;
        }
    }
    return touched;
}

/* Row j of the chain, and l_j. */
static void fit_item(const fitting *f, int64_t j, const scratch *s)
{
    const int64_t touched = sum_successors(f, j, s);
    const double strength = f->p->strength, delta = f->p->smoothing == ABSOLUTE ? strength : 0;
    double n_j = 0, lost = 0;
    for (int64_t n = 0; n < touched; n++) {
        n_j += s->sum[s->touched[n]];
        lost += fmin(s->sum[s->touched[n]], delta);
    }
    const double mixed[] = {strength / (n_j + strength), strength, lost / n_j};
    const bool known = n_j >= DBL_MIN; /* faded to less, counts are nothing to divide by */
    const double l = known ? mixed[f->p->smoothing] : 1;
    const double kept = !known ? 0 : f->p->smoothing == ABSOLUTE ? 1 / n_j : (1 - l) / n_j;
    int64_t at = f->start[j];
    for (int64_t n = 0; n < touched; n++) {
        const uint32_t i = s->touched[n];
        const float probability = (float)(fmax(s->sum[i] - delta, 0) * kept);
        s->sum[i] = 0;
        if (!(probability > 0))
            continue;
        f->index[at] = i;
        f->value[at++] = probability;
    }
    f->count[j] = at - f->start[j];
    f->backoff[j] = (float)l;
}

static medley_status fit_items(void *context, int64_t task, int worker, medley_error *err)
{
    const fitting *f = context;
    const int64_t first = task * ITEMS_A_TASK;
    const int64_t end = first + ITEMS_A_TASK < f->items ? first + ITEMS_A_TASK : f->items;
    for (int64_t j = first; j < end; j++)
        fit_item(f, j, &f->scratch[worker]);
    return tally_add(f->progress, end - first, err);
}

static medley_status fit_rows(const medley_runtime *rt, fitting *f, medley_error *err)
{
    const int workers = parallel_workers(rt);
    tally progress;
    medley_status status;
    tally_start(&progress, rt, "counting successors", f->items);
    f->progress = &progress;
    TRY_DONE(mem_alloc_zero(rt, workers, sizeof *f->scratch, &f->scratch, err));
    for (int w = 0; w < workers; w++) {
        TRY_DONE(mem_alloc_zero(rt, f->items, sizeof(double), &f->scratch[w].sum, err));
        TRY_DONE(mem_alloc(rt, f->items, sizeof(uint32_t), &f->scratch[w].touched, err));
    }
    status = parallel_run(rt, (f->items + ITEMS_A_TASK - 1) / ITEMS_A_TASK, fit_items, f, err);
done:
    for (int w = 0; f->scratch != NULL && w < workers; w++) {
        mem_free(f->scratch[w].sum);
        mem_free(f->scratch[w].touched);
    }
    mem_free(f->scratch);
    return status;
}

/* Groups the events by item, and gives every row of the chain room. */
static medley_status lay_out(const medley_runtime *rt, fitting *f, medley_error *err)
{
    const interactions *e = f->events;
    TRY(mem_alloc_zero(rt, f->items + 2, sizeof *f->first, &f->first, err));
    TRY(mem_alloc(rt, e->count, sizeof *f->position, &f->position, err));
    TRY(mem_alloc(rt, f->items + 2, sizeof *f->start, &f->start, err));
    TRY(mem_alloc_zero(rt, f->items + 1, sizeof *f->count, &f->count, err));
    /* Counted two places up, first[i + 1] is where the next event of i goes, and at last where its events end.
     * */
    int64_t *next = f->first + 1;
    for (int64_t n = 0; n < e->count; n++)
        if (e->item[n] + 1 < f->items)
            next[e->item[n] + 1]++;
    for (int64_t i = 1; i <= f->items; i++)
        next[i] += next[i - 1];
    for (int64_t n = 0; n < e->count; n++)
        f->position[next[e->item[n]]++] = (uint32_t)n;
    f->start[0] = 0;
    for (int64_t i = 0; i < f->items; i++)
        f->start[i + 1] = f->start[i] + successors_most(f->first[i + 1] - f->first[i], f->p->window, f->items);
    f->start[f->items + 1] = f->start[f->items] + f->items;
    TRY(mem_alloc(rt, f->start[f->items + 1], sizeof *f->index, &f->index, err));
    TRY(mem_alloc(rt, f->start[f->items + 1], sizeof *f->value, &f->value, err));
    TRY(mem_alloc(rt, f->p->window, sizeof *f->distance, &f->distance, err));
    for (int64_t d = 0; d < f->p->window; d++)
        f->distance[d] = pow(f->p->window_decay, (double)d);
    return MEDLEY_OK;
}

/* Row I: P_pop. */
static void fit_popularity(const fitting *f)
{
    const int64_t room = f->start[f->items];
    double total = 0;
    for (int64_t n = 0; n < f->events->count; n++)
        total += event_weight(f, n);
    int64_t at = room;
    for (int64_t i = 0; i < f->items; i++) {
        double sum = 0;
        for (int64_t n = f->first[i]; n < f->first[i + 1]; n++)
            sum += event_weight(f, f->position[n]);
        if (!(sum > 0))
            continue;
        f->index[at] = (uint32_t)i;
        f->value[at++] = (float)(sum / total);
    }
    f->count[f->items] = at - room;
}

/* Closes the gaps between rows. */
static csr chain_of(const fitting *f)
{
    int64_t to = 0;
    for (int64_t row = 0; row <= f->items; row++) {
        const int64_t from = f->start[row];
        memmove(f->index + to, f->index + from, (size_t)f->count[row] * sizeof *f->index);
        memmove(f->value + to, f->value + from, (size_t)f->count[row] * sizeof *f->value);
        f->start[row] = to;
        to += f->count[row];
    }
    f->start[f->items + 1] = to;
    return (csr){f->items + 1, f->items, f->start, f->index, f->value};
}

static int64_t last_time(const interactions *events)
{
    int64_t last = INT64_MIN;
    for (int64_t i = 0; events->timestamp != NULL && i < events->count; i++)
        last = events->timestamp[i] > last ? events->timestamp[i] : last;
    return last;
}

static medley_status check(const markov_params *p, const training *data, medley_error *err)
{
    if (p->smoothing == JELINEK_MERCER && p->strength > 1)
        return fail(err, MEDLEY_E_CONFIG, "strength: %g is outside 0..1 for smoothing jelinek_mercer",
                    p->strength);
    if (p->half_life_days > 0 && data->events.timestamp == NULL)
        return fail(err, MEDLEY_E_CONFIG, "half_life_days: %g, but the data has no timestamps; 0 is accepted",
                    p->half_life_days);
    if (data->events.count > (int64_t)UINT32_MAX)
        return fail(err, MEDLEY_E_LIMIT, "%lld training events; at most %lld are accepted",
                    (long long)data->events.count, (long long)UINT32_MAX);
    return MEDLEY_OK;
}

static void count_work(const void *values, const training_size *s, workload *fit, workload *encode)
{
    const markov_params *p = values;
    const double events = s->events;
    (void)encode;
    fit->shared[WORK_UPDATES] += 60 * events * (double)p->window;
    fit->alone[WORK_UPDATES] += 10 * events;
}

static medley_status fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                         medley_error *err)
{
    fitting f = {.p = values, .events = &data->events, .items = data->items, .end = last_time(&data->events)};
    csr_owner by_successor = {0}, sorted = {0};
    float *backoff;
    medley_status status;
    TRY(check(values, data, err));
    TRY_DONE(mem_alloc(rt, data->items, sizeof *f.backoff, &f.backoff, err));
    TRY_DONE(lay_out(rt, &f, err));
    TRY_DONE(fit_rows(rt, &f, err));
    fit_popularity(&f);
    const csr chain = chain_of(&f);
    /* Transposed twice, each row's entries ascend. */
    TRY_DONE(csr_transpose(rt, &chain, &by_successor, err));
    TRY_DONE(csr_transpose(rt, &by_successor.view, &sorted, err));
    TRY_DONE(model_add_sparse(rt, state, SPARSE_NAMES("chain"), &sorted.view, err));
    TRY_DONE(model_add(rt, state, "backoff", TENSOR_F32, 1, &data->items, &backoff, err));
    memcpy(backoff, f.backoff, (size_t)data->items * sizeof *backoff);
done:
    csr_release(&by_successor);
    csr_release(&sorted);
    mem_free(f.backoff);
    mem_free(f.distance);
    mem_free(f.first);
    mem_free(f.position);
    mem_free(f.start);
    mem_free(f.count);
    mem_free(f.index);
    mem_free(f.value);
    return status;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    const named_tensor *backoff;
    (void)values;
    (void)users;
    TRY(model_tensor(state, "backoff", TENSOR_F32, 1, &items, &backoff, err));
    *out = (scoring){.form = SCORING_LINEAR_SPARSE, .items = items};
    return model_sparse(state, SPARSE_NAMES("chain"), items + 1, items, &out->sparse, err);
}

/* Adds `weight` to an item of a row that ends at `end`; returns the row's new end. */
static int64_t add_sorted(csr_owner *m, int64_t first, int64_t end, uint32_t item, float weight)
{
    int64_t at = end;
    while (at > first && m->index[at - 1] >= item)
        at--;
    if (at < end && m->index[at] == item) {
        m->value[at] += weight;
        return end;
    }
    memmove(m->index + at + 1, m->index + at, (size_t)(end - at) * sizeof *m->index);
    memmove(m->value + at + 1, m->value + at, (size_t)(end - at) * sizeof *m->value);
    m->index[at] = item;
    m->value[at] = weight;
    return end + 1;
}

/* One left side: w_a for the items, and for row I what they back off in all. */
static int64_t encode_row(const markov_params *p, const float *backoff, int64_t items, const histories *known,
                          int64_t row, csr_owner *m, int64_t first)
{
    const int64_t newest = known->start[row + 1] - 1, length = known->start[row + 1] - known->start[row];
    const int64_t last = length < p->last ? length : p->last;
    double weight[LAST_MOST], total = 0, all_backoff = length > 0 ? 0 : 1;
    for (int64_t a = 0; a < last; a++) {
        const double age =
            known->timestamp != NULL ? fade(p, known->timestamp[newest], known->timestamp[newest - a]) : 1;
        weight[a] = pow(p->last_decay, (double)a) * age;
        total += weight[a];
    }
    int64_t end = first;
    for (int64_t a = 0; a < last; a++) {
        const uint32_t item = known->item[newest - a];
        end = add_sorted(m, first, end, item, (float)(weight[a] / total));
        all_backoff += weight[a] / total * (double)backoff[item];
    }
    m->index[end] = (uint32_t)items;
    m->value[end] = (float)all_backoff;
    return end + 1;
}

static medley_status encode(const medley_runtime *rt, const void *values, const model_state *state,
                            const scoring *how, const histories *known, left_sides *out, medley_error *err)
{
    const markov_params *p = values;
    const named_tensor *backoff;
    csr_owner *m = &out->weights;
    TRY(model_tensor(state, "backoff", TENSOR_F32, 1, &how->items, &backoff, err));
    int64_t most = known->rows;
    for (int64_t row = 0; row < known->rows; row++) {
        const int64_t length = known->start[row + 1] - known->start[row];
        most += length < p->last ? length : p->last;
    }
    TRY(mem_alloc(rt, known->rows + 1, sizeof *m->start, &m->start, err));
    TRY(mem_alloc(rt, most, sizeof *m->index, &m->index, err));
    TRY(mem_alloc(rt, most, sizeof *m->value, &m->value, err));
    m->start[0] = 0;
    for (int64_t row = 0; row < known->rows; row++)
        m->start[row + 1] = encode_row(p, backoff->data, how->items, known, row, m, m->start[row]);
    m->view = (csr){known->rows, how->items + 1, m->start, m->index, m->value};
    return MEDLEY_OK;
}

extern const model_class model_markov;
const model_class model_markov = {
    .name = "markov",
    .title = "Markov chain",
    .summary = "what followed the last items of the history, and popularity where little is known to follow",
    .paper =
        "the first-order chain of Rendle, Freudenthaler and Schmidt-Thieme, FPMC, WWW 2010, unfactorised; smoothed "
        "as in Zhai and Lafferty, TOIS 2004; skip transitions as in Ludewig and Jannach's sequential rules, "
        "UMUAI 2018, with a geometric decay",
    .params = params,
    .params_size = sizeof(markov_params),
    .limits = "data without an order in time; items without training users",
    .advice = "lower window or raise min_item_interactions",
    .estimate = estimate,
    .work = count_work,
    .fit = fit,
    .scoring = score,
    .encode = encode,
    .needs_order = true,
};
