#include "command.h"

const command cmd_images = {
    .name = "images",
    .operation = medley_images,
    .example = "medley synth --out shop --users 60 --items 40 --images --seed 7\n"
               "medley images --input shop/posters --out small --compress-if-kb-larger-than 4 --target-quality 70",
};
