#include "tensor/kernel_attention.h"

#include "base/multiversion.h"
#include "tensor/kernel_attention_tile.h"
#include "tensor/vector_math.h"

#define INLINE static inline __attribute__((always_inline))

/* A tile is KEYS keys x LANES queries, stored transposed, Sᵀ = K Qᵀ: a key's scores of all queries lie side by side, so
 * maxima and sums over keys need no work across lanes, and K and V are read as they are. Only the block of queries is
 * transposed. */
enum {
    LANES = 32,
    FEW = 16, /* lanes of a block that has no more queries */
    KEYS = 256,
    PAIRS_FEW = 16,         /* with fewer pairs (b, h) a pair is cut in parts */
    PART_QUERIES = 64,      /* at least; a multiple of LANES */
    TASK_PRODUCTS = 1 << 18 /* multiply-adds that are worth a task */
};

/* ---- how the work is cut ---- */

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static int64_t parts_of(int64_t pairs, int64_t count, int64_t part)
{
    return pairs < 1 || pairs >= PAIRS_FEW ? 1 : most(1, least((PAIRS_FEW + pairs - 1) / pairs, count / part));
}
static int64_t pair_count(const attention *a)
{
    return a->batch * a->heads;
}
/* A part of queries of forward, of keys of backward. */
static int64_t query_parts(const attention *a)
{
    return parts_of(pair_count(a), a->queries, PART_QUERIES);
}
static int64_t key_parts(const attention *a)
{
    return parts_of(pair_count(a), a->keys, KEYS);
}
static int64_t pairs_a_task(const attention *a)
{
    const double products = (double)a->queries * (double)a->keys * (double)(a->depth + a->width);
    return products * (double)pair_count(a) <= TASK_PRODUCTS ? most(1, pair_count(a))
                                                             : (int64_t)(TASK_PRODUCTS / (products + 1)) + 1;
}
static int64_t tasks_of(const attention *a, int64_t parts)
{
    return parts > 1 ? pair_count(a) * parts : (pair_count(a) + pairs_a_task(a) - 1) / pairs_a_task(a);
}
int64_t attention_forward_tasks(const attention *a)
{
    return tasks_of(a, query_parts(a));
}
int64_t attention_backward_tasks(const attention *a)
{
    return tasks_of(a, key_parts(a));
}
int64_t attention_part_reals(const attention *a)
{
    return key_parts(a) > 1 ? pair_count(a) * key_parts(a) * a->queries * a->depth : 0;
}
int64_t attention_scratch(const attention *a)
{
    return (a->depth + a->width + 2 * KEYS) * LANES;
}

typedef struct span {
    int64_t from, to;
} span;

static span task_pairs(const attention *a, int64_t task, int64_t parts)
{
    if (parts > 1)
        return (span){task / parts, task / parts + 1};
    const int64_t pairs = pairs_a_task(a);
    return (span){task * pairs, least((task + 1) * pairs, pair_count(a))};
}
/* Of `count` queries or keys; lengths are multiples of `step`. */
static span task_part(int64_t count, int64_t task, int64_t parts, int64_t step)
{
    const int64_t length = (count + parts * step - 1) / (parts * step) * step, from = task % parts * length;
    return parts > 1 ? (span){least(count, from), least(count, from + length)} : (span){0, count};
}

/* ---- one block of queries ---- */

typedef struct query_block {
    int64_t pair, first, count, lanes; /* queries first .. first + count - 1 of the pair, in so many lanes */
    int64_t from, to;                  /* the keys that some query sees, of those of the task */
    int32_t end[LANES];                /* the first key that the lane's query does not see */
    real top[LANES], sum[LANES];       /* of the scores so far: the maximum, and the sum of e^(score - top) */
    uint32_t draw[LANES];              /* what the lane's random numbers come from */
    real *q, *d_out, *score, *weight;  /* [D, lanes], [Dv, lanes], [KEYS, lanes] x 2 */
} query_block;

/* out [columns, lanes] = factor xᵀ; lanes behind the last row are 0. */
static void transpose_block(const real *x, int64_t rows, int64_t columns, int64_t lanes, real factor, real *out)
{
    if (rows < lanes)
        memset(out, 0, (size_t)(columns * lanes) * sizeof(real));
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < rows; i++)
            out[j * lanes + i] = factor * x[i * columns + j];
}

static void block_begin(const attention *a, query_block *b, int64_t pair, int64_t first, span keys, real *scratch)
{
    const int64_t row = pair / a->heads;
    b->pair = pair, b->first = first;
    b->count = least(LANES, a->queries - first);
    b->lanes = b->count > FEW ? LANES : FEW;
    b->from = most(keys.from, a->first != NULL ? least(a->first[row], a->keys) : 0);
    const int64_t end = least(keys.to, a->length != NULL ? most(a->length[row], 0) : a->keys);
    const int64_t shift = a->keys - a->queries + 1; /* a causal query t sees keys before t + shift */
    for (int64_t i = 0; i < LANES; i++) {
        const int64_t query = first + least(i, b->count - 1);
        b->end[i] = (int32_t)(a->causal ? least(end, query + shift) : end);
        if (a->dropout > 0)
            b->draw[i] = (uint32_t)random_bits(a->seed, a->stream, (uint64_t)(pair * a->queries + query));
    }
    b->to = b->end[LANES - 1];
    b->q = scratch;
    b->d_out = b->q + a->depth * LANES;
    b->score = b->d_out + a->width * LANES;
    b->weight = b->score + KEYS * LANES;
    transpose_block(a->q + (pair * a->queries + first) * a->depth, b->count, a->depth, b->lanes, a->scale, b->q);
}

/* Keys from `key` on are hidden from the lanes that do not see them. */
MULTIVERSION static void attention_hide(const query_block *b, int64_t key, int64_t from, int64_t count)
{
    const int64_t lanes = b->lanes;
    for (int64_t j = from; j < count; j++) {
        real *restrict s = b->score + j * lanes;
        const int32_t place = (int32_t)(key + j);
        for (int64_t i = 0; i < lanes; i++)
            s[i] = place >= b->end[i] ? -(real)INFINITY : s[i];
    }
}

/* Adds the bias to the scores of keys key .. key + count - 1 and hides (-inf) what a lane does not see. */
static void mask_tile(const attention *a, const query_block *b, int64_t key, int64_t count)
{
    for (int64_t i = 0; a->bias != NULL && i < b->count; i++) {
        const real *bias = a->bias + (b->first + i) * a->keys + key;
        for (int64_t j = 0; j < count; j++)
            b->score[j * b->lanes + i] += bias[j];
    }
    attention_hide(b, key, most(0, b->end[0] - key), count);
}

static void tile_scores(const attention *a, const query_block *b, int64_t key, int64_t count)
{
    tile_multiply(&(tile_product){.m = count,
                                  .n = b->lanes,
                                  .k = a->depth,
                                  .a = a->k + (b->pair * a->keys + key) * a->depth,
                                  .a_row = a->depth,
                                  .a_step = 1,
                                  .b = b->q,
                                  .b_stride = b->lanes,
                                  .c = b->score,
                                  .c_stride = b->lanes});
    mask_tile(a, b, key, count);
}

/* 0 or 1 / (1 - dropout): what the weight of a lane and a key is multiplied by. */
typedef struct dropping {
    uint32_t below; /* numbers below are dropped */
    real kept;
} dropping;

static dropping dropping_of(const attention *a)
{
    return (dropping){(uint32_t)(a->dropout * 0x1p32), (real)(1 / (1 - a->dropout))};
}

INLINE real drop_factor(dropping d, uint32_t draw, uint32_t key)
{
    uint32_t x = draw ^ (key * 0x9e3779b9u); /* then Wang and Wellons' mixing of 32 bits */
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    x = x ^ (x >> 16);
    return x >= d.below ? d.kept : 0;
}

MULTIVERSION static void attention_drop(const query_block *b, dropping d, int64_t key, int64_t count)
{
    const int64_t lanes = b->lanes;
    for (int64_t j = 0; j < count; j++) {
        real *restrict s = b->score + j * lanes;
        for (int64_t i = 0; i < lanes; i++)
            s[i] *= drop_factor(d, b->draw[i], (uint32_t)(key + j));
    }
}

/* e^x for x <= 0 but for rounding, to 2 ulp; 0 below e^-69, which counts for nothing (products of numbers near the least
 * float are a hundred times slower). vm_exp with fused steps and fewer cases: a third of the time. */
INLINE real weight_of(real x)
{
    const real lowest = -69;
    const real y = x < lowest ? lowest : x;
#ifdef MEDLEY_REAL_DOUBLE
    const real w = exp(y);
#else
    const float shifted = fmaf(y, 1.44269504F, 12582912.0F), whole = shifted - 12582912.0F;
    const float r = fmaf(whole, 2.12194440e-4F, fmaf(whole, -0.693359375F, y));
    float p = fmaf(0.0013813142F, r, 0.008369419F);
    p = fmaf(p, r, 0.041668456F);
    p = fmaf(p, r, 0.16666515F);
    p = fmaf(p, r, 0.49999994F);
    p = fmaf(p, r * r, r) + 1;
    const float w = vm_float(vm_bits(p) + (vm_bits(shifted) << 23));
#endif
    return x < lowest ? 0 : w;
}

/* ---- forward ---- */

/* Scores become weights e^(score - top); what earlier tiles gave is to be multiplied by `fade`. Two chains of maxima, as
 * one alone waits for itself. */
INLINE void soften(const int lanes, real *restrict s, int64_t count, real *top, real *total, real *fade)
{
    real even[LANES], odd[LANES], sum[LANES] = {0};
    for (int i = 0; i < lanes; i++)
        even[i] = odd[i] = top[i];
    for (int64_t j = 0; j + 1 < count; j += 2) {
        const real *restrict s0 = s + j * lanes, *restrict s1 = s0 + lanes;
        for (int i = 0; i < lanes; i++)
            even[i] = s0[i] > even[i] ? s0[i] : even[i];
        for (int i = 0; i < lanes; i++)
            odd[i] = s1[i] > odd[i] ? s1[i] : odd[i];
    }
    const real *last = s + (count - 1) * lanes;
    for (int i = 0; i < lanes; i++) {
        even[i] = even[i] > odd[i] ? even[i] : odd[i];
        even[i] = even[i] > last[i] ? even[i] : last[i];
        odd[i] = even[i] > -(real)INFINITY ? even[i] : 0; /* no key seen yet: e^-inf is 0 */
        fade[i] = weight_of(top[i] - odd[i]);
        top[i] = even[i];
    }
    for (int64_t j = 0; j < count; j++) {
        real *restrict sj = s + j * lanes;
        for (int i = 0; i < lanes; i++) {
            sj[i] = weight_of(sj[i] - odd[i]);
            sum[i] += sj[i];
        }
    }
    for (int i = 0; i < lanes; i++)
        total[i] = total[i] * fade[i] + sum[i];
}
MULTIVERSION_FMA static void attention_soften_all(query_block *b, int64_t count, real *fade)
{
    soften(LANES, b->score, count, b->top, b->sum, fade);
}
MULTIVERSION_FMA static void attention_soften_few(query_block *b, int64_t count, real *fade)
{
    soften(FEW, b->score, count, b->top, b->sum, fade);
}

static void scale_rows(const query_block *b, int64_t width, const real *factor, real *out)
{
    for (int64_t i = 0; i < b->count; i++)
        for (int64_t j = 0; j < width; j++)
            out[i * width + j] *= factor[i];
}

static void forward_block(const attention *a, query_block *b, real *out, real *log_sum)
{
    const int64_t row = b->pair * a->queries + b->first;
    const dropping d = dropping_of(a);
    real factor[LANES];
    out += row * a->width;
    log_sum += row;
    if (b->from >= b->to)
        memset(out, 0, (size_t)(b->count * a->width) * sizeof(real));
    for (int i = 0; i < LANES; i++)
        b->top[i] = -(real)INFINITY, b->sum[i] = 0;
    for (int64_t key = b->from; key < b->to; key += KEYS) {
        const int64_t count = least(KEYS, b->to - key);
        tile_scores(a, b, key, count);
        (b->lanes == LANES ? attention_soften_all : attention_soften_few)(b, count, factor);
        if (key > b->from)
            scale_rows(b, a->width, factor, out);
        if (a->dropout > 0)
            attention_drop(b, d, key, count);
        tile_multiply(&(tile_product){.m = b->count,
                                      .n = a->width,
                                      .k = count,
                                      .a = b->score,
                                      .a_row = 1,
                                      .a_step = b->lanes,
                                      .b = a->v + (b->pair * a->keys + key) * a->width,
                                      .b_stride = a->width,
                                      .c = out,
                                      .c_stride = a->width,
                                      .add = key > b->from});
    }
    for (int64_t i = 0; i < b->count; i++) {
        factor[i] = b->sum[i] > 0 ? 1 / b->sum[i] : 0;
        log_sum[i] = b->sum[i] > 0 ? b->top[i] + real_log(b->sum[i]) : 0;
    }
    scale_rows(b, a->width, factor, out);
}

void attention_forward(const attention *a, int64_t task, real *out, real *log_sum, real *scratch)
{
    const span pairs = task_pairs(a, task, query_parts(a));
    const span queries = task_part(a->queries, task, query_parts(a), LANES);
    for (int64_t pair = pairs.from; pair < pairs.to; pair++) {
        for (int64_t first = queries.from; first < queries.to; first += LANES) {
            query_block b;
            block_begin(a, &b, pair, first, (span){0, a->keys}, scratch);
            forward_block(a, &b, out, log_sum);
        }
    }
}

/* ---- backward ---- */

/* With P = e^(S - log_sum), D of the dropout, dP = dO Vᵀ:  score = P D, of which dV is made, and
 * weight = dS = P (dP D - Σ dO O) scale, of which dQ and dK are. */
INLINE void slopes(const int lanes, const query_block *b, dropping d, int64_t key, int64_t count,
                   const real *log_sum, const real *mean, real scale, bool drops)
{
    for (int64_t j = 0; j < count; j++) {
        real *restrict s = b->score + j * lanes, *restrict w = b->weight + j * lanes;
        for (int i = 0; i < lanes; i++) {
            const real p = weight_of(s[i] - log_sum[i]);
            const real factor = drops ? drop_factor(d, b->draw[i], (uint32_t)(key + j)) : 1;
            s[i] = p * factor;
            w[i] = p * scale * (w[i] * factor - mean[i]);
        }
    }
}
#define SLOPES(name, lanes, drops)                                                                  \
    MULTIVERSION_FMA static void name(const query_block *b, dropping d, int64_t key, int64_t count, \
                                      const real *log_sum, const real *mean, real scale)            \
    {                                                                                               \
        slopes(lanes, b, d, key, count, log_sum, mean, scale, drops);                               \
    }
SLOPES(attention_slopes_all, LANES, false)
SLOPES(attention_slopes_few, FEW, false)
SLOPES(attention_slopes_all_dropped, LANES, true)
SLOPES(attention_slopes_few_dropped, FEW, true)

/* In 16 sums, so that it vectorises. */
MULTIVERSION static real attention_dot(const real *x, const real *y, int64_t count)
{
    enum { SUMS = 16 };
    real sum[SUMS] = {0}, total = 0;
    int64_t j = 0;
    for (; j + SUMS <= count; j += SUMS)
        for (int i = 0; i < SUMS; i++)
            sum[i] += x[j + i] * y[j + i];
    for (; j < count; j++)
        total += x[j] * y[j];
    for (int i = 0; i < SUMS; i++)
        total += sum[i];
    return total;
}

/* dV += (P D)ᵀ dO or dK += dSᵀ Q: weights [keys, lanes] times the rows of the block's queries. */
static void add_to_keys(const query_block *b, const real *weights, int64_t count, const real *rows, int64_t width,
                        real *out)
{
    tile_multiply(&(tile_product){.m = count,
                                  .n = width,
                                  .k = b->count,
                                  .a = weights,
                                  .a_row = b->lanes,
                                  .a_step = 1,
                                  .b = rows,
                                  .b_stride = width,
                                  .c = out,
                                  .c_stride = width,
                                  .add = true});
}

/* dq: of the block's queries, to be set unless add_q. */
static void backward_tile(const attention *a, const attention_gradient *g, const query_block *b, int64_t key,
                          int64_t count, const real *mean, real *dq, bool add_q)
{
    const int64_t query = b->pair * a->queries + b->first, row = b->pair * a->keys + key;
    const dropping d = dropping_of(a);
    tile_scores(a, b, key, count);
    tile_multiply(&(tile_product){.m = count,
                                  .n = b->lanes,
                                  .k = a->width,
                                  .a = a->v + row * a->width,
                                  .a_row = a->width,
                                  .a_step = 1,
                                  .b = b->d_out,
                                  .b_stride = b->lanes,
                                  .c = b->weight,
                                  .c_stride = b->lanes});
    (a->dropout > 0      ? b->lanes == LANES ? attention_slopes_all_dropped : attention_slopes_few_dropped
     : b->lanes == LANES ? attention_slopes_all
                         : attention_slopes_few)(b, d, key, count, b->sum, mean, a->scale);
    if (g->dv != NULL)
        add_to_keys(b, b->score, count, g->d_out + query * a->width, a->width, g->dv + row * a->width);
    if (g->dk != NULL)
        add_to_keys(b, b->weight, count, a->q + query * a->depth, a->depth, g->dk + row * a->depth);
    if (dq != NULL)
        tile_multiply(&(tile_product){.m = b->count,
                                      .n = a->depth,
                                      .k = count,
                                      .a = b->weight,
                                      .a_row = 1,
                                      .a_step = b->lanes,
                                      .b = a->k + row * a->depth,
                                      .b_stride = a->depth,
                                      .c = dq,
                                      .c_stride = a->depth,
                                      .add = add_q});
}

static void backward_block(const attention *a, const attention_gradient *g, query_block *b, real *dq, bool add_q)
{
    const int64_t query = b->pair * a->queries + b->first;
    const real *d_out = g->d_out + query * a->width;
    real mean[LANES] = {0};
    transpose_block(d_out, b->count, a->width, b->lanes, 1, b->d_out);
    for (int64_t i = 0; i < LANES; i++)
        b->sum[i] = i < b->count ? g->log_sum[query + i] : 0;
    for (int64_t i = 0; i < b->count; i++)
        mean[i] = attention_dot(d_out + i * a->width, g->out + (query + i) * a->width, a->width);
    if (b->from >= b->to && dq != NULL && !add_q)
        memset(dq, 0, (size_t)(b->count * a->depth) * sizeof(real));
    for (int64_t key = b->from; key < b->to; key += KEYS)
        backward_tile(a, g, b, key, least(KEYS, b->to - key), mean, dq, add_q || key > b->from);
}

static void zero_keys(real *grad, int64_t width, int64_t first, int64_t count)
{
    if (grad != NULL)
        memset(grad + first * width, 0, (size_t)(count * width) * sizeof(real));
}

void attention_backward(const attention *a, const attention_gradient *g, int64_t task, real *scratch)
{
    const int64_t parts = key_parts(a);
    const span pairs = task_pairs(a, task, parts), keys = task_part(a->keys, task, parts, 1);
    /* a part's own dq; otherwise the place of all */
    real *dq_all = parts > 1 ? g->parts + task % parts * pair_count(a) * a->queries * a->depth : g->dq;
    for (int64_t pair = pairs.from; pair < pairs.to; pair++) {
        zero_keys(g->add_k ? NULL : g->dk, a->depth, pair * a->keys + keys.from, keys.to - keys.from);
        zero_keys(g->add_v ? NULL : g->dv, a->width, pair * a->keys + keys.from, keys.to - keys.from);
        for (int64_t first = 0; first < a->queries; first += LANES) {
            query_block b;
            block_begin(a, &b, pair, first, keys, scratch);
            real *dq = g->dq == NULL ? NULL : dq_all + (pair * a->queries + first) * a->depth;
            backward_block(a, g, &b, dq, parts == 1 && g->add_q);
        }
    }
}

void attention_join_parts(const attention *a, const attention_gradient *g)
{
    const int64_t parts = key_parts(a), count = pair_count(a) * a->queries * a->depth;
    for (int64_t i = 0; parts > 1 && g->dq != NULL && i < count; i++) {
        real sum = g->add_q ? g->dq[i] : 0;
        for (int64_t part = 0; part < parts; part++)
            sum += g->parts[part * count + i];
        g->dq[i] = sum;
    }
}
