/* What this build has: operations, readers, splits, models, metrics, tasks; and their tables. */
#ifndef MEDLEY_REGISTRY_H
#define MEDLEY_REGISTRY_H

#include <medley/param.h>
#include <medley/report.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct medley_entry {
    const char *name;
    const char *summary;        /* one phrase */
    const char *details;        /* definition, paper, differences; may be "" */
    const medley_param *params; /* NULL: none */
} medley_entry;

/* Walks the members of a kind ("operations", "formats", "strategies", "models", "encoders",
 * "metrics", "tasks", "searches", "sets"): index from 0 until it returns false. kind's own names come from kind NULL. */
MEDLEY_API bool medley_registry_entry(const char *kind, int64_t index, medley_entry *out);

/* The member of that name; fails with E_NOT_FOUND and the nearest name. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_registry_find(const char *kind, const char *name,
                                                              medley_entry *out, medley_error *err);

typedef enum medley_reference_form {
    MEDLEY_REFERENCE_HELP,     /* aligned text for a terminal */
    MEDLEY_REFERENCE_MARKDOWN, /* a page of docs/reference */
    MEDLEY_REFERENCE_SCHEMA,   /* JSON Schema (2020-12) of the settings */
    MEDLEY_REFERENCE_SWEEP,    /* YAML: the default search space */
} medley_reference_form;

/* Reference text of one member, made from its table alone; a report whose text is the page.
 * Fails with E_NOT_FOUND, E_NOMEM. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_reference(medley_runtime *runtime, const char *kind,
                                                          const char *name, medley_reference_form form, char **out,
                                                          medley_error *err);
/* Frees a text that the library returned through `char **`. */
MEDLEY_API void medley_text_free(char *text);

/* What this machine and build offer: version, processor, threads, memory, libraries. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_doctor(medley_runtime *runtime, medley_report **out,
                                                       medley_error *err);

#ifdef __cplusplus
}
#endif
#endif
