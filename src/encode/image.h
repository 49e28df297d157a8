/* Pictures as rows of pixels: decoding and writing, by libvips. */
#ifndef ENCODE_IMAGE_H
#define ENCODE_IMAGE_H

#include "base/base.h"

typedef struct image {
    int64_t width, height;
    uint8_t *pixels;                         /* [height, width, 3] sRGB; mem_alloc'd */
    int64_t original_width, original_height; /* upright, before any shrinking while it was read */
} image;
void image_release(image *m);

/* What is accepted. */
typedef struct image_limits {
    int64_t pixels_most; /* width × height as declared by the header, looked at before anything is decoded */
    int64_t bytes_most;
} image_limits;
extern const image_limits image_limits_default; /* 178 million pixels, as Pillow refuses above; 512 MiB */

/* Decodes the whole of a JPEG, PNG, WebP, GIF (first frame), TIFF or BMP: upright (EXIF), sRGB (CMYK and embedded
 * profiles are converted as Pillow's convert("RGB") does without colour management, 16 bits go to 8, palettes and
 * greys are spread), alpha dropped as there, but transparent pixels of a GIF are black. least > 0: may be shrunk
 * while it is read (JPEG: by 2, 4, 8) as long as the shorter edge stays at least `least`. Safe from several
 * threads at once. Fails with E_FORMAT: empty, unknown format, truncated, corrupt: what is wrong, in words;
 * E_LIMIT: too large; E_NOMEM; E_NOT_FOUND: libvips, which all but JPEG and BMP needs, is not there. */
MEDLEY_MUST_USE medley_status image_decode(const medley_runtime *rt, const void *bytes, size_t length,
                                           int64_t least, const image_limits *limits, image *out,
                                           medley_error *err);

typedef enum image_format { IMAGE_JPEG, IMAGE_PNG, IMAGE_WEBP } image_format;
/* Encodes pixels [height, width, 3] into *bytes (mem_alloc'd). quality 1..100 of JPEG and WebP. The same bytes for
 * the same pixels. */
MEDLEY_MUST_USE medley_status image_encode(const medley_runtime *rt, const uint8_t *pixels, int64_t width,
                                           int64_t height, image_format format, int quality, void **bytes,
                                           size_t *length, medley_error *err);

#endif
