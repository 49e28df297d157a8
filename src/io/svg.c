#include "io/svg.h"

#include <math.h>
#include <stdio.h>

#include "io/html.h"

enum { WIDTH = 460, HEIGHT = 320, LEFT = 64, RIGHT = 28, TOP = 36, BOTTOM = 48, TICKS_MOST = 12 };

/* One direction of a panel: values low..high (their log10 when `log`) on pixels from..to. */
typedef struct axis {
    double low, high;
    double from, to;
    bool log;
} axis;

static bool drawable(double value, bool log)
{
    return isfinite(value) && (!log || value > 0);
}

static double place(const axis *a, double value)
{
    const double v = a->log ? log10(value) : value;
    return a->from + (v - a->low) / (a->high - a->low) * (a->to - a->from);
}

/* 1, 2 or 5 times a power of ten, so that about five steps span the range. */
static double nice_step(double span)
{
    const double rough = span / 5, power = pow(10, floor(log10(rough))), lead = rough / power;
    return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

/* Widens the range of the values to whole steps; what cannot be drawn does not count. */
static axis fit_axis(const svg_panel *p, const double *values, bool log, bool with_zero, double from, double to)
{
    axis a = {INFINITY, -INFINITY, from, to, log};
    for (int64_t i = 0; i < p->count; i++) {
        if (!drawable(p->x[i], p->log_x) || !drawable(p->y[i], p->log_y))
            continue;
        const double v = log ? log10(values[i]) : values[i];
        a.low = fmin(a.low, v);
        a.high = fmax(a.high, v);
    }
    if (a.low > a.high)
        a.low = a.high = 0;
    if (with_zero && !log) {
        a.low = fmin(a.low, 0);
        a.high = fmax(a.high, 0);
    }
    const double tiny = 1e-9 * fmax(fabs(a.low), fabs(a.high));
    if (!(a.high - a.low > tiny) || !isfinite(a.high - a.low)) {
        const double around = fmax(fmin(fabs(a.low), 1e300), 1) / 2;
        a.low = fmax(a.low, -1e300) - around;
        a.high = fmin(a.high, 1e300) + around;
    }
    const double step = log ? 1 : nice_step(a.high - a.low);
    a.low = floor(a.low / step + 1e-9) * step;
    a.high = ceil(a.high / step - 1e-9) * step;
    return a;
}

/* printf's numbers follow the locale of the process; an SVG's do not. */
static void add_number(text *out, const char *format, double value)
{
    char digits[64];
    snprintf(digits, sizeof digits, format, value);
    for (char *p = digits; *p != '\0'; p++)
        if (strchr("0123456789+-e", *p) == NULL)
            *p = '.';
    text_add(out, digits);
}

/* ` name="12.3"` */
static void add_attribute(text *out, const char *name, double value)
{
    text_format(out, " %s=\"", name);
    add_number(out, "%.1f", value);
    text_add(out, "\"");
}

static void add_line(text *out, const char *class, double x1, double y1, double x2, double y2)
{
    text_format(out, "<line class=\"%s\"", class);
    add_attribute(out, "x1", x1);
    add_attribute(out, "y1", y1);
    add_attribute(out, "x2", x2);
    add_attribute(out, "y2", y2);
    text_add(out, "/>\n");
}

static void start_text(text *out, double x, double y, const char *anchor)
{
    text_add(out, "<text");
    add_attribute(out, "x", x);
    add_attribute(out, "y", y);
    text_format(out, " text-anchor=\"%s\">", anchor);
}

/* The first `most` characters, and "…" when there are more. */
static void add_short(text *out, const char *plain, int most)
{
    char kept[256] = "";
    size_t length = strlen(plain), used = 0;
    for (int i = 0, size; i < most && used < length && used + 4 < sizeof kept; i++, used += (size_t)size)
        if ((size = text_character(plain + used, length - used)) == 0)
            break;
    memcpy(kept, plain, used);
    html_add(out, kept);
    text_add(out, used < length ? "…" : "");
}

/* Grid lines and their numbers. */
static void add_ticks(text *out, const axis *a, const axis *across, bool horizontal)
{
    double step = a->log ? 1 : nice_step(a->high - a->low);
    while ((a->high - a->low) / step > TICKS_MOST)
        step *= 2;
    const int count = (int)floor((a->high - a->low) / step + 1e-9);
    for (int i = 0; i <= count; i++) {
        double value = a->low + i * step;
        if (fabs(value) < step * 1e-9)
            value = 0;
        const double at = a->from + (value - a->low) / (a->high - a->low) * (a->to - a->from);
        if (horizontal) {
            add_line(out, "grid", at, across->from, at, across->to);
            start_text(out, at, across->from + 16, "middle");
        } else {
            add_line(out, "grid", across->from, at, across->to, at);
            start_text(out, across->from - 6, at + 4, "end");
        }
        add_number(out, "%.6g", a->log ? pow(10, value) : value);
        text_add(out, "</text>\n");
    }
}

static void add_bars(text *out, const svg_panel *p, const axis *x, const axis *y)
{
    const double room = (x->to - x->from) / (double)(p->count > 0 ? p->count : 1);
    const double width = fmin(fmax(room * 0.8, 1), 24), base = y->log ? y->from : place(y, 0);
    for (int64_t i = 0; i < p->count; i++) {
        if (!drawable(p->x[i], x->log) || !drawable(p->y[i], y->log))
            continue;
        const double top = place(y, p->y[i]);
        text_add(out, "<rect class=\"data\"");
        add_attribute(out, "x", place(x, p->x[i]) - width / 2);
        add_attribute(out, "y", fmin(top, base));
        add_attribute(out, "width", width);
        add_attribute(out, "height", fabs(base - top));
        text_add(out, "/>\n");
    }
}

/* A point that is drawn and, with groups, is of this one. */
static bool is_shown(const svg_panel *p, int64_t i, const svg_groups *groups, int64_t group)
{
    return (groups == NULL || groups->group[i] == group) && drawable(p->x[i], p->log_x) &&
           drawable(p->y[i], p->log_y);
}

static void add_points(text *out, const svg_panel *p, const svg_groups *groups, int64_t group, const axis *x,
                       const axis *y)
{
    const char *separator = "";
    for (int64_t i = 0; i < p->count; i++) {
        if (!is_shown(p, i, groups, group))
            continue;
        text_add(out, separator);
        add_number(out, "%.1f", place(x, p->x[i]));
        text_add(out, ",");
        add_number(out, "%.1f", place(y, p->y[i]));
        separator = " ";
    }
}

static void add_curves(text *out, const svg_panel *p, const svg_groups *groups, const axis *x, const axis *y)
{
    for (int64_t group = 0; group < (groups != NULL ? groups->count : 1); group++) {
        text_add(out, "<polyline class=\"data");
        if (groups != NULL)
            text_format(out, " g%d", (int)(group % SVG_STYLES));
        text_add(out, "\" points=\"");
        add_points(out, p, groups, group, x, y);
        text_add(out, "\"/>\n");
    }
}

/* Each with its group's name beside it, on the side where there is room. */
static void add_dots(text *out, const svg_panel *p, const svg_groups *groups, const axis *x, const axis *y)
{
    for (int64_t i = 0; i < p->count; i++) {
        const int64_t group = groups->group[i];
        if (!is_shown(p, i, groups, group))
            continue;
        const double at_x = place(x, p->x[i]), at_y = place(y, p->y[i]);
        const bool right = at_x < (x->from + x->to) / 2;
        text_format(out, "<circle class=\"data g%d\" r=\"5\"", (int)(group % SVG_STYLES));
        add_attribute(out, "cx", at_x);
        add_attribute(out, "cy", at_y);
        text_add(out, "/>\n");
        start_text(out, at_x + (right ? 9 : -9), at_y + 4, right ? "start" : "end");
        add_short(out, groups->names[group], 30);
        text_add(out, "</text>\n");
    }
}

static void add_data(text *out, const svg_panel *p, const svg_groups *groups, const axis *x, const axis *y)
{
    if (p->bars)
        add_bars(out, p, x, y);
    else
        (groups != NULL && groups->dots ? add_dots : add_curves)(out, p, groups, x, y);
}

static void add_panel(text *out, const svg_panel *p, const svg_groups *groups, int64_t index)
{
    const double shift = p->bars ? 14 : 0; /* half of the first and last bar, and a little */
    const axis x = fit_axis(p, p->x, p->log_x, false, LEFT + shift, WIDTH - RIGHT - shift);
    const axis y = fit_axis(p, p->y, p->log_y, p->bars, HEIGHT - BOTTOM, TOP);
    const axis frame = {0, 1, LEFT, WIDTH - RIGHT, false};
    text_format(out, "<g transform=\"translate(%lld 0)\">\n", (long long)(index * WIDTH));
    add_ticks(out, &x, &y, true);
    add_ticks(out, &y, &frame, false);
    add_line(out, "frame", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
    add_line(out, "frame", LEFT, TOP, LEFT, HEIGHT - BOTTOM);
    add_data(out, p, groups, &x, &y);
    text_format(out, "<text class=\"title\" x=\"%d\" y=\"22\" text-anchor=\"middle\">", WIDTH / 2);
    html_add(out, p->title);
    text_format(out, "</text>\n<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", WIDTH / 2, HEIGHT - 12);
    html_add(out, p->x_label);
    text_format(out, "</text>\n<text transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">",
                HEIGHT / 2);
    html_add(out, p->y_label);
    text_add(out, "</text>\n</g>\n");
}

void svg_plot(text *out, const svg_panel *panels, int64_t count)
{
    const long long width = (long long)count * WIDTH;
    text_format(out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%lld\" height=\"%d\" "
                "viewBox=\"0 0 %lld %d\">\n"
                "<style>text{font:12px sans-serif;fill:#333}.title{font-size:14px;font-weight:bold}"
                ".grid{stroke:#ddd}.frame{stroke:#333}"
                "polyline.data{fill:none;stroke:#1764ab;stroke-width:1.8}"
                "rect.data{fill:#1764ab}</style>\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                width, HEIGHT, width, HEIGHT);
    for (int64_t i = 0; i < count; i++)
        add_panel(out, &panels[i], NULL, i);
    text_add(out, "</svg>\n");
}

/* ---- On a page ---- */

const char svg_page_style[] =
    "svg{max-width:100%;height:auto}svg text{font:12px sans-serif;fill:currentColor}svg .title{font-size:14px;"
    "font-weight:bold}svg .grid{stroke:currentColor;stroke-opacity:.15}svg .frame,svg .whisker{stroke:currentColor}"
    "svg .whisker{stroke-width:1.6}svg polyline.data{fill:none}svg polyline.data,svg line.data{stroke-width:2}svg .data{fill:var(--g0);"
    "stroke:var(--g0)}svg polyline.data.g1,svg line.g1{stroke-dasharray:7 3}svg polyline.data.g2,svg line.g2"
    "{stroke-dasharray:2 3}svg polyline.data.g3,svg line.g3{stroke-dasharray:9 3 2 3}svg polyline.data.g5,svg line.g5"
    "{stroke-dasharray:7 3}svg polyline.data.g6,svg line.g6{stroke-dasharray:2 3}svg polyline.data.g7,svg line.g7"
    "{stroke-dasharray:9 3 2 3}"
    "svg .data.g1{stroke:var(--g1)}svg .data.g2{stroke:var(--g2)}svg .data.g3{stroke:var(--g3)}"
    "svg .data.g4{stroke:var(--g4)}svg .data.g5{stroke:var(--g5)}svg .data.g6{stroke:var(--g6)}"
    "svg .data.g7{stroke:var(--g7)}svg circle.g1,svg rect.g1{fill:var(--g1)}svg circle.g2,svg rect.g2{fill:var(--g2)}"
    "svg circle.g3,svg rect.g3{fill:var(--g3)}svg circle.g4,svg rect.g4{fill:var(--g4)}"
    "svg circle.g5,svg rect.g5{fill:var(--g5)}svg circle.g6,svg rect.g6{fill:var(--g6)}"
    "svg circle.g7,svg rect.g7{fill:var(--g7)}\n"
    ":root{--g0:#1764ab;--g1:#b45309;--g2:#15803d;--g3:#a21caf;--g4:#b91c1c;--g5:#0e7490;--g6:#57534e;--g7:#6d28d9}\n"
    "@media(prefers-color-scheme:dark){:root{--g0:#6cb2f2;--g1:#f0a04b;--g2:#5fd38d;--g3:#e58af0;--g4:#f58b8b;"
    "--g5:#5ccfe6;--g6:#b8b2ac;--g7:#b69cf7}}\n";

enum { LEGEND_ROW = 18, BAR_ROW = 26, NAMES_WIDTH = 150 };

static void start_figure(text *out, int64_t height, const char *description)
{
    text_format(out, "<svg role=\"img\" width=\"%d\" height=\"%lld\" viewBox=\"0 0 %d %lld\">\n<title>", WIDTH,
                (long long)height, WIDTH, (long long)height);
    html_add(out, description);
    text_add(out, "</title>\n");
}

static void add_legend(text *out, const svg_groups *groups)
{
    for (int64_t g = 0; g < groups->count; g++) {
        const double x = LEFT + (double)(g % 2) * (WIDTH - LEFT) / 2, y = HEIGHT + (double)(g / 2) * LEGEND_ROW;
        char class[32];
        snprintf(class, sizeof class, "data g%d", (int)(g % SVG_STYLES));
        add_line(out, class, x, y + 5, x + 26, y + 5);
        start_text(out, x + 32, y + 9, "start");
        add_short(out, groups->names[g], 24);
        text_add(out, "</text>\n");
    }
}

void svg_figure(text *out, const svg_panel *panel, const svg_groups *groups, const char *description)
{
    const bool legend = groups != NULL && !groups->dots;
    start_figure(out, HEIGHT + (legend ? (groups->count + 1) / 2 * LEGEND_ROW : 0), description);
    add_panel(out, panel, groups, 0);
    if (legend)
        add_legend(out, groups);
    text_add(out, "</svg>\n");
}

static void add_bar_row(text *out, const svg_rows *r, int64_t i, const axis *x)
{
    const double y = TOP + (double)i * BAR_ROW, zero = place(x, 0), end = place(x, r->value[i]);
    start_text(out, NAMES_WIDTH - 6, y + 17, "end");
    add_short(out, r->names[i], 21);
    text_add(out, "</text>\n");
    if (!isfinite(r->value[i]))
        return;
    text_format(out, "<rect class=\"data g%d\"", (int)(i % SVG_STYLES));
    add_attribute(out, "x", fmin(zero, end));
    add_attribute(out, "y", y + 4);
    add_attribute(out, "width", fabs(end - zero));
    add_attribute(out, "height", BAR_ROW - 8);
    text_add(out, "/>\n");
    if (r->low == NULL || !isfinite(r->low[i]) || !isfinite(r->high[i]))
        return;
    add_line(out, "whisker", place(x, r->low[i]), y + BAR_ROW / 2, place(x, r->high[i]), y + BAR_ROW / 2);
    add_line(out, "whisker", place(x, r->low[i]), y + 8, place(x, r->low[i]), y + BAR_ROW - 8);
    add_line(out, "whisker", place(x, r->high[i]), y + 8, place(x, r->high[i]), y + BAR_ROW - 8);
}

/* Both ends of the whiskers must fit. */
static axis fit_rows(const svg_rows *r)
{
    double least = 0, most = 0;
    for (int64_t i = 0; i < r->count; i++)
        for (int part = 0; part < (r->low != NULL ? 3 : 1); part++) {
            const double v = (part == 0 ? r->value : part == 1 ? r->low : r->high)[i];
            least = isfinite(v) ? fmin(least, v) : least;
            most = isfinite(v) ? fmax(most, v) : most;
        }
    const double ends[] = {least, most}, flat[] = {0, 0};
    const svg_panel p = {.x = ends, .y = flat, .count = 2};
    return fit_axis(&p, ends, false, true, NAMES_WIDTH, WIDTH - RIGHT);
}

void svg_bars(text *out, const svg_rows *rows, const char *description)
{
    const double bottom = TOP + (double)rows->count * BAR_ROW;
    const axis x = fit_rows(rows), across = {0, 1, bottom, TOP, false};
    start_figure(out, (int64_t)bottom + 28, description);
    add_ticks(out, &x, &across, true);
    add_line(out, "frame", place(&x, 0), TOP, place(&x, 0), bottom);
    for (int64_t i = 0; i < rows->count; i++)
        add_bar_row(out, rows, i, &x);
    text_format(out, "<text class=\"title\" x=\"%d\" y=\"22\" text-anchor=\"middle\">", WIDTH / 2);
    html_add(out, rows->title);
    text_add(out, "</text>\n</svg>\n");
}
