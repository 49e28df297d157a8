/* Styles of items, and who likes them. */
#include <math.h>

#include "data/synthetic_state.h"

static const int values_of[STYLES] = {PALETTES, PATTERNS, LIGHTS, MOODS, SETTINGS};

/* Standard deviation of a user's utilities: 2 makes histories about as concentrated as those of MovieLens. */
#define SHARPNESS 2.0
#define KEPT_IN_SERIES 0.75 /* probability that a part of a series has the series' value of a factor */
#define RELEASED_LATE 0.75  /* of the cold items; the others are never */

static double normal(uint64_t seed, uint64_t stream, uint64_t counter)
{
    const double a = random_uniform(seed, stream, 2 * counter), b = random_uniform(seed, stream, 2 * counter + 1);
    return sqrt(-2 * log(1 - a)) * cos(6.283185307179586 * b);
}

void synthetic_looks(const world *w, int64_t item, item_look *out)
{
    const uint64_t seed = (uint64_t)w->p->seed;
    out->genre = synthetic_genre(w, item);
    out->seed = random_bits(seed, STREAM_COVER, (uint64_t)item);
    const uint64_t series = (uint64_t)(out->genre * w->p->items + (item - w->first[out->genre]) / SERIES);
    for (int f = 0; f < STYLES; f++) {
        const uint64_t counter = (uint64_t)item * STYLES + (uint64_t)f;
        const bool kept = random_uniform(seed, STREAM_STYLE, 2 * counter) < KEPT_IN_SERIES;
        const uint64_t bits = kept ? random_bits(seed, STREAM_SERIES_STYLE, series * STYLES + (uint64_t)f)
                                   : random_bits(seed, STREAM_STYLE, 2 * counter + 1);
        out->style[f] = (int)(bits % (uint64_t)values_of[f]);
    }
}

void synthetic_releases(world *w)
{
    const uint64_t seed = (uint64_t)w->p->seed;
    for (int64_t i = 0; i < w->p->items; i++) {
        const double chance = random_uniform(seed, STREAM_RELEASE, 2 * (uint64_t)i);
        const double place = random_uniform(seed, STREAM_RELEASE, 2 * (uint64_t)i + 1);
        w->release[i] = chance >= w->p->cold_items ? 0
                        : chance >= w->p->cold_items * RELEASED_LATE
                            ? INT64_MAX
                            : FIRST_TIME + (int64_t)((0.8 + 0.18 * place) * (double)(LAST_TIME - FIRST_TIME));
    }
}

/* Mean 0 and variance 1 over the values. */
static void standardise(double *x, int64_t count)
{
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < count; i++)
        mean += x[i] / (double)count;
    for (int64_t i = 0; i < count; i++)
        variance += (x[i] - mean) * (x[i] - mean) / (double)count;
    for (int64_t i = 0; i < count; i++)
        x[i] = variance > 0 ? (x[i] - mean) / sqrt(variance) : 0;
}

void synthetic_liking(const world *w, int64_t user, liking *out)
{
    enum { NUMBERS = GENRES_MOST + STYLES * STYLE_VALUES_MOST };
    const uint64_t seed = (uint64_t)w->p->seed;
    uint64_t counter = (uint64_t)user * NUMBERS;
    const int64_t genres = w->p->genres;
    double sum = 0;
    out->best = 0;
    for (int64_t g = 0; g < genres; g++)
        out->genre[g] = normal(seed, STREAM_LIKING, counter + (uint64_t)g);
    counter += GENRES_MOST;
    standardise(out->genre, genres);
    for (int f = 0; f < STYLES; f++, counter += STYLE_VALUES_MOST) {
        double best = -INFINITY;
        for (int v = 0; v < values_of[f]; v++)
            out->style[f][v] = normal(seed, STREAM_LIKING, counter + (uint64_t)v);
        standardise(out->style[f], values_of[f]);
        for (int v = 0; v < values_of[f]; v++)
            best = fmax(best, out->style[f][v]);
        out->best += best;
    }
    for (int64_t g = 0; g < genres; g++)
        out->genre_sums[g] = sum +=
            w->popular[w->first[g + 1] - 1] * exp(SHARPNESS * sqrt(1 - w->p->style) * out->genre[g]);
}

static double style_sum(const world *w, const liking *l, int64_t item)
{
    item_look look;
    double sum = 0;
    synthetic_looks(w, item, &look);
    for (int f = 0; f < STYLES; f++)
        sum += l->style[f][look.style[f]];
    return sum;
}

double synthetic_utility(const world *w, const liking *l, int64_t item)
{
    return sqrt(1 - w->p->style) * l->genre[synthetic_genre(w, item)] +
           sqrt(w->p->style / STYLES) * style_sum(w, l, item);
}

/* By genre and popularity first, then kept with the probability that style leaves it; after many refusals as it comes. */
int64_t synthetic_pick(const world *w, const liking *l, uint64_t stream, uint64_t *counter)
{
    const uint64_t seed = (uint64_t)w->p->seed;
    const double sharpness = SHARPNESS * sqrt(w->p->style / STYLES);
    int64_t item = 0;
    for (int tries = 0; tries < 1000; tries++) {
        const double at = random_uniform(seed, stream, (*counter)++) * l->genre_sums[w->p->genres - 1];
        const int64_t g = synthetic_draw(l->genre_sums, 0, w->p->genres, at);
        const int64_t low = w->first[g], high = w->first[g + 1];
        item = synthetic_draw(w->popular, low, high,
                              random_uniform(seed, stream, (*counter)++) * w->popular[high - 1]);
        if (random_uniform(seed, stream, (*counter)++) < exp(sharpness * (style_sum(w, l, item) - l->best)))
            break;
    }
    return item;
}

bool synthetic_lacks(const world *w, int64_t item, int what)
{
    const double share = what == LACKS_COVER ? w->p->missing_images : w->p->missing_texts;
    return random_uniform((uint64_t)w->p->seed, STREAM_MISSING, 2 * (uint64_t)item + (uint64_t)what) < share;
}
