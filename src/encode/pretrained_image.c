/* The image tower of a pretrained model. */
#include "encode/pretrained.h"

#include "io/file.h"

#define IMAGENET_MEAN       \
    {                       \
        0.485, 0.456, 0.406 \
    }
#define IMAGENET_DEVIATION  \
    {                       \
        0.229, 0.224, 0.225 \
    }
#define HALF          \
    {                 \
        0.5, 0.5, 0.5 \
    }

/* What the published models say, for folders that do not; in the order of IMAGE_PREPARATIONS. An edge of 256 cropped to
 * 224, or exactly 224 × 224. */
static const image_preparation usual[] = {
    {.shortest_edge = 224,
     .crop = true,
     .filter = RESAMPLE_BICUBIC,
     .mean = {0.48145466, 0.4578275, 0.40821073},
     .deviation = {0.26862954, 0.26130258, 0.27577711}},
    {.filter = RESAMPLE_BICUBIC, .mean = HALF, .deviation = HALF},
    {.filter = RESAMPLE_BILINEAR, .mean = IMAGENET_MEAN, .deviation = IMAGENET_DEVIATION},
    {.shortest_edge = 256,
     .crop = true,
     .filter = RESAMPLE_BICUBIC,
     .mean = IMAGENET_MEAN,
     .deviation = IMAGENET_DEVIATION},
    {.shortest_edge = 256, .crop = true, .filter = RESAMPLE_BILINEAR, .mean = HALF, .deviation = HALF},
};
enum { USUAL_SIZE = 224 };

/* `usual` for a model of size × size pixels. */
static image_preparation usual_preparation(int kind, int64_t size)
{
    image_preparation p = usual[kind];
    p.resize = p.rescale = p.normalize = true;
    p.shortest_edge = p.shortest_edge * size / USUAL_SIZE;
    p.resize_height = p.resize_width = p.crop_height = p.crop_width = p.height = p.width = size;
    p.rescale_factor = 1.0 / 255;
    return p;
}

static medley_status choose_preparation(encoder *e, int64_t height, int64_t width, medley_error *err)
{
    char *path;
    TRY(model_files_beside(e->rt, &e->files, "preprocessor_config.json", &path, err));
    medley_status status = MEDLEY_OK;
    if (path != NULL)
        status = image_preparation_read(e->rt, path, &e->pixels, err);
    else
        e->pixels = usual_preparation(e->p->preparation, height > 0 && height == width ? height : USUAL_SIZE);
    mem_free(path);
    TRY(status);
    if ((height > 0 && height != e->pixels.height) || (width > 0 && width != e->pixels.width))
        return fail(err, MEDLEY_E_CONFIG, "%s takes %lld x %lld pixels, its preparation makes %lld x %lld",
                    e->files.model, (long long)width, (long long)height, (long long)e->pixels.width,
                    (long long)e->pixels.height);
    return MEDLEY_OK;
}

/* Every field, as written in full: what samples depend on. */
static medley_status describe(encoder *e, medley_error *err)
{
    const image_preparation *p = &e->pixels;
    text_format(&e->preparation, " pixels 2 resize %d %lld %lld %lld filter %d", p->resize,
                (long long)p->shortest_edge, (long long)p->resize_height, (long long)p->resize_width,
                (int)p->filter);
    text_format(&e->preparation, " crop %d %lld %lld rescale %d %.17g %.17g normalize %d bgr %d", p->crop,
                (long long)p->crop_height, (long long)p->crop_width, p->rescale, p->rescale_factor, p->offset,
                p->normalize, p->bgr);
    for (int c = 0; c < 3; c++)
        text_format(&e->preparation, " %.17g %.17g", p->mean[c], p->deviation[c]);
    return text_status(&e->preparation, err);
}

/* A sample is pixels [height, width, 3]: numbers are looked up when a batch is filled. */
static size_t sample_bytes(const encoder *e)
{
    return (size_t)(3 * e->pixels.height * e->pixels.width);
}

medley_status pretrained_prepare_image(encoder *e, const void *bytes, size_t length, sample *out,
                                       medley_error *err)
{
    image decoded = {.pixels = NULL};
    *out = (sample){.data = NULL};
    TRY(image_decode(e->rt, bytes, length, image_preparation_least(&e->pixels), &image_limits_default, &decoded,
                     err));
    medley_status status = mem_alloc(e->rt, 1, sample_bytes(e), &out->data, err);
    if (status == MEDLEY_OK)
        status = image_prepare_pixels(e->rt, &e->pixels, &decoded, out->data, err);
    image_release(&decoded);
    if (status != MEDLEY_OK) {
        mem_free(out->data);
        out->data = NULL;
        return status;
    }
    out->bytes = sample_bytes(e);
    out->size = 1;
    return MEDLEY_OK;
}

/* ---- running ---- */

/* The nearest half, ties to even; what is too large becomes infinite. */
static uint16_t to_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000;
    bits &= 0x7fffffff;
    if (bits >= 0x7f800000)
        return (uint16_t)(sign | 0x7c00 | (bits > 0x7f800000 ? 0x200 : 0));
    if (bits < 0x38800000) { /* subnormal as a half: the sum rounds to its unit, 2^-24 */
        float magnitude;
        memcpy(&magnitude, &bits, sizeof magnitude);
        magnitude += 0.5F;
        memcpy(&bits, &magnitude, sizeof bits);
        return (uint16_t)(sign | (bits - 0x3f000000));
    }
    bits += 0xfff + (bits >> 13 & 1);
    const uint32_t half = (bits - 0x38000000) >> 13;
    return (uint16_t)(sign | (half < 0x7c00 ? half : 0x7c00));
}

/* What a run reads: numbers [rows, 3, height, width], and behind them the same as halves, if the model takes those. */
typedef struct pixel_batch {
    int64_t rows; /* there is room for */
    float values[];
} pixel_batch;

static medley_status take_batch(encoder *e, onnx_type type, int64_t rows, pixel_batch **out, medley_error *err)
{
    const size_t row = sample_bytes(e) * (sizeof(float) + (type == ONNX_F16 ? sizeof(uint16_t) : 0));
    *out = pretrained_take_idle(e);
    if (*out != NULL && (*out)->rows >= rows)
        return MEDLEY_OK;
    mem_free(*out);
    const int64_t bytes = mem_bytes(rows, row);
    TRY(mem_alloc(e->rt, bytes < 0 ? bytes : bytes + (int64_t)sizeof **out, 1, out, err));
    (*out)->rows = rows;
    return MEDLEY_OK;
}

/* Rows beyond the samples repeat the first. Returns what the model reads. */
static const void *fill_batch(const encoder *e, onnx_type type, const sample *const *samples, int64_t count,
                              int64_t rows, pixel_batch *b)
{
    const int64_t row = 3 * e->pixels.height * e->pixels.width;
    for (int64_t r = 0; r < rows; r++)
        image_normalize(&e->pixels, samples[r < count ? r : 0]->data, b->values + r * row);
    if (type == ONNX_F32)
        return b->values;
    uint16_t *halves = (uint16_t *)(void *)(b->values + rows * row);
    for (int64_t i = 0; i < rows * row; i++)
        halves[i] = to_half(b->values[i]);
    return halves;
}

static medley_status run_pixels(encoder *e, const sample *const *samples, int64_t count, onnx_tensor *shape,
                                float **values, medley_error *err)
{
    const int64_t rows = e->rows_fixed > 0 ? e->rows_fixed : count;
    onnx_tensor inputs[PRETRAINED_INPUTS_MOST];
    pixel_batch *b;
    *values = NULL;
    memcpy(inputs, e->inputs, sizeof inputs);
    int at = 0;
    while (inputs[at].data != NULL) /* but one are of the other tower */
        at++;
    inputs[at].size[0] = rows;
    inputs[at].size[2] = e->pixels.height;
    inputs[at].size[3] = e->pixels.width;
    for (int64_t i = 0; i < count; i++)
        if (samples[i]->bytes != sample_bytes(e))
            return fail(err, MEDLEY_E_FORMAT, "%s: a sample of %zu bytes", e->files.model, samples[i]->bytes);
    TRY(take_batch(e, inputs[at].type, rows, &b, err));
    inputs[at].data = fill_batch(e, inputs[at].type, samples, count, rows, b);
    const medley_status status =
        onnx_session_run(e->session, inputs, e->inputs_count, e->output, shape, values, err);
    if (!pretrained_keep_idle(e, b))
        mem_free(b);
    return status;
}

/* ---- opening ---- */

/* pixel_values, or the one input of four dimensions; all others are of a text. */
static medley_status find_pixels(encoder *e, int *out, medley_error *err)
{
    static const int64_t of_text[] = {1, 2, 1, 1, 1, 1, 1, 1};
    int i = pretrained_input(e, "pixel_values");
    for (int k = 0; k < e->inputs_count && i < 0; k++)
        if (e->inputs[k].rank == 4)
            i = k;
    if (i < 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: no input takes pictures (pixel_values)", e->files.model);
    onnx_tensor *t = &e->inputs[i];
    if (t->rank != 4 || (t->type != ONNX_F32 && t->type != ONNX_F16) || (t->size[1] != 3 && t->size[1] != -1))
        return fail(err, MEDLEY_E_FORMAT, "%s: input '%s' is not [rows, 3, height, width] of f32 or f16",
                    e->files.model, t->name);
    t->size[1] = 3;
    for (int k = 0; k < e->inputs_count; k++)
        if (k != i)
            TRY(pretrained_leave_out(e, k, of_text, err));
    *out = i;
    return MEDLEY_OK;
}

static medley_status open_images(encoder *e, medley_error *err)
{
    int i = -1;
    sample grey = {.size = 1};
    e->run = run_pixels;
    TRY(find_pixels(e, &i, err));
    e->rows_fixed = e->inputs[i].size[0];
    TRY(choose_preparation(e, e->inputs[i].size[2], e->inputs[i].size[3], err));
    TRY(describe(e, err));
    grey.bytes = sample_bytes(e);
    TRY(mem_alloc_zero(e->rt, 1, grey.bytes, &grey.data, err));
    const medley_status status = pretrained_probe(e, &grey, err);
    mem_free(grey.data);
    return status;
}

medley_status pretrained_open_images(const medley_runtime *rt, const void *params, encoder **out,
                                     medley_error *err)
{
    *out = NULL;
    medley_status status = pretrained_open(rt, params, MODALITY_IMAGE, out, err);
    if (status == MEDLEY_OK)
        status = open_images(*out, err);
    if (status != MEDLEY_OK) {
        pretrained_close(*out);
        *out = NULL;
    }
    return status;
}
