#include "eval/metric.h"

static bool holds(const uint32_t *list, int64_t count, uint32_t item)
{
    for (int64_t i = 0; i < count; i++)
        if (list[i] == item)
            return true;
    return false;
}

static double serendipity(const judged *user, int64_t k, const metric_context *context)
{
    const int64_t expected = k < user->primitive_count ? k : user->primitive_count;
    double hits = 0;
    (void)context;
    for (const judged_target *t = user->targets; t < user->targets + user->relevant; t++)
        if (t->size > 0 && t->start < k && !holds(user->primitive, expected, t->item))
            hits += target_chance(t, k);
    return hits / (double)k;
}

const metric_class metric_serendipity = {
    .name = "serendipity",
    .summary = "share of the list that is relevant and not what a primitive recommender lists",
    .definition =
        "items of the first k that are relevant and not among the first k of the primitive recommender for "
        "the same candidates, / k. The primitive recommender lists the items with most training users, ties "
        "by the hash of (seed, user, item). Ge, Delgado-Battenfeld and Jannach, RecSys 2010. Ties of the "
        "judged list: expectation over their random order.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS | METRIC_NEEDS_PRIMITIVE,
    .beyond = true,
    .of_user = serendipity,
};
