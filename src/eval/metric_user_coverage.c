#include "eval/metric.h"

static double user_coverage(const exposure *lists, const metric_context *context)
{
    (void)context;
    return (double)lists->users_shown / (double)lists->users;
}

const metric_class metric_user_coverage = {
    .name = "user_coverage",
    .summary = "share of users with a list that is not empty",
    .definition =
        "users with at least one item listed / users evaluated; a user without candidates, or missing from "
        "lists from elsewhere, has none. The same at every cutoff. (Elliot prints the number of users.)",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .beyond = true,
    .of_lists = user_coverage,
};
