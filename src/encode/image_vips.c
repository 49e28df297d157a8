/* PNG, WebP, GIF and TIFF are read, and pictures written, by libvips. It is told which format to read, so none of
 * its other loaders ever sees what comes from outside. It is opened when it is first needed: it brings a hundred
 * other libraries, and with them every start of the program would take thirty times as long. */
#include <vips/vips.h> /* before base.h: it names malloc */

#include "encode/image_decoder.h"

#include <dlfcn.h>
#include <pthread.h>

#define LIBRARY "libvips.so.42" /* of all of libvips 8 */

enum { STRIP = 64 }; /* rows that are decoded at a time */

/* ---- the library ---- */

#define FUNCTIONS(F)                \
    F(vips_init)                    \
    F(vips_concurrency_set)         \
    F(vips_cache_set_max)           \
    F(vips_error_clear)             \
    F(vips_thread_shutdown)         \
    F(vips_blob_new)                \
    F(vips_area_unref)              \
    F(vips_call)                    \
    F(vips_region_new)              \
    F(vips_region_prepare)          \
    F(vips_image_get_orientation)   \
    F(vips_image_new_from_memory)   \
    F(vips_image_write_to_buffer)   \
    F(vips_enum_nick)               \
    F(vips_band_format_get_type)    \
    F(vips_interpretation_get_type) \
    F(g_object_unref)               \
    F(g_free)                       \
    F(g_log_set_handler)

#define MEMBER(name) __typeof__(name) *name;
static struct {
    FUNCTIONS(MEMBER)
    bool ready;
} lib; /* filled once, before anything else reads it */

static void say_nothing(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer context)
{
    (void)domain;
    (void)level;
    (void)message;
    (void)context;
}

/* We run on many pictures at once, and never twice on one: no threads inside, nothing remembered, nothing printed.
 */
static void start_vips(void)
{
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    bool found = handle != NULL;
#define FIND(name) found = found && (*(void **)&lib.name = dlsym(handle, #name)) != NULL;
    FUNCTIONS(FIND)
    if (!found || lib.vips_init("medley") != 0)
        return;
    lib.vips_concurrency_set(1);
    lib.vips_cache_set_max(0);
    lib.g_log_set_handler("VIPS", G_LOG_LEVEL_MASK, say_nothing, NULL);
    lib.ready = true;
}

static medley_status use_vips(medley_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pthread_once(&once, start_vips) != 0 || !lib.ready)
        return fail(err, MEDLEY_E_NOT_FOUND,
                    "pictures other than JPEG and BMP need " LIBRARY ", which does not load: install libvips42");
    return MEDLEY_OK;
}

/* What the calling thread has kept, its words about failures among them: those of several threads would mix. */
static void leave_vips(void)
{
    lib.vips_error_clear();
    lib.vips_thread_shutdown();
}

/* ---- reading ---- */

static VipsImage *open_image(const image_source *s)
{
    VipsImage *in = NULL;
    VipsBlob *blob = lib.vips_blob_new(NULL, s->bytes, s->length);
    if (lib.vips_call(s->decoder->operation, blob, &in, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                      VIPS_FAIL_ON_ERROR, NULL) != 0)
        in = NULL;
    lib.vips_area_unref((VipsArea *)blob);
    return in;
}

/* One row of 8 or 16 bits; of 16 the upper 8 are kept. Greys have one band, colours three, inks four; what is
 * behind them is opacity. */
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
        return fail(err, MEDLEY_E_FORMAT,
                    "a %s of %d bands of %s (%s): 8 or 16 bits of grey or colours are accepted", s->decoder->name,
                    in->Bands, lib.vips_enum_nick(lib.vips_band_format_get_type(), in->BandFmt),
                    lib.vips_enum_nick(lib.vips_interpretation_get_type(), in->Type));
    return MEDLEY_OK;
}

static medley_status read_pixels(const image_source *s, VipsImage *in, image *out, medley_error *err)
{
    row_form form;
    TRY(find_form(s, in, &form, err));
    TRY(image_make_room(s, out, err));
    VipsRegion *region = lib.vips_region_new(in);
    medley_status status = MEDLEY_OK;
    for (int64_t y = 0; y < out->height && status == MEDLEY_OK; y++) {
        const VipsRect strip = {0, (int)y, in->Xsize, (int)(out->height - y < STRIP ? out->height - y : STRIP)};
        if (y % STRIP == 0 && lib.vips_region_prepare(region, &strip) != 0)
            status = fail(err, MEDLEY_E_FORMAT, "a truncated or corrupt %s", s->decoder->name);
        else
            convert_row(&form, region->data + (y - region->valid.top) * region->bpl, out->width,
                        out->pixels + 3 * out->width * y);
    }
    lib.g_object_unref(region);
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
        *orientation = lib.vips_image_get_orientation(in);
    if (in != NULL)
        lib.g_object_unref(in);
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
    VipsImage *in = lib.vips_image_new_from_memory(pixels, 3 * (size_t)width * (size_t)height, (int)width,
                                                   (int)height, 3, VIPS_FORMAT_UCHAR);
    if (in != NULL)
        in->Type = VIPS_INTERPRETATION_sRGB;
    number_print(form, sizeof form, forms[format], quality);
    if (in == NULL || lib.vips_image_write_to_buffer(in, form, &made, length, NULL) != 0)
        status = fail(err, MEDLEY_E_NOMEM, "a picture of %lldx%lld pixels cannot be encoded", (long long)width,
                      (long long)height);
    else
        status = mem_alloc(rt, (int64_t)*length, 1, bytes, err);
    if (status == MEDLEY_OK)
        memcpy(*bytes, made, *length);
    lib.g_free(made);
    if (in != NULL)
        lib.g_object_unref(in);
    leave_vips();
    return status;
}
