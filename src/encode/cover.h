/* Covers of made-up items (data/synthetic.h): palette, pattern and light by the item's style, shapes by its genre, a bar as if
 * of a title; place, size and hue vary, and a grain lies over all. In whole numbers: the same pixels on any machine. */
#ifndef ENCODE_COVER_H
#define ENCODE_COVER_H

#include "data/synthetic.h"

enum { COVER_WIDTH = 120, COVER_HEIGHT = 180 };

/* pixels [COVER_HEIGHT, COVER_WIDTH, 3] sRGB */
void cover_draw(const item_look *look, uint8_t *pixels);

/* The same as a JPEG: a cover_painter. Fails with E_NOMEM, E_IO. */
MEDLEY_MUST_USE medley_status cover_paint(const medley_runtime *rt, const item_look *look, void **bytes,
                                          size_t *length, medley_error *err);

#endif
