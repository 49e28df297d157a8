#include "encode/image_preparation.h"

#include "base/multiversion.h"
#include "encode/image_resample.h"

enum {
    DETAIL = 2
}; /* decoded at least this many times larger than asked for, so that our filter makes the difference */

/* The value of each of the 256 levels of each colour, rounded where NumPy rounds it. */
typedef struct level_table {
    float value[3][256];
} level_table;

static void fill_levels(const image_preparation *p, level_table *t)
{
    for (int c = 0; c < 3; c++)
        for (int level = 0; level < 256; level++) {
            const float scaled = (float)(p->rescale ? level * p->rescale_factor - p->offset : level);
            t->value[c][level] = p->normalize ? (scaled - (float)p->mean[c]) / (float)p->deviation[c] : scaled;
        }
}

static int64_t half_down(int64_t x)
{
    return (x - (x < 0 && x % 2 != 0)) / 2;
}

/* The size after resizing, and the part of it that is wanted; what lies outside is black. */
static resample_window find_window(const image_preparation *p, const image *m)
{
    const int64_t shorter = m->width < m->height ? m->width : m->height;
    resample_window w = {.width = m->width, .height = m->height};
    if (p->resize && p->shortest_edge > 0) {
        w.width = m->width * p->shortest_edge / shorter;
        w.height = m->height * p->shortest_edge / shorter;
    } else if (p->resize) {
        w.width = p->resize_width;
        w.height = p->resize_height;
    }
    w.left = half_down(w.width - p->width);
    w.top = half_down(w.height - p->height);
    w.columns = p->width;
    w.rows = p->height;
    return w;
}

/* Cuts [*first, *first + *count) to [0, end); returns how far into it that begins. */
static int64_t cut(int64_t *first, int64_t *count, int64_t end)
{
    const int64_t before = *first < 0 ? -*first : 0;
    *first += before;
    *count -= before;
    if (*count > end - *first)
        *count = end - *first;
    return before;
}

medley_status image_prepare_pixels(const medley_runtime *rt, const image_preparation *p, const image *m,
                                   uint8_t *out, medley_error *err)
{
    resample_window w = find_window(p, m);
    const bool resized = w.width != m->width || w.height != m->height;
    uint8_t *made = NULL;
    medley_status status = MEDLEY_OK;
    uint8_t *to = out + 3 * (cut(&w.top, &w.rows, w.height) * p->width + cut(&w.left, &w.columns, w.width));
    const bool whole = w.rows == p->height && w.columns == p->width;
    if (!whole)
        memset(out, 0, (size_t)(3 * p->height * p->width));
    if (resized && whole)
        return image_resample(rt, m, p->filter, &w, out, err);
    if (resized) {
        TRY(mem_alloc(rt, w.rows * w.columns, 3, &made, err));
        TRY_DONE(image_resample(rt, m, p->filter, &w, made, err));
    }
    const uint8_t *from = resized ? made : m->pixels + 3 * (w.top * m->width + w.left);
    const int64_t step = 3 * (resized ? w.columns : m->width);
    for (int64_t y = 0; y < w.rows; y++)
        memcpy(to + 3 * y * p->width, from + y * step, (size_t)(3 * w.columns));
done:
    mem_free(made);
    return status;
}

MULTIVERSION static void look_up_levels(const float *restrict value, const uint8_t *restrict from, int64_t count,
                                        float *restrict out)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = value[from[3 * i]];
}

void image_normalize(const image_preparation *p, const uint8_t *pixels, float *out)
{
    const int64_t plane = p->height * p->width;
    level_table levels;
    fill_levels(p, &levels);
    for (int c = 0; c < 3; c++)
        look_up_levels(levels.value[c], pixels + c, plane, out + (p->bgr ? 2 - c : c) * plane);
}

medley_status image_prepare(const medley_runtime *rt, const image_preparation *p, const image *m, float *out,
                            medley_error *err)
{
    uint8_t *pixels;
    TRY(mem_alloc(rt, p->height * p->width, 3, &pixels, err));
    const medley_status status = image_prepare_pixels(rt, p, m, pixels, err);
    if (status == MEDLEY_OK)
        image_normalize(p, pixels, out);
    mem_free(pixels);
    return status;
}

int64_t image_preparation_least(const image_preparation *p)
{
    const int64_t longer = p->resize_width > p->resize_height ? p->resize_width : p->resize_height;
    return !p->resize ? 0 : DETAIL * (p->shortest_edge > 0 ? p->shortest_edge : longer);
}
