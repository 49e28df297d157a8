#include "model/triples.h"

enum { BATCH_DRAWS = 16 };
enum { DIGIT_LEAST = 8, DIGIT_MOST = 11, FEW_PAIRS = 1024 }; /* bits of a digit; few pairs: few counters */
enum { STREAM_USER = 0x7531, STREAM_POSITIVE, STREAM_NEGATIVE };

static uint64_t stream_of(uint64_t stream, int64_t epoch)
{
    return stream << 40 ^ (uint64_t)epoch;
}

static medley_status list_pairs(const medley_runtime *rt, triples *t, medley_error *err)
{
    const csr *m = t->observed;
    TRY(mem_alloc(rt, csr_count(m), sizeof *t->pair, &t->pair, err));
    TRY(mem_alloc(rt, m->rows, sizeof *t->active, &t->active, err));
    for (int64_t u = 0; u < m->rows; u++) {
        for (int64_t at = m->start[u]; at < m->start[u + 1]; at++)
            t->pair[at] = (triple_pair){(uint32_t)u, m->index[at]};
        if (csr_row_count(m, u) > 0)
            t->active[t->actives++] = (uint32_t)u;
    }
    return MEDLEY_OK;
}

static bool has_negatives(const csr *m)
{
    for (int64_t u = 0; u < m->rows; u++)
        if (csr_row_count(m, u) > 0 && csr_row_count(m, u) < m->columns)
            return true;
    return false;
}

medley_status triples_init(const medley_runtime *rt, const triples_params *p, const training *data, triples *out,
                           medley_error *err)
{
    *out = (triples){.p = *p, .observed = &data->matrix};
    if (!has_negatives(out->observed))
        return fail(err, MEDLEY_E_CONFIG, "no user has an item left to draw as a negative");
    if (csr_count(out->observed) > (int64_t)UINT32_MAX)
        return fail(err, MEDLEY_E_LIMIT, "triples of %lld interactions, the most is %lld",
                    (long long)csr_count(out->observed), (long long)UINT32_MAX);
    TRY(list_pairs(rt, out, err));
    const negative_kind kind = p->negatives == NEGATIVE_BATCH ? NEGATIVE_UNIFORM : (negative_kind)p->negatives;
    return negative_sampler_create(rt, out->observed, kind, p->alpha, &out->sampler, err);
}

void triples_release(triples *t)
{
    negative_sampler_free(t->sampler);
    mem_free(t->active);
    mem_free(t->pair);
}

int64_t triples_examples(const void *context)
{
    const triples *t = context;
    return csr_count(t->observed);
}

int64_t triples_batch_bytes(const void *context, int64_t count)
{
    (void)context;
    return (int64_t)sizeof(triple_batch) + 3 * count * (int64_t)sizeof(uint32_t);
}

/* A pair drawn for a place of the epoch: a user, then one of theirs. */
static uint32_t pair_of_user(const triples *t, const batch_place *at, uint64_t place)
{
    const csr *m = t->observed;
    const double a = random_uniform(at->seed, stream_of(STREAM_USER, at->epoch), place);
    const double b = random_uniform(at->seed, stream_of(STREAM_POSITIVE, at->epoch), place);
    const uint32_t u = t->active[(int64_t)(a * (double)t->actives)];
    return (uint32_t)(m->start[u] + (int64_t)(b * (double)csr_row_count(m, u)));
}

static bool has_had(const csr *m, uint32_t user, uint32_t item)
{
    int64_t low = m->start[user], high = m->start[user + 1];
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (m->index[middle] < item)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->start[user + 1] && m->index[low] == item;
}

/* A positive of the batch that the user has not had; when a few draws find none, one of all items. */
static uint32_t draw_from_batch(const triples *t, const triple_batch *b, uint32_t user, draw_place at)
{
    for (uint64_t i = 0; i < BATCH_DRAWS; i++) {
        const double r = random_uniform(at.seed, at.stream, at.counter * BATCH_DRAWS + i);
        const uint32_t item = b->positive[(int64_t)(r * (double)b->count)];
        if (!has_had(t->observed, user, item))
            return item;
    }
    return negative_sampler_draw(t->sampler, user, at);
}

/* One pass of a sort, least significant digit first. */
static void sort_by_digit(const uint32_t *pair, int64_t count, int shift, int bits, uint32_t *out)
{
    uint32_t to[1 << DIGIT_MOST] = {0};
    const uint32_t mask = (UINT32_C(1) << bits) - 1;
    uint32_t sum = 0;
    for (int64_t i = 0; i < count; i++)
        to[pair[i] >> shift & mask]++;
    for (uint32_t digit = 0; digit <= mask; digit++) {
        const uint32_t those = to[digit];
        to[digit] = sum;
        sum += those;
    }
    for (int64_t i = 0; i < count; i++)
        out[to[pair[i] >> shift & mask]++] = pair[i];
}

/* The batch's pairs, as positions in t->observed, ascending: a user's triples stand together, so what is read of the user is still near, here and in
 * every step of the model. In b->user or b->positive, the other is used up. */
static uint32_t *draw_pairs(const triples *t, const batch_place *at, triple_batch *b)
{
    const int64_t pairs = csr_count(t->observed);
    const int bits = b->count < FEW_PAIRS ? DIGIT_LEAST : DIGIT_MOST;
    uint32_t *pair = b->user, *other = b->positive;
    if (t->p.positives == POSITIVES_PAIRS)
        permuted_all(at->seed, (uint64_t)at->epoch, (uint64_t)at->first, b->count, (uint64_t)pairs, pair);
    else
        for (int64_t i = 0; i < b->count; i++)
            pair[i] = pair_of_user(t, at, (uint64_t)(at->first + i));
    for (int shift = 0; (pairs - 1) >> shift > 0; shift += bits) {
        sort_by_digit(pair, b->count, shift, bits, other);
        uint32_t *const sorted = other;
        other = pair;
        pair = sorted;
    }
    return pair;
}

void triples_fill(const void *context, const batch_place *at, void *batch)
{
    const triples *t = context;
    triple_batch *b = batch;
    uint32_t *user = (uint32_t *)(b + 1);
    *b = (triple_batch){at->count, user, user + at->count, user + 2 * at->count};
    const uint32_t *const pairs = draw_pairs(t, at, b);
    for (int64_t i = 0; i < at->count; i++) {
        const triple_pair pair = t->pair[pairs[i]];
        b->user[i] = pair.user;
        b->positive[i] = pair.item;
    }
    const draw_place first = {at->seed, stream_of(STREAM_NEGATIVE, at->epoch), (uint64_t)at->first};
    if (t->p.negatives != NEGATIVE_BATCH)
        negative_sampler_draw_all(t->sampler, b->user, first, at->count, b->negative);
    else
        for (int64_t i = 0; i < at->count; i++)
            b->negative[i] = draw_from_batch(t, b, b->user[i],
                                             (draw_place){first.seed, first.stream, first.counter + (uint64_t)i});
}
