/* What goes to stdout: results, and nothing else. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <medley/report.h>

#include "options.h"

medley_report_form output_form(const options *o);

/* Prints a report in the form asked for. Fails with E_NOMEM. */
MEDLEY_MUST_USE medley_status output_report(medley_report *report, const options *o, medley_error *err);

/* A line that stands out: bold on a terminal, unless NO_COLOR is set. */
void output_title(const char *format, ...) MEDLEY_PRINTF(1, 2);

/* Prints lines. One of more than 100 columns is broken at spaces, and goes on `hang` columns farther in than it began. */
void output_wrapped(const char *lines, int hang);
/* As output_wrapped, for a shell to read: broken in front of options, with a '\\' at the end. */
void output_command(const char *lines);

/* Columns that UTF-8 text takes, one per code point. */
int output_width(const char *text);

/* Ends stdout: what was printed has then been written. Fails with E_IO; a reader that has gone away
 * is E_IO with an empty message, since it has seen what it wanted. */
MEDLEY_MUST_USE medley_status output_end(medley_error *err);

#endif
