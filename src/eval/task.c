#include "eval/task.h"

const task_class task_classes[] = {
    {
        .name = "retrieval",
        .summary = "find a user's held-out items among all items",
        .definition =
            "Candidates: all items of the catalogue. Masked: everything known before the target (training, and "
            "validation when the part is test). Relevant: the user's interactions of the part with a rating "
            "of at least relevant_from.",
        .masks_known = true,
    },
    {
        .name = "next_item",
        .summary = "find the very next item of a user's history",
        .definition =
            "Candidates: all items of the catalogue, the history included; mask: known takes it out. Relevant: "
            "the user's first interaction of the part.",
        .first_target = true,
        .needs_order = true,
    },
    {.name = NULL},
};
