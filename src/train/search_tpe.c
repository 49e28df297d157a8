#include <math.h>

#include "train/search.h"

enum { ROUND = 4, DRAWS_MOST = 16 };

typedef struct tpe_params {
    int64_t startup, draws;
    double gamma;
} tpe_params;

static const medley_param table[] = {
    MEDLEY_INT(tpe_params, startup, "8", 1, 100000, .help = "trials drawn at random before it begins to learn"),
    MEDLEY_REAL(tpe_params, gamma, "0.15", 0.01, 0.99, .help = "share of the trials that counts as good"),
    MEDLEY_INT(tpe_params, draws, "24", 1, 10000,
               .help = "draws from l(x), of which the best l(x) / g(x) is taken"),
    MEDLEY_PARAMS_END,
};

/* What is looked at: one dimension, and which trials make l(x) (good) or g(x) (the others). */
typedef struct parzen {
    const search_state *state;
    const search_dimension *dimension;
    int64_t at;           /* of the dimension */
    const uint8_t *good;  /* [state->count] */
    bool side;            /* that of l */
    double low, high;     /* of the range as it is searched: of the logarithm */
    const double *sorted; /* [count] coordinates of the side, ascending, as searched */
    int64_t count;
} parzen;

static double coordinate(const parzen *p, int64_t trial)
{
    return p->state->points[trial * p->state->space->count + p->at];
}

/* ---- values: p_i proportional to 1 + C_i, C_i the trials of the side that took value i ---- */

static double value_weight(const parzen *p, int64_t value)
{
    double weight = 1;
    for (int64_t t = 0; t < p->state->count; t++)
        weight += (p->good[t] != 0) == p->side && (int64_t)coordinate(p, t) == value;
    return weight;
}

static double value_density(const parzen *p, int64_t value)
{
    return value_weight(p, value) / (double)(p->dimension->count + p->count);
}

static double draw_value(const parzen *l, double u)
{
    double left = u * (double)(l->dimension->count + l->count);
    for (int64_t i = 0; i < l->dimension->count - 1; i++)
        if ((left -= value_weight(l, i)) < 0)
            return (double)i;
    return (double)(l->dimension->count - 1);
}

/* ---- ranges: a mixture of normal distributions cut off at the bounds, one about each trial and a wide one ---- */

typedef struct normal {
    double mean, deviation;
} normal;

/* Component 0 is the prior, as wide as the range; the deviation of a trial's is the distance to the farther of its
 * neighbours, bounded so that few trials do not make needles. */
static normal component(const parzen *p, int64_t which)
{
    const double width = p->high - p->low;
    if (which == 0)
        return (normal){0.5 * (p->low + p->high), width};
    const int64_t i = which - 1;
    const double before = i > 0 ? p->sorted[i - 1] : p->low, after = i + 1 < p->count ? p->sorted[i + 1] : p->high;
    const double far = fmax(p->sorted[i] - before, after - p->sorted[i]);
    const double least = width / fmin(100, 1 + (double)p->count);
    return (normal){p->sorted[i], fmin(width, fmax(least, far))};
}

static double below(double x, normal n)
{
    return 0.5 * erfc((n.mean - x) / (n.deviation * sqrt(2)));
}

static double range_density(const parzen *p, double x)
{
    double sum = 0;
    for (int64_t i = 0; i <= p->count; i++) {
        const normal n = component(p, i);
        const double z = (x - n.mean) / n.deviation;
        sum += exp(-0.5 * z * z) / (n.deviation * (below(p->high, n) - below(p->low, n)));
    }
    return sum / (double)(p->count + 1);
}

/* The x of a cut-off normal distribution below which lies the share u, by bisection: the same bits anywhere. */
static double normal_at(const parzen *p, normal n, double u)
{
    double low = p->low, high = p->high;
    const double first = below(low, n), wanted = first + u * (below(high, n) - first);
    for (int i = 0; i < 60; i++) {
        const double middle = 0.5 * (low + high);
        if (below(middle, n) < wanted)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

static double draw_range(const parzen *l, double which, double u)
{
    return normal_at(l, component(l, (int64_t)(which * (double)(l->count + 1))), u);
}

/* ---- proposing ---- */

static double as_searched(const search_dimension *d, double x)
{
    return d->log ? log(x) : x;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static parzen parzen_of(const search_state *state, int64_t at, const uint8_t *good, bool side, double *room)
{
    const search_dimension *d = &state->space->dimensions[at];
    parzen p = {.state = state, .dimension = d, .at = at, .good = good, .side = side, .sorted = room};
    for (int64_t t = 0; t < state->count; t++)
        if ((good[t] != 0) == side)
            room[p.count++] = d->count > 0 ? coordinate(&p, t) : as_searched(d, coordinate(&p, t));
    if (d->count == 0) {
        p.low = as_searched(d, d->low);
        p.high = as_searched(d, d->high);
        qsort(room, (size_t)p.count, sizeof *room, ascending);
    }
    return p;
}

/* Of `candidates` draws from l the one with the largest l / g: what improves most is expected there. */
static double best_candidate(const parzen *l, const parzen *g, int64_t candidates, uint64_t first)
{
    const search_state *s = l->state;
    double best = 0, best_ratio = -1;
    for (int64_t c = 0; c < candidates; c++) {
        const double u = random_uniform(s->seed, (uint64_t)s->count, first + 2 * (uint64_t)c);
        const double v = random_uniform(s->seed, (uint64_t)s->count, first + 2 * (uint64_t)c + 1);
        const bool values = l->dimension->count > 0;
        const double x = values ? draw_value(l, u) : draw_range(l, u, v);
        const double ratio = values ? value_density(l, (int64_t)x) / value_density(g, (int64_t)x)
                                    : range_density(l, x) / range_density(g, x);
        if (ratio > best_ratio) {
            best = values ? x : search_dimension_round(l->dimension, l->dimension->log ? exp(x) : x);
            best_ratio = ratio;
        }
    }
    return best;
}

/* The ceil(gamma n) trials of the smallest losses; the earlier of equal ones. Failed trials, and those of this round
 * whose loss nobody knows yet, are never good, so that a round does not propose the same place again and again. */
static int64_t mark_good(const search_state *s, double gamma, uint8_t *good)
{
    int64_t finite = 0, marked = 0;
    for (int64_t t = 0; t < s->count; t++)
        finite += isfinite(s->losses[t]) != 0;
    for (const int64_t wanted = (int64_t)ceil(gamma * (double)finite); marked < wanted; marked++) {
        int64_t least = -1;
        for (int64_t t = 0; t < s->count; t++)
            if (!good[t] && isfinite(s->losses[t]) && (least < 0 || s->losses[t] < s->losses[least]))
                least = t;
        good[least] = 1;
    }
    return marked;
}

static medley_status propose(const medley_runtime *rt, const void *params, const search_state *s, double *point,
                             bool *found, medley_error *err)
{
    const tpe_params *p = params;
    uint8_t *good = NULL;
    double *room = NULL;
    medley_status status = MEDLEY_OK;
    *found = false;
    TRY_DONE(mem_alloc_zero(rt, s->count, 1, &good, err));
    TRY_DONE(mem_alloc(rt, 2 * s->count, sizeof *room, &room, err));
    const bool learns = s->count >= p->startup && mark_good(s, p->gamma, good) > 0;
    for (uint64_t draw = 0; learns && draw < DRAWS_MOST && !*found; draw++) {
        for (int64_t i = 0; i < s->space->count; i++) {
            const parzen l = parzen_of(s, i, good, true, room), g = parzen_of(s, i, good, false, room + s->count);
            const uint64_t first = ((draw * SEARCH_DIMENSIONS_MOST + (uint64_t)i) << 20) | (uint64_t)1 << 40;
            point[i] = best_candidate(&l, &g, p->draws, first);
        }
        *found = !search_proposed(s, point);
    }
    if (!*found)
        *found = search_draw_new(s, 0, point);
done:
    mem_free(room);
    mem_free(good);
    return status;
}

const search_class search_tpe = {
    .name = "tpe",
    .summary = "tree-structured Parzen estimator: draws where good trials were and others were not",
    .details =
        "J. Bergstra, R. Bardenet, Y. Bengio and B. Kegl, Algorithms for Hyper-Parameter Optimization, NIPS 2011. The "
        "best gamma of the trials make l(x), the others g(x); of the candidates drawn from l(x) the one with the "
        "largest l(x) / g(x) is tried, each parameter by itself. Values: proportional to 1 + how often they were "
        "taken. Ranges: normal distributions about the trials, as wide as the farther neighbour is away, and one as "
        "wide as the range. Differences: whole numbers are drawn as numbers of the range and rounded; 4 trials are "
        "proposed at a time, whatever the threads, and those not judged yet count as not good.",
    .params = table,
    .params_size = sizeof(tpe_params),
    .round = ROUND,
    .propose = propose,
};
