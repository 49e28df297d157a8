#include "data/negative_sampler.h"

#include <math.h>

#include "base/multiversion.h"

/* BITMAP_MOST: one bit for each user and item up to so many bytes; beyond, the user's row is searched. */
enum { ATTEMPTS = 1000, BITMAP_MOST = 1 << 26, FEISTEL_BLOCK = 32 };

/* Walker's table: a column drawn evenly is `item` with probability `keep`, else `alias`. */
typedef struct alias_column {
    float keep;
    uint32_t alias;
} alias_column;

struct negative_sampler {
    const csr *observed;
    uint64_t *bitmap; /* [users, words], or NULL */
    int64_t words;
    alias_column *table; /* [items], or NULL: uniform */
    float *log_q;        /* [items] */
};

/* ---- creation ---- */

static void mark_observed(negative_sampler *s)
{
    const csr *const x = s->observed;
    for (int64_t user = 0; user < x->rows; user++)
        for (int64_t at = x->start[user]; at < x->start[user + 1]; at++)
            s->bitmap[user * s->words + x->index[at] / 64] |= (uint64_t)1 << x->index[at] % 64;
}

/* count_i^alpha, 0 of items nobody had; returns their sum. */
static double weigh(const csr *x, double alpha, double *weight)
{
    double sum = 0;
    for (int64_t at = 0; at < csr_count(x); at++)
        weight[x->index[at]]++;
    for (int64_t i = 0; i < x->columns; i++) {
        weight[i] = weight[i] > 0 ? pow(weight[i], alpha) : 0;
        sum += weight[i];
    }
    return sum;
}

/* Vose 1991: a column that has less than its share is filled up by one that has more. weight [items] is consumed;
 * stack [items]. */
static void fill_table(int64_t items, double *weight, double sum, uint32_t *stack, alias_column *table)
{
    int64_t small = 0, large = items; /* two stacks that grow towards each other */
    for (int64_t i = 0; i < items; i++) {
        weight[i] *= (double)items / sum;
        stack[weight[i] < 1 ? small++ : --large] = (uint32_t)i;
    }
    while (small > 0 && large < items) {
        const uint32_t low = stack[--small], high = stack[large];
        table[low] = (alias_column){(float)weight[low], high};
        weight[high] -= 1 - weight[low];
        if (weight[high] < 1) {
            large++;
            stack[small++] = high;
        }
    }
    for (; large < items; large++) /* full, but for rounding, as are the small ones that are left */
        stack[small++] = stack[large];
    for (int64_t i = 0; i < small; i++)
        table[stack[i]] = (alias_column){1, stack[i]};
}

static medley_status make_table(const medley_runtime *rt, negative_sampler *s, double alpha, medley_error *err)
{
    const int64_t items = s->observed->columns;
    double *weight = NULL;
    uint32_t *stack = NULL;
    medley_status status;
    TRY_DONE(mem_alloc_zero(rt, items, sizeof *weight, &weight, err));
    TRY_DONE(mem_alloc(rt, items, sizeof *stack, &stack, err));
    TRY_DONE(mem_alloc(rt, items, sizeof *s->table, &s->table, err));
    const double sum = weigh(s->observed, alpha, weight);
    for (int64_t i = 0; i < items; i++)
        s->log_q[i] = (float)log(weight[i] / sum);
    fill_table(items, weight, sum, stack, s->table);
done:
    mem_free(weight);
    mem_free(stack);
    return status;
}

static medley_status prepare(const medley_runtime *rt, negative_sampler *s, negative_kind kind, double alpha,
                             medley_error *err)
{
    const csr *const x = s->observed;
    const int64_t bytes = mem_bytes(x->rows, (size_t)s->words * sizeof *s->bitmap);
    if (bytes >= 0 && bytes <= BITMAP_MOST) {
        TRY(mem_alloc_zero(rt, x->rows * s->words, sizeof *s->bitmap, &s->bitmap, err));
        mark_observed(s);
    }
    TRY(mem_alloc(rt, x->columns, sizeof *s->log_q, &s->log_q, err));
    if (kind == NEGATIVE_POPULARITY && csr_count(x) > 0) /* nobody had anything: all alike */
        return make_table(rt, s, alpha, err);
    for (int64_t i = 0; i < x->columns; i++)
        s->log_q[i] = (float)-log((double)x->columns);
    return MEDLEY_OK;
}

medley_status negative_sampler_create(const medley_runtime *rt, const csr *observed, negative_kind kind,
                                      double alpha, negative_sampler **out, medley_error *err)
{
    *out = NULL;
    negative_sampler *s;
    TRY(mem_alloc_zero(rt, 1, sizeof *s, &s, err));
    s->observed = observed;
    s->words = (observed->columns + 63) / 64;
    const medley_status status = prepare(rt, s, kind, alpha, err);
    if (status != MEDLEY_OK)
        negative_sampler_free(s);
    else
        *out = s;
    return status;
}

void negative_sampler_free(negative_sampler *s)
{
    if (s == NULL)
        return;
    mem_free(s->bitmap);
    mem_free(s->table);
    mem_free(s->log_q);
    mem_free(s);
}

const float *negative_sampler_log_q(const negative_sampler *s)
{
    return s->log_q;
}

/* ---- drawing ---- */

/* One random number chooses the column, and what is left of it between the column's two items. */
static uint32_t item_of(const negative_sampler *s, uint64_t bits)
{
    const double x = (double)(bits >> 11) * 0x1p-53 * (double)s->observed->columns;
    const uint32_t column = (uint32_t)x;
    if (s->table == NULL)
        return column;
    const alias_column c = s->table[column];
    return x - (double)column < (double)c.keep ? column : c.alias;
}

/* Whether a user has had an item. */
static bool has(const negative_sampler *s, uint32_t user, uint32_t item)
{
    if (s->bitmap != NULL)
        return s->bitmap[user * s->words + item / 64] >> item % 64 & 1;
    const csr *const x = s->observed;
    const uint32_t *row = x->index + x->start[user];
    int64_t count = csr_row_count(x, user);
    while (count > 1) { /* without branches that cannot be foretold */
        const int64_t half = count / 2;
        row += row[half] <= item ? half : 0;
        count -= half;
    }
    return count == 1 && *row == item;
}

uint32_t negative_sampler_any(const negative_sampler *s, draw_place at)
{
    return item_of(s, random_bits(at.seed, at.stream, at.counter));
}

uint32_t negative_sampler_draw(const negative_sampler *s, uint32_t user, draw_place at)
{
    const uint64_t first = random_bits(at.seed, at.stream, at.counter);
    uint32_t item = item_of(s, first);
    for (uint64_t i = 1; i < ATTEMPTS && has(s, user, item); i++)
        item = item_of(s, random_bits(at.seed, first, i));
    return item;
}

/* Draws first, questions then: so many lines of the bitmap are on their way at the same time. */
void negative_sampler_draw_all(const negative_sampler *s, const uint32_t *user, draw_place first, int64_t count,
                               uint32_t *out)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = item_of(s, random_bits(first.seed, first.stream, first.counter + (uint64_t)i));
    for (int64_t i = 0; i < count; i++)
        if (has(s, user[i], out[i]))
            out[i] = negative_sampler_draw(s, user[i],
                                           (draw_place){first.seed, first.stream, first.counter + (uint64_t)i});
}

/* ---- permutation ---- */

/* A Feistel network over 0 .. 4^bits - 1. */
typedef struct feistel {
    uint64_t key, count;
    int bits; /* of each half */
} feistel;

static feistel feistel_of(uint64_t seed, uint64_t epoch, uint64_t count)
{
    feistel f = {random_bits(seed, epoch, count), count, 1};
    while (f.bits < 32 && count > (uint64_t)1 << 2 * f.bits)
        f.bits++;
    return f;
}

static inline uint64_t feistel_once(const feistel *f, uint64_t place)
{
    const int bits = f->bits;
    const uint64_t mask = ((uint64_t)1 << bits) - 1;
    const uint64_t rounds = 4 + 24 / (uint64_t)bits; /* short halves mix slowly */
    uint64_t left = place >> bits, right = place & mask;
    for (uint64_t round = 1; round <= rounds; round++) {
        const uint64_t next = left ^ (mix64(f->key + (round << 32 | right)) >> 32 & mask);
        left = right;
        right = next;
    }
    return left << bits | right;
}

/* On from a place outside. */
static uint64_t feistel_walk(const feistel *f, uint64_t place)
{
    while (place >= f->count)
        place = feistel_once(f, place);
    return place;
}

uint64_t permuted(uint64_t seed, uint64_t epoch, uint64_t place, uint64_t count)
{
    assert(place < count);
    const feistel f = feistel_of(seed, epoch, count);
    return feistel_walk(&f, feistel_once(&f, place));
}

/* Round by round for a block: that can be vectorised. */
MULTIVERSION static void feistel_block(const feistel *f, uint64_t first, uint64_t out[FEISTEL_BLOCK])
{
    const int bits = f->bits;
    const uint64_t mask = ((uint64_t)1 << bits) - 1;
    const uint64_t rounds = 4 + 24 / (uint64_t)bits;
    uint64_t left[FEISTEL_BLOCK], right[FEISTEL_BLOCK];
    for (uint64_t i = 0; i < FEISTEL_BLOCK; i++) {
        left[i] = (first + i) >> bits;
        right[i] = (first + i) & mask;
    }
    for (uint64_t round = 1; round <= rounds; round++) {
        const uint64_t key = f->key + (round << 32);
        for (int i = 0; i < FEISTEL_BLOCK; i++) {
            const uint64_t next = left[i] ^ (mix64(key + right[i]) >> 32 & mask);
            left[i] = right[i];
            right[i] = next;
        }
    }
    for (int i = 0; i < FEISTEL_BLOCK; i++)
        out[i] = left[i] << bits | right[i];
}

void permuted_all(uint64_t seed, uint64_t epoch, uint64_t first, int64_t places, uint64_t count, uint32_t *out)
{
    assert(first + (uint64_t)places <= count && count <= UINT32_MAX);
    const feistel f = feistel_of(seed, epoch, count);
    uint64_t block[FEISTEL_BLOCK];
    for (int64_t i = 0; i < places; i += FEISTEL_BLOCK) {
        feistel_block(&f, first + (uint64_t)i, block);
        for (int64_t k = 0; k < FEISTEL_BLOCK && i + k < places; k++)
            out[i + k] = (uint32_t)feistel_walk(&f, block[k]);
    }
}
