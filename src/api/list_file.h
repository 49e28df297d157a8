/* Lists on their way into a TSV file: user, rank, item, score, title. Written as they come, put in place whole. */
#ifndef API_LIST_FILE_H
#define API_LIST_FILE_H

#include "data/store.h"

/* A score as lists show it: the double whose shortest decimal, of at most 9 digits, is that of the float. */
double list_score(float score);

typedef struct list_file list_file;

/* Starts replacing `path`. store: opened with names; borrowed. */
MEDLEY_MUST_USE medley_status list_file_open(const medley_store *store, const char *path, list_file **out,
                                             medley_error *err);
/* Adds one row; rank from 1. */
MEDLEY_MUST_USE medley_status list_file_add(list_file *f, int64_t user, int64_t rank, int64_t item, float score,
                                            medley_error *err);
/* Puts the file in place; ends `f` also when it fails. */
MEDLEY_MUST_USE medley_status list_file_commit(list_file *f, medley_error *err);
/* Leaves what was there; NULL is fine. */
void list_file_abandon(list_file *f);

#endif
