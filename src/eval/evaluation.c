#include "eval/evaluation.h"

#include <math.h>

/* The block whose tied score is `score`; scores fall from block to block. NULL: there is none. */
static tie_block *block_of(float score, const topk_entry *entries, tie_block *blocks, int64_t count)
{
    int64_t low = 0, high = count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (entries[blocks[middle].start].score > score)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && entries[blocks[low].start].score == score ? &blocks[low] : NULL;
}

int64_t evaluation_judge(const ranked *result, int64_t target_count, tie_block *blocks, judged *out)
{
    const topk_entry *entries = result->entries;
    int64_t count = 0;
    for (int64_t i = 0; i < result->count; i++) {
        if (i == 0 || entries[i].score != entries[i - 1].score)
            blocks[count++] = (tie_block){.start = i};
        blocks[count - 1].size++;
    }
    if (count > 0)
        blocks[count - 1].size += result->tied_outside;
    /* Blocks hold every candidate of their score, so a target's score says whether it is in one. */
    for (int64_t t = 0; t < target_count; t++) {
        tie_block *block = block_of(result->target_score[t], entries, blocks, count);
        if (block != NULL)
            block->relevant++;
    }
    *out = (judged){
        .blocks = blocks,
        .block_count = count,
        .relevant = target_count,
        .listed = result->count,
    };
    return count;
}

/* One worker's; on cache lines of its own. */
typedef struct scratch {
    _Alignas(64) tie_block *blocks; /* [longest] */
    int64_t masked_targets;
} scratch;

typedef struct judging {
    const evaluation_request *request;
    evaluation *out;
    scratch *workers;
} judging;

static medley_status judge_user(void *context, const ranked *result, int worker, medley_error *err)
{
    (void)err;
    const judging *j = context;
    const evaluation_request *r = j->request;
    evaluation *out = j->out;
    scratch *own = &j->workers[worker];
    uint32_t *list = out->lists + result->query * out->longest;
    float *scores = out->scores + result->query * out->longest;
    for (int64_t i = 0; i < out->longest; i++) {
        const bool listed = i < result->count;
        list[i] = listed ? result->entries[i].item : UINT32_MAX;
        scores[i] = listed ? result->entries[i].score : -INFINITY;
    }

    judged user;
    const int64_t target_count = csr_row_count(r->targets, result->user);
    evaluation_judge(result, target_count, own->blocks, &user);
    user.list = list;
    for (int64_t t = 0; t < target_count; t++)
        own->masked_targets += result->target_score[t] == -INFINITY;

    double *value = out->per_user + result->query * r->metric_count * r->cutoff_count;
    for (int64_t m = 0; m < r->metric_count; m++)
        for (int64_t c = 0; c < r->cutoff_count; c++)
            *value++ =
                r->metrics[m]->of_user == NULL ? NAN : r->metrics[m]->of_user(&user, r->cutoffs[c], &r->context);
    return MEDLEY_OK;
}

static medley_status rank_users(const medley_runtime *rt, const evaluation_request *request, evaluation *out,
                                medley_error *err)
{
    medley_status status;
    const int workers = parallel_workers(rt);
    tie_block *blocks = NULL;
    judging work = {.request = request, .out = out};
    TRY_DONE(mem_alloc_zero(rt, workers, sizeof *work.workers, &work.workers, err));
    TRY_DONE(mem_alloc(rt, workers * out->longest, sizeof *blocks, &blocks, err));
    for (int w = 0; w < workers; w++)
        work.workers[w].blocks = blocks + w * out->longest;
    const ranking_request ranking = {
        .how = request->how,
        .queries = out->users,
        .user = out->user,
        .seed = request->seed,
        .k = out->longest,
        .left = request->left,
        .excluded = request->excluded,
        .targets = request->targets,
    };
    TRY_DONE(ranking_run(rt, &ranking, "evaluating", judge_user, &work, err));
    for (int w = 0; w < workers; w++)
        out->masked_targets += work.workers[w].masked_targets;
done:
    mem_free(blocks);
    mem_free(work.workers);
    return status;
}

static void average_users(const evaluation_request *request, evaluation *out)
{
    const int64_t columns = request->metric_count * request->cutoff_count;
    for (int64_t u = 0; u < out->users; u++)
        for (int64_t i = 0; i < columns; i++)
            out->value[i] += out->per_user[u * columns + i];
    for (int64_t i = 0; i < columns; i++)
        out->value[i] /= (double)out->users;
}

static medley_status measure_lists(const medley_runtime *rt, const evaluation_request *request, evaluation *out,
                                   medley_error *err)
{
    medley_status status;
    const int64_t items = request->context.items;
    int64_t *shown = NULL, *histogram = NULL, from = 0;
    TRY_DONE(mem_alloc_zero(rt, items, sizeof *shown, &shown, err));
    TRY_DONE(mem_alloc(rt, out->users + 1, sizeof *histogram, &histogram, err));
    for (int64_t c = 0; c < request->cutoff_count; c++) {
        const int64_t k = request->cutoffs[c] < out->longest ? request->cutoffs[c] : out->longest;
        for (int64_t u = 0; u < out->users; u++)
            for (int64_t i = from; i < k && out->lists[u * out->longest + i] != UINT32_MAX; i++)
                shown[out->lists[u * out->longest + i]]++;
        from = k;
        memset(histogram, 0, (size_t)(out->users + 1) * sizeof *histogram);
        for (int64_t i = 0; i < items; i++)
            histogram[shown[i]]++;
        const exposure lists = {.users = out->users, .shown = shown, .histogram = histogram};
        for (int64_t m = 0; m < request->metric_count; m++)
            if (request->metrics[m]->of_lists != NULL)
                out->value[m * request->cutoff_count + c] =
                    request->metrics[m]->of_lists(&lists, &request->context);
    }
done:
    mem_free(histogram);
    mem_free(shown);
    return status;
}

static medley_status prepare(const medley_runtime *rt, const evaluation_request *request, evaluation *out,
                             medley_error *err)
{
    const csr *targets = request->targets;
    const int64_t columns = request->metric_count * request->cutoff_count;
    for (int64_t u = 0; u < targets->rows; u++)
        out->users += csr_row_count(targets, u) > 0;
    if (out->users == 0)
        return fail(err, MEDLEY_E_ARGUMENT, "nothing to evaluate: none of %lld users has a target",
                    (long long)targets->rows);
    const int64_t largest = request->cutoffs[request->cutoff_count - 1];
    out->longest = largest < request->context.items ? largest : request->context.items;
    TRY(mem_alloc(rt, out->users, sizeof *out->user, &out->user, err));
    TRY(mem_alloc(rt, out->users, (size_t)columns * sizeof *out->per_user, &out->per_user, err));
    TRY(mem_alloc_zero(rt, columns, sizeof *out->value, &out->value, err));
    TRY(mem_alloc(rt, out->users, (size_t)out->longest * sizeof *out->lists, &out->lists, err));
    TRY(mem_alloc(rt, out->users, (size_t)out->longest * sizeof *out->scores, &out->scores, err));
    for (int64_t u = 0, next = 0; u < targets->rows; u++)
        if (csr_row_count(targets, u) > 0)
            out->user[next++] = (uint32_t)u;
    return MEDLEY_OK;
}

medley_status evaluation_run(const medley_runtime *rt, const evaluation_request *request, evaluation *out,
                             medley_error *err)
{
    medley_status status;
    *out = (evaluation){0};
    assert(request->cutoff_count > 0 && request->cutoffs[0] > 0);
    assert(request->context.items == request->how->items);
    TRY_DONE(prepare(rt, request, out, err));
    TRY_DONE(rank_users(rt, request, out, err));
    average_users(request, out);
    TRY_DONE(measure_lists(rt, request, out, err));
done:
    if (status != MEDLEY_OK)
        evaluation_release(out);
    return status;
}

void evaluation_release(evaluation *e)
{
    mem_free(e->scores);
    mem_free(e->lists);
    mem_free(e->value);
    mem_free(e->per_user);
    mem_free(e->user);
    *e = (evaluation){0};
}
