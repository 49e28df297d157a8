#include "train/training_set.h"

#include "data/matrix.h"

static medley_status make_matrix(const medley_runtime *rt, const interactions *const *parts, int64_t count,
                                 training_set *s, medley_error *err)
{
    csr_release(&s->matrix);
    TRY(matrix_of_parts(rt, parts, count, s->store->users, s->store->items, true, &s->matrix, err));
    s->data.matrix = s->matrix.view;
    return MEDLEY_OK;
}

medley_status training_set_open(const medley_runtime *rt, const char *store, const char *split, training_set *out,
                                medley_error *err)
{
    *out = (training_set){0};
    TRY(store_open(rt, store, false, &out->store, err));
    TRY(selection_open(out->store, split, &out->parts, err));
    const interactions *const train = &out->parts.train.view;
    if (train->count == 0)
        return fail(err, MEDLEY_E_FORMAT, "split: '%s' has an empty training part", split);
    TRY(store_path(out->store, "catalog.db", &out->catalog, err));
    out->data = (training){.users = out->store->users,
                           .items = out->store->items,
                           .events = *train,
                           .catalog = out->catalog,
                           .folder = out->store->path};
    return make_matrix(rt, &train, 1, out, err);
}

medley_status training_set_add_validation(const medley_runtime *rt, training_set *s, medley_error *err)
{
    const interactions *const parts[] = {&s->parts.train.view, &s->parts.val_known.view, &s->parts.val.view};
    enum { PARTS = sizeof parts / sizeof *parts };
    const int64_t users = s->store->users;
    TRY(histories_of_parts(rt, parts, PARTS, users, &s->merged, err));
    const histories *h = &s->merged.view;
    TRY(mem_alloc(rt, h->start[users], sizeof *s->user, &s->user, err));
    for (int64_t u = 0; u < users; u++)
        for (int64_t i = h->start[u]; i < h->start[u + 1]; i++)
            s->user[i] = (uint32_t)u;
    s->data.events = (interactions){.count = h->start[users],
                                    .user = s->user,
                                    .item = h->item,
                                    .rating = h->rating,
                                    .timestamp = h->timestamp};
    return make_matrix(rt, parts, PARTS, s, err);
}

void training_set_release(training_set *s)
{
    csr_release(&s->matrix);
    histories_release(&s->merged);
    mem_free(s->user);
    mem_free(s->catalog);
    selection_release(&s->parts);
    store_free(s->store);
    *s = (training_set){0};
}

medley_status training_set_check(const training_set *s, const model_class *class, const void *params,
                                 medley_error *err)
{
    if (class->needs_order && !s->store->ordered)
        return fail(err, MEDLEY_E_CONFIG, "model: '%s' needs an order in time, which the store does not have",
                    class->name);
    return model_check_memory(class, params, &s->data, err);
}
