/* Checking the pictures of a folder, and making large ones smaller, once, before they are used again and again. */
#ifndef ENCODE_IMAGE_FOLDER_H
#define ENCODE_IMAGE_FOLDER_H

#include "base/report.h"

typedef struct image_folder_params {
    const char *input, *out;
    int64_t compress_if_kb_larger_than, target_quality, resize_target_longest_edge;
    int64_t min_width, min_height;
    double max_aspect;
    bool force;
} image_folder_params;

extern const medley_param image_folder_table[];

/* Decodes every file of `input`, and writes those that are pictures to the folder `out`, as they are or smaller;
 * nothing in `input` is touched. <out>/images.tsv lists what was refused and why. */
MEDLEY_MUST_USE medley_status image_folder_run(const medley_runtime *rt, const image_folder_params *p,
                                               medley_report *report, medley_error *err);

#endif
