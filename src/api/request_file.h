/* Files that say for whom, and among which items, to rank: a line a row, columns apart by a tab, plain, gzip or zstd.
 * Empty lines are skipped; all lines have as many columns as the first. */
#ifndef API_REQUEST_FILE_H
#define API_REQUEST_FILE_H

#include "data/histories.h"
#include "data/store.h"

/* Ids of one kind, and the indexes that they stand for. */
typedef struct request_ids {
    const idmap *map;
    const char *what; /* "user of the store" */
} request_ids;

/* E_NOT_FOUND: "x.txt:3: 'a' is no user of the store, which has 80". `where` goes in front: "x.txt:3". */
MEDLEY_MUST_USE medley_status request_find(request_ids ids, const char *where, const char *id, size_t length,
                                           uint32_t *out, medley_error *err);

/* One column of indexes, or two that belong together. */
typedef struct request_rows {
    const medley_runtime *rt;
    uint32_t *first, *second; /* [count]; second NULL: a file of one column */
    int64_t count, first_capacity, second_capacity;
} request_rows;
void request_rows_release(request_rows *r);

/* Lines of one id: "12". */
MEDLEY_MUST_USE medley_status request_read_ids(const medley_runtime *rt, const char *path, request_ids ids,
                                               request_rows *out, medley_error *err);
/* Lines "item", or lines "user<TAB>item". */
MEDLEY_MUST_USE medley_status request_read_candidates(const medley_runtime *rt, const char *path,
                                                      request_ids owners, request_ids items, request_rows *out,
                                                      medley_error *err);

/* People who need not be in the store, each with what is known of them. */
typedef struct request_people {
    idmap names; /* in order of first appearance: row r of known */
    histories_owner known;
} request_people;
void request_people_release(request_people *p);

/* Lines "person<TAB>item[<TAB>rating[<TAB>timestamp]]", in any order; without timestamps, oldest first. */
MEDLEY_MUST_USE medley_status request_read_people(const medley_runtime *rt, const char *path, request_ids items,
                                                  request_people *out, medley_error *err);

#endif
