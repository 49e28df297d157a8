#include "encode/contact_sheet.h"

#include "encode/image_preparation.h"

enum {
    MARGIN = 12,
    GAP = 4,    /* between cells */
    APART = 16, /* between the first column and the others */
    FRAME = 2,  /* around cells of the first column */
    SIDE_MOST = 65500,
    PAPER = 255,
    EMPTY = 216,
    INK = 64,
};

typedef struct place {
    int64_t x, y, width, height;
} place;

static void fill(image *sheet, place p, int level)
{
    for (int64_t y = p.y; y < p.y + p.height; y++)
        memset(sheet->pixels + 3 * (y * sheet->width + p.x), level, (size_t)(3 * p.width));
}

static place find_cell(int64_t row, int64_t column, int64_t width, int64_t height)
{
    return (place){MARGIN + column * (width + GAP) + (column > 0 ? APART - GAP : 0), MARGIN + row * (height + GAP),
                   width, height};
}

/* The largest place of m's shape in the middle of a cell. */
static place fit(const image *m, place cell)
{
    const bool wide = m->width * cell.height > m->height * cell.width;
    const int64_t width = wide ? cell.width : m->width * cell.height / m->height;
    const int64_t height = wide ? m->height * cell.width / m->width : cell.height;
    const place p = {.width = width > 0 ? width : 1, .height = height > 0 ? height : 1};
    return (place){cell.x + (cell.width - p.width) / 2, cell.y + (cell.height - p.height) / 2, p.width, p.height};
}

static medley_status draw(const medley_runtime *rt, const image *m, place cell, image *sheet, medley_error *err)
{
    uint8_t *pixels;
    if (m == NULL) {
        fill(sheet, cell, EMPTY);
        return MEDLEY_OK;
    }
    const place p = fit(m, cell);
    TRY(mem_alloc(rt, 3 * p.width * p.height, 1, &pixels, err));
    const medley_status status = image_resize(rt, m, RESAMPLE_BICUBIC, p.width, p.height, pixels, err);
    for (int64_t y = 0; y < p.height && status == MEDLEY_OK; y++)
        memcpy(sheet->pixels + 3 * ((p.y + y) * sheet->width + p.x), pixels + 3 * y * p.width,
               (size_t)(3 * p.width));
    mem_free(pixels);
    return status;
}

medley_status contact_sheet(const medley_runtime *rt, const image *const *cells, int64_t rows, int64_t columns,
                            int64_t cell_width, int64_t cell_height, image *out, medley_error *err)
{
    *out = (image){0};
    if (rows < 1 || columns < 1 || cell_width < 1 || cell_height < 1 || rows > SIDE_MOST / cell_height ||
        columns > SIDE_MOST / cell_width)
        return fail(err, MEDLEY_E_LIMIT,
                    "a sheet of %lldx%lld cells of %lldx%lld pixels: at most %d pixels a side", (long long)columns,
                    (long long)rows, (long long)cell_width, (long long)cell_height, SIDE_MOST);
    const place last = find_cell(rows - 1, columns - 1, cell_width, cell_height);
    out->width = out->original_width = last.x + cell_width + MARGIN;
    out->height = out->original_height = last.y + cell_height + MARGIN;
    medley_status status = mem_alloc(rt, out->width * out->height, 3, &out->pixels, err);
    if (status == MEDLEY_OK)
        fill(out, (place){0, 0, out->width, out->height}, PAPER);
    for (int64_t i = 0; i < rows * columns && status == MEDLEY_OK; i++) {
        const place cell = find_cell(i / columns, i % columns, cell_width, cell_height);
        const place frame = {cell.x - FRAME, cell.y - FRAME, cell.width + 2 * FRAME, cell.height + 2 * FRAME};
        if (i % columns == 0) {
            fill(out, frame, INK);
            fill(out, cell, PAPER);
        }
        status = draw(rt, cells[i], cell, out, err);
    }
    if (status != MEDLEY_OK)
        image_release(out);
    return status;
}
