/* The pictures of a store's items: where they are, and drawing them. */
#ifndef API_ITEM_PICTURES_H
#define API_ITEM_PICTURES_H

#include "data/store.h"

/* The folder that the catalogue's paths are relative to: `said`, or where that is "" the one of the first file that the
 * store was made of, "." when it does not say. mem_alloc'd. */
MEDLEY_MUST_USE medley_status item_pictures_folder(const medley_store *store, const char *said, char **out,
                                                   medley_error *err);

/* cells [rows, columns] items, -1: none. Draws them into a JPEG, PNG or WebP, as the path ends, a row a query; *missing
 * counts the items whose picture is not there or cannot be read: their cells stay grey. Fails with E_CONFIG (the ending, no
 * item has a picture), E_LIMIT, E_IO, E_NOMEM. */
MEDLEY_MUST_USE medley_status item_pictures_draw(const medley_store *store, const char *folder,
                                                 const int64_t *cells, int64_t rows, int64_t columns,
                                                 const char *path, int64_t *missing, medley_error *err);
/* E_CONFIG: a path with another ending. */
MEDLEY_MUST_USE medley_status item_pictures_check(const char *path, medley_error *err);

#endif
