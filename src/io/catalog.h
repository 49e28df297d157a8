/* catalog.db: what items and users are called. SQLite behind.
 *
 *   items(idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT, text TEXT, image TEXT, attributes TEXT)
 *   users(idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, attributes TEXT)
 *
 * attributes is a JSON object or NULL. Ids are stored as TEXT (UTF-8 without NUL). */
#ifndef IO_CATALOG_H
#define IO_CATALOG_H

#include "base/base.h"

typedef struct catalog_writer catalog_writer;

/* Creates a new database file in a folder being built. */
MEDLEY_MUST_USE medley_status catalog_create(const medley_runtime *rt, const char *path, catalog_writer **out,
                                             medley_error *err);
/* Rows come in index order from 0. Each text may be NULL but the id. Lengths in bytes. */
typedef struct catalog_text {
    const char *bytes;
    size_t length;
} catalog_text;
typedef struct catalog_item {
    catalog_text id, title, text, image, attributes;
} catalog_item;
MEDLEY_MUST_USE medley_status catalog_add_item(catalog_writer *w, int64_t index, const catalog_item *item,
                                               medley_error *err);
MEDLEY_MUST_USE medley_status catalog_add_user(catalog_writer *w, int64_t index, const char *id, size_t length,
                                               medley_error *err);
typedef struct catalog_user {
    catalog_text id, attributes;
} catalog_user;
MEDLEY_MUST_USE medley_status catalog_add_user_row(catalog_writer *w, int64_t index, const catalog_user *user,
                                                   medley_error *err);
/* Commits, builds the unique indexes, flushes and closes; frees `w` also on failure. */
MEDLEY_MUST_USE medley_status catalog_finish(catalog_writer *w, medley_error *err);
void catalog_abandon(catalog_writer *w);

/* Receives rows in index order; texts borrowed for the call. */
typedef medley_status (*catalog_row)(void *context, int64_t index, const catalog_item *row, medley_error *err);
/* Reads all items (id and title only; `_details`: all columns) or users; checks that indexes run 0,1,2,... Fails with
 * E_NOT_FOUND, E_FORMAT. */
MEDLEY_MUST_USE medley_status catalog_read_items(const char *path, catalog_row row, void *context,
                                                 medley_error *err);
MEDLEY_MUST_USE medley_status catalog_read_details(const char *path, catalog_row row, void *context,
                                                   medley_error *err);
MEDLEY_MUST_USE medley_status catalog_read_users(const char *path, catalog_row row, void *context,
                                                 medley_error *err);

#endif
