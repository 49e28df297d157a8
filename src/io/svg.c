#include "io/svg.h"

#include <math.h>
#include <stdio.h>

#include "base/base.h"

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

static void add_escaped(text *out, const char *plain)
{
    for (; plain != NULL && *plain != '\0'; plain++) {
        switch (*plain) {
        case '&':
            text_add(out, "&amp;");
            break;
        case '<':
            text_add(out, "&lt;");
            break;
        case '>':
            text_add(out, "&gt;");
            break;
        case '"':
            text_add(out, "&quot;");
            break;
        default:
            text_append(out, (unsigned char)*plain < 0x20 ? " " : plain, 1); /* not allowed in XML */
        }
    }
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

static void add_curve(text *out, const svg_panel *p, const axis *x, const axis *y)
{
    const char *separator = "";
    text_add(out, "<polyline class=\"data\" points=\"");
    for (int64_t i = 0; i < p->count; i++) {
        if (!drawable(p->x[i], x->log) || !drawable(p->y[i], y->log))
            continue;
        text_add(out, separator);
        add_number(out, "%.1f", place(x, p->x[i]));
        text_add(out, ",");
        add_number(out, "%.1f", place(y, p->y[i]));
        separator = " ";
    }
    text_add(out, "\"/>\n");
}

static void add_panel(text *out, const svg_panel *p, int64_t index)
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
    (p->bars ? add_bars : add_curve)(out, p, &x, &y);
    text_format(out, "<text class=\"title\" x=\"%d\" y=\"22\" text-anchor=\"middle\">", WIDTH / 2);
    add_escaped(out, p->title);
    text_format(out, "</text>\n<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", WIDTH / 2, HEIGHT - 12);
    add_escaped(out, p->x_label);
    text_format(out, "</text>\n<text transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">",
                HEIGHT / 2);
    add_escaped(out, p->y_label);
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
        add_panel(out, &panels[i], i);
    text_add(out, "</svg>\n");
}
