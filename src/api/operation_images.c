#include <medley/store.h>

#include "api/operation.h"
#include "encode/image_folder.h"

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    return image_folder_run(rt, s->values, report, err);
}

const operation_class operation_images = {
    .name = "images",
    .summary = "check a folder of pictures, and make large ones smaller",
    .details =
        "Every file is decoded in full. Pictures go to the folder out under their names; files that are truncated, "
        "corrupt, no pictures, too small or too narrow are left out and listed with the reason in <out>/images.tsv. "
        "What is above compress_if_kb_larger_than, or longer than resize_target_longest_edge, is resized if it is "
        "longer, and written upright as a JPEG of target_quality; it is kept as it was if that is no smaller, or if "
        "another file has its name but for the extension. The input is never touched.",
    .table = image_folder_table,
    .size = sizeof(image_folder_params),
    .run = run,
};

medley_status medley_images(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_images, rt, config, report, err);
}
