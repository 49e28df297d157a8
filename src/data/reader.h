/* What a reader is: a row in readers.def and a file that defines reader_<name>. */
#ifndef DATA_READER_H
#define DATA_READER_H

#include "data/ingest.h"

typedef struct reader_class {
    const char *name, *summary;
    const char *details; /* the files and shapes it takes */
    const medley_param *params;
    size_t params_size;
    /* Feeds `in` from `input`, a folder or file. */
    medley_status (*read)(const medley_runtime *rt, const void *params, const char *input, ingest *in,
                          medley_error *err);
} reader_class;

extern const reader_class *const reader_classes[]; /* ends with NULL */

/* "tab", "comma", "space", "::" and single characters as users write them; NULL when refused. */
const char *reader_delimiter(const char *name);

/* The first of `names` in the folder, plain, .gz or .zst: mem_alloc'd path, or NULL when there is none
 * (`_need`: E_NOT_FOUND, naming what was looked for). */
MEDLEY_MUST_USE medley_status reader_file(const medley_runtime *rt, const char *folder, const char *const *names,
                                          int64_t count, char **out, medley_error *err);
MEDLEY_MUST_USE medley_status reader_need(const medley_runtime *rt, const char *folder, const char *const *names,
                                          int64_t count, char **out, medley_error *err);

/* Reads a table of the folder where it is there, plain, .gz or .zst. */
MEDLEY_MUST_USE medley_status reader_items(const medley_runtime *rt, const char *folder, const char *name,
                                           const item_layout *layout, ingest *in, medley_error *err);
MEDLEY_MUST_USE medley_status reader_users(const medley_runtime *rt, const char *folder, const char *name,
                                           const item_layout *layout, ingest *in, medley_error *err);

/* Images named by item id in a folder of `input`: `setting`, or where that is "" the first of `usual` (ends with
 * NULL) that is there. */
MEDLEY_MUST_USE medley_status reader_images(const medley_runtime *rt, const char *input, const char *setting,
                                            const char *const *usual, ingest *in, medley_error *err);

/* Whether a file's name ends so, apart from .gz and .zst. */
bool reader_ends_with(const char *name, const char *ending);

/* The name of the one file of the folder that `is_meant`. Fails with E_NOT_FOUND when there is none, which says what
 * is `accepted`, and with E_CONFIG when there are several, which asks to name one of them with `key`. */
MEDLEY_MUST_USE medley_status reader_only_file(const medley_runtime *rt, const char *folder, const char *key,
                                               const char *accepted, bool (*is_meant)(const char *name),
                                               char **out, medley_error *err);

/* The file's first line, decompressed, with its line end and as many zero bytes behind as blocks have; free with
 * mem_free. */
MEDLEY_MUST_USE medley_status reader_first_line(const medley_runtime *rt, const char *path, char **out,
                                                medley_error *err);

/* Reads the interactions from `rows_file` in the folder `input`, or from `input` itself where it is "", and then the
 * item table, unless items_file is "". */
MEDLEY_MUST_USE medley_status reader_tables(const medley_runtime *rt, const char *input, const char *rows_file,
                                            const interaction_layout *rows, const char *items_file,
                                            const item_layout *items, ingest *in, medley_error *err);

#endif
