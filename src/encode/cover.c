#include "encode/cover.h"

#include "encode/image.h"

enum { QUALITY = 88, GRAIN = 24, HUE_JITTER = 28, BAR = 30 };

typedef struct colour {
    int c[3];
} colour;

/* Ground, ink of the pattern, shapes. Three are warm, three cold. */
static const colour palettes[PALETTES][3] = {
    {{{196, 52, 40}}, {{238, 120, 60}}, {{255, 226, 180}}},   /* red */
    {{{214, 150, 34}}, {{250, 206, 90}}, {{110, 54, 20}}},    /* amber */
    {{{190, 70, 130}}, {{236, 140, 170}}, {{255, 236, 214}}}, /* rose */
    {{{36, 92, 170}}, {{90, 160, 220}}, {{232, 240, 250}}},   /* blue */
    {{{30, 130, 120}}, {{100, 200, 180}}, {{240, 250, 220}}}, /* teal */
    {{{84, 60, 160}}, {{150, 130, 220}}, {{226, 250, 240}}},  /* violet */
};

/* What is drawn once for a cover. */
typedef struct cover {
    const item_look *look;
    colour of[3];
    int period, phase;
    int shapes, size, x[3], y[3];
    uint64_t counter;
} cover;

static int chance(cover *c, int choices)
{
    return (int)(random_bits(c->look->seed, 0, c->counter++) % (uint64_t)choices);
}

static int clamp(int value)
{
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* ---- patterns: whether the ink is at (x, y), both at least 0; n: the period ---- */

typedef bool (*pattern)(int x, int y, int n);

static bool is_row(int x, int y, int n)
{
    (void)x;
    return y / n % 2 == 0;
}

static bool is_column(int x, int y, int n)
{
    (void)y;
    return x / n % 2 == 0;
}

static bool is_slant(int x, int y, int n)
{
    return (x + y) / n % 2 == 0;
}

static bool is_dot(int x, int y, int n)
{
    const int dx = x % (2 * n) - n, dy = y % (2 * n) - n;
    return 9 * (dx * dx + dy * dy) < 4 * n * n;
}

/* Rows that rise and fall as a parabola does, one way and the other. */
static bool is_wave(int x, int y, int n)
{
    const int length = 4 * n, at = x % length - length / 2, half = length / 2;
    const int height = n * 4 * (at < 0 ? at * (at + half) : -at * (at - half)) / (half * half);
    return (y + 2 * n + height) / n % 2 == 0;
}

static bool is_block(int x, int y, int n)
{
    return (x / n + y / n) % 2 == 0;
}

static const pattern patterns[PATTERNS] = {is_row, is_column, is_slant, is_dot, is_wave, is_block};

/* ---- shapes: whether (x, y) from the middle lies in one of size r ---- */

typedef bool (*outline)(int x, int y, int r);

static bool in_disc(int x, int y, int r)
{
    return x * x + y * y < r * r;
}

static bool in_ring(int x, int y, int r)
{
    const int square = x * x + y * y;
    return square < r * r && 9 * square > 4 * r * r;
}

static bool in_square(int x, int y, int r)
{
    return 8 * abs(x) < 7 * r && 8 * abs(y) < 7 * r;
}

static bool in_diamond(int x, int y, int r)
{
    return abs(x) + abs(y) < r;
}

static bool in_triangle(int x, int y, int r)
{
    return y < r && 2 * abs(x) < y + r;
}

static bool in_cross(int x, int y, int r)
{
    return (3 * abs(x) < r && abs(y) < r) || (3 * abs(y) < r && abs(x) < r);
}

static const outline outlines[] = {in_disc, in_ring, in_square, in_diamond, in_triangle, in_cross};
enum { OUTLINES = sizeof outlines / sizeof *outlines };

/* ---- the picture ---- */

static int lit(int value, int light)
{
    return light == 0 ? value * 9 / 20 : light == 1 ? value * 17 / 20 : 255 - (255 - value) * 11 / 20;
}

/* Genre g: outline g mod 6, once, twice or three times. */
static void plan(const item_look *look, cover *c)
{
    *c = (cover){.look = look};
    for (int k = 0; k < 3; k++)
        for (int channel = 0; channel < 3; channel++) {
            const int value = palettes[look->style[STYLE_PALETTE]][k].c[channel];
            c->of[k].c[channel] =
                clamp(lit(value, look->style[STYLE_LIGHT]) + chance(c, HUE_JITTER + 1) - HUE_JITTER / 2);
        }
    c->period = 6 + chance(c, 5);
    c->phase = chance(c, 4 * c->period);
    c->shapes = 1 + (int)(look->genre / OUTLINES) % 3;
    c->size = (c->shapes == 1 ? 30 : c->shapes == 2 ? 22 : 17) + chance(c, 7);
    for (int k = 0; k < c->shapes; k++) {
        c->x[k] = COVER_WIDTH * (k + 1) / (c->shapes + 1) + chance(c, 13) - 6;
        c->y[k] = (COVER_HEIGHT - BAR) / 2 + chance(c, 41) - 20;
    }
}

static bool in_shape(const cover *c, int x, int y)
{
    const outline in = outlines[c->look->genre % OUTLINES];
    for (int k = 0; k < c->shapes; k++)
        if (in(x - c->x[k], y - c->y[k], c->size))
            return true;
    return false;
}

static const colour *colour_at(const cover *c, int x, int y)
{
    const pattern has_ink = patterns[c->look->style[STYLE_PATTERN]];
    if (in_shape(c, x, y))
        return &c->of[2];
    return &c->of[has_ink(x + c->phase, y + c->phase, c->period) ? 1 : 0];
}

/* A plain bar with letters: small blocks of any width. */
static void draw_title(cover *c, uint8_t *pixels)
{
    const int top = COVER_HEIGHT - BAR, paper = lit(240, c->look->style[STYLE_LIGHT]), ink = 30;
    memset(pixels + top * COVER_WIDTH * 3, paper, (size_t)(BAR - 6) * COVER_WIDTH * 3);
    for (int x = 10; x < COVER_WIDTH - 14;) {
        const int width = 3 + chance(c, 6), gap = 2 + (chance(c, 5) == 0 ? 5 : 0);
        for (int y = top + 7; y < top + 17; y++)
            memset(pixels + (y * COVER_WIDTH + x) * 3, ink, (size_t)(width < 6 ? width : 6) * 3);
        x += width + gap;
    }
}

void cover_draw(const item_look *look, uint8_t *pixels)
{
    cover c;
    plan(look, &c);
    for (int y = 0; y < COVER_HEIGHT; y++)
        for (int x = 0; x < COVER_WIDTH; x++) {
            const colour *of = colour_at(&c, x, y);
            for (int channel = 0; channel < 3; channel++)
                pixels[(y * COVER_WIDTH + x) * 3 + channel] = (uint8_t)of->c[channel];
        }
    draw_title(&c, pixels);
    for (int i = 0; i < COVER_WIDTH * COVER_HEIGHT; i++) {
        const uint64_t bits = random_bits(look->seed, 1, (uint64_t)i);
        for (int channel = 0; channel < 3; channel++) {
            const int grain = (int)(bits >> (16 * channel) & 0xffff) * (GRAIN + 1) / 65536 - GRAIN / 2;
            pixels[i * 3 + channel] = (uint8_t)clamp(pixels[i * 3 + channel] + grain);
        }
    }
}

medley_status cover_paint(const medley_runtime *rt, const item_look *look, void **bytes, size_t *length,
                          medley_error *err)
{
    uint8_t *pixels;
    TRY(mem_alloc(rt, (int64_t)COVER_WIDTH * COVER_HEIGHT * 3, 1, &pixels, err));
    cover_draw(look, pixels);
    const medley_status status =
        image_encode(rt, pixels, COVER_WIDTH, COVER_HEIGHT, IMAGE_JPEG, QUALITY, bytes, length, err);
    mem_free(pixels);
    return status;
}
