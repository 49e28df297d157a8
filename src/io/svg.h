/* Simple plots as SVG, made for reports: panels of lines, dots or bars with axes, and named bars with intervals. */
#ifndef IO_SVG_H
#define IO_SVG_H

#include "base/base.h"

typedef struct svg_panel {
    const char *title, *x_label, *y_label;
    const double *x, *y; /* [count] */
    int64_t count;
    bool bars;         /* else a line */
    bool log_x, log_y; /* logarithmic axes: values <= 0 are left out */
} svg_panel;

/* Appends a whole SVG document with the panels side by side, each 460 x 320. Texts are escaped;
 * readable on light and dark pages (its own background). */
void svg_plot(text *out, const svg_panel *panels, int64_t count);

/* A panel of several lines, or of dots with names. */
typedef struct svg_groups {
    const int64_t *group;     /* [points] which line or name each belongs to */
    const char *const *names; /* [count] */
    int64_t count;
    bool dots;
} svg_groups;

/* Appends a panel as an element of an HTML page whose style holds svg_page_style; `description` is for those who do not
 * see it. groups may be NULL. */
void svg_figure(text *out, const svg_panel *panel, const svg_groups *groups, const char *description);

/* Horizontal bars, one a row, with whiskers; as an element of a page. */
typedef struct svg_rows {
    const char *title;
    const char *const *names; /* [count] */
    const double *value;      /* [count] not finite: no bar */
    const double *low, *high; /* [count] of the whiskers, not finite: none; or NULL */
    int64_t count;
} svg_rows;
void svg_bars(text *out, const svg_rows *rows, const char *description);

/* Colours of groups g0..g7 for light and dark pages: CSS. A group is drawn as g(number modulo SVG_STYLES). */
enum { SVG_STYLES = 8 };
extern const char svg_page_style[];

#endif
