/* JPEG by libjpeg-turbo itself: libvips, which reads the other formats, costs twice as much as decoding a small
 * picture. */
#include "encode/image_decoder.h"

#include <setjmp.h>

#include <jpeglib.h>

#include <jerror.h>

enum { SCANS_MOST = 100, ROWS = 16 }; /* a progressive picture has about ten; each costs a pass over all of it */

typedef struct jpeg_reading {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    const image_source *from;
    image *out;
    uint8_t *inks; /* [ROWS, width, 4] of a picture for print */
    int orientation;
    bool ended; /* more bytes were asked for than there are */
    medley_status status;
    medley_error *err;
} jpeg_reading;

/* ---- what libjpeg calls ---- */

_Noreturn static void give_up(jpeg_reading *r, medley_status status)
{
    r->status = status;
    longjmp(r->failed, 1);
}

static void on_error(j_common_ptr jpeg)
{
    jpeg_reading *r = jpeg->client_data;
    char words[JMSG_LENGTH_MAX];
    if (jpeg->err->msg_code == JERR_OUT_OF_MEMORY)
        give_up(r, fail(r->err, MEDLEY_E_NOMEM, "no memory to decode a JPEG"));
    if (r->ended)
        give_up(r, fail(r->err, MEDLEY_E_FORMAT, "a truncated JPEG"));
    jpeg->err->format_message(jpeg, words);
    give_up(r, fail(r->err, MEDLEY_E_FORMAT, "a corrupt or unknown kind of JPEG: %s", words));
}

/* Warnings that mean wrong pixels end it; the others are about oddities that harm nothing. */
static void on_message(j_common_ptr jpeg, int level)
{
    const int code = jpeg->err->msg_code;
    if (level < 0 && (code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_ARITH_BAD_CODE ||
                      code == JWRN_MUST_RESYNC))
        on_error(jpeg);
}

static void on_output(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void on_start(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

/* All bytes were there from the start. What follows is an end, which a picture of one scan may have done without.
 */
static boolean on_empty(j_decompress_ptr jpeg)
{
    static const JOCTET end[] = {0xff, JPEG_EOI};
    jpeg_reading *r = jpeg->client_data;
    r->ended = true;
    if (r->out->pixels == NULL || jpeg_has_multiple_scans(jpeg))
        on_error((j_common_ptr)jpeg);
    r->source.next_input_byte = end;
    r->source.bytes_in_buffer = sizeof end;
    return TRUE;
}

static void on_skip(j_decompress_ptr jpeg, long count)
{
    jpeg_reading *r = jpeg->client_data;
    if (count <= 0)
        return;
    if ((size_t)count > r->source.bytes_in_buffer) {
        r->ended = true;
        on_error((j_common_ptr)jpeg);
    }
    r->source.next_input_byte += count;
    r->source.bytes_in_buffer -= (size_t)count;
}

static void on_end(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

static void on_progress(j_common_ptr jpeg)
{
    jpeg_reading *r = jpeg->client_data;
    if (r->jpeg.input_scan_number > SCANS_MOST)
        give_up(r, fail(r->err, MEDLEY_E_LIMIT, "a JPEG of more than %d scans", SCANS_MOST));
}

/* ---- reading ---- */

static void check(jpeg_reading *r, medley_status status)
{
    if (status != MEDLEY_OK)
        give_up(r, status);
}

static void read_orientation(jpeg_reading *r)
{
    for (jpeg_saved_marker_ptr m = r->jpeg.marker_list; m != NULL; m = m->next)
        if (m->data_length > 6 && memcmp(m->data, "Exif\0\0", 6) == 0) {
            r->orientation = image_exif_orientation(m->data + 6, m->data_length - 6);
            return;
        }
}

/* Decoding at a half, a quarter or an eighth leaves out the high frequencies of each block. */
static void choose_size(jpeg_reading *r)
{
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    const int64_t shorter = jpeg->image_width < jpeg->image_height ? jpeg->image_width : jpeg->image_height;
    jpeg->scale_num = 8;
    jpeg->scale_denom = 8;
    for (unsigned num = 8; r->from->least > 0 && num >= 1 && shorter * num / 8 >= r->from->least; num /= 2)
        jpeg->scale_num = num;
}

static void read_header(jpeg_reading *r)
{
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg->client_data = r;
    jpeg->src = &r->source;
    jpeg->progress = &r->progress;
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(jpeg, TRUE);
    check(r, image_declare(r->from, jpeg->image_width, jpeg->image_height, r->out, r->err));
    const bool print = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    if (jpeg->jpeg_color_space == JCS_UNKNOWN)
        check(r, fail(r->err, MEDLEY_E_FORMAT, "a JPEG of %d components: 1, 3 and 4 are accepted",
                      jpeg->num_components));
    jpeg->out_color_space = print ? JCS_CMYK : JCS_RGB;
    read_orientation(r);
    choose_size(r);
}

/* Inks are stored upside down by all who write them (Adobe began with it). */
static void read_inks(jpeg_reading *r, uint8_t *to, int64_t rows)
{
    const int64_t width = r->out->width;
    for (int64_t i = 0; i < 4 * width * rows; i++)
        r->inks[i] = (uint8_t)(255 - r->inks[i]);
    image_from_inks(r->inks, width * rows, to);
}

static void read_pixels(jpeg_reading *r)
{
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    image *out = r->out;
    jpeg_start_decompress(jpeg);
    out->width = jpeg->output_width;
    out->height = jpeg->output_height;
    const bool print = jpeg->out_color_space == JCS_CMYK;
    const int64_t width = out->width;
    check(r, image_make_room(r->from, out, r->err));
    if (print)
        check(r, mem_alloc(r->from->rt, ROWS * 4 * width, 1, &r->inks, r->err));
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *to = out->pixels + 3 * width * jpeg->output_scanline;
        JSAMPROW rows[ROWS];
        for (int i = 0; i < ROWS; i++)
            rows[i] = print ? r->inks + 4 * width * i : to + 3 * width * i;
        const int64_t left = jpeg->output_height - jpeg->output_scanline;
        const int64_t got = jpeg_read_scanlines(jpeg, rows, (JDIMENSION)(left < ROWS ? left : ROWS));
        if (print)
            read_inks(r, to, got);
    }
}

medley_status image_read_jpeg(const image_source *s, image *out, int *orientation, medley_error *err)
{
    jpeg_reading r = {
        .source = {.next_input_byte = s->bytes,
                   .bytes_in_buffer = s->length,
                   .init_source = on_start,
                   .fill_input_buffer = on_empty,
                   .skip_input_data = on_skip,
                   .resync_to_restart = jpeg_resync_to_restart,
                   .term_source = on_end},
        .progress = {.progress_monitor = on_progress},
        .from = s,
        .out = out,
        .orientation = 1,
        .err = err,
    };
    r.jpeg.err = jpeg_std_error(&r.errors);
    r.errors.error_exit = on_error;
    r.errors.emit_message = on_message;
    r.errors.output_message = on_output;
    r.jpeg.client_data = &r;
    if (setjmp(r.failed) == 0) {
        read_header(&r);
        read_pixels(&r);
    }
    jpeg_destroy_decompress(&r.jpeg);
    mem_free(r.inks);
    *orientation = r.orientation;
    return r.status;
}
