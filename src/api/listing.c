#include "api/listing.h"

#include "api/request_file.h"
#include "recommend/filter_expression.h"
#include "recommend/rerank.h"

enum { BLOCK_ENTRIES = 1 << 20, BLOCK_LEAST = 64, BLOCK_MOST = 4096 };

/* A block of lists. */
typedef struct list_block {
    const listing *l;
    int64_t first, length; /* of l->rows */
    int64_t ranked;        /* length of the lists that come from the ranking */
    int64_t kept;          /* and of those that are kept */
    topk_entry *entries;   /* [block, kept] */
    listed *lists;         /* [block] */
    double *nearest;       /* [workers, ranked]; NULL: no re-ranking */
} list_block;

/* A worker writes its query's places and no others. */
static medley_status keep_list(void *context, const ranked *result, int worker, medley_error *err)
{
    const list_block *b = context;
    topk_entry *to = b->entries + result->query * b->kept;
    int64_t count = result->count;
    if (b->nearest != NULL)
        count = rerank_diverse(b->l->space, b->l->diversity, result->entries, count, b->kept,
                               b->nearest + worker * b->ranked, to);
    else
        memcpy(to, result->entries, (size_t)count * sizeof *to);
    const bool even = count > 0 && result->entries[0].score == result->entries[result->count - 1].score;
    b->lists[result->query] = (listed){.row = result->user,
                                       .query = result->query,
                                       .count = count,
                                       .candidates = result->candidates,
                                       .entries = to,
                                       .tied = even && result->tied_outside > 0};
    (void)err;
    return MEDLEY_OK;
}

static medley_status run_block(const medley_runtime *rt, list_block *b, const char *phase, medley_error *err)
{
    const listing *l = b->l;
    ranking_request request = l->how;
    request.user = l->rows + b->first;
    request.queries = b->length;
    request.k = b->ranked;
    if (l->know != NULL)
        TRY(l->know(l->context, request.user, b->length, &request, err));
    TRY(ranking_run(rt, &request, phase, keep_list, b, err));
    for (int64_t q = 0; q < b->length; q++)
        TRY(l->give(l->context, &b->lists[q], err));
    return MEDLEY_OK;
}

medley_status listing_run(const medley_runtime *rt, const listing *l, medley_error *err)
{
    const bool reranks = l->space != NULL && l->diversity > 0;
    const int64_t items = l->how.how->items;
    list_block b = {.l = l};
    if (items == 0 || l->count == 0)
        return MEDLEY_OK;
    b.kept = least(l->k, items);
    b.ranked = reranks ? least(l->pool, items) : b.kept;
    int64_t block = BLOCK_ENTRIES / b.kept;
    block = block < BLOCK_LEAST ? BLOCK_LEAST : least(block, BLOCK_MOST);
    block = least(block, l->count);
    medley_status status = mem_alloc(rt, block * b.kept, sizeof *b.entries, &b.entries, err);
    if (status == MEDLEY_OK)
        status = mem_alloc(rt, block, sizeof *b.lists, &b.lists, err);
    if (status == MEDLEY_OK && reranks)
        status = mem_alloc(rt, parallel_workers(rt) * b.ranked, sizeof *b.nearest, &b.nearest, err);
    const int64_t blocks = (l->count + block - 1) / block;
    for (int64_t n = 0; status == MEDLEY_OK && n < blocks; n++) {
        char phase[64] = "ranking";
        if (blocks > 1)
            number_print(phase, sizeof phase, "ranking, block %lld of %lld", (long long)n + 1, (long long)blocks);
        b.first = n * block;
        b.length = least(block, l->count - b.first);
        status = run_block(rt, &b, phase, err);
    }
    mem_free(b.entries);
    mem_free(b.lists);
    mem_free(b.nearest);
    return status;
}

/* ---- which items ---- */

static medley_status exclude_listed(const medley_store *store, const char *path, uint8_t *allowed,
                                    medley_error *err)
{
    const request_ids ids = {&store->item_map, "item of the store"};
    request_rows rows;
    TRY(request_read_ids(store->rt, path, ids, &rows, err));
    for (int64_t i = 0; i < rows.count; i++)
        allowed[rows.first[i]] = 0;
    request_rows_release(&rows);
    return MEDLEY_OK;
}

static medley_status keep_described(const medley_store *store, const item_choice *choice, uint8_t *allowed,
                                    medley_error *err)
{
    filter_expression *f;
    TRY(filter_expression_parse(store->rt, choice->where, &f, err));
    const medley_status status = filter_expression_apply(f, store, choice->popularity, allowed, err);
    filter_expression_free(f);
    return status;
}

medley_status items_choose(const medley_store *store, const item_choice *choice, uint8_t **allowed,
                           medley_error *err)
{
    TRY(mem_alloc(store->rt, store->items, 1, allowed, err));
    memset(*allowed, 1, (size_t)store->items);
    medley_status status = MEDLEY_OK;
    if (choice->exclude[0] != '\0')
        status = exclude_listed(store, choice->exclude, *allowed, err);
    if (status == MEDLEY_OK && choice->where[0] != '\0')
        status = keep_described(store, choice, *allowed, err);
    if (status != MEDLEY_OK) {
        mem_free(*allowed);
        *allowed = NULL;
    }
    return status;
}

medley_status items_popularity(const medley_runtime *rt, const interactions *events, int64_t items,
                               int64_t **popularity, int64_t *users, medley_error *err)
{
    uint32_t *last = NULL; /* [items] the user who was counted last, + 1: rows are sorted by user */
    *users = 0;
    TRY(mem_alloc_zero(rt, items, sizeof **popularity, popularity, err));
    const medley_status status = mem_alloc_zero(rt, items, sizeof *last, &last, err);
    if (status != MEDLEY_OK) {
        mem_free(*popularity);
        *popularity = NULL;
        return status;
    }
    for (int64_t i = 0; i < events->count; i++) {
        const uint32_t user = events->user[i], item = events->item[i];
        *users += i == 0 || events->user[i - 1] != user;
        (*popularity)[item] += last[item] != user + 1;
        last[item] = user + 1;
    }
    mem_free(last);
    return MEDLEY_OK;
}
