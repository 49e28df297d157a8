#include "optim/schedule.h"

#include <math.h>

static double clamped(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static double constant(const schedule_options *o, const schedule_state *s, int64_t step, int64_t epoch)
{
    (void)o, (void)s, (void)step, (void)epoch;
    return 1;
}

static double cosine(const schedule_options *o, const schedule_state *s, int64_t step, int64_t epoch)
{
    (void)s, (void)epoch;
    const double pi = 3.14159265358979323846;
    const int64_t span = o->steps - o->warmup;
    const double done = span > 0 ? clamped((double)(step - o->warmup) / (double)span) : step >= o->warmup;
    return o->floor + (1 - o->floor) * (1 + cos(pi * done)) / 2;
}

static double by_epochs(const schedule_options *o, const schedule_state *s, int64_t step, int64_t epoch)
{
    (void)s, (void)step;
    return o->every > 0 ? pow(o->gamma, (double)(epoch / o->every)) : 1;
}

static double plateau(const schedule_options *o, const schedule_state *s, int64_t step, int64_t epoch)
{
    (void)step, (void)epoch;
    return fmax(pow(o->gamma, (double)s->reductions), o->floor);
}

static double (*const factors[])(const schedule_options *o, const schedule_state *s, int64_t step,
                                 int64_t epoch) = {
    [SCHEDULE_CONSTANT] = constant,
    [SCHEDULE_COSINE] = cosine,
    [SCHEDULE_STEP] = by_epochs,
    [SCHEDULE_PLATEAU] = plateau,
};

double schedule_factor(const schedule_options *o, const schedule_state *s, int64_t step, int64_t epoch)
{
    const double warm = step < o->warmup ? (double)(step + 1) / (double)o->warmup : 1;
    return warm * factors[o->kind](o, s, step, epoch);
}

void schedule_validated(const schedule_options *o, schedule_state *s, double value, bool more_is_better)
{
    if (o->kind != SCHEDULE_PLATEAU)
        return;
    if (s->seen++ == 0)
        s->best = more_is_better ? -HUGE_VAL : HUGE_VAL;
    const bool better =
        more_is_better ? value > s->best * (1 + o->threshold) : value < s->best * (1 - o->threshold);
    if (better)
        s->best = value;
    s->bad = better ? 0 : s->bad + 1;
    if (s->bad > o->patience) { /* as PyTorch: `patience` of them are forgiven */
        s->reductions++;
        s->bad = 0;
    }
}
