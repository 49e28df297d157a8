#include "data/matrix.h"

medley_status matrix_of_parts(const medley_runtime *rt, const interactions *const *parts, int64_t part_count,
                              int64_t users, int64_t items, bool rated, csr_owner *out, medley_error *err)
{
    int64_t total = 0, at[PART_COUNT] = {0}, n = 0;
    uint32_t *user = NULL, *item = NULL;
    float *rating = NULL;
    medley_status status = MEDLEY_OK;
    assert(part_count <= PART_COUNT);
    *out = (csr_owner){0};
    for (int64_t p = 0; p < part_count; p++) {
        total += parts[p]->count;
        rated &= parts[p]->count == 0 || parts[p]->rating != NULL;
    }
    if (part_count == 1) /* the columns are in order already */
        return csr_build(rt, users, items, parts[0]->user, parts[0]->item, rated ? parts[0]->rating : NULL, total,
                         out, err);
    TRY_DONE(mem_alloc(rt, total, sizeof *user, &user, err));
    TRY_DONE(mem_alloc(rt, total, sizeof *item, &item, err));
    if (rated)
        TRY_DONE(mem_alloc(rt, total, sizeof *rating, &rating, err));
    for (int64_t u = 0; u < users; u++)
        for (int64_t p = 0; p < part_count; p++)
            for (; at[p] < parts[p]->count && parts[p]->user[at[p]] == u; at[p]++, n++) {
                user[n] = (uint32_t)u;
                item[n] = parts[p]->item[at[p]];
                if (rating != NULL)
                    rating[n] = parts[p]->rating[at[p]];
            }
    status = csr_build(rt, users, items, user, item, rating, total, out, err);
done:
    mem_free(user);
    mem_free(item);
    mem_free(rating);
    return status;
}
