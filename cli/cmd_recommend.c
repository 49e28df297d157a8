#include "command.h"
#include "list_view.h"

static bool show(const medley_report *report)
{
    return list_view_print(report, "recommendations", "user", "user");
}

const command cmd_recommend = {
    .name = "recommend",
    .operation = medley_recommend,
    .show = show,
    .example = "medley recommend --run run --users 1,2 --top-k 5",
};
