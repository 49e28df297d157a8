/* Reading small files into a data set in tests, and showing one as text. */
#ifndef TESTS_READ_DATASET_H
#define TESTS_READ_DATASET_H

#include "testing.h"

#include "data/ingest.h"

static const ingest_options usual = {ON_ERROR_AUTO, 0, 1000};
static const ingest_options skipping = {ON_ERROR_SKIP, 0, 1000};
static const ingest_options stopping = {ON_ERROR_STOP, 0, 1000};

static const interaction_layout csv = {
    .delimiter = ",",
    .header = true,
    .quotes = true,
    .user = "user",
    .item = "item",
    .rating = "rating?",
    .timestamp = "time?",
    .part = -1,
};

static const item_layout items_csv = {
    .delimiter = ",",
    .header = true,
    .quotes = true,
    .id = "id",
    .title = "title",
    .text = "text?",
    .image = "image?",
    .genres = "genres?",
    .genres_separator = "|",
};

/* Files to read one after the other: of interactions, or of items, or both. NULL: none. */
typedef struct input {
    const char *name;
    const interaction_layout *layout;
    const char *items;
    const item_layout *items_layout;
} input;

static inline medley_status read_with(const medley_runtime *rt, const char *folder, const ingest_options *options,
                                      const input *files, int64_t count, dataset *out, medley_error *err)
{
    ingest *in = NULL;
    medley_status status = MEDLEY_OK;
    *out = (dataset){.rt = rt};
    TRY(ingest_create(rt, options, &in, err));
    for (int64_t i = 0; i < count; i++) {
        if (files[i].name != NULL)
            TRY_DONE(ingest_interactions(in, test_path(folder, files[i].name), files[i].layout, err));
        if (files[i].items != NULL)
            TRY_DONE(ingest_items(in, test_path(folder, files[i].items), files[i].items_layout, err));
    }
    status = ingest_finish(in, out, err);
done:
    ingest_free(in);
    return status;
}

static inline const char *id_of(const idmap *map, int64_t index, text *out)
{
    char buffer[16];
    size_t length;
    const char *id = idmap_id(map, (uint32_t)index, buffer, &length);
    out->length = 0;
    text_append(out, id, length);
    return out->bytes;
}

/* The data set as "user item rating time part; ..." with external ids. */
static inline void assert_rows(const dataset *d, const char *want)
{
    text shown = {.rt = d->rt}, id = {.rt = d->rt};
    for (int64_t i = 0; i < d->count; i++) {
        text_format(&shown, "%s%s", i > 0 ? "; " : "", id_of(&d->users, d->user[i], &id));
        text_format(&shown, " %s", id_of(&d->items, d->item[i], &id));
        if (d->rating != NULL)
            text_format(&shown, " %g", (double)d->rating[i]);
        if (d->timestamp != NULL)
            text_format(&shown, " %lld", (long long)d->timestamp[i]);
        if (d->part != NULL)
            text_format(&shown, " %s", part_names[d->part[i]]);
    }
    assert_ok(text_status(&shown, err));
    assert_string_equal(shown.bytes, want);
    text_release(&shown);
    text_release(&id);
}

/* Ids in order of their indexes, joined by spaces. */
static inline void assert_ids(const idmap *map, const char *want)
{
    text shown = {.rt = map->rt}, id = {.rt = map->rt};
    for (int64_t i = 0; i < map->count; i++)
        text_format(&shown, "%s%s", i > 0 ? " " : "", id_of(map, i, &id));
    assert_ok(text_status(&shown, err));
    assert_string_equal(shown.bytes, want);
    text_release(&shown);
    text_release(&id);
}

#endif
