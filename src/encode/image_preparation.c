#include "encode/image_preparation.h"

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

/* pixels: the window's first, in rows that are `step` bytes apart. */
static void put_planes(const image_preparation *p, const level_table *t, const resample_window *w,
                       const uint8_t *pixels, int64_t step, float *out)
{
    for (int c = 0; c < 3; c++) {
        const float *value = t->value[c];
        float *to = out + (p->bgr ? 2 - c : c) * p->height * p->width;
        for (int64_t y = 0; y < w->rows; y++, to += p->width) {
            const uint8_t *from = pixels + y * step + c;
            for (int64_t x = 0; x < w->columns; x++)
                to[x] = value[from[3 * x]];
        }
    }
}

static void fill_black(const image_preparation *p, const level_table *t, float *out)
{
    for (int c = 0; c < 3; c++)
        for (int64_t i = 0; i < p->height * p->width; i++)
            out[(p->bgr ? 2 - c : c) * p->height * p->width + i] = t->value[c][0];
}

medley_status image_prepare(const medley_runtime *rt, const image_preparation *p, const image *m, float *out,
                            medley_error *err)
{
    resample_window w = find_window(p, m);
    level_table levels;
    uint8_t *pixels;
    medley_status status;
    fill_levels(p, &levels);
    float *first = out + cut(&w.top, &w.rows, w.height) * p->width + cut(&w.left, &w.columns, w.width);
    if (w.rows < p->height || w.columns < p->width)
        fill_black(p, &levels, out);
    if (w.width == m->width && w.height == m->height) {
        put_planes(p, &levels, &w, m->pixels + 3 * (w.top * m->width + w.left), 3 * m->width, first);
        return MEDLEY_OK;
    }
    TRY(mem_alloc(rt, w.rows * w.columns, 3, &pixels, err));
    TRY_DONE(image_resample(rt, m, p->filter, &w, pixels, err));
    put_planes(p, &levels, &w, pixels, 3 * w.columns, first);
done:
    mem_free(pixels);
    return status;
}

int64_t image_preparation_least(const image_preparation *p)
{
    const int64_t longer = p->resize_width > p->resize_height ? p->resize_width : p->resize_height;
    return !p->resize ? 0 : DETAIL * (p->shortest_edge > 0 ? p->shortest_edge : longer);
}
