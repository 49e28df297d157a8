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

medley_status filter_rating(dataset *d, double lowest, double highest, int64_t *removed, medley_error *err)
{
    uint8_t *keep;
    *removed = 0;
    if (d->rating == NULL)
        return fail(err, MEDLEY_E_CONFIG, "ratings of %g..%g cannot be kept: the data set has no ratings", lowest,
                    highest);
    TRY(create_keep(d, &keep, err));
    for (int64_t i = 0; i < d->count; i++)
        keep[i] = (double)d->rating[i] >= lowest && (double)d->rating[i] <= highest;
    *removed = compact(d, keep);
    mem_free(keep);
    return MEDLEY_OK;
}

medley_status filter_time(dataset *d, int64_t from, int64_t until, int64_t *removed, medley_error *err)
{
    uint8_t *keep;
    *removed = 0;
    if (d->timestamp == NULL)
        return fail(err, MEDLEY_E_CONFIG, "times of %lld..%lld cannot be kept: the data set has no times",
                    (long long)from, (long long)until);
    TRY(create_keep(d, &keep, err));
    for (int64_t i = 0; i < d->count; i++)
        keep[i] = d->timestamp[i] >= from && d->timestamp[i] < until;
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

/* Per user and item, how many rows; freed by the caller also after a failure. */
static medley_status create_counts(const dataset *d, int64_t **of_user, int64_t **of_item, medley_error *err)
{
    *of_user = *of_item = NULL;
    TRY(mem_alloc(d->rt, d->users.count, sizeof **of_user, of_user, err));
    TRY(mem_alloc(d->rt, d->items.count, sizeof **of_item, of_item, err));
    count_rows(d, *of_user, *of_item);
    return MEDLEY_OK;
}

static bool within(int64_t count, int64_t least, int64_t most)
{
    return count >= least && (most == 0 || count <= most);
}

medley_status filter_activity(dataset *d, const activity_bounds *b, int64_t *removed, medley_error *err)
{
    int64_t *of_user, *of_item;
    uint8_t *keep = NULL;
    medley_status status = MEDLEY_OK;
    *removed = 0;
    TRY_DONE(create_counts(d, &of_user, &of_item, err));
    TRY_DONE(create_keep(d, &keep, err));
    for (int64_t i = 0; i < d->count; i++)
        keep[i] = within(of_user[d->user[i]], b->user_least, b->user_most) &&
                  within(of_item[d->item[i]], b->item_least, b->item_most);
    *removed = compact(d, keep);
done:
    mem_free(of_user);
    mem_free(of_item);
    mem_free(keep);
    return status;
}

static int64_t count_positive(const int64_t *count, int64_t length)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < length; i++)
        sum += count[i] > 0;
    return sum;
}

medley_status filter_count(const dataset *d, int64_t *users, int64_t *items, medley_error *err)
{
    int64_t *of_user, *of_item;
    const medley_status status = create_counts(d, &of_user, &of_item, err);
    if (status == MEDLEY_OK) {
        *users = count_positive(of_user, d->users.count);
        *items = count_positive(of_item, d->items.count);
    }
    mem_free(of_user);
    mem_free(of_item);
    return status;
}

medley_status filter_k_core(dataset *d, int64_t min_user, int64_t min_item, int64_t *removed, int64_t *rounds,
                            medley_error *err)
{
    int64_t *of_user, *of_item;
    uint8_t *keep = NULL;
    medley_status status = MEDLEY_OK;
    *removed = *rounds = 0;
    TRY_DONE(create_counts(d, &of_user, &of_item, err));
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

static bool lacks(const char *string)
{
    return string == NULL || string[0] == '\0';
}

/* Renumbers the items with kept[item] != 0; rows are the caller's. */
static medley_status keep_items(dataset *d, const int64_t *kept, uint32_t *number, medley_error *err)
{
    const int64_t items = d->items.count;
    TRY(keep_ids(d->rt, &d->items, kept, number, err));
    for (int64_t i = 0; d->facts != NULL && i < items; i++)
        if (kept[i] != 0)
            d->facts[number[i]] = d->facts[i];
    return MEDLEY_OK;
}

static medley_status remove_items(dataset *d, const int64_t *kept, medley_error *err)
{
    const int64_t items = d->items.count;
    uint8_t *keep = NULL;
    uint32_t *number = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(mem_alloc(d->rt, items, sizeof *number, &number, err));
    TRY_DONE(create_keep(d, &keep, err));
    for (int64_t i = 0; i < d->count; i++)
        keep[i] = kept[d->item[i]] != 0;
    TRY_DONE(keep_items(d, kept, number, err));
    compact(d, keep);
    for (int64_t i = 0; i < d->count; i++)
        d->item[i] = number[d->item[i]];
done:
    mem_free(keep);
    mem_free(number);
    return status;
}

medley_status filter_modality(dataset *d, bool need_image, bool need_text, int64_t *items_removed,
                              medley_error *err)
{
    const int64_t items = d->items.count;
    int64_t *kept, left = 0;
    *items_removed = 0;
    TRY(mem_alloc_zero(d->rt, items, sizeof *kept, &kept, err));
    for (int64_t i = 0; i < items && d->facts != NULL; i++) {
        const item_facts *f = &d->facts[i];
        kept[i] = !(need_image && lacks(f->image)) && !(need_text && lacks(f->text) && lacks(f->title));
        left += kept[i];
    }
    medley_status status =
        left > 0 || items == 0
            ? MEDLEY_OK
            : fail(err, MEDLEY_E_CONFIG, "no item of the data set has %s; name an item table that says it",
                   need_image && need_text ? "image and text"
                   : need_image            ? "an image"
                                           : "a text");
    if (status == MEDLEY_OK && left < items)
        status = remove_items(d, kept, err);
    *items_removed = items - d->items.count;
    mem_free(kept);
    return status;
}

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* chosen[i] for `amount` of the members with count[i] > 0 (count NULL: of all): those with the lowest numbers. */
static medley_status choose(const medley_runtime *rt, const int64_t *count, int64_t members, double amount,
                            uint64_t seed, uint64_t stream, uint8_t *chosen, medley_error *err)
{
    uint64_t *key;
    int64_t there = 0;
    memset(chosen, 0, (size_t)members);
    TRY(mem_alloc(rt, members, sizeof *key, &key, err));
    for (int64_t i = 0; i < members; i++)
        if (count == NULL || count[i] > 0)
            key[there++] = random_bits(seed, stream, (uint64_t)i);
    qsort(key, (size_t)there, sizeof *key, ascending);
    const double wanted = amount < 1 ? amount * (double)there + 0.5 : amount;
    const int64_t take = wanted >= (double)there ? there : wanted < 1 ? (int64_t)(there > 0) : (int64_t)wanted;
    for (int64_t i = 0, taken = 0; i < members && taken < take; i++)
        if ((count == NULL || count[i] > 0) && random_bits(seed, stream, (uint64_t)i) <= key[take - 1]) {
            chosen[i] = 1;
            taken++;
        }
    mem_free(key);
    return MEDLEY_OK;
}

medley_status filter_sample(dataset *d, sample_kind kind, double amount, uint64_t seed, int64_t *removed,
                            medley_error *err)
{
    const int64_t members[] = {d->users.count, d->items.count, d->count};
    int64_t *of_user, *of_item;
    uint8_t *chosen = NULL, *keep = NULL;
    medley_status status = MEDLEY_OK;
    *removed = 0;
    TRY_DONE(create_counts(d, &of_user, &of_item, err));
    TRY_DONE(mem_alloc(d->rt, members[kind], 1, &chosen, err));
    TRY_DONE(create_keep(d, &keep, err));
    const int64_t *const count[] = {of_user, of_item, NULL};
    TRY_DONE(choose(d->rt, count[kind], members[kind], amount, seed, (uint64_t)kind, chosen, err));
    for (int64_t i = 0; i < d->count; i++)
        keep[i] = chosen[kind == SAMPLE_USERS ? d->user[i] : kind == SAMPLE_ITEMS ? d->item[i] : i];
    *removed = compact(d, keep);
done:
    mem_free(of_user);
    mem_free(of_item);
    mem_free(chosen);
    mem_free(keep);
    return status;
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
    int64_t *of_user, *of_item;
    uint32_t *number = NULL;
    medley_status status = MEDLEY_OK;
    *users_removed = *items_removed = 0;
    TRY_DONE(create_counts(d, &of_user, &of_item, err));
    TRY_DONE(mem_alloc(d->rt, users > items ? users : items, sizeof *number, &number, err));
    if (any_zero(of_user, users)) {
        TRY_DONE(keep_ids(d->rt, &d->users, of_user, number, err));
        for (int64_t i = 0; i < d->count; i++)
            d->user[i] = number[d->user[i]];
    }
    if (drop_items && any_zero(of_item, items)) {
        TRY_DONE(keep_items(d, of_item, number, err));
        for (int64_t i = 0; i < d->count; i++)
            d->item[i] = number[d->item[i]];
    }
    *users_removed = users - d->users.count;
    *items_removed = items - d->items.count;
done:
    mem_free(of_user);
    mem_free(of_item);
    mem_free(number);
    return status;
}
