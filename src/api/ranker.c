/* Lists through the C API: the ranking path with the caller's arrays as its sink. */
#include <math.h>

#include "api/model_access.h"
#include "recommend/ranking.h"

enum { USERS_A_BLOCK = 4096 };

struct medley_ranker {
    const medley_model *model;
    uint32_t *users;
    int64_t user_capacity;
    uint32_t *history;
    int64_t history_capacity;
};

/* Where lists go. */
typedef struct list_rows {
    int64_t k;
    int64_t *items; /* [queries, k] */
    float *scores;  /* [queries, k] or NULL */
} list_rows;

medley_status medley_ranker_create(const medley_model *model, medley_ranker **out, medley_error *err)
{
    *out = NULL;
    TRY(mem_alloc_zero(model->rt, 1, sizeof **out, out, err));
    (*out)->model = model;
    error_clear(err);
    return MEDLEY_OK;
}

void medley_ranker_free(medley_ranker *r)
{
    if (r == NULL)
        return;
    mem_free(r->users);
    mem_free(r->history);
    mem_free(r);
}

static medley_status write_list(void *context, const ranked *result, int worker, medley_error *err)
{
    const list_rows *rows = context;
    int64_t *items = rows->items + result->query * rows->k;
    float *scores = rows->scores != NULL ? rows->scores + result->query * rows->k : NULL;
    for (int64_t i = 0; i < rows->k; i++) {
        items[i] = i < result->count ? (int64_t)result->entries[i].item : -1;
        if (scores != NULL)
            scores[i] = i < result->count ? result->entries[i].score : 0;
    }
    (void)worker;
    (void)err;
    return MEDLEY_OK;
}

static medley_status check_k(int64_t k, medley_error *err)
{
    return k >= 1 && k <= UINT32_MAX
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_ARGUMENT, "k: %lld is outside 1..%u", (long long)k, UINT32_MAX);
}

/* Left sides of all users at once would be users × dims. */
static medley_status rank_block(const medley_model *m, const uint32_t *users, int64_t count, list_rows *rows,
                                medley_error *err)
{
    left_sides left;
    TRY(model_left_of(m, KNOWN_ALL, users, count, &left, err));
    const ranking_request request = {
        .how = &m->how,
        .left = &left,
        .left_by_query = true,
        .queries = count,
        .user = users,
        .k = rows->k,
        .excluded = &m->known.view,
    };
    const medley_status status = ranking_run(m->rt, &request, "ranking", write_list, rows, err);
    left_sides_release(&left);
    return status;
}

medley_status medley_ranker_rank(medley_ranker *r, const int64_t *users, int64_t user_count, int64_t k,
                                 int64_t *items, float *scores, medley_error *err)
{
    const medley_model *m = r->model;
    TRY(check_k(k, err));
    if (user_count < 0)
        return fail(err, MEDLEY_E_ARGUMENT, "user_count: %lld is below 0", (long long)user_count);
    TRY(mem_reserve(m->rt, &r->users, &r->user_capacity, user_count, sizeof *r->users, err));
    for (int64_t i = 0; i < user_count; i++) {
        if (users[i] < 0 || users[i] >= m->store->users)
            return fail(err, MEDLEY_E_ARGUMENT, "users[%lld]: %lld is outside 0..%lld", (long long)i,
                        (long long)users[i], (long long)m->store->users - 1);
        r->users[i] = (uint32_t)users[i];
    }
    for (int64_t first = 0; first < user_count; first += USERS_A_BLOCK) {
        list_rows rows = {k, items + first * k, scores != NULL ? scores + first * k : NULL};
        TRY(rank_block(m, r->users + first, least(USERS_A_BLOCK, user_count - first), &rows, err));
    }
    error_clear(err);
    return MEDLEY_OK;
}

/* Ranks for the history in r->history, with the ratings and times of `known`. */
static medley_status rank_stranger(const medley_ranker *r, const medley_history *known, list_rows *rows,
                                   medley_error *err)
{
    const medley_model *m = r->model;
    const int64_t start[] = {0, known->count};
    const uint32_t one = 0;
    const histories history = {1, start, r->history, known->ratings, known->timestamps, false, NULL};
    csr_owner seen = {0};
    left_sides left = {0};
    medley_status status;
    TRY_DONE(model_left(m, &history, &left, err));
    TRY_DONE(histories_matrix(m->rt, &history, m->store->items, false, &seen, err));
    const ranking_request request = {
        .how = &m->how, .left = &left, .queries = 1, .user = &one, .k = rows->k, .excluded = &seen.view};
    status = ranking_run(m->rt, &request, "ranking", write_list, rows, err);
done:
    csr_release(&seen);
    left_sides_release(&left);
    return status;
}

static medley_status check_history(const medley_model *m, const medley_history *h, medley_error *err)
{
    if (h->count < 0)
        return fail(err, MEDLEY_E_ARGUMENT, "history.count: %lld is below 0", (long long)h->count);
    for (int64_t i = 0; i < h->count; i++) {
        if (h->items[i] < 0 || h->items[i] >= m->store->items)
            return fail(err, MEDLEY_E_ARGUMENT, "history.items[%lld]: %lld is outside 0..%lld", (long long)i,
                        (long long)h->items[i], (long long)m->store->items - 1);
        if (h->ratings != NULL && !isfinite(h->ratings[i]))
            return fail(err, MEDLEY_E_ARGUMENT, "history.ratings[%lld]: %g is not finite", (long long)i,
                        (double)h->ratings[i]);
        if (h->timestamps != NULL && i > 0 && h->timestamps[i] < h->timestamps[i - 1])
            return fail(err, MEDLEY_E_ARGUMENT,
                        "history.timestamps[%lld]: %lld is before the one in front of it, %lld", (long long)i,
                        (long long)h->timestamps[i], (long long)h->timestamps[i - 1]);
    }
    return MEDLEY_OK;
}

medley_status medley_ranker_rank_history(medley_ranker *r, const medley_history *history, int64_t k,
                                         int64_t *items, float *scores, medley_error *err)
{
    const medley_model *m = r->model;
    TRY(check_k(k, err));
    TRY(check_history(m, history, err));
    TRY(mem_reserve(m->rt, &r->history, &r->history_capacity, history->count, sizeof *r->history, err));
    for (int64_t i = 0; i < history->count; i++)
        r->history[i] = (uint32_t)history->items[i];
    TRY(rank_stranger(r, history, &(list_rows){k, items, scores}, err));
    error_clear(err);
    return MEDLEY_OK;
}
