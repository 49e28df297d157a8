#include "model/triples.h"

enum { BATCH_DRAWS = 16 };
enum { STREAM_USER = 0x7531, STREAM_POSITIVE, STREAM_NEGATIVE };

static uint64_t stream_of(uint64_t stream, int64_t epoch)
{
    return stream << 40 ^ (uint64_t)epoch;
}

static medley_status number_users(const medley_runtime *rt, triples *t, medley_error *err)
{
    const csr *m = t->observed;
    TRY(mem_alloc(rt, csr_count(m), sizeof *t->user, &t->user, err));
    TRY(mem_alloc(rt, m->rows, sizeof *t->active, &t->active, err));
    for (int64_t u = 0; u < m->rows; u++) {
        for (int64_t at = m->start[u]; at < m->start[u + 1]; at++)
            t->user[at] = (uint32_t)u;
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
    TRY(number_users(rt, out, err));
    const negative_kind kind = p->negatives == NEGATIVE_BATCH ? NEGATIVE_UNIFORM : (negative_kind)p->negatives;
    return negative_sampler_create(rt, out->observed, kind, p->alpha, &out->sampler, err);
}

void triples_release(triples *t)
{
    negative_sampler_free(t->sampler);
    mem_free(t->active);
    mem_free(t->user);
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

/* The pair of a place of the epoch, as its position in t->observed. */
static int64_t pair_at(const triples *t, const batch_place *at, uint64_t place)
{
    const csr *m = t->observed;
    if (t->p.positives == POSITIVES_PAIRS)
        return (int64_t)permuted(at->seed, (uint64_t)at->epoch, place, (uint64_t)csr_count(m));
    const double a = random_uniform(at->seed, stream_of(STREAM_USER, at->epoch), place);
    const double b = random_uniform(at->seed, stream_of(STREAM_POSITIVE, at->epoch), place);
    const uint32_t u = t->active[(int64_t)(a * (double)t->actives)];
    return m->start[u] + (int64_t)(b * (double)csr_row_count(m, u));
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

void triples_fill(const void *context, const batch_place *at, void *batch)
{
    const triples *t = context;
    triple_batch *b = batch;
    uint32_t *user = (uint32_t *)(b + 1);
    const uint64_t stream = stream_of(STREAM_NEGATIVE, at->epoch);
    *b = (triple_batch){at->count, user, user + at->count, user + 2 * at->count};
    for (int64_t i = 0; i < at->count; i++) {
        const int64_t pair = pair_at(t, at, (uint64_t)(at->first + i));
        b->user[i] = t->user[pair];
        b->positive[i] = t->observed->index[pair];
    }
    for (int64_t i = 0; i < at->count; i++) {
        const draw_place place = {at->seed, stream, (uint64_t)(at->first + i)};
        b->negative[i] = t->p.negatives == NEGATIVE_BATCH ? draw_from_batch(t, b, b->user[i], place)
                                                          : negative_sampler_draw(t->sampler, b->user[i], place);
    }
}
