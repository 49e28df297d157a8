/* Building a medley_report. Calls never fail on their own: the first failed allocation is kept and
 * returned by report_status. */
#ifndef BASE_REPORT_H
#define BASE_REPORT_H

#include <medley/report.h>

#include "base/base.h"

MEDLEY_MUST_USE medley_status report_create(const medley_runtime *rt, medley_report **out, medley_error *err);

/* Starts a section; the calls below add to the one started last. name: a JSON key; title: for people. */
void report_facts(medley_report *r, const char *name, const char *title);
/* columns: "user|rank|item|score". Cells then come row by row, left to right. */
void report_table(medley_report *r, const char *name, const char *title, const char *columns);

/* One fact, or (name NULL) the next cell of a table. */
void report_int(medley_report *r, const char *name, int64_t value);
void report_real(medley_report *r, const char *name, double value); /* shown with 6 digits; JSON has all */
void report_string(medley_report *r, const char *name, const char *value);
void report_bytes(medley_report *r, const char *name, const char *value, size_t length);

MEDLEY_MUST_USE medley_status report_status(medley_report *r, medley_error *err);

#endif
