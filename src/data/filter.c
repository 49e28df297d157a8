#include "data/filter.h"

/* Moves the rows with keep[row] != 0 together; returns how many went. */
static int64_t compact(dataset *d, const uint8_t *keep)
{
    int64_t to = 0;
    for (int64_t i = 0; i < d->count; i++) {
        if (!keep[i])
            continue;
        d->user[to] = d->user[i];
        d->item[to] = d->item[i];
        if (d->rating != NULL)
            d->rating[to] = d->rating[i];
        if (d->timestamp != NULL)
            d->timestamp[to] = d->timestamp[i];
        if (d->part != NULL)
            d->part[to] = d->part[i];
        to++;
    }
    const int64_t removed = d->count - to;
    d->count = to;
    return removed;
}

static medley_status create_keep(const dataset *d, uint8_t **keep, medley_error *err)
{
    TRY(mem_alloc(d->rt, d->count, 1, keep, err));
    memset(*keep, 1, (size_t)d->count);
    return MEDLEY_OK;
}

medley_status filter_rating(dataset *d, double threshold, int64_t *removed, medley_error *err)
{
    uint8_t *keep;
    *removed = 0;
    if (d->rating == NULL)
        return fail(err, MEDLEY_E_CONFIG, "rating_threshold: %g; the data set has no ratings", threshold);
    TRY(create_keep(d, &keep, err));
    for (int64_t i = 0; i < d->count; i++)
        keep[i] = (double)d->rating[i] >= threshold;
    *removed = compact(d, keep);
    mem_free(keep);
    return MEDLEY_OK;
}

/* One pass over users in order: `row_of` remembers where the kept row of an item is; rows of earlier users
 * lie below the user's first row, so it never needs clearing. */
static int64_t mark_duplicates(const dataset *d, duplicate_rule rule, int64_t *row_of, uint8_t *keep)
{
    int64_t repeated = 0, first_row = 0;
    for (int64_t row = 0; row < d->count; row++) {
        if (row > 0 && d->user[row] != d->user[row - 1])
            first_row = row;
        int64_t *kept = &row_of[d->item[row]];
        if (*kept < first_row) {
            *kept = row;
            continue;
        }
        repeated++;
        const bool newer = rule == DUPLICATES_LAST ||
                           (rule == DUPLICATES_MAX && d->rating != NULL && d->rating[row] > d->rating[*kept]);
        if (keep != NULL)
            keep[newer ? *kept : row] = 0;
        if (newer)
            *kept = row;
    }
    return repeated;
}

medley_status filter_duplicates(dataset *d, duplicate_rule rule, int64_t *repeated, medley_error *err)
{
    int64_t *row_of = NULL;
    uint8_t *keep = NULL;
    medley_status status = MEDLEY_OK;
    *repeated = 0;
    if (rule == DUPLICATES_MAX && d->rating == NULL)
        return fail(err, MEDLEY_E_CONFIG, "duplicates: 'max' needs ratings, which the data set does not have");
    TRY_DONE(mem_alloc(d->rt, d->items.count, sizeof *row_of, &row_of, err));
    memset(row_of, 0xff, (size_t)d->items.count * sizeof *row_of);
    if (rule != DUPLICATES_ALL)
        TRY_DONE(create_keep(d, &keep, err));
    *repeated = mark_duplicates(d, rule, row_of, keep);
    if (keep != NULL)
        compact(d, keep);
done:
    mem_free(row_of);
    mem_free(keep);
    return status;
}

static void count_rows(const dataset *d, int64_t *of_user, int64_t *of_item)
{
    memset(of_user, 0, (size_t)d->users.count * sizeof *of_user);
    memset(of_item, 0, (size_t)d->items.count * sizeof *of_item);
    for (int64_t i = 0; i < d->count; i++) {
        of_user[d->user[i]]++;
        of_item[d->item[i]]++;
    }
}

medley_status filter_k_core(dataset *d, int64_t min_user, int64_t min_item, int64_t *removed, int64_t *rounds,
                            medley_error *err)
{
    int64_t *of_user = NULL, *of_item = NULL;
    uint8_t *keep = NULL;
    medley_status status = MEDLEY_OK;
    *removed = *rounds = 0;
    TRY_DONE(mem_alloc(d->rt, d->users.count, sizeof *of_user, &of_user, err));
    TRY_DONE(mem_alloc(d->rt, d->items.count, sizeof *of_item, &of_item, err));
    TRY_DONE(create_keep(d, &keep, err));
    for (int64_t gone = 1; gone > 0;) {
        count_rows(d, of_user, of_item);
        for (int64_t i = 0; i < d->count; i++)
            keep[i] = of_user[d->user[i]] >= min_user && of_item[d->item[i]] >= min_item;
        gone = compact(d, keep);
        *removed += gone;
        *rounds += gone > 0;
    }
done:
    mem_free(of_user);
    mem_free(of_item);
    mem_free(keep);
    return status;
}

/* A map with the ids that `count` says are used; number[old] is the new index. */
static medley_status keep_ids(const medley_runtime *rt, idmap *map, const int64_t *count, uint32_t *number,
                              medley_error *err)
{
    idmap kept;
    idmap_init(&kept, rt);
    for (int64_t i = 0; i < map->count; i++) {
        char buffer[16];
        size_t length;
        if (count[i] == 0)
            continue;
        const char *id = idmap_id(map, (uint32_t)i, buffer, &length);
        const medley_status status = idmap_add(&kept, id, length, &number[i], err);
        if (status != MEDLEY_OK) {
            idmap_release(&kept);
            return status;
        }
    }
    idmap_release(map);
    *map = kept;
    return MEDLEY_OK;
}

static bool any_zero(const int64_t *count, int64_t length)
{
    for (int64_t i = 0; i < length; i++)
        if (count[i] == 0)
            return true;
    return false;
}

medley_status filter_reindex(dataset *d, bool drop_items, int64_t *users_removed, int64_t *items_removed,
                             medley_error *err)
{
    const int64_t users = d->users.count, items = d->items.count;
    int64_t *of_user = NULL, *of_item = NULL;
    uint32_t *number = NULL;
    medley_status status = MEDLEY_OK;
    *users_removed = *items_removed = 0;
    TRY_DONE(mem_alloc(d->rt, users, sizeof *of_user, &of_user, err));
    TRY_DONE(mem_alloc(d->rt, items, sizeof *of_item, &of_item, err));
    TRY_DONE(mem_alloc(d->rt, users > items ? users : items, sizeof *number, &number, err));
    count_rows(d, of_user, of_item);
    if (any_zero(of_user, users)) {
        TRY_DONE(keep_ids(d->rt, &d->users, of_user, number, err));
        for (int64_t i = 0; i < d->count; i++)
            d->user[i] = number[d->user[i]];
    }
    if (drop_items && any_zero(of_item, items)) {
        TRY_DONE(keep_ids(d->rt, &d->items, of_item, number, err));
        for (int64_t i = 0; i < d->count; i++)
            d->item[i] = number[d->item[i]];
        for (int64_t i = 0; d->facts != NULL && i < items; i++)
            if (of_item[i] > 0)
                d->facts[number[i]] = d->facts[i];
    }
    *users_removed = users - d->users.count;
    *items_removed = items - d->items.count;
done:
    mem_free(of_user);
    mem_free(of_item);
    mem_free(number);
    return status;
}
