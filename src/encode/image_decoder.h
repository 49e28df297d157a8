/* What the readers of single formats share with image_decode; a format is a row in image.c. */
#ifndef ENCODE_IMAGE_DECODER_H
#define ENCODE_IMAGE_DECODER_H

#include "encode/image.h"

typedef struct image_source {
    const medley_runtime *rt;
    const uint8_t *bytes;
    size_t length;
    int64_t least;
    const image_limits *limits;
    const struct image_decoder *decoder;
} image_source;

/* Fills *out, as it lies in the file, and says how it is to be turned (EXIF: 1..8). What *out holds after a
 * failure is released by the caller. */
typedef medley_status (*image_read)(const image_source *s, image *out, int *orientation, medley_error *err);

typedef struct image_decoder {
    const char *name;  /* "JPEG" */
    const char *magic; /* what a file begins with; '?' is any byte */
    int magic_length;
    image_read read;
    const char *operation; /* of libvips; NULL: not read by it */
} image_decoder;

medley_status image_read_jpeg(const image_source *s, image *out, int *orientation, medley_error *err);
medley_status image_read_bmp(const image_source *s, image *out, int *orientation, medley_error *err);
medley_status image_read_vips(const image_source *s, image *out, int *orientation, medley_error *err);

/* Looks at what a header declares, before anything is decoded, and keeps it as the original size. */
MEDLEY_MUST_USE medley_status image_declare(const image_source *s, int64_t width, int64_t height, image *out,
                                            medley_error *err);
/* Room for the pixels of out->width × out->height. */
MEDLEY_MUST_USE medley_status image_make_room(const image_source *s, image *out, medley_error *err);

/* The orientation that EXIF says, "II*\0" or "MM\0*" first; 1 when it does not. */
int image_exif_orientation(const uint8_t *exif, size_t length);

/* Inks to light as Pillow does it, without profiles: (255 − K)(255 − C) / 255. cmyk [count, 4], rgb [count, 3]. */
void image_from_inks(const uint8_t *cmyk, int64_t count, uint8_t *rgb);

#endif
