#include "command.h"

const command cmd_synth = {
    .name = "synth",
    .operation = medley_synth,
    .example = "medley synth --out raw --users 300 --items 120 --seed 7",
};
