/* PNG, WebP, GIF and TIFF are read, and pictures written, by libvips. It is told which format to read, so none of its
 * other loaders ever sees what comes from outside. */
#include <vips/vips.h> /* before base.h: it names malloc */

#include "encode/image_decoder.h"

#include <pthread.h>

enum { STRIP = 64 }; /* rows that are decoded at a time */

/* ---- the library ---- */

static void say_nothing(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer context)
{
    (void)domain;
    (void)level;
    (void)message;
    (void)context;
}

/* We run on many pictures at once, and never twice on one: no threads inside, nothing remembered, nothing printed. */
static void start_vips(void)
{
    if (VIPS_INIT("medley") != 0)
        return;
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    g_log_set_handler("VIPS", G_LOG_LEVEL_MASK, say_nothing, NULL);
}

static medley_status use_vips(medley_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const int code = pthread_once(&once, start_vips);
    if (code != 0 || vips_get_prgname() == NULL)
        return fail(err, MEDLEY_E_NOMEM, "libvips does not start");
    return MEDLEY_OK;
}

/* What the calling thread has kept, its words about failures among them: those of several threads would mix. */
static void leave_vips(void)
{
    vips_error_clear();
    vips_thread_shutdown();
}

/* ---- reading ---- */

static VipsImage *open_image(const image_source *s)
{
    VipsImage *in = NULL;
    VipsBlob *blob = vips_blob_new(NULL, s->bytes, s->length);
    if (vips_call(s->decoder->operation, blob, &in, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                  VIPS_FAIL_ON_ERROR, NULL) != 0)
        in = NULL;
    vips_area_unref(VIPS_AREA(blob));
    return in;
}

/* One row of 8 or 16 bits; of 16 the upper 8 are kept. Greys have one band, colours three, inks four; what is behind
 * them is opacity. */
typedef struct row_form {
    int bands, wide;
    bool inks;
} row_form;

static void convert_row(const row_form *form, const uint8_t *row, int64_t width, uint8_t *to)
{
    const int step = form->bands << form->wide;
    const int second = form->bands < 3 ? 0 : 1 << form->wide; /* from a colour to the next; a grey is all three */
    row += form->wide && G_BYTE_ORDER == G_LITTLE_ENDIAN;
    for (int64_t x = 0; x < width; x++, row += step, to += 3) {
        const uint8_t inks[4] = {row[0], row[second], row[2 * second], form->inks ? row[3 * second] : 0};
        if (form->inks)
            image_from_inks(inks, 1, to);
        else
            memcpy(to, inks, 3);
    }
}

static medley_status find_form(const image_source *s, const VipsImage *in, row_form *out, medley_error *err)
{
    *out = (row_form){in->Bands, in->BandFmt == VIPS_FORMAT_USHORT, in->Type == VIPS_INTERPRETATION_CMYK};
    if ((in->BandFmt != VIPS_FORMAT_UCHAR && !out->wide) || in->Bands < 1 || in->Bands > 5 ||
        in->Coding != VIPS_CODING_NONE || (out->inks && in->Bands < 4))
        return fail(err, MEDLEY_E_FORMAT, "a %s of %d bands of %s: 8 or 16 bits of 1 to 4 bands are accepted",
                    s->decoder->name, in->Bands, vips_enum_nick(VIPS_TYPE_BAND_FORMAT, in->BandFmt));
    return MEDLEY_OK;
}

static medley_status read_pixels(const image_source *s, VipsImage *in, image *out, medley_error *err)
{
    row_form form;
    TRY(find_form(s, in, &form, err));
    TRY(image_make_room(s, out, err));
    VipsRegion *region = vips_region_new(in);
    medley_status status = MEDLEY_OK;
    for (int64_t y = 0; y < out->height && status == MEDLEY_OK; y++) {
        const VipsRect strip = {0, (int)y, in->Xsize, (int)(out->height - y < STRIP ? out->height - y : STRIP)};
        if (y % STRIP == 0 && vips_region_prepare(region, &strip) != 0)
            status = fail(err, MEDLEY_E_FORMAT, "a truncated or corrupt %s", s->decoder->name);
        else
            convert_row(&form, VIPS_REGION_ADDR(region, 0, y), out->width, out->pixels + 3 * out->width * y);
    }
    g_object_unref(region);
    return status;
}

medley_status image_read_vips(const image_source *s, image *out, int *orientation, medley_error *err)
{
    TRY(use_vips(err));
    VipsImage *in = open_image(s);
    medley_status status =
        in != NULL ? MEDLEY_OK
                   : fail(err, MEDLEY_E_FORMAT, "a truncated, corrupt or unknown kind of %s", s->decoder->name);
    if (status == MEDLEY_OK)
        status = image_declare(s, in->Xsize, in->Ysize, out, err);
    if (status == MEDLEY_OK)
        status = read_pixels(s, in, out, err);
    if (status == MEDLEY_OK)
        *orientation = vips_image_get_orientation(in);
    if (in != NULL)
        g_object_unref(in);
    leave_vips();
    return status;
}

/* ---- writing ---- */

medley_status image_encode(const medley_runtime *rt, const uint8_t *pixels, int64_t width, int64_t height,
                           image_format format, int quality, void **bytes, size_t *length, medley_error *err)
{
    static const char *const forms[] = {[IMAGE_JPEG] = ".jpg[strip,Q=%d]",
                                        [IMAGE_PNG] = ".png[strip,compression=6]",
                                        [IMAGE_WEBP] = ".webp[strip,Q=%d]"};
    enum { SIDE_MOST = 65500, FORM_LONGEST = 64 }; /* of a JPEG */
    char form[FORM_LONGEST];
    void *made = NULL;
    medley_status status;
    *bytes = NULL;
    if (width < 1 || height < 1 || width > SIDE_MOST || height > SIDE_MOST)
        return fail(err, MEDLEY_E_LIMIT, "a picture of %lldx%lld pixels: 1..%d are accepted", (long long)width,
                    (long long)height, SIDE_MOST);
    TRY(use_vips(err));
    VipsImage *in = vips_image_new_from_memory(pixels, 3 * (size_t)width * (size_t)height, (int)width, (int)height,
                                               3, VIPS_FORMAT_UCHAR);
    if (in != NULL)
        in->Type = VIPS_INTERPRETATION_sRGB;
    number_print(form, sizeof form, forms[format], quality);
    if (in == NULL || vips_image_write_to_buffer(in, form, &made, length, NULL) != 0)
        status = fail(err, MEDLEY_E_NOMEM, "a picture of %lldx%lld pixels cannot be encoded", (long long)width,
                      (long long)height);
    else
        status = mem_alloc(rt, (int64_t)*length, 1, bytes, err);
    if (status == MEDLEY_OK)
        memcpy(*bytes, made, *length);
    g_free(made);
    if (in != NULL)
        g_object_unref(in);
    leave_vips();
    return status;
}
