#include "command.h"
#include "list_view.h"

static bool show(const medley_report *report)
{
    return list_view_print(report, "similar", "similar_to", "similar to");
}

const command cmd_similar = {
    .name = "similar",
    .operation = medley_similar,
    .show = show,
    .example = "medley similar --run run --items 1,2 --top-k 5",
};
