/* Lists for a person: a heading for each, then rank, title and numbers in columns. */
#ifndef CLI_LIST_VIEW_H
#define CLI_LIST_VIEW_H

#include <medley/report.h>

/* Prints the report's `table`, whose first column is called `whose`, with `heading` before its value. False when
 * the table has no rows. */
bool list_view_print(const medley_report *report, const char *table, const char *whose, const char *heading);

#endif
