#include "command.h"

const command cmd_experiment = {
    .name = "experiment",
    .operation = medley_experiment,
    .example = "medley experiment --out trial --store store --models popularity,ease --set sweep.trials=4 "
               "--set split.name=main --set split.strategy=leave_one_out",
};
