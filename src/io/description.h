/* The JSON files that say what a folder holds: dataset.json, split.json. */
#ifndef IO_DESCRIPTION_H
#define IO_DESCRIPTION_H

#include "io/json.h"

/* Adds the settings that shaped a result, as their user would write them: no paths, nothing transient. table may
 * be NULL. */
MEDLEY_MUST_USE medley_status description_add(const medley_runtime *rt, json *options, const medley_param *table,
                                              const void *values, medley_error *err);

/* Replaces folder/name atomically with the document, indented. */
MEDLEY_MUST_USE medley_status description_save(const medley_runtime *rt, const json *root, const char *folder,
                                               const char *name, medley_error *err);

#endif
