/* Simple plots as SVG: one panel of lines or bars with axes, made for reports. */
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

#endif
