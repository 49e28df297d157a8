/* Scores are what exact arithmetic gives, rounded once to float: sums over histories are taken in double, and
 * so are the dot products of factored models that can matter. GEMM, whose rounding depends on where in a block
 * a pair stands, only sorts out what is below the list's worst entry by more than its largest possible error.
 * So a list depends neither on the other queries, nor on the number of threads, nor on the BLAS. */
#include "recommend/ranking.h"

#include <float.h>
#include <math.h>

#include "base/multiversion.h"
#include "base/tally.h"
#include "tensor/gemm.h"

enum {
    SCAN = 64,                   /* scores compared before one branch */
    FEW_QUERIES = 16,            /* fewer are scored exactly at once: no bounds to prepare */
    LIST_BYTES = 4 * 1024 * 1024 /* of the lists of one block */
};

/* Queries scored together, items scored at once, queries a task. Scores of a block stay in L2. */
typedef struct block_shape {
    int64_t rows, width, queries;
} block_shape;

/* What the scores of a tile of items cannot exceed: |<u, v> + b| <= |u| norm + bias. */
typedef struct tile_reach {
    double norm, bias;
} tile_reach;

/* A worker's memory. */
typedef struct scratch {
    float *users;         /* [rows, D] factored: the queries' vectors */
    double *user_norm;    /* [rows] */
    double *sums;         /* [width] linear */
    float *scores;        /* [rows, width] */
    topk *lists;          /* [rows] */
    topk_entry *entries;  /* [rows, k] */
    int64_t *excluded_at; /* [rows] position in `excluded` of the next one to leave out */
    int64_t *target_at;   /* [rows] position in `targets` of the next one to score */
    int64_t *target_from; /* [rows] where a row's scores begin in target_score */
    float *target_score;  /* [most targets of a block] */
    int64_t *candidates;  /* [rows] counted as they are met, where masks overlap */
    float *kept;          /* [width] scores of the only candidates */
    int64_t *above;       /* [most targets of a block] candidates that score higher than each */
    int64_t *equal;       /* [the same] that score the same, itself among them */
} scratch;

typedef struct ranking {
    const medley_runtime *rt;
    const ranking_request *request;
    const scoring *how;
    const float *vectors; /* [rows, D] factored: left sides */
    const csr *weights;   /* [rows, J] linear */
    ranking_sink sink;
    void *sink_context;
    block_shape shape;
    int64_t k;
    int64_t targets_most; /* of a block */
    tile_reach *reach;    /* [tiles] factored */
    scratch *scratch;     /* [workers] */
    tally progress;
} ranking;

/* Queries first .. first + rows - 1 at items first_item .. first_item + width - 1. */
typedef struct tile {
    int64_t first, rows, first_item, width;
} tile;

/* The rows of what a query may not have, and of its left side. */
static int64_t excluded_row(const ranking_request *q, int64_t query)
{
    return q->excluded_by_query ? query : q->user[query];
}

static int64_t left_row(const ranking *r, int64_t query)
{
    const bool by_user = !r->request->left_by_query || (r->vectors != NULL && r->vectors == r->how->user);
    return by_user ? r->request->user[query] : query;
}

static medley_status refuse_score(const ranking *r, int64_t query, int64_t item, double score, medley_error *err)
{
    return fail(err, MEDLEY_E_FORMAT, "user %lld, item %lld: the model's score %g is not a finite number",
                (long long)r->request->user[query], (long long)item, score);
}

/* Products of floats are exact in double. The lanes fix the order of the sum. */
MULTIVERSION static double dot(const float *a, const float *b, int64_t n)
{
    enum { LANES = 8 };
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += (double)a[i + l] * (double)b[i + l];
    for (int l = 0; i < n; i++, l++)
        lane[l] += (double)a[i] * (double)b[i];
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static double bias_of(const scoring *how, int64_t item)
{
    return how->bias != NULL ? (double)how->bias[item] : 0;
}

/* <u, v> + b */
static float exact_score(const scoring *how, const float *user, int64_t item)
{
    const int64_t D = how->factors;
    return (float)((D > 0 ? dot(user, how->item + item * D, D) : 0) + bias_of(how, item));
}

/* The value of [row, column], 0 where there is no entry. */
static float csr_value(const csr *m, int64_t row, uint32_t column)
{
    const int64_t at = csr_find(m, row, column);
    return at >= 0 ? m->value[at] : 0;
}

/* One pair, with the additions of sum_dense and sum_sparse in their order. */
static float linear_score(const scoring *how, const csr *left, int64_t row, uint32_t item)
{
    double sum = 0;
    for (int64_t at = left->start[row]; at < left->start[row + 1]; at++) {
        const uint32_t j = left->index[at];
        const float right = how->form == SCORING_LINEAR_DENSE ? how->dense[j * how->items + item]
                                                              : csr_value(&how->sparse, j, item);
        sum += (left->value != NULL ? (double)left->value[at] : 1) * (double)right;
    }
    return (float)sum;
}

static const float *left_vectors(const scoring *how, const left_sides *left)
{
    return left != NULL && left->vectors != NULL ? left->vectors : how->user;
}

static float pair_score(const scoring *how, const left_sides *left, int64_t row, uint32_t item)
{
    if (how->form != SCORING_FACTORED)
        return linear_score(how, &left->weights.view, row, item);
    const int64_t D = how->factors;
    return exact_score(how, D > 0 ? left_vectors(how, left) + row * D : NULL, item);
}

static medley_status measure_tile(void *context, int64_t task, int worker, medley_error *err)
{
    const ranking *r = context;
    const scoring *how = r->how;
    const int64_t D = how->factors;
    const int64_t first = task * r->shape.width, end = least(first + r->shape.width, how->items);
    double norm = 0, bias = 0;
    (void)worker;
    (void)err;
    for (int64_t item = first; item < end; item++) {
        const float *v = D > 0 ? how->item + item * D : NULL;
        const double square = D > 0 ? dot(v, v, D) : 0, b = fabs(bias_of(how, item));
        norm = isnan(norm) || square <= norm ? norm : square; /* NaN stays */
        bias = isnan(bias) || b <= bias ? bias : b;
    }
    r->reach[task] = (tile_reach){sqrt(norm), bias};
    return MEDLEY_OK;
}

MULTIVERSION static void add_bias(const scoring *how, const tile *t, float *restrict scores)
{
    if (how->bias == NULL)
        return;
    const float *bias = how->bias + t->first_item;
    for (int64_t i = 0; i < t->width; i++)
        scores[i] += bias[i];
}

/* All that a model without factors scores by. */
static void copy_bias(const scoring *how, const tile *t, float *scores)
{
    const size_t bytes = (size_t)t->width * sizeof *scores;
    if (how->bias != NULL)
        memcpy(scores, how->bias + t->first_item, bytes);
    else
        memset(scores, 0, bytes);
}

/* The whole row exactly: for few queries, and where GEMM might overflow. */
static medley_status score_exactly(const ranking *r, const tile *t, int64_t row, const float *user, float *scores,
                                   medley_error *err)
{
    for (int64_t i = 0; i < t->width; i++) {
        scores[i] = exact_score(r->how, user, t->first_item + i);
        if (!isfinite(scores[i]))
            return refuse_score(r, t->first + row, t->first_item + i, (double)scores[i], err);
    }
    return MEDLEY_OK;
}

/* sums += row of weights, four rows at a time; the order of additions is that of one at a time. */
MULTIVERSION static void add_four(double *restrict sums, const float *const *rows, const float *w, int64_t count)
{
    const float *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
    if (w == NULL)
        for (int64_t i = 0; i < count; i++)
            sums[i] = sums[i] + (double)a[i] + (double)b[i] + (double)c[i] + (double)d[i];
    else
        for (int64_t i = 0; i < count; i++)
            sums[i] = sums[i] + (double)w[0] * (double)a[i] + (double)w[1] * (double)b[i] +
                      (double)w[2] * (double)c[i] + (double)w[3] * (double)d[i];
}

MULTIVERSION static void add_one(double *restrict sums, const float *a, float w, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sums[i] += (double)w * (double)a[i];
}

static float weight_at(const csr *weights, int64_t at)
{
    return weights->value != NULL ? weights->value[at] : 1;
}

/* score(q, i) = sum over j of left_qj dense[j, i]. Products of floats are exact in double. */
static void sum_dense(const ranking *r, const tile *t, int64_t row, double *sums)
{
    const csr *left = r->weights;
    const int64_t whose = left_row(r, t->first + row);
    const float *right = r->how->dense + t->first_item;
    const int64_t items = r->how->items, end = left->start[whose + 1];
    int64_t at = left->start[whose];
    memset(sums, 0, (size_t)t->width * sizeof *sums);
    for (; at + 4 <= end; at += 4) {
        const uint32_t *j = left->index + at;
        const float *const rows[] = {right + j[0] * items, right + j[1] * items, right + j[2] * items,
                                     right + j[3] * items};
        add_four(sums, rows, left->value != NULL ? left->value + at : NULL, t->width);
    }
    for (; at < end; at++)
        add_one(sums, right + left->index[at] * items, weight_at(left, at), t->width);
}

/* As sum_dense with sparse[j, i]; the tile is all items. */
static void sum_sparse(const ranking *r, const tile *t, int64_t row, double *sums)
{
    const csr *left = r->weights, *right = &r->how->sparse;
    const int64_t whose = left_row(r, t->first + row);
    memset(sums, 0, (size_t)t->width * sizeof *sums);
    for (int64_t at = left->start[whose]; at < left->start[whose + 1]; at++) {
        const uint32_t j = left->index[at];
        const double weight = (double)weight_at(left, at);
        for (int64_t w = right->start[j]; w < right->start[j + 1]; w++)
            sums[right->index[w]] += weight * (double)right->value[w];
    }
}

/* Rounds sums to scores. Returns the number of scores that are not finite. */
MULTIVERSION static int round_sums(const double *restrict sums, float *restrict scores, int64_t count)
{
    int bad = 0;
    for (int64_t i = 0; i < count; i++) {
        scores[i] = (float)sums[i];
        bad += !(fabsf(scores[i]) <= FLT_MAX);
    }
    return bad;
}

static medley_status score_linear(const ranking *r, const tile *t, int64_t row, scratch *s, float *scores,
                                  medley_error *err)
{
    (r->how->form == SCORING_LINEAR_DENSE ? sum_dense : sum_sparse)(r, t, row, s->sums);
    if (round_sums(s->sums, scores, t->width) == 0)
        return MEDLEY_OK;
    int64_t i = 0;
    while (isfinite(scores[i]))
        i++;
    return refuse_score(r, t->first + row, t->first_item + i, (double)scores[i], err);
}

/* Marks the row's items of this tile that are no candidates. */
static void exclude(const csr *excluded, const tile *t, int64_t end, int64_t *at, float *scores)
{
    for (; *at < end && excluded->index[*at] < t->first_item + t->width; ++*at)
        scores[excluded->index[*at] - t->first_item] = -INFINITY;
}

/* Keeps the scores of the row's targets in this tile. margin: as in take_row. */
static void keep_targets(const ranking *r, const tile *t, int64_t row, scratch *s, const float *scores,
                         float margin)
{
    const csr *targets = r->request->targets;
    const uint32_t user = r->request->user[t->first + row];
    const int64_t start = targets->start[user], end = targets->start[user + 1];
    const float *vector = s->users + row * r->how->factors;
    int64_t *at = &s->target_at[row];
    for (; *at < end && targets->index[*at] < t->first_item + t->width; ++*at) {
        const uint32_t item = targets->index[*at];
        const float score = scores[item - t->first_item];
        s->target_score[s->target_from[row] + *at - start] =
            margin > 0 && score > -INFINITY ? exact_score(r->how, vector, item) : score;
    }
}

/* Leaves the scores of the row's only candidates. */
static void keep_only(const csr *only, const tile *t, uint32_t user, scratch *s, float *scores)
{
    const int64_t end = only->start[user + 1];
    int64_t low = only->start[user], high = end;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (only->index[middle] < t->first_item)
            low = middle + 1;
        else
            high = middle;
    }
    const int64_t from = low;
    for (; low < end && only->index[low] < t->first_item + t->width; low++)
        s->kept[low - from] = scores[only->index[low] - t->first_item];
    for (int64_t i = 0; i < t->width; i++)
        scores[i] = -INFINITY;
    for (int64_t at = from; at < low; at++)
        scores[only->index[at] - t->first_item] = s->kept[at - from];
}

MULTIVERSION static void keep_allowed(const uint8_t *allowed, float *scores, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        scores[i] = allowed[i] != 0 ? scores[i] : -INFINITY;
}

MULTIVERSION static int64_t count_candidates(const float *scores, int64_t count)
{
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++)
        n += scores[i] > -INFINITY;
    return n;
}

/* The first position from `from` on whose score is at most `margin` away, or count. */
MULTIVERSION static int64_t next_near(const float *scores, int64_t from, int64_t count, float score, float margin)
{
    for (; from + SCAN <= count; from += SCAN) {
        int near = 0;
        for (int i = 0; i < SCAN; i++)
            near |= fabsf(scores[from + i] - score) <= margin;
        if (near)
            break;
    }
    while (from < count && !(fabsf(scores[from] - score) <= margin))
        from++;
    return from;
}

typedef struct standing {
    uint32_t above, equal;
} standing;

MULTIVERSION static standing find_standing(const float *scores, int64_t count, float score)
{
    standing s = {0, 0};
    for (int64_t i = 0; i < count; i++) {
        s.above += scores[i] > score;
        s.equal += scores[i] == score;
    }
    return s;
}

/* Counts where each of the row's targets stands among the candidates of the tile, whose scores near its own are made
 * exact. Its score is known already. */
static void rank_targets(const ranking *r, const tile *t, int64_t row, scratch *s, float *scores, float margin)
{
    const uint32_t user = r->request->user[t->first + row];
    const int64_t from = s->target_from[row], end = from + csr_row_count(r->request->targets, user);
    const float *vector = s->users + row * r->how->factors;
    for (int64_t target = from; target < end; target++) {
        const float score = s->target_score[target];
        if (margin > 0)
            for (int64_t at = -1; (at = next_near(scores, at + 1, t->width, score, margin)) < t->width;)
                scores[at] = exact_score(r->how, vector, t->first_item + at);
        const standing found = find_standing(scores, t->width, score);
        s->above[target] += found.above;
        s->equal[target] += found.equal;
    }
}

/* Above a target that is no candidate are all that are. */
static void finish_ranks(const ranking *r, int64_t row, uint32_t user, scratch *s)
{
    const int64_t from = s->target_from[row], end = from + csr_row_count(r->request->targets, user);
    for (int64_t target = from; target < end; target++) {
        const bool candidate = s->target_score[target] > -INFINITY;
        s->above[target] = candidate ? s->above[target] : s->candidates[row];
        s->equal[target] = candidate ? s->equal[target] - 1 : 0;
    }
}

/* Candidates, targets and list from a row of scores, each at most `margin` away from what it should be. */
static void take_row(const ranking *r, const tile *t, int64_t row, scratch *s, float *scores, float margin)
{
    const ranking_request *q = r->request;
    const uint32_t user = q->user[t->first + row];
    topk *list = &s->lists[row];
    if (q->only != NULL)
        keep_only(q->only, t, user, s, scores);
    if (q->allowed != NULL)
        keep_allowed(q->allowed + t->first_item, scores, t->width);
    if (q->excluded != NULL)
        exclude(q->excluded, t, q->excluded->start[excluded_row(q, t->first + row) + 1], &s->excluded_at[row],
                scores);
    if (q->only != NULL || q->allowed != NULL)
        s->candidates[row] += count_candidates(scores, t->width);
    if (q->targets != NULL)
        keep_targets(r, t, row, s, scores, margin);
    if (q->rank_targets)
        rank_targets(r, t, row, s, scores, margin);
    if (margin == 0) {
        topk_offer(list, scores, t->width, (uint32_t)t->first_item);
        return;
    }
    const float *vector = s->users + row * r->how->factors;
    for (int64_t at = 0;; at++) {
        at = topk_next(scores, at, t->width, fmaxf(topk_threshold(list) - margin, -FLT_MAX));
        if (at == t->width)
            break;
        topk_push(list, exact_score(r->how, vector, t->first_item + at), (uint32_t)(t->first_item + at));
    }
}

/* A sum of D products in float differs from the exact one by at most D u |u| |v|, whatever its order, u = 2^-24
 * (Higham, Accuracy and Stability of Numerical Algorithms, 3.1; first order, which the factor 2 covers for
 * D < 2^22). Bias, rounding and threshold add less than 4 u; what underflows, less than FLT_MIN each. */
static double error_bound(int64_t factors, double largest_score)
{
    return 2 * 0x1p-24 * (double)(factors + 4) * largest_score + (double)factors * FLT_MIN;
}

static medley_status rank_tile_factored(const ranking *r, const tile *t, scratch *s, medley_error *err)
{
    const scoring *how = r->how;
    const int64_t D = how->factors, width = r->shape.width;
    const tile_reach *reach = r->reach != NULL ? &r->reach[t->first_item / width] : NULL;
    if (reach != NULL && D > 0)
        gemm_abt(t->rows, t->width, D, s->users, D, how->item + t->first_item * D, D, s->scores, width);
    for (int64_t row = 0; row < t->rows; row++) {
        float *scores = s->scores + row * width, margin = 0;
        const double largest = reach != NULL ? s->user_norm[row] * reach->norm + reach->bias : INFINITY;
        if (!(largest < FLT_MAX / 4)) { /* NaN is not */
            TRY(score_exactly(r, t, row, s->users + row * D, scores, err));
        } else if (D == 0) {
            copy_bias(how, t, scores);
        } else {
            add_bias(how, t, scores);
            margin = (float)error_bound(D, largest);
        }
        take_row(r, t, row, s, scores, margin);
    }
    return MEDLEY_OK;
}

static medley_status rank_tile_linear(const ranking *r, const tile *t, scratch *s, medley_error *err)
{
    for (int64_t row = 0; row < t->rows; row++) {
        float *scores = s->scores + row * r->shape.width;
        TRY(score_linear(r, t, row, s, scores, err));
        take_row(r, t, row, s, scores, 0);
    }
    return MEDLEY_OK;
}

/* Targets' scores are needed before the first tile; those of a sparse model come with its only one. */
static void start_ranks(const ranking *r, int64_t row, uint32_t user, int64_t left, scratch *s)
{
    const csr *targets = r->request->targets;
    const int64_t from = s->target_from[row], n = csr_row_count(targets, user);
    const uint32_t *item = targets->index + targets->start[user];
    for (int64_t i = 0; i < n; i++) {
        if (r->how->form != SCORING_LINEAR_SPARSE)
            s->target_score[from + i] = pair_score(r->how, r->request->left, left, item[i]);
        s->above[from + i] = s->equal[from + i] = 0;
    }
}

static void start_rows(const ranking *r, const tile *t, scratch *s)
{
    const ranking_request *q = r->request;
    const int64_t D = r->how->factors;
    int64_t targets = 0;
    for (int64_t row = 0; row < t->rows; row++) {
        const int64_t query = t->first + row, excluded = excluded_row(q, query);
        const uint32_t user = q->user[query];
        topk_start(&s->lists[row], s->entries + row * r->k, r->k, q->seed, user);
        if (q->excluded != NULL)
            s->excluded_at[row] = q->excluded->start[excluded];
        if (q->targets != NULL) {
            s->target_at[row] = q->targets->start[user];
            s->target_from[row] = targets;
            targets += csr_row_count(q->targets, user);
        }
        s->candidates[row] = q->only != NULL || q->allowed != NULL ? 0
                             : q->excluded != NULL ? r->how->items - csr_row_count(q->excluded, excluded)
                                                   : r->how->items;
        if (D > 0) {
            float *vector = s->users + row * D;
            memcpy(vector, r->vectors + left_row(r, query) * D, (size_t)D * sizeof *vector);
            s->user_norm[row] = sqrt(dot(vector, vector, D));
        }
        if (q->rank_targets)
            start_ranks(r, row, user, left_row(r, query), s);
    }
}

static medley_status finish_rows(const ranking *r, const tile *t, scratch *s, int worker, medley_error *err)
{
    const ranking_request *q = r->request;
    for (int64_t row = 0; row < t->rows; row++) {
        topk *list = &s->lists[row];
        topk_sort(list);
        const uint32_t user = q->user[t->first + row];
        if (q->rank_targets)
            finish_ranks(r, row, user, s);
        const ranked result = {
            .query = t->first + row,
            .user = user,
            .count = list->count,
            .entries = list->entries,
            .tied_outside = list->tied_outside,
            .candidates = s->candidates[row],
            .target_score = q->targets != NULL ? s->target_score + s->target_from[row] : NULL,
            .above = q->rank_targets ? s->above + s->target_from[row] : NULL,
            .equal = q->rank_targets ? s->equal + s->target_from[row] : NULL,
        };
        TRY(r->sink(r->sink_context, &result, worker, err));
    }
    return MEDLEY_OK;
}

static medley_status rank_queries(void *context, int64_t task, int worker, medley_error *err)
{
    ranking *r = context;
    scratch *s = &r->scratch[worker];
    const int64_t from = task * r->shape.queries, end = least(from + r->shape.queries, r->request->queries);
    for (int64_t first = from; first < end; first += r->shape.rows) {
        tile t = {.first = first, .rows = least(r->shape.rows, end - first)};
        start_rows(r, &t, s);
        for (; t.first_item < r->how->items; t.first_item += r->shape.width) {
            t.width = least(r->shape.width, r->how->items - t.first_item);
            TRY((r->how->form == SCORING_FACTORED ? rank_tile_factored : rank_tile_linear)(r, &t, s, err));
        }
        TRY(finish_rows(r, &t, s, worker, err));
    }
    return tally_add(&r->progress, end - from, err);
}

static block_shape choose_shape(const scoring *how, int64_t k)
{
    static const block_shape shapes[] = {
        [SCORING_FACTORED] = {192, 768, 192},
        [SCORING_LINEAR_DENSE] = {64, 512, 64},
        [SCORING_LINEAR_SPARSE] = {1, 0, 64},
    };
    block_shape shape = shapes[how->form];
    if (how->form == SCORING_LINEAR_SPARSE)
        shape.width = how->items;
    const int64_t lists = LIST_BYTES / (int64_t)sizeof(topk_entry) / k;
    if (shape.rows > lists)
        shape.rows = lists > 0 ? lists : 1;
    return shape;
}

/* The most target scores that a block keeps. */
static int64_t count_targets(const ranking_request *q, block_shape shape)
{
    int64_t most = 0;
    for (int64_t first = 0; q->targets != NULL && first < q->queries; first += shape.rows) {
        int64_t count = 0;
        for (int64_t i = first; i < least(first + shape.rows, q->queries); i++)
            count += csr_row_count(q->targets, q->user[i]);
        most = count > most ? count : most;
    }
    return most;
}

static medley_status scratch_init(const ranking *r, scratch *s, medley_error *err)
{
    const medley_runtime *rt = r->rt;
    const int64_t rows = r->shape.rows, width = r->shape.width;
    const bool factored = r->how->form == SCORING_FACTORED;
    TRY(mem_alloc(rt, factored ? rows * r->how->factors : 0, sizeof *s->users, &s->users, err));
    TRY(mem_alloc_zero(rt, factored ? rows : 0, sizeof *s->user_norm, &s->user_norm, err));
    TRY(mem_alloc(rt, factored ? 0 : width, sizeof *s->sums, &s->sums, err));
    TRY(mem_alloc_zero(rt, rows * width, sizeof *s->scores, &s->scores, err));
    TRY(mem_alloc(rt, rows, sizeof *s->lists, &s->lists, err));
    TRY(mem_alloc(rt, rows * r->k, sizeof *s->entries, &s->entries, err));
    TRY(mem_alloc(rt, rows, sizeof *s->excluded_at, &s->excluded_at, err));
    TRY(mem_alloc(rt, rows, sizeof *s->target_at, &s->target_at, err));
    TRY(mem_alloc(rt, rows, sizeof *s->target_from, &s->target_from, err));
    TRY(mem_alloc(rt, rows, sizeof *s->candidates, &s->candidates, err));
    TRY(mem_alloc(rt, r->request->only != NULL ? width : 0, sizeof *s->kept, &s->kept, err));
    TRY(mem_alloc(rt, r->targets_most, sizeof *s->target_score, &s->target_score, err));
    TRY(mem_alloc(rt, r->request->rank_targets ? r->targets_most : 0, sizeof *s->above, &s->above, err));
    return mem_alloc(rt, r->request->rank_targets ? r->targets_most : 0, sizeof *s->equal, &s->equal, err);
}

static void scratch_release(scratch *s)
{
    void *const parts[] = {s->users,      s->user_norm,   s->sums,      s->scores,      s->lists,
                           s->entries,    s->excluded_at, s->target_at, s->target_from, s->target_score,
                           s->candidates, s->kept,        s->above,     s->equal};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        mem_free(parts[i]);
}

medley_status ranking_run(const medley_runtime *rt, const ranking_request *request, const char *phase,
                          ranking_sink sink, void *context, medley_error *err)
{
    const scoring *how = request->how;
    if (request->k < 1)
        return fail(err, MEDLEY_E_ARGUMENT, "k: %lld is less than 1", (long long)request->k);
    assert(how->form == SCORING_FACTORED ? how->factors == 0 || left_vectors(how, request->left) != NULL
                                         : request->left != NULL);
    assert(request->targets != NULL || !request->rank_targets);
    const int64_t k = how->items > 0 ? least(request->k, how->items) : 1;
    ranking r = {.rt = rt,
                 .request = request,
                 .how = how,
                 .vectors = left_vectors(how, request->left),
                 .weights = request->left != NULL ? &request->left->weights.view : NULL,
                 .sink = sink,
                 .sink_context = context,
                 .shape = choose_shape(how, k),
                 .k = k};
    tally_start(&r.progress, rt, phase, request->queries);
    r.targets_most = count_targets(request, r.shape);
    const int workers = parallel_workers(rt);
    medley_status status;
    TRY_DONE(mem_alloc_zero(rt, workers, sizeof *r.scratch, &r.scratch, err));
    for (int i = 0; i < workers; i++)
        TRY_DONE(scratch_init(&r, &r.scratch[i], err));
    if (how->form == SCORING_FACTORED && request->queries >= FEW_QUERIES) {
        const int64_t tiles = (how->items + r.shape.width - 1) / r.shape.width;
        TRY_DONE(mem_alloc(rt, tiles, sizeof *r.reach, &r.reach, err));
        TRY_DONE(parallel_run(rt, tiles, measure_tile, &r, err));
    }
    TRY_DONE(parallel_run(rt, (request->queries + r.shape.queries - 1) / r.shape.queries, rank_queries, &r, err));
done:
    for (int i = 0; r.scratch != NULL && i < workers; i++)
        scratch_release(&r.scratch[i]);
    mem_free(r.scratch);
    mem_free(r.reach);
    return status;
}

typedef struct pair_scoring {
    const scoring *how;
    const left_sides *left;
    const ranking_pairs *pairs;
    const uint32_t *row; /* of the left sides, or of scoring.user */
    float *out;
    tally progress;
} pair_scoring;

enum { PAIRS_A_TASK = 4096 };

static medley_status score_pairs(void *context, int64_t task, int worker, medley_error *err)
{
    pair_scoring *p = context;
    const uint32_t *const user = p->pairs->user, *const item = p->pairs->item;
    const int64_t first = task * PAIRS_A_TASK, end = least(first + PAIRS_A_TASK, p->pairs->count);
    (void)worker;
    for (int64_t n = first; n < end; n++) {
        p->out[n] = pair_score(p->how, p->left, p->row[n], item[n]);
        if (!isfinite(p->out[n]))
            return fail(err, MEDLEY_E_FORMAT, "user %lld, item %lld: the model's score %g is not a finite number",
                        (long long)user[n], (long long)item[n], (double)p->out[n]);
    }
    return tally_add(&p->progress, end - first, err);
}

medley_status ranking_score_pairs(const medley_runtime *rt, const scoring *how, const left_sides *left,
                                  const ranking_pairs *pairs, float *out, medley_error *err)
{
    const bool by_user = pairs->row == NULL || (how->user != NULL && left_vectors(how, left) == how->user);
    pair_scoring p = {
        .how = how, .left = left, .pairs = pairs, .row = by_user ? pairs->user : pairs->row, .out = out};
    tally_start(&p.progress, rt, "scoring", pairs->count);
    return parallel_run(rt, (pairs->count + PAIRS_A_TASK - 1) / PAIRS_A_TASK, score_pairs, &p, err);
}
