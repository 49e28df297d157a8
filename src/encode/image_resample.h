/* Resampling as Pillow's Image.resize does it, of a window of the result only. */
#ifndef ENCODE_IMAGE_RESAMPLE_H
#define ENCODE_IMAGE_RESAMPLE_H

#include "encode/image_preparation.h"

/* [top, top + rows) × [left, left + columns) of a picture resized to width × height; inside it, and not empty. */
typedef struct resample_window {
    int64_t width, height;
    int64_t left, top, columns, rows;
} resample_window;

/* out [rows, columns, 3]: the same bytes as the window of the whole. Fails with E_NOMEM, E_LIMIT. */
MEDLEY_MUST_USE medley_status image_resample(const medley_runtime *rt, const image *m, resample_filter filter,
                                             const resample_window *w, uint8_t *out, medley_error *err);

#endif
