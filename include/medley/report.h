/* What an operation has to say: titled sections of facts (name, value) or of table rows.
 * One object serves people (text), pipes (TSV) and machines (JSON). */
#ifndef MEDLEY_REPORT_H
#define MEDLEY_REPORT_H

#include <medley/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Owned by the caller of the operation that made it; never changes afterwards. */
typedef struct medley_report medley_report;

typedef enum medley_report_form {
    MEDLEY_REPORT_TEXT, /* aligned columns under titles */
    MEDLEY_REPORT_TSV,  /* tables only: header and rows; facts as name<TAB>value */
    MEDLEY_REPORT_JSON, /* one object: a facts section is an object, a table an array of objects */
} medley_report_form;

MEDLEY_API void medley_report_free(medley_report *report);

/* The whole report as UTF-8 text in *out, which the report owns. Fails with E_NOMEM. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_report_render(medley_report *report, medley_report_form form,
                                                              const char **out, medley_error *err);

/* The number that a facts section, or a row of a table, holds: e.g. ("counts", 0, "users") or
 * ("metrics", 3, "value"). Returns false when there is none. */
MEDLEY_API bool medley_report_number(const medley_report *report, const char *section, int64_t row,
                                     const char *name, double *out);
/* As above for text; NULL when there is none. Borrowed from the report. */
MEDLEY_API const char *medley_report_text(const medley_report *report, const char *section, int64_t row,
                                          const char *name);
/* Rows of a section: 1 for facts, 0 when there is no such section. */
MEDLEY_API int64_t medley_report_rows(const medley_report *report, const char *section);

#ifdef __cplusplus
}
#endif
#endif
