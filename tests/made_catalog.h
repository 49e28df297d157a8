/* A catalogue made for tests, and a store that has nothing but it. Include it behind the test's `rt` and `folder`. */
#ifndef TESTS_MADE_CATALOG_H
#define TESTS_MADE_CATALOG_H

#include "testing.h"

#include "data/store.h"
#include "io/catalog.h"

typedef struct made_item {
    const char *id, *title, *text, *attributes; /* all but id may be NULL */
} made_item;

static inline catalog_text made_text(const char *t)
{
    return (catalog_text){t, t != NULL ? strlen(t) : 0};
}

static inline void made_catalog(const made_item *items, int64_t count, medley_store *out)
{
    catalog_writer *w;
    char path[4300];
    snprintf(path, sizeof path, "%s/catalog.db", folder);
    assert_ok(catalog_create(rt, path, &w, err));
    for (int64_t i = 0; i < count; i++) {
        const catalog_item row = {.id = made_text(items[i].id),
                                  .title = made_text(items[i].title),
                                  .text = made_text(items[i].text),
                                  .attributes = made_text(items[i].attributes)};
        assert_ok(catalog_add_item(w, i, &row, err));
    }
    assert_ok(catalog_finish(w, err));
    *out = (medley_store){.rt = rt, .path = folder, .items = count};
}

#endif
