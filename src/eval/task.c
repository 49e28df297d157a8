#include "eval/task.h"

#define MASKED                                                                                                    \
    "Masked: everything known before the target (training, and validation when the part is test). Relevant: the " \
    "user's interactions of the part with a rating of at least relevant_from"

const task_class task_classes[] = {
    {
        .name = "retrieval",
        .summary = "find a user's held-out items among all items",
        .definition = "Candidates: all items of the catalogue. " MASKED ".",
        .masks_known = true,
    },
    {
        .name = "ranking",
        .summary = "order all items, known ones included",
        .definition = "Candidates: all items of the catalogue; nothing is masked, unless mask: known says so. "
                      "Relevant: the user's interactions of the part with a rating of at least relevant_from.",
    },
    {
        .name = "next_item",
        .summary = "find the very next item of a user's history",
        .definition =
            "Candidates: all items of the catalogue, the history included; mask: known takes it out. With "
            "candidates: uniform:N or popular:N the target and N others that the user does not know, drawn "
            "once by (seed, user), without repeats, uniformly or in proportion to training users: such "
            "values are marked sampled and compare with no others. Relevant: the user's first interaction of "
            "the part.",
        .first_target = true,
        .needs_order = true,
        .samples = true,
    },
    {
        .name = "cold_user",
        .summary = "retrieval for users with few or no training interactions",
        .definition = "Users: those with at most cold_threshold training interactions; what a split keeps of "
                      "held-out users is known and folded in. Candidates: all items of the catalogue. " MASKED ".",
        .masks_known = true,
        .cold_users = true,
    },
    {
        .name = "cold_item",
        .summary = "find held-out items that nobody had in training",
        .definition =
            "Candidates: the items without a training user (cold_items: alone), or all items of the catalogue "
            "(cold_items: mixed). " MASKED ", if nobody had it in training.",
        .masks_known = true,
        .cold_items = true,
    },
    {
        .name = "beyond_accuracy",
        .summary = "retrieval, with every metric of what the lists look like",
        .definition =
            "Candidates: all items of the catalogue. " MASKED ". Metrics: all means those beyond accuracy too, "
            "as far as space and attribute allow.",
        .masks_known = true,
        .beyond = true,
    },
    {
        .name = "rating",
        .summary = "predict the ratings of held-out pairs",
        .definition =
            "Pairs: the distinct (user, item) of the part, each with its latest rating; nothing is ranked or "
            "masked. For models whose scores are on the scale of ratings; clip keeps predictions within the "
            "smallest and largest rating of training.",
        .pairs = true,
    },
    {.name = NULL},
};
