/* Lists through the C API: the ranking path with the caller's arrays as its sink. */
#include "api/model_access.h"
#include "recommend/ranking.h"

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
    list_rows rows = {k, items, scores};
    const ranking_request request = {
        .how = &m->how,
        .queries = user_count,
        .user = r->users,
        .k = k,
        .history = &m->known.view,
        .excluded = &m->known.view,
    };
    TRY(ranking_run(m->rt, &request, "ranking", write_list, &rows, err));
    error_clear(err);
    return MEDLEY_OK;
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

medley_status medley_ranker_rank_history(medley_ranker *r, const int64_t *history, int64_t history_count,
                                         int64_t k, int64_t *items, float *scores, medley_error *err)
{
    const medley_model *m = r->model;
    TRY(check_k(k, err));
    if (m->how.form == SCORING_FACTORED && m->how.factors > 0)
        return fail(err, MEDLEY_E_ARGUMENT, "history: model %s ranks only for users it was trained on",
                    m->file.class->name);
    if (history_count < 0)
        return fail(err, MEDLEY_E_ARGUMENT, "history_count: %lld is below 0", (long long)history_count);
    TRY(mem_reserve(m->rt, &r->history, &r->history_capacity, history_count, sizeof *r->history, err));
    for (int64_t i = 0; i < history_count; i++) {
        if (history[i] < 0 || history[i] >= m->store->items)
            return fail(err, MEDLEY_E_ARGUMENT, "history[%lld]: %lld is outside 0..%lld", (long long)i,
                        (long long)history[i], (long long)m->store->items - 1);
        r->history[i] = (uint32_t)history[i];
    }
    if (history_count > 0)
        qsort(r->history, (size_t)history_count, sizeof *r->history, ascending);
    int64_t distinct = 0;
    for (int64_t i = 0; i < history_count; i++)
        if (distinct == 0 || r->history[distinct - 1] != r->history[i])
            r->history[distinct++] = r->history[i];
    const int64_t start[] = {0, distinct};
    const uint32_t user = 0;
    const csr row = {1, m->store->items, start, r->history, NULL};
    list_rows rows = {k, items, scores};
    const ranking_request request = {
        .how = &m->how, .queries = 1, .user = &user, .k = k, .history = &row, .excluded = &row};
    TRY(ranking_run(m->rt, &request, "ranking", write_list, &rows, err));
    error_clear(err);
    return MEDLEY_OK;
}
