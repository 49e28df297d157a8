/* Pictures by their colours and edges, nothing learnt but a PCA.
 *
 *   size         128 × 128 pixels, whatever the shape
 *   colours      CIE L*a*b*, 4 × 5 × 5 bins, of the whole and of 3 × 3 places. a* and b* by the root of their size, because
 *                most pictures are nearly grey; a pixel is shared between the nearest bins
 *   edges        gradients of L*, 8 directions (Dalal and Triggs, CVPR 2005, without sign) in 4 × 4 cells, of the picture and
 *                of one half its size
 *   numbers      each histogram sums to 1, then roots (Hellinger's kernel, as in Arandjelović and Zisserman, CVPR 2012)
 *   vectors      deviations from the mean, X - mean ≈ U S Vᵀ, rows of U S^power */
#include "encode/encoder.h"

#include <math.h>

#include "base/multiversion.h"
#include "encode/image_resample.h"
#include "tensor/truncated_svd.h"

enum {
    SIDE = 128,
    LIGHTS = 4,
    TINTS = 5,
    COLOURS = LIGHTS * TINTS * TINTS,
    PLACES = 3, /* a side */
    CELLS = 4,  /* a side */
    DIRECTIONS = 8,
    SCALES = 2,
    SHAPES = CELLS * CELLS * DIRECTIONS,
    COLOUR_NUMBERS = (1 + PLACES * PLACES) * COLOURS,
    DESCRIPTOR = COLOUR_NUMBERS + SCALES * SHAPES,
};

typedef struct histogram_params {
    int64_t dimensions;
    double shape, power;
    int64_t oversampling, iterations, seed;
} histogram_params;

static const medley_param params[] = {
    MEDLEY_INT(histogram_params, dimensions, "128", 1, DESCRIPTOR, .sweep = "32,64,128,256",
               .help = "length of the vectors; of n pictures at most n - 1, so two that differ are needed"),
    MEDLEY_REAL(histogram_params, shape, "0.5", 0, 1, .sweep = "0.25,0.5,0.75",
                .help = "weight of edges against colours; 0: colours alone, 1: edges alone"),
    MEDLEY_REAL(histogram_params, power, "0.5", 0, 1, .sweep = "0,0.5,1",
                .help = "of the singular values that scale the dimensions; 0: all count the same (whitening)"),
    MEDLEY_INT(histogram_params, oversampling, "32", 0, 1024, .help = "dimensions more that are searched for"),
    MEDLEY_INT(histogram_params, iterations, "4", 0, 64, .help = "power iterations of the search"),
    MEDLEY_INT(histogram_params, seed, "1", 0, 0x1p53, .help = "of its start"),
    MEDLEY_PARAMS_END,
};

struct encoder {
    const medley_runtime *rt;
    const histogram_params *p;
    text identity;
    float linear[256]; /* light of an sRGB value */
};

/* ---- colour ---- */

typedef struct lab {
    float l, a, b; /* 0..100, about -100..100 */
} lab;

/* Of a positive number: a third of the exponent as a guess, then Halley's step twice, each of which leaves the cube of the
 * error. It vectorises, where cbrtf takes a third of all time. */
static inline float cube_root(float x)
{
    uint32_t bits;
    float y;
    memcpy(&bits, &x, sizeof bits);
    bits = bits / 3 + 0x2a514067;
    memcpy(&y, &bits, sizeof y);
    for (int step = 0; step < 2; step++) {
        const float cube = y * y * y;
        y *= (cube + 2 * x) / (2 * cube + x);
    }
    return y;
}

static inline float lab_curve(float t)
{
    const float root = cube_root(t), line = (24389.0F / 27 * t + 16) / 116;
    return t > 216.0F / 24389 ? root : line;
}

/* A row of pixels in the units of white, before and after the curve. */
typedef struct light_row {
    float x[SIDE], y[SIDE], z[SIDE];
} light_row;

MULTIVERSION static void histogram_bend(float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = lab_curve(values[i]);
}

/* IEC 61966-2-1 to CIE 1976 L*a*b*, white D65: of a row, then of one of its pixels. */
static void light_of(const float linear[256], const uint8_t *rgb, light_row *out)
{
    for (int i = 0; i < SIDE; i++, rgb += 3) {
        const float r = linear[rgb[0]], g = linear[rgb[1]], b = linear[rgb[2]];
        out->x[i] = (0.4124F * r + 0.3576F * g + 0.1805F * b) / 0.9505F;
        out->y[i] = 0.2126F * r + 0.7152F * g + 0.0722F * b;
        out->z[i] = (0.0193F * r + 0.1192F * g + 0.9505F * b) / 1.089F;
    }
    histogram_bend(out->x, SIDE);
    histogram_bend(out->y, SIDE);
    histogram_bend(out->z, SIDE);
}

static lab lab_at(const light_row *of, int i)
{
    return (lab){116 * of->y[i] - 16, 500 * (of->x[i] - of->y[i]), 200 * (of->y[i] - of->z[i])};
}

/* The two nearest of `bins` bins to a position 0..1, and what the upper one gets. */
typedef struct shared {
    int lower, upper;
    float share;
} shared;

static shared share_out(float position, int bins)
{
    const float inside = position < 0 ? 0 : position > 1 ? 1 : position;
    const float at = inside * (float)(bins - 1);
    const int lower = at < (float)(bins - 2) ? (int)at : bins - 2;
    return (shared){lower, lower + 1, at - (float)lower};
}

static float tint(float x)
{
    return 0.5F + 0.5F * copysignf(sqrtf(fabsf(x) / 100), x);
}

static void add_colour(lab c, float *whole, float *place)
{
    const shared l = share_out(c.l / 100, LIGHTS), a = share_out(tint(c.a), TINTS),
                 b = share_out(tint(c.b), TINTS);
    for (int corner = 0; corner < 8; corner++) {
        const bool i = corner & 1, j = corner & 2, k = corner & 4;
        const int bin =
            ((i ? l.upper : l.lower) * TINTS + (j ? a.upper : a.lower)) * TINTS + (k ? b.upper : b.lower);
        const float weight =
            (i ? l.share : 1 - l.share) * (j ? a.share : 1 - a.share) * (k ? b.share : 1 - b.share);
        whole[bin] += weight;
        place[bin] += weight;
    }
}

/* ---- edges ---- */

/* grey [side, side]: directions 0..π, shared between the two nearest. */
static void add_edges(const float *grey, int side, float *cells)
{
    for (int y = 1; y < side - 1; y++)
        for (int x = 1; x < side - 1; x++) {
            const float *at = grey + y * side + x;
            const float dx = at[1] - at[-1], dy = at[side] - at[-side], size = sqrtf(dx * dx + dy * dy);
            if (size == 0)
                continue;
            float turn = atan2f(dy, dx) / 3.14159265F; /* -1..1; a direction and its opposite are one */
            turn -= floorf(turn);
            const float position = turn * DIRECTIONS;
            const int lower = (int)position % DIRECTIONS;
            float *cell = cells + (y * CELLS / side * CELLS + x * CELLS / side) * DIRECTIONS;
            cell[lower] += size * (1 - (position - floorf(position)));
            cell[(lower + 1) % DIRECTIONS] += size * (position - floorf(position));
        }
}

static void halve(float *grey, int side)
{
    for (int y = 0; y < side / 2; y++)
        for (int x = 0; x < side / 2; x++) {
            const float *at = grey + 2 * y * side + 2 * x;
            grey[y * (side / 2) + x] = (at[0] + at[1] + at[side] + at[side + 1]) / 4;
        }
}

/* ---- a picture's descriptor ---- */

/* √(h / Σh); a histogram of nothing stays 0. */
static void finish_block(float *h, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)h[i];
    for (int64_t i = 0; i < count && sum > 0; i++)
        h[i] = (float)sqrt((double)h[i] / sum);
}

/* pixels [SIDE, SIDE, 3], grey [SIDE, SIDE] scratch; out [DESCRIPTOR] zeros */
static void describe_pixels(const encoder *e, const uint8_t *pixels, float *grey, float *out)
{
    for (int y = 0; y < SIDE; y++) {
        light_row lights;
        light_of(e->linear, pixels + 3 * y * SIDE, &lights);
        for (int x = 0; x < SIDE; x++) {
            const lab c = lab_at(&lights, x);
            const int place = 1 + y * PLACES / SIDE * PLACES + x * PLACES / SIDE;
            grey[y * SIDE + x] = c.l;
            add_colour(c, out, out + place * COLOURS);
        }
    }
    for (int scale = 0; scale < SCALES; scale++) {
        float *edges = out + COLOUR_NUMBERS + scale * SHAPES;
        add_edges(grey, SIDE >> scale, edges);
        finish_block(edges, SHAPES);
        halve(grey, SIDE >> scale);
    }
    for (int block = 0; block < 1 + PLACES * PLACES; block++)
        finish_block(out + block * COLOURS, COLOURS);
}

static medley_status describe_image(const encoder *e, const image *m, sample *out, medley_error *err)
{
    const resample_window all = {.width = SIDE, .height = SIDE, .columns = SIDE, .rows = SIDE};
    uint8_t *pixels = NULL;
    float *grey = NULL;
    medley_status status;
    TRY_DONE(mem_alloc(e->rt, SIDE * SIDE, 3, &pixels, err));
    TRY_DONE(mem_alloc(e->rt, SIDE * SIDE, sizeof *grey, &grey, err));
    TRY_DONE(image_resample(e->rt, m, RESAMPLE_BILINEAR, &all, pixels, err));
    TRY_DONE(mem_alloc_zero(e->rt, DESCRIPTOR, sizeof(float), &out->data, err));
    describe_pixels(e, pixels, grey, out->data);
    out->bytes = DESCRIPTOR * sizeof(float);
    out->size = 1;
done:
    mem_free(pixels);
    mem_free(grey);
    return status;
}

static medley_status prepare(encoder *e, const void *bytes, size_t length, sample *out, medley_error *err)
{
    image m = {.pixels = NULL};
    *out = (sample){0};
    medley_status status = image_decode(e->rt, bytes, length, SIDE, &image_limits_default, &m, err);
    if (status == MEDLEY_OK)
        status = describe_image(e, &m, out, err);
    image_release(&m);
    return status;
}

/* ---- all pictures ---- */

/* Colours count 1 - shape, edges shape; within colours the whole and the places the same, within edges each scale. */
static float block_weight(double shape, int64_t number)
{
    if (number >= COLOUR_NUMBERS)
        return (float)sqrt(shape / SCALES);
    return (float)sqrt((1 - shape) / (number < COLOURS ? 2 : 2 * PLACES * PLACES));
}

/* x [pictures, DESCRIPTOR] weighted, without the mean of its columns */
static void centre(float *x, int64_t pictures, double shape)
{
    for (int64_t j = 0; j < DESCRIPTOR; j++) {
        const float weight = block_weight(shape, j);
        double sum = 0;
        for (int64_t r = 0; r < pictures; r++)
            sum += (double)x[r * DESCRIPTOR + j];
        const float mean = pictures > 0 ? (float)(sum / (double)pictures) : 0;
        for (int64_t r = 0; r < pictures; r++)
            x[r * DESCRIPTOR + j] = weight * (x[r * DESCRIPTOR + j] - mean);
    }
}

static medley_status take_descriptors(const encoder *e, const sample *samples, int64_t items, float **out,
                                      int64_t *pictures, medley_error *err)
{
    *pictures = 0;
    for (int64_t i = 0; i < items; i++) {
        if (samples[i].bytes != 0 && samples[i].bytes != DESCRIPTOR * sizeof **out)
            return fail(err, MEDLEY_E_FORMAT, "histogram: a sample of %zu bytes", samples[i].bytes);
        *pictures += samples[i].bytes > 0;
    }
    TRY(runtime_memory_fits("histogram", *pictures, "pictures", (double)*pictures * (DESCRIPTOR * sizeof **out),
                            "encode fewer items", err));
    TRY(mem_alloc(e->rt, *pictures, DESCRIPTOR * sizeof **out, out, err));
    for (int64_t i = 0, row = 0; i < items; i++)
        if (samples[i].bytes > 0)
            memcpy(*out + row++ * DESCRIPTOR, samples[i].data, DESCRIPTOR * sizeof **out);
    return MEDLEY_OK;
}

/* Rows of U S^power to the items that have a picture. */
static medley_status spread(const encoder *e, const truncated_svd *s, const sample *samples, int64_t items,
                            float **out, medley_error *err)
{
    TRY(mem_alloc_zero(e->rt, mem_bytes(items, sizeof **out), (size_t)s->rank, out, err));
    for (int64_t i = 0, row = 0; i < items; i++)
        if (samples[i].bytes > 0) {
            for (int64_t j = 0; j < s->rank; j++)
                (*out)[i * s->rank + j] = s->u[row * s->rank + j] * powf(s->values[j], (float)e->p->power);
            row++;
        }
    return MEDLEY_OK;
}

static medley_status fit(encoder *e, const sample *samples, int64_t items, float **out, int64_t *length,
                         medley_error *err)
{
    const histogram_params *p = e->p;
    float *x = NULL;
    truncated_svd svd = {0};
    int64_t pictures;
    medley_status status;
    *out = NULL;
    *length = 0;
    TRY_DONE(take_descriptors(e, samples, items, &x, &pictures, err));
    centre(x, pictures, p->shape);
    const svd_job job = {.rows = pictures,
                         .columns = DESCRIPTOR,
                         .dense = x,
                         .rank = p->dimensions,
                         .oversampling = p->oversampling,
                         .iterations = p->iterations,
                         .seed = (uint64_t)p->seed,
                         .phase = "principal components"};
    TRY_DONE(truncated_svd_run(e->rt, &job, &svd, err));
    if (pictures > 0 && svd.rank == 0)
        TRY_DONE(fail(err, MEDLEY_E_FORMAT,
                      "histogram: %lld pictures without a difference; vectors are made of differences: at least 2 "
                      "pictures that differ are needed",
                      (long long)pictures));
    TRY_DONE(spread(e, &svd, samples, items, out, err));
    *length = svd.rank;
done:
    truncated_svd_release(&svd);
    mem_free(x);
    return status;
}

/* ---- the class ---- */

static void close(encoder *e)
{
    if (e == NULL)
        return;
    text_release(&e->identity);
    mem_free(e);
}

static const char *preparation(const encoder *e)
{
    (void)e;
    return "histogram 2";
}

static medley_status open(const medley_runtime *rt, const void *values, encoder **out, medley_error *err)
{
    const histogram_params *p = values;
    *out = NULL;
    TRY(mem_alloc_zero(rt, 1, sizeof **out, out, err));
    encoder *e = *out;
    e->rt = e->identity.rt = rt;
    e->p = p;
    for (int v = 0; v < 256; v++)
        e->linear[v] =
            (float)(v <= 10 ? v / 255.0 / 12.92 : pow((v / 255.0 + 0.055) / 1.055, 2.4)); /* 0.04045 is 10.3 */
    text_format(&e->identity,
                "%s shape %.17g dimensions %lld power %.17g oversampling %lld iterations %lld seed %lld",
                preparation(e), p->shape, (long long)p->dimensions, p->power, (long long)p->oversampling,
                (long long)p->iterations, (long long)p->seed);
    const medley_status status = text_status(&e->identity, err);
    if (status != MEDLEY_OK) {
        close(e);
        *out = NULL;
    }
    return status;
}

static const char *identity(const encoder *e)
{
    return e->identity.bytes;
}

static int64_t length(const encoder *e)
{
    return e->p->dimensions;
}

const encoder_class encoder_histogram = {
    .name = "histogram",
    .title = "Histograms of colours and edges",
    .summary = "pictures by what colours and edges they have, and where; needs no model file",
    .modality = MODALITY_IMAGE,
    .paper = "Dalal and Triggs, Histograms of oriented gradients for human detection, CVPR 2005",
    .params = params,
    .params_size = sizeof(histogram_params),
    .open = open,
    .close = close,
    .identity = identity,
    .preparation = preparation,
    .prepare = prepare,
    .length = length,
    .fit = fit,
};
