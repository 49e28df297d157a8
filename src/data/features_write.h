/* Writing a feature matrix of a store: <name>.npy and <name>.json, both or none. */
#ifndef DATA_FEATURES_WRITE_H
#define DATA_FEATURES_WRITE_H

#include "data/features_file.h"
#include "io/save.h"

/* Fails with E_CONFIG for a name that is not plain, E_EXISTS for one that is taken unless `force`. */
MEDLEY_MUST_USE medley_status features_write_check(const medley_runtime *rt, const char *folder, const char *name,
                                                   bool force, medley_error *err);

/* Row `item`, [length] numbers, all NaN when it lacks the modality. Called from several threads. */
typedef medley_status (*features_row)(const void *context, int64_t item, float *out, medley_error *err);

/* A matrix that is being written. All zero: none. */
typedef struct features_writing {
    const medley_runtime *rt;
    const char *store, *name;
    char *folder, *path; /* <store>/features, and the matrix in it */
    bool made_folder;
    save *file;
    int64_t items, length, missing;
    char fingerprint[FINGERPRINT_SIZE];
} features_writing;

/* Writes the rows beside their place, item by item: the matrix is never in memory as a whole. `store`, a store's folder, and
 * `name` are borrowed. Release it also after a failure. */
MEDLEY_MUST_USE medley_status features_write_rows(const medley_runtime *rt, const char *store, const char *name,
                                                  int64_t items, int64_t length, features_row row,
                                                  const void *context, features_writing *out, medley_error *err);
/* Puts both in place. `about` is an object with what the writer knows of the source; the rest is added to it. */
MEDLEY_MUST_USE medley_status features_write_commit(features_writing *w, json *about, medley_error *err);
/* Whatever was not committed is gone. */
void features_writing_release(features_writing *w);

#endif
