/* Sparse linear methods (SLIM): every item as a sparse combination of the others,
 *
 *   w_j = argmin 1/2 |x_j - X w|² + l2/2 |w|² + l1 |w|_1,  w_jj = 0,  w >= 0 if nonnegative
 *   score(u, j) = sum over i of X_ui w_ij
 *
 * X: [U, I] binary, x_j its column j. Ning and Karypis, ICDM 2011; with `neighbours`, only the nearest
 * items by cosine may have a weight (fsSLIM, there too). With G = XᵀX, coordinate descent sets
 *
 *   w_i = S(G_ij - sum over k != i of G_ik w_k, l1) / (G_ii + l2),  S(a, b) = sign(a) max(|a| - b, 0)
 *
 * in turn for a working set of items, to which are added, until there are none, those outside whose weight
 * would not stay 0. The problem is convex, strictly where l2 > 0: the order does not matter. scikit-learn's
 * ElasticNet(alpha, l1_ratio, fit_intercept=False, positive=nonnegative) divides the first term by U: l1 = U
 * alpha l1_ratio, l2 = U alpha (1 - l1_ratio). */
#include "base/multiversion.h"
#include "base/tally.h"
#include "model/model.h"
#include "tensor/topk.h"

#include <math.h>

typedef struct slim_params {
    double l1, l2, tolerance;
    int64_t neighbours, sweeps;
    bool nonnegative;
} slim_params;

static const medley_param params[] = {
    MEDLEY_REAL(slim_params, l1, "1", 0, 1e9, .sweep = "log:0.1..10",
                .help = "penalty on the weights, in interactions: more makes fewer of them"),
    MEDLEY_REAL(slim_params, l2, "10", 1e-3, 1e9, .sweep = "log:0.1..1000",
                .help = "squared penalty on the weights, in interactions"),
    MEDLEY_BOOL(slim_params, nonnegative, "true",
                .help = "whether weights may not be negative; if they may, most are not zero: lower neighbours"),
    MEDLEY_INT(slim_params, neighbours, "0", 0, 1000000, .sweep = "0,50,100,200",
               .help = "items, the nearest by cosine, that may have a weight; 0: all"),
    MEDLEY_REAL(slim_params, tolerance, "0.0001", 1e-12, 1, .help = "changes of weights that end the descent"),
    MEDLEY_INT(slim_params, sweeps, "100", 1, 1000000, .help = "over a working set, at most"),
    MEDLEY_PARAMS_END,
};

enum {
    ITEMS_A_TASK = 4,
    FEW = 256,        /* candidates that are all taken at once: finding out which are wanted takes longer */
    ADDED_LEAST = 32, /* to a working set at a time; otherwise as many as it has */
};

/* Numbers read for each pair of an item's weights, measured; and pairs that take minutes rather than hours. */
#define SCANS_A_PAIR 200.0
#define WORK_MOST 2e9

#define TAKEN UINT32_MAX /* a candidate that has come into the working set */

/* A worker's memory, and the weights it has found. */
typedef struct worker_state {
    uint32_t *candidate; /* [candidates <= I] items outside the working set that may have a weight, ascending */
    int64_t candidates;
    float *cosine;    /* [I] */
    double *sum;      /* [I] G w */
    topk_entry *list; /* [I] */
    uint32_t *active; /* [I] the working set, in the order of its descent */
    double *weight;   /* [I] of the working set */
    double *part;     /* [I] (G w) of the working set */
    float *packed;    /* [count, count] G of the working set: most of the time goes by over its rows */
    int64_t packed_capacity;
    uint32_t *index; /* found: row by row */
    float *value;
    int64_t count, index_capacity, value_capacity;
} worker_state;

/* Where the weights of an item are. */
typedef struct found {
    int64_t first, count;
    int worker;
} found;

typedef struct fitting {
    const medley_runtime *rt;
    const slim_params *p;
    const csr *by_user, *by_item;
    int64_t items;
    uint64_t seed;
    float *gram;  /* [I, I] */
    double *norm; /* [I] square roots of its diagonal */
    worker_state *worker;
    found *found; /* [I] */
    tally *progress;
} fitting;

/* How many weights an item has at most, or so, if they may be negative. Those among all items are as many as users
 * tell apart; and few where few items share users. */
static double weights_wanted(const slim_params *p, double users, double items, double user_pairs)
{
    const double allowed = p->neighbours > 0 ? fmin((double)p->neighbours, items) : items;
    return fmin(allowed, fmin(users / 2, user_pairs / fmax(items, 1)));
}

static double count_user_pairs(const training *data)
{
    double pairs = 0;
    for (int64_t u = 0; u < data->users; u++)
        pairs += pow((double)csr_row_count(&data->matrix, u), 2);
    return pairs;
}

static int64_t estimate(const void *values, const training *data)
{
    const slim_params *p = values;
    const double items = (double)data->items, users = (double)data->users;
    const double each = p->nonnegative ? fmin(p->neighbours > 0 ? (double)p->neighbours : 256, items)
                                       : 2 * weights_wanted(p, users, items, count_user_pairs(data));
    const double bytes =
        4 * items * items + 8 * (double)csr_count(&data->matrix) + 16 * items * each + 64 * each * each;
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

/* Rows of G; counts are exact up to 2^24. */
static medley_status count_pairs(void *context, int64_t task, int worker, medley_error *err)
{
    const fitting *f = context;
    const csr *by_user = f->by_user, *by_item = f->by_item;
    const int64_t first = task * ITEMS_A_TASK, end = least(first + ITEMS_A_TASK, f->items);
    (void)worker;
    for (int64_t i = first; i < end; i++) {
        float *const row = f->gram + i * f->items;
        memset(row, 0, (size_t)f->items * sizeof *row);
        for (int64_t at = by_item->start[i]; at < by_item->start[i + 1]; at++) {
            const int64_t user = by_item->index[at];
            for (int64_t e = by_user->start[user]; e < by_user->start[user + 1]; e++)
                row[by_user->index[e]]++;
        }
    }
    return tally_add(f->progress, end - first, err);
}

static double diagonal(const fitting *f, int64_t i)
{
    return (double)f->gram[i * f->items + i];
}

/* With weights that may not be negative, an item that shares no more than l1 users with j has weight 0. */
static bool may_have_weight(const fitting *f, int64_t j, int64_t i)
{
    const double pairs = (double)f->gram[j * f->items + i];
    return i != j && f->norm[i] > 0 && (!f->p->nonnegative || pairs > f->p->l1);
}

MULTIVERSION static void find_cosines(const float *restrict pairs, const double *restrict norm,
                                      float *restrict cosine, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        cosine[i] = pairs[i] > 0 ? (float)((double)pairs[i] / norm[i]) : -INFINITY;
}

static int by_item(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void choose_candidates(const fitting *f, int64_t j, worker_state *s)
{
    s->candidates = 0;
    if (f->p->neighbours == 0 || f->p->neighbours >= f->items) {
        for (int64_t i = 0; i < f->items; i++)
            if (may_have_weight(f, j, i))
                s->candidate[s->candidates++] = (uint32_t)i;
        return;
    }
    topk nearest;
    topk_start(&nearest, s->list, f->p->neighbours, f->seed, (uint64_t)j);
    find_cosines(f->gram + j * f->items, f->norm, s->cosine, f->items);
    s->cosine[j] = -INFINITY;
    (void)topk_offer(&nearest, s->cosine, f->items, 0);
    for (int64_t n = 0; n < nearest.count; n++)
        if (may_have_weight(f, j, nearest.entries[n].item))
            s->candidate[s->candidates++] = nearest.entries[n].item;
    qsort(s->candidate, (size_t)s->candidates, sizeof *s->candidate, by_item);
}

/* S(a, l1), or what is left of it when weights may not be negative. */
static double shrink(const slim_params *p, double a)
{
    if (a > p->l1)
        return a - p->l1;
    return a < -p->l1 && !p->nonnegative ? a + p->l1 : 0;
}

/* sum += w row */
MULTIVERSION static void add_scaled_row(double *restrict sum, double w, const float *restrict row, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sum[i] += w * (double)row[i];
}

/* sum[n] += w row[item[n]] */
MULTIVERSION static void add_some(double *restrict sum, double w, const float *restrict row,
                                  const uint32_t *restrict item, int64_t count)
{
    for (int64_t n = 0; n < count; n++)
        sum[n] += w * (double)row[item[n]];
}

/* sum[n] = (G w) of candidate n. Of many candidates it is faster to take all items, in order. */
static void sum_candidates(const fitting *f, int64_t count, worker_state *s)
{
    const bool many = 3 * s->candidates > f->items;
    memset(s->sum, 0, (size_t)(many ? f->items : s->candidates) * sizeof *s->sum);
    for (int64_t n = 0; n < count; n++) {
        const float *const row = f->gram + s->active[n] * f->items;
        if (s->weight[n] != 0 && many)
            add_scaled_row(s->sum, s->weight[n], row, f->items);
        else if (s->weight[n] != 0)
            add_some(s->sum, s->weight[n], row, s->candidate, s->candidates);
    }
    for (int64_t n = 0; many && n < s->candidates; n++)
        s->sum[n] = s->sum[s->candidate[n]]; /* ascending: not written before it is read */
}

static void drop_taken(worker_state *s)
{
    int64_t left = 0;
    for (int64_t n = 0; n < s->candidates; n++)
        if (s->candidate[n] != TAKEN)
            s->candidate[left++] = s->candidate[n];
    s->candidates = left;
}

static void take(worker_state *s, int64_t count, uint32_t at, double sum)
{
    s->active[count] = s->candidate[at];
    s->candidate[at] = TAKEN;
    s->weight[count] = 0;
    s->part[count] = sum;
}

/* Adds to the working set [count] the candidates whose weights would change most from 0; returns its new size. */
static int64_t extend(const fitting *f, int64_t j, int64_t count, worker_state *s)
{
    const float *const row = f->gram + j * f->items;
    topk most;
    if (count == 0 && s->candidates <= FEW) {
        for (; count < s->candidates; count++)
            take(s, count, (uint32_t)count, 0);
        s->candidates = 0;
        return count;
    }
    sum_candidates(f, count, s);
    topk_start(&most, s->list, count > ADDED_LEAST ? count : ADDED_LEAST, f->seed, (uint64_t)j);
    for (int64_t n = 0; n < s->candidates; n++) {
        const uint32_t i = s->candidate[n];
        const double left = fabs(shrink(f->p, (double)row[i] - s->sum[n])), scale = diagonal(f, i) + f->p->l2;
        if (left > f->p->tolerance * scale)
            topk_push(&most, (float)(left / sqrt(scale)), (uint32_t)n);
    }
    topk_sort(&most);
    for (int64_t n = 0; n < most.count; n++)
        take(s, count++, most.entries[n].item, s->sum[most.entries[n].item]);
    drop_taken(s);
    return count;
}

static medley_status pack(const fitting *f, int64_t count, worker_state *s, medley_error *err)
{
    TRY(mem_reserve(f->rt, &s->packed, &s->packed_capacity, count * count, sizeof *s->packed, err));
    for (int64_t n = 0; n < count; n++) {
        const float *const row = f->gram + s->active[n] * f->items;
        for (int64_t m = 0; m < count; m++)
            s->packed[n * count + m] = row[s->active[m]];
    }
    return MEDLEY_OK;
}

/* Sweeps over the working set until no weight changes by more than the tolerance. */
static medley_status descend(const fitting *f, int64_t j, int64_t count, worker_state *s, medley_error *err)
{
    const float *const wish = f->gram + j * f->items;
    double largest = INFINITY;
    TRY(pack(f, count, s, err));
    for (int64_t sweep = 0; sweep < f->p->sweeps && largest > f->p->tolerance; sweep++) {
        largest = 0;
        for (int64_t n = 0; n < count; n++) {
            const float *const row = s->packed + n * count;
            const double g = (double)row[n], was = s->weight[n];
            const double now = shrink(f->p, (double)wish[s->active[n]] - s->part[n] + g * was) / (g + f->p->l2);
            if (now == was)
                continue;
            s->weight[n] = now;
            largest = fmax(largest, fabs(now - was));
            add_scaled_row(s->part, now - was, row, count);
        }
    }
    return MEDLEY_OK;
}

static medley_status keep_weights(const fitting *f, int64_t j, int64_t count, worker_state *s, int worker,
                                  medley_error *err)
{
    f->found[j] = (found){.first = s->count, .worker = worker};
    TRY(mem_reserve(f->rt, &s->index, &s->index_capacity, s->count + count, sizeof *s->index, err));
    TRY(mem_reserve(f->rt, &s->value, &s->value_capacity, s->count + count, sizeof *s->value, err));
    for (int64_t n = 0; n < count; n++) {
        const float w = (float)s->weight[n];
        if (w == 0)
            continue;
        s->index[s->count] = s->active[n];
        s->value[s->count++] = w;
    }
    f->found[j].count = s->count - f->found[j].first;
    return MEDLEY_OK;
}

static medley_status fit_items(void *context, int64_t task, int worker, medley_error *err)
{
    const fitting *f = context;
    const int64_t first = task * ITEMS_A_TASK, end = least(first + ITEMS_A_TASK, f->items);
    worker_state *const s = &f->worker[worker];
    for (int64_t j = first; j < end; j++) {
        int64_t count = 0;
        choose_candidates(f, j, s);
        for (int64_t more; (more = extend(f, j, count, s)) > count; count = more)
            TRY(descend(f, j, more, s, err));
        TRY(keep_weights(f, j, count, s, worker, err));
    }
    return tally_add(f->progress, end - first, err);
}

static medley_status fit_workers(const medley_runtime *rt, fitting *f, medley_error *err)
{
    const int64_t items = f->items;
    for (int w = 0; w < parallel_workers(rt); w++) {
        worker_state *s = &f->worker[w];
        TRY(mem_alloc(rt, items, sizeof *s->candidate, &s->candidate, err));
        TRY(mem_alloc(rt, items, sizeof *s->cosine, &s->cosine, err));
        TRY(mem_alloc(rt, items, sizeof *s->sum, &s->sum, err));
        TRY(mem_alloc(rt, items > FEW ? items : FEW, sizeof *s->list, &s->list, err));
        TRY(mem_alloc(rt, items, sizeof *s->active, &s->active, err));
        TRY(mem_alloc(rt, items, sizeof *s->weight, &s->weight, err));
        TRY(mem_alloc(rt, items, sizeof *s->part, &s->part, err));
    }
    tally progress;
    f->progress = &progress;
    tally_start(&progress, rt, "counting pairs of items", items);
    TRY(parallel_run(rt, (items + ITEMS_A_TASK - 1) / ITEMS_A_TASK, count_pairs, f, err));
    for (int64_t i = 0; i < items; i++)
        f->norm[i] = sqrt(diagonal(f, i));
    tally_start(&progress, rt, "fitting items", items);
    return parallel_run(rt, (items + ITEMS_A_TASK - 1) / ITEMS_A_TASK, fit_items, f, err);
}

/* The weights of each item, in order of items: [I, I] by target, sources in no order. */
static medley_status gather(const medley_runtime *rt, const fitting *f, csr_owner *out, medley_error *err)
{
    int64_t count = 0;
    for (int64_t j = 0; j < f->items; j++)
        count += f->found[j].count;
    TRY(mem_alloc(rt, f->items + 1, sizeof *out->start, &out->start, err));
    TRY(mem_alloc(rt, count, sizeof *out->index, &out->index, err));
    TRY(mem_alloc(rt, count, sizeof *out->value, &out->value, err));
    out->start[0] = 0;
    for (int64_t j = 0; j < f->items; j++) {
        const found *at = &f->found[j];
        const worker_state *s = &f->worker[at->worker];
        for (int64_t n = 0; n < at->count; n++) {
            out->index[out->start[j] + n] = s->index[at->first + n];
            out->value[out->start[j] + n] = s->value[at->first + n];
        }
        out->start[j + 1] = out->start[j] + at->count;
    }
    out->view = (csr){f->items, f->items, out->start, out->index, out->value};
    return MEDLEY_OK;
}

static void worker_release(worker_state *s)
{
    mem_free(s->candidate);
    mem_free(s->cosine);
    mem_free(s->sum);
    mem_free(s->list);
    mem_free(s->active);
    mem_free(s->weight);
    mem_free(s->part);
    mem_free(s->packed);
    mem_free(s->index);
    mem_free(s->value);
}

/* How many sweeps and candidates an item needs is not known before: measured on published data. */
static void count_work(const void *values, const training_size *s, workload *fit, workload *encode)
{
    const slim_params *p = values;
    const double square = s->items * s->items; /* of which so many pairs are met at most */
    const double each = p->nonnegative ? 0 : weights_wanted(p, s->users, s->items, s->user_pairs);
    (void)encode;
    fit->shared[WORK_UPDATES] += s->user_pairs;
    if (p->neighbours > 0 && p->nonnegative)
        fit->shared[WORK_SCANS] += 10 * square + 20 * s->items * pow(fmin((double)p->neighbours, s->items), 2);
    else
        fit->shared[WORK_SCANS] += (20 + 700 * sqrt(fmin(s->user_pairs / square, 1))) * square;
    fit->shared[WORK_SCANS] += SCANS_A_PAIR * s->items * each * each;
}

/* Refuses what would take hours. */
static medley_status check_work(const slim_params *p, const training *data, medley_error *err)
{
    const double items = (double)data->items;
    if (p->nonnegative)
        return MEDLEY_OK;
    const double each = weights_wanted(p, (double)data->users, items, count_user_pairs(data));
    if (items * each * each <= WORK_MOST)
        return MEDLEY_OK;
    return fail(err, MEDLEY_E_LIMIT,
                "nonnegative: false lets most of %lld items have weights for each other, which takes too long; "
                "neighbours of 1..%lld are accepted, and nonnegative: true",
                (long long)data->items, (long long)sqrt(WORK_MOST / items));
}

static medley_status fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                         medley_error *err)
{
    csr by_user = data->matrix;
    csr_owner by_item = {0}, by_target = {0}, weights = {0};
    fitting f = {.rt = rt,
                 .p = values,
                 .by_user = &by_user,
                 .by_item = &by_item.view,
                 .items = data->items,
                 .seed = data->seed};
    medley_status status;
    by_user.value = NULL;
    TRY_DONE(check_work(values, data, err));
    TRY_DONE(csr_transpose(rt, &by_user, &by_item, err));
    TRY_DONE(mem_alloc(rt, mem_bytes(data->items, sizeof *f.gram), (size_t)data->items, &f.gram, err));
    TRY_DONE(mem_alloc(rt, data->items, sizeof *f.norm, &f.norm, err));
    TRY_DONE(mem_alloc(rt, data->items, sizeof *f.found, &f.found, err));
    TRY_DONE(mem_alloc_zero(rt, parallel_workers(rt), sizeof *f.worker, &f.worker, err));
    TRY_DONE(fit_workers(rt, &f, err));
    TRY_DONE(gather(rt, &f, &by_target, err));
    TRY_DONE(csr_transpose(rt, &by_target.view, &weights, err));
    TRY_DONE(model_add_sparse(rt, state, SPARSE_NAMES("weights"), &weights.view, err));
done:
    for (int w = 0; f.worker != NULL && w < parallel_workers(rt); w++)
        worker_release(&f.worker[w]);
    mem_free(f.worker);
    mem_free(f.found);
    mem_free(f.norm);
    mem_free(f.gram);
    csr_release(&by_target);
    csr_release(&weights);
    csr_release(&by_item);
    return status;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    (void)values;
    (void)users;
    *out = (scoring){.form = SCORING_LINEAR_SPARSE, .items = items};
    return model_sparse(state, SPARSE_NAMES("weights"), items, items, &out->sparse, err);
}

extern const model_class model_slim;
const model_class model_slim = {
    .name = "slim",
    .title = "SLIM",
    .summary = "every item's score as a sparse linear function of the history, learnt item by item",
    .paper = "Ning and Karypis, SLIM: sparse linear methods for top-n recommender systems, ICDM 2011; on binary "
             "feedback; weights may be negative if asked for; `neighbours` is fsSLIM with cosine similarity",
    .params = params,
    .params_size = sizeof(slim_params),
    .limits = "users without history; items without training users",
    .advice = "raise min_item_interactions or use itemknn",
    .estimate = estimate,
    .work = count_work,
    .fit = fit,
    .scoring = score,
};
