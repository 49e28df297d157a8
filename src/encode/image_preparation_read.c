#include "encode/image_preparation.h"

#include <math.h>

#include "io/file.h"
#include "io/json.h"

enum { FILE_MOST = 1 << 20, SIDE_MOST = 4096 };

typedef struct colours {
    double mean[3], deviation[3];
} colours;
static const colours halves = {{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};
static const colours imagenet = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
static const colours clip = {{0.48145466, 0.4578275, 0.40821073}, {0.26862954, 0.26130258, 0.27577711}};

/* What a file of a family leaves out. Old files say <family>FeatureExtractor, newer ones <family>ImageProcessor
 * and may add Fast or Pil; a `size` that is one number is the shortest edge, or where `square` both edges. */
static const struct family {
    const char *name;
    int64_t size, crop_size;
    bool square, crop;
    resample_filter filter;
    const colours *colours;
    bool share;   /* a smaller picture is crop_pct of what it is cut from */
    bool bgr;     /* and not normalised */
    bool divided; /* by the deviation once more */
} families[] = {
    {"CLIP", 224, 224, false, true, RESAMPLE_BICUBIC, &clip, false, false, false},
    {"Bit", 224, 224, false, true, RESAMPLE_BICUBIC, &clip, false, false, false},
    {"Siglip", 224, 224, true, false, RESAMPLE_BICUBIC, &halves, false, false, false},
    {"ViT", 224, 224, true, false, RESAMPLE_BILINEAR, &halves, false, false, false},
    {"DINOv3ViT", 224, 224, true, false, RESAMPLE_BILINEAR, &imagenet, false, false, false},
    {"DeiT", 256, 224, true, true, RESAMPLE_BICUBIC, &halves, false, false, false},
    {"Beit", 224, 224, true, false, RESAMPLE_BICUBIC, &halves, false, false, false},
    {"ConvNext", 384, 224, false, false, RESAMPLE_BICUBIC, &halves, true, false, false},
    {"MobileNetV1", 256, 224, false, true, RESAMPLE_BILINEAR, &halves, false, false, false},
    {"MobileNetV2", 256, 224, false, true, RESAMPLE_BILINEAR, &halves, false, false, false},
    {"EfficientNet", 346, 289, true, false, RESAMPLE_BICUBIC, &halves, false, false, true},
    {"MobileViT", 224, 256, false, true, RESAMPLE_BICUBIC, &halves, false, true, false},
    {"", 224, 224, true, false, RESAMPLE_BILINEAR, &halves, false, false, false}, /* any other */
};
enum { FAMILIES = sizeof families / sizeof *families };

typedef struct reading {
    const medley_runtime *rt;
    const char *path;
    const json *all;
    const struct family *family;
    image_preparation *p;
} reading;

static medley_status refuse(const reading *r, const char *key, const char *accepted, medley_error *err)
{
    text value = {.rt = r->rt};
    medley_status status = json_render(json_member(r->all, key), 0, &value, err);
    if (status == MEDLEY_OK)
        status = fail(err, MEDLEY_E_FORMAT, "%s: %s: %.200s: %s", r->path, key, value.bytes, accepted);
    text_release(&value);
    return status;
}

/* ---- values ---- */

/* There and not null, which says what the absence says. */
static bool given(const reading *r, const char *key)
{
    const json *value = json_member(r->all, key);
    int64_t whole;
    double real;
    bool truth;
    return value != NULL &&
           (json_is_object(value) || json_is_array(value) || json_as_text(value) != NULL ||
            json_as_int(value, &whole) || json_as_real(value, &real) || json_bool(r->all, key, &truth));
}

static medley_status read_bool(const reading *r, const char *key, bool preset, bool *out, medley_error *err)
{
    *out = preset;
    if (given(r, key) && !json_bool(r->all, key, out))
        return refuse(r, key, "true or false is accepted", err);
    return MEDLEY_OK;
}

static medley_status read_real(const reading *r, const char *key, double preset, double *out, medley_error *err)
{
    *out = preset;
    if (given(r, key) && (!json_real(r->all, key, out) || !isfinite(*out) || *out <= 0))
        return refuse(r, key, "a number above 0 is accepted", err);
    return MEDLEY_OK;
}

/* One number for all colours, or one for each. */
static medley_status read_colours(const reading *r, const char *key, const double preset[3], bool above_0,
                                  double out[3], medley_error *err)
{
    const json *value = json_member(r->all, key);
    const bool list = json_is_array(value) && json_count(value) == 3;
    memcpy(out, preset, 3 * sizeof *out);
    for (int64_t c = 0; given(r, key) && c < 3; c++)
        if (!json_as_real(list ? json_at(value, c, NULL) : value, &out[c]) || !isfinite(out[c]) ||
            (above_0 && (float)out[c] <= 0))
            return refuse(r, key, above_0 ? "three numbers above 0 are accepted" : "three numbers are accepted",
                          err);
    return MEDLEY_OK;
}

/* ---- sizes ---- */

/* What "size" and "crop_size" say: one number, or an object; 0: not said. */
typedef struct size_value {
    int64_t number, shortest_edge, height, width;
} size_value;

static bool side(const json *object, const char *key, int64_t *out)
{
    return json_int(object, key, out) && *out >= 1 && *out <= SIDE_MOST;
}

static medley_status read_size(const reading *r, const char *key, size_value *out, medley_error *err)
{
    const json *value = json_member(r->all, key);
    *out = (size_value){0};
    if (!given(r, key) || side(r->all, key, &out->number) ||
        (json_count(value) == 1 && side(value, "shortest_edge", &out->shortest_edge)) ||
        (json_count(value) == 2 && side(value, "height", &out->height) && side(value, "width", &out->width)))
        return MEDLEY_OK;
    return refuse(r, key,
                  "a number, {\"shortest_edge\": s} or {\"height\": h, \"width\": w} of 1..4096 is accepted", err);
}

static medley_status read_resize(const reading *r, medley_error *err)
{
    image_preparation *p = r->p;
    const struct family *f = r->family;
    size_value size;
    TRY(read_size(r, "size", &size, err));
    if (!given(r, "size"))
        size.number = f->size;
    if (size.number > 0)
        size = f->square ? (size_value){.height = size.number, .width = size.number}
                         : (size_value){.shortest_edge = size.number};
    p->shortest_edge = size.shortest_edge;
    p->resize_height = size.height;
    p->resize_width = size.width;
    return MEDLEY_OK;
}

static medley_status read_crop(const reading *r, medley_error *err)
{
    image_preparation *p = r->p;
    const int64_t preset = r->family->crop_size;
    size_value size;
    TRY(read_bool(r, "do_center_crop", r->family->crop, &p->crop, err));
    TRY(read_size(r, "crop_size", &size, err));
    if (size.shortest_edge > 0)
        return refuse(r, "crop_size", "a number or {\"height\": h, \"width\": w} is accepted", err);
    p->crop_height = size.height > 0 ? size.height : size.number > 0 ? size.number : preset;
    p->crop_width = size.width > 0 ? size.width : size.number > 0 ? size.number : preset;
    return MEDLEY_OK;
}

/* ConvNeXT: below 384 the edge is crop_pct of the shortest edge it is cut from, else pictures are squeezed. */
static medley_status read_share(const reading *r, medley_error *err)
{
    enum { SQUEEZED_FROM = 384 };
    image_preparation *p = r->p;
    const int64_t edge = p->shortest_edge;
    double share;
    TRY(read_real(r, "crop_pct", 224.0 / 256, &share, err));
    if (!r->family->share || edge == 0 || !p->resize)
        return MEDLEY_OK;
    if (share > 1 || (double)edge / share > SIDE_MOST)
        return refuse(r, "crop_pct", "a part of 1 is accepted", err);
    if (edge >= SQUEEZED_FROM) {
        p->shortest_edge = 0;
        p->resize_height = p->resize_width = edge;
        return MEDLEY_OK;
    }
    p->shortest_edge = (int64_t)((double)edge / share);
    p->crop = true;
    p->crop_height = p->crop_width = edge;
    return MEDLEY_OK;
}

/* ---- steps ---- */

static medley_status read_shape(const reading *r, medley_error *err)
{
    image_preparation *p = r->p;
    bool pad;
    TRY(read_bool(r, "do_resize", true, &p->resize, err));
    TRY(read_resize(r, err));
    TRY(read_crop(r, err));
    TRY(read_share(r, err));
    TRY(read_bool(r, "do_pad", false, &pad, err));
    if (pad)
        return refuse(r, "do_pad", "false is accepted", err);
    if (!p->crop && (!p->resize || p->shortest_edge > 0))
        return fail(
            err, MEDLEY_E_FORMAT,
            "%s: do_center_crop: false: pictures of one size come out only with true, or a 'size' of height and "
            "width",
            r->path);
    p->height = p->crop ? p->crop_height : p->resize_height;
    p->width = p->crop ? p->crop_width : p->resize_width;
    return MEDLEY_OK;
}

static medley_status read_filter(const reading *r, medley_error *err)
{
    int64_t filter = (int64_t)r->family->filter;
    if (given(r, "resample") &&
        (!json_int(r->all, "resample", &filter) || filter < RESAMPLE_NEAREST || filter > RESAMPLE_BICUBIC))
        return refuse(r, "resample", "0 (nearest), 1 (Lanczos), 2 (bilinear) and 3 (bicubic) are accepted", err);
    r->p->filter = (resample_filter)filter;
    return MEDLEY_OK;
}

static medley_status read_values(const reading *r, medley_error *err)
{
    image_preparation *p = r->p;
    bool offset, top;
    TRY(read_bool(r, "do_rescale", true, &p->rescale, err));
    TRY(read_real(r, "rescale_factor", 1.0 / 255, &p->rescale_factor, err));
    TRY(read_bool(r, "rescale_offset", false, &offset, err));
    p->offset = offset ? 1 : 0;
    TRY(read_bool(r, "do_normalize", !r->family->bgr, &p->normalize, err));
    TRY(read_colours(r, "image_mean", r->family->colours->mean, false, p->mean, err));
    TRY(read_colours(r, "image_std", r->family->colours->deviation, true, p->deviation, err));
    TRY(read_bool(r, "include_top", r->family->divided, &top, err));
    for (int c = 0; c < 3 && top; c++)
        p->deviation[c] *= p->deviation[c];
    return read_bool(r, "do_flip_channel_order", r->family->bgr, &p->bgr, err);
}

static const struct family *find_family(const json *all)
{
    const char *type = json_text(all, "image_processor_type");
    type = type != NULL ? type : json_text(all, "feature_extractor_type");
    type = type != NULL ? type : "";
    for (int i = 0; i < FAMILIES; i++) {
        const size_t length = strlen(families[i].name);
        const char *rest = type + (strncmp(type, families[i].name, length) == 0 ? length : 0);
        if (rest != type &&
            (strncmp(rest, "ImageProcessor", 14) == 0 || strncmp(rest, "FeatureExtractor", 16) == 0))
            return &families[i];
    }
    return &families[FAMILIES - 1];
}

medley_status image_preparation_read(const medley_runtime *rt, const char *path, image_preparation *out,
                                     medley_error *err)
{
    reading r = {.rt = rt, .path = path, .p = out};
    json *all = NULL;
    char *bytes;
    size_t length;
    medley_status status;
    *out = (image_preparation){0};
    TRY(file_read_whole(rt, path, FILE_MOST, &bytes, &length, err));
    TRY_DONE(json_parse(path, bytes, length, &all, err));
    if (!json_is_object(all)) {
        status = fail(err, MEDLEY_E_FORMAT, "%s: an object is accepted", path);
        goto done;
    }
    r.all = all;
    r.family = find_family(all);
    TRY_DONE(read_shape(&r, err));
    TRY_DONE(read_filter(&r, err));
    TRY_DONE(read_values(&r, err));
done:
    json_free(all);
    mem_free(bytes);
    return status;
}
