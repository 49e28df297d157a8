/* BMP, which libvips reads by a library of unsafe formats only: 8 bits with a palette, 24 and 32 bits,
 * uncompressed. */
#include "encode/image_decoder.h"

enum { FILE_HEADER = 14, HEADER_LEAST = 40, PALETTE_MOST = 256, PLAIN = 0, BIT_FIELDS = 3 };

typedef struct bmp {
    uint32_t pixels_at, header, bits, compression;
    int64_t width, height;
    bool top_down;
    const uint8_t *palette; /* [256, 4] blue, green, red, 0 */
} bmp;

static uint32_t u32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The masks of blue, green and red are where 32 bits have them anyway. */
static bool usual_masks(const image_source *s)
{
    const uint8_t *masks = s->bytes + FILE_HEADER + HEADER_LEAST;
    return s->length >= FILE_HEADER + HEADER_LEAST + 12 && u32(masks) == 0xff0000 && u32(masks + 4) == 0xff00 &&
           u32(masks + 8) == 0xff;
}

static medley_status read_header(const image_source *s, bmp *b, medley_error *err)
{
    if (s->length < FILE_HEADER + HEADER_LEAST)
        return fail(err, MEDLEY_E_FORMAT, "a truncated BMP");
    const uint8_t *header = s->bytes + FILE_HEADER;
    *b = (bmp){.pixels_at = u32(s->bytes + 10),
               .header = u32(header),
               .width = (int32_t)u32(header + 4),
               .height = (int32_t)u32(header + 8),
               .bits = header[14] | (uint32_t)header[15] << 8,
               .compression = u32(header + 16)};
    b->top_down = b->height < 0;
    b->height = b->top_down ? -b->height : b->height;
    const bool plain = b->compression == PLAIN && (b->bits == 8 || b->bits == 24 || b->bits == 32);
    const bool fields = b->compression == BIT_FIELDS && b->bits == 32 && usual_masks(s);
    if (b->header < HEADER_LEAST || (!plain && !fields))
        return fail(err, MEDLEY_E_FORMAT,
                    "a BMP of %u bits, compression %u: 8, 24 and 32 bits, not compressed, are accepted", b->bits,
                    b->compression);
    return MEDLEY_OK;
}

/* The palette has as many colours as the header says, and stands behind it; 0 says 256. */
static medley_status read_palette(const image_source *s, const bmp *b, uint8_t palette[4 * PALETTE_MOST],
                                  medley_error *err)
{
    const uint32_t said = u32(s->bytes + FILE_HEADER + 32);
    const uint64_t colours = said == 0 || said > PALETTE_MOST ? PALETTE_MOST : said;
    const uint64_t at = (uint64_t)FILE_HEADER + b->header;
    memset(palette, 0, 4 * PALETTE_MOST);
    if (at + 4 * colours > s->length)
        return fail(err, MEDLEY_E_FORMAT, "a truncated BMP");
    memcpy(palette, s->bytes + at, 4 * colours);
    return MEDLEY_OK;
}

static void read_row(const bmp *b, const uint8_t *row, uint8_t *to)
{
    const int64_t step = b->bits / 8;
    for (int64_t x = 0; x < b->width; x++, row += step, to += 3) {
        const uint8_t *bgr = b->palette != NULL ? b->palette + 4 * row[0] : row;
        to[0] = bgr[2];
        to[1] = bgr[1];
        to[2] = bgr[0];
    }
}

medley_status image_read_bmp(const image_source *s, image *out, int *orientation, medley_error *err)
{
    uint8_t palette[4 * PALETTE_MOST];
    bmp b = {0};
    TRY(read_header(s, &b, err));
    TRY(image_declare(s, b.width, b.height, out, err));
    if (b.bits == 8) {
        TRY(read_palette(s, &b, palette, err));
        b.palette = palette;
    }
    const int64_t stride = (b.width * b.bits + 31) / 32 * 4;
    const int64_t needed = b.pixels_at + stride * b.height;
    if ((uint64_t)needed > s->length)
        return fail(err, MEDLEY_E_FORMAT, "a truncated BMP: %llu of %lld bytes", (unsigned long long)s->length,
                    (long long)needed);
    TRY(image_make_room(s, out, err));
    for (int64_t y = 0; y < b.height; y++)
        read_row(&b, s->bytes + b.pixels_at + (b.top_down ? y : b.height - 1 - y) * stride,
                 out->pixels + 3 * b.width * y);
    *orientation = 1;
    return MEDLEY_OK;
}
