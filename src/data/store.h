/* The store on disk: dataset.json, catalog.db, interactions/, splits/. */
#ifndef DATA_STORE_H
#define DATA_STORE_H

#include <medley/store.h>

#include "data/interactions.h"
#include "io/fingerprint.h"

struct medley_store {
    const medley_runtime *rt;
    char *path; /* absolute */
    int64_t users, items, count;
    bool ordered;                             /* the order within a user means time */
    bool has_rating, has_timestamp, has_part; /* has_part: the source fixes a split */
    char fingerprint[FINGERPRINT_SIZE];
    interaction_files files;
    /* Names; NULL unless opened with them. */
    bool named;
    const char **user_ids, **item_ids, **item_titles;
    idmap user_map, item_map;
    arena texts;
};

/* Opens the folder; names (ids, titles) are read only when asked for: they are the slow part. */
MEDLEY_MUST_USE medley_status store_open(const medley_runtime *rt, const char *path, bool names,
                                         medley_store **out, medley_error *err);
void store_free(medley_store *store);

/* mem_alloc'd path of something inside the store. */
MEDLEY_MUST_USE medley_status store_path(const medley_store *store, const char *name, char **out,
                                         medley_error *err);

#define STORE_FORMAT "medley-store-1"

#endif
