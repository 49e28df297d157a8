#include "encode/image_decoder.h"

#include "encode/image.h"

const image_limits image_limits_default = {.pixels_most = 178956970, .bytes_most = INT64_C(512) << 20};

static const image_decoder decoders[] = {
    {"JPEG", "\xff\xd8\xff", 3, image_read_jpeg, NULL},
    {"PNG", "\x89PNG\r\n\x1a\n", 8, image_read_vips, "pngload_buffer"},
    {"WebP", "RIFF????WEBP", 12, image_read_vips, "webpload_buffer"},
    {"GIF", "GIF8?a", 6, image_read_vips, "gifload_buffer"},
    {"TIFF", "II*\0", 4, image_read_vips, "tiffload_buffer"},
    {"TIFF", "MM\0*", 4, image_read_vips, "tiffload_buffer"},
    {"BMP", "BM", 2, image_read_bmp, NULL},
};
enum { DECODERS = sizeof decoders / sizeof *decoders };

void image_release(image *m)
{
    mem_free(m->pixels);
    *m = (image){0};
}

/* ---- what the readers use ---- */

medley_status image_declare(const image_source *s, int64_t width, int64_t height, image *out, medley_error *err)
{
    if (width <= 0 || height <= 0)
        return fail(err, MEDLEY_E_FORMAT, "%s of %lldx%lld pixels", s->decoder->name, (long long)width,
                    (long long)height);
    if (width > s->limits->pixels_most / height)
        return fail(err, MEDLEY_E_LIMIT, "%s of %lldx%lld pixels: at most %lld are accepted", s->decoder->name,
                    (long long)width, (long long)height, (long long)s->limits->pixels_most);
    out->width = out->original_width = width;
    out->height = out->original_height = height;
    return MEDLEY_OK;
}

medley_status image_make_room(const image_source *s, image *out, medley_error *err)
{
    return mem_alloc(s->rt, 3 * out->width * out->height, 1, &out->pixels, err);
}

static uint32_t number_at(const uint8_t *bytes, int length, bool big)
{
    uint32_t value = 0;
    for (int i = 0; i < length; i++)
        value = value << 8 | bytes[big ? i : length - 1 - i];
    return value;
}

int image_exif_orientation(const uint8_t *exif, size_t length)
{
    enum { ORIENTATION = 0x0112, SHORT = 3, ENTRY = 12 };
    if (length < 8 || (memcmp(exif, "II*\0", 4) != 0 && memcmp(exif, "MM\0*", 4) != 0))
        return 1;
    const bool big = exif[0] == 'M';
    size_t at = number_at(exif + 4, 4, big);
    if (at > length || length - at < 2)
        return 1;
    const uint32_t entries = number_at(exif + at, 2, big);
    at += 2;
    for (uint32_t i = 0; i < entries && length - at >= ENTRY; i++, at += ENTRY) {
        const uint32_t value = number_at(exif + at + 8, 2, big);
        if (number_at(exif + at, 2, big) == ORIENTATION && number_at(exif + at + 2, 2, big) == SHORT)
            return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

void image_from_inks(const uint8_t *cmyk, int64_t count, uint8_t *rgb)
{
    for (int64_t i = 0; i < count; i++, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; c++) {
            const int white = 255 - cmyk[3], product = cmyk[c] * white + 128;
            const int light = white - ((product + (product >> 8)) >> 8); /* product / 255, rounded */
            rgb[c] = (uint8_t)(light > 0 ? light : 0);
        }
}

/* ---- turning ---- */

/* Orientations 5..8 swap the axes; then one or both are run through backwards. */
static medley_status turn(const medley_runtime *rt, image *m, int orientation, medley_error *err)
{
    const bool swap = orientation >= 5;
    const bool back_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool back_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const int64_t W = m->width, H = m->height;
    image t = *m;
    if (orientation == 1)
        return MEDLEY_OK;
    TRY(mem_alloc(rt, 3 * W * H, 1, &t.pixels, err));
    if (swap)
        t = (image){H, W, t.pixels, m->original_height, m->original_width};
    const int64_t along = (swap ? W : 1) * (((swap ? back_y : back_x)) ? -3 : 3);
    uint8_t *to = t.pixels;
    for (int64_t y = 0; y < t.height; y++) {
        const int64_t start_x = swap ? y : 0, start_y = swap ? 0 : y;
        const uint8_t *from =
            m->pixels + 3 * ((back_y ? H - 1 - start_y : start_y) * W + (back_x ? W - 1 - start_x : start_x));
        for (int64_t x = 0; x < t.width; x++, from += along, to += 3)
            memcpy(to, from, 3);
    }
    mem_free(m->pixels);
    *m = t;
    return MEDLEY_OK;
}

/* ---- decoding ---- */

static bool begins_with(const image_decoder *d, const uint8_t *bytes, size_t length)
{
    if (length < (size_t)d->magic_length)
        return false;
    for (int i = 0; i < d->magic_length; i++)
        if (d->magic[i] != '?' && (uint8_t)d->magic[i] != bytes[i])
            return false;
    return true;
}

static medley_status find_decoder(const uint8_t *bytes, size_t length, const image_decoder **out,
                                  medley_error *err)
{
    if (length == 0)
        return fail(err, MEDLEY_E_FORMAT, "an empty file");
    for (int i = 0; i < DECODERS; i++)
        if (begins_with(&decoders[i], bytes, length)) {
            *out = &decoders[i];
            return MEDLEY_OK;
        }
    return fail(
        err, MEDLEY_E_FORMAT,
        "begins with the bytes %02x %02x, as no picture does: JPEG, PNG, WebP, GIF, TIFF and BMP are accepted",
        bytes[0], length > 1 ? bytes[1] : 0);
}

medley_status image_decode(const medley_runtime *rt, const void *bytes, size_t length, int64_t least,
                           const image_limits *limits, image *out, medley_error *err)
{
    image_source s = {rt, bytes, length, least, limits, NULL};
    int orientation = 1;
    medley_status status;
    *out = (image){0};
    if (length > (uint64_t)limits->bytes_most)
        return fail(err, MEDLEY_E_LIMIT, "%llu bytes: at most %lld are accepted", (unsigned long long)length,
                    (long long)limits->bytes_most);
    TRY(find_decoder(bytes, length, &s.decoder, err));
    TRY_DONE(s.decoder->read(&s, out, &orientation, err));
    TRY_DONE(turn(rt, out, orientation, err));
done:
    if (status != MEDLEY_OK)
        image_release(out);
    return status;
}
