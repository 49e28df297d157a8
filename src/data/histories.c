#include "data/histories.h"

enum { PARTS_MOST = 8 };

/* Moves row `i` of a part to place `n`. */
static void take(histories_owner *out, int64_t n, const interactions *part, int64_t i)
{
    out->item[n] = part->item[i];
    if (out->rating != NULL)
        out->rating[n] = part->rating[i];
    if (out->timestamp != NULL)
        out->timestamp[n] = part->timestamp[i];
}

/* The part whose next row of this user is the oldest; the first of those. -1: none has one. */
static int64_t oldest(const interactions *const *parts, int64_t part_count, const int64_t *at, uint32_t user,
                      bool timed)
{
    int64_t best = -1;
    for (int64_t p = 0; p < part_count; p++) {
        if (at[p] == parts[p]->count || parts[p]->user[at[p]] != user)
            continue;
        if (best < 0 || (timed && parts[p]->timestamp[at[p]] < parts[best]->timestamp[at[best]]))
            best = p;
    }
    return best;
}

/* The first row of `user` or a later one. */
static int64_t first_row(const interactions *part, int64_t user)
{
    int64_t low = 0, high = part->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if ((int64_t)part->user[middle] < user)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t count_events(const interactions *const *parts, int64_t part_count, const uint32_t *user,
                            int64_t rows)
{
    int64_t total = 0;
    for (int64_t p = 0; p < part_count; p++) {
        total += user == NULL ? parts[p]->count : 0;
        for (int64_t r = 0; user != NULL && r < rows; r++)
            total += first_row(parts[p], (int64_t)user[r] + 1) - first_row(parts[p], user[r]);
    }
    return total;
}

/* Row r is of user[r], or of user r if that is NULL. */
static medley_status merge(const medley_runtime *rt, const interactions *const *parts, int64_t part_count,
                           const uint32_t *user, int64_t rows, histories_owner *out, medley_error *err)
{
    int64_t n = 0, at[PARTS_MOST] = {0};
    const int64_t total = count_events(parts, part_count, user, rows);
    bool rated = true, timed = true;
    medley_status status = MEDLEY_OK;
    assert(part_count <= PARTS_MOST);
    *out = (histories_owner){0};
    for (int64_t p = 0; p < part_count; p++) {
        rated &= parts[p]->count == 0 || parts[p]->rating != NULL;
        timed &= parts[p]->count == 0 || parts[p]->timestamp != NULL;
    }
    TRY_DONE(mem_alloc(rt, rows + 1, sizeof *out->start, &out->start, err));
    TRY_DONE(mem_alloc(rt, total, sizeof *out->item, &out->item, err));
    if (rated)
        TRY_DONE(mem_alloc(rt, total, sizeof *out->rating, &out->rating, err));
    if (timed)
        TRY_DONE(mem_alloc(rt, total, sizeof *out->timestamp, &out->timestamp, err));
    for (int64_t r = 0; r < rows; r++) {
        const uint32_t whose = user != NULL ? user[r] : (uint32_t)r;
        for (int64_t p = 0; user != NULL && p < part_count; p++)
            at[p] = first_row(parts[p], whose);
        out->start[r] = n;
        for (int64_t p; (p = oldest(parts, part_count, at, whose, timed)) >= 0; n++)
            take(out, n, parts[p], at[p]++);
    }
    out->start[rows] = n;
    out->view = (histories){rows, out->start, out->item, out->rating, out->timestamp, true, user};
done:
    if (status != MEDLEY_OK)
        histories_release(out);
    return status;
}

medley_status histories_of_parts(const medley_runtime *rt, const interactions *const *parts, int64_t part_count,
                                 int64_t users, histories_owner *out, medley_error *err)
{
    return merge(rt, parts, part_count, NULL, users, out, err);
}

medley_status histories_of_users(const medley_runtime *rt, const interactions *const *parts, int64_t part_count,
                                 const uint32_t *user, int64_t rows, histories_owner *out, medley_error *err)
{
    return merge(rt, parts, part_count, user, rows, out, err);
}

medley_status histories_slice(const medley_runtime *rt, const histories *all, int64_t first, int64_t rows,
                              histories_owner *out, medley_error *err)
{
    const int64_t from = all->start[first];
    *out = (histories_owner){0};
    TRY(mem_alloc(rt, rows + 1, sizeof *out->start, &out->start, err));
    for (int64_t r = 0; r <= rows; r++)
        out->start[r] = all->start[first + r] - from;
    out->view = (histories){rows,
                            out->start,
                            all->item + from,
                            all->rating != NULL ? all->rating + from : NULL,
                            all->timestamp != NULL ? all->timestamp + from : NULL,
                            all->users,
                            all->user != NULL ? all->user + first : NULL};
    return MEDLEY_OK;
}

void histories_release(histories_owner *h)
{
    mem_free(h->start);
    mem_free(h->item);
    mem_free(h->rating);
    mem_free(h->timestamp);
    *h = (histories_owner){0};
}

medley_status histories_matrix(const medley_runtime *rt, const histories *known, int64_t items, bool rated,
                               csr_owner *out, medley_error *err)
{
    const int64_t count = known->start[known->rows];
    uint32_t *row;
    *out = (csr_owner){0};
    TRY(mem_alloc(rt, count, sizeof *row, &row, err));
    for (int64_t r = 0; r < known->rows; r++)
        for (int64_t at = known->start[r]; at < known->start[r + 1]; at++)
            row[at] = (uint32_t)r;
    const medley_status status =
        csr_build(rt, known->rows, items, row, known->item, rated ? known->rating : NULL, count, out, err);
    mem_free(row);
    return status;
}
