/* From a picture to the numbers an encoder takes, as its preprocessor_config.json says (Hugging Face image
 * processors): resize, centre crop, rescale, normalise, planes. Resizing is Pillow's: a filter stretched by the
 * scale (antialiasing), rounded to 8 bits after each of its two passes. */
#ifndef ENCODE_IMAGE_PREPARATION_H
#define ENCODE_IMAGE_PREPARATION_H

#include "encode/image.h"

typedef enum resample_filter {
    RESAMPLE_NEAREST = 0,
    RESAMPLE_LANCZOS = 1,
    RESAMPLE_BILINEAR = 2,
    RESAMPLE_BICUBIC = 3
} resample_filter;

typedef struct image_preparation {
    bool resize, crop, rescale, normalize;
    int64_t shortest_edge; /* > 0: aspect kept; else exactly resize_height × resize_width */
    int64_t resize_height, resize_width;
    int64_t crop_height, crop_width;
    resample_filter filter;
    double rescale_factor; /* 1/255 */
    double offset;         /* taken after rescaling (rgb / 127.5 − 1: factor 1/127.5, offset 1) */
    double mean[3], deviation[3];
    bool bgr;
    int64_t height, width; /* of what comes out */
} image_preparation;

/* `path`: a preprocessor_config.json of CLIP, SigLIP, ViT, DINO, DINOv2 (BitImageProcessor), ConvNeXT (crop_pct),
 * ResNet, MobileNetV2 …; E_FORMAT names the key, its value and what is accepted. */
MEDLEY_MUST_USE medley_status image_preparation_read(const medley_runtime *rt, const char *path,
                                                     image_preparation *out, medley_error *err);
/* Resizes and crops: out [height, width, 3], black where the picture does not reach. Fails with E_NOMEM, E_LIMIT. */
MEDLEY_MUST_USE medley_status image_prepare_pixels(const medley_runtime *rt, const image_preparation *p,
                                                   const image *m, uint8_t *out, medley_error *err);
/* The rest of it: pixels as above, out [3, height, width]. */
void image_normalize(const image_preparation *p, const uint8_t *pixels, float *out);
/* Both. Fails with E_NOMEM, E_LIMIT. */
MEDLEY_MUST_USE medley_status image_prepare(const medley_runtime *rt, const image_preparation *p, const image *m,
                                            float *out, medley_error *err);
/* The shorter edge below which decoding must not shrink, so that what comes out is as good: for image_decode's
 * `least`. */
int64_t image_preparation_least(const image_preparation *p);

/* Pillow's Image.resize: out [height, width, 3]. */
MEDLEY_MUST_USE medley_status image_resize(const medley_runtime *rt, const image *m, resample_filter filter,
                                           int64_t width, int64_t height, uint8_t *out, medley_error *err);

#endif
