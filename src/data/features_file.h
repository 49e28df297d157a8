/* Files of features/: which there are, and what a .json says of its matrix. */
#ifndef DATA_FEATURES_FILE_H
#define DATA_FEATURES_FILE_H

#include "data/features.h"
#include "io/json.h"

/* Vectors are no longer than this, whatever a file says: a matrix has a row for every item. */
enum { FEATURES_LENGTH_MOST = 1 << 20, FEATURES_NAME_MOST = 100 };

/* Letters, digits, '_', '-' and '.', the first a letter or digit: it names files, and stands in lists of settings. */
bool features_name_is_plain(const char *name);

/* "<folder>/features/<name><ending>", mem_alloc'd. */
MEDLEY_MUST_USE medley_status features_path(const medley_runtime *rt, const char *folder, const char *name,
                                            const char *ending, char **out, medley_error *err);

/* Names of the matrices of a store's folder, sorted; free with file_names_free. */
MEDLEY_MUST_USE medley_status features_names(const medley_runtime *rt, const char *folder, char ***names,
                                             int64_t *count, medley_error *err);

/* The .json of a matrix. */
MEDLEY_MUST_USE medley_status features_read_json(const medley_runtime *rt, const char *folder, const char *name,
                                                 json **out, medley_error *err);

/* Of the ids of a catalogue's items, in order: a matrix belongs to no others. */
MEDLEY_MUST_USE medley_status features_items_print(const medley_runtime *rt, const char *folder,
                                                   char hex[FINGERPRINT_SIZE], medley_error *err);

#endif
