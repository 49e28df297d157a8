/* What the catalogue says of items: each row with its attributes, a JSON object, as a tree. */
#ifndef DATA_ITEM_ATTRIBUTES_H
#define DATA_ITEM_ATTRIBUTES_H

#include "data/store.h"
#include "io/catalog.h"
#include "io/literal.h"

/* One item; `attributes` is a dict, or NULL: it has none. Borrowed for the call. */
typedef medley_status (*item_attributes_row)(void *context, int64_t item, const catalog_item *row,
                                             const literal *attributes, medley_error *err);

/* Gives every item, in index order, and adds the keys of all attributes to `keys` when it is not NULL. Fails with
 * E_NOT_FOUND, E_FORMAT, E_NOMEM, and what `row` returns. */
MEDLEY_MUST_USE medley_status item_attributes_read(const medley_store *store, item_attributes_row row,
                                                   void *context, idmap *keys, medley_error *err);

/* What to say of a key that no item has: " (did you mean 'year'?)", else " (there are: genres, year)". `more` names
 * what is accepted besides the keys. */
enum { ITEM_ATTRIBUTES_HINT = 256 };
void item_attributes_hint(const idmap *keys, const char *key, const char *const *more, int more_count,
                          char hint[ITEM_ATTRIBUTES_HINT]);

#endif
