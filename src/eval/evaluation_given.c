/* Lists from elsewhere, judged as those of a model. */
#include <math.h>

#include "eval/evaluation_work.h"

enum { USERS_A_TASK = 256 };

bool evaluation_is_candidate(const evaluation_request *request, uint32_t user, uint32_t item)
{
    return (request->allowed == NULL || request->allowed[item] != 0) &&
           (request->only == NULL || csr_find(request->only, user, item) >= 0) &&
           (request->excluded == NULL || csr_find(request->excluded, user, item) < 0);
}

/* The position among ascending targets, or -1. */
static int64_t find_target(const judged_target *targets, int64_t count, uint32_t item)
{
    int64_t low = 0, high = count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (targets[middle].item < item)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && targets[low].item == item ? low : -1;
}

static void judge_given(const judging_work *w, int64_t row, judging_scratch *own)
{
    const given_lists *g = w->given;
    const uint32_t u = w->out->user[row];
    const int64_t from = g->start[u], listed = g->start[u + 1] - from, longest = w->out->longest;
    const int64_t relevant = csr_row_count(w->request->targets, u);
    int64_t count = 0;
    uint64_t some = 0; /* a bit for each target's item: most items of a list need no search */
    evaluation_describe_targets(w, u, own);
    for (int64_t t = 0; t < relevant; t++) {
        judged_target *target = &own->targets[t];
        some |= UINT64_C(1) << target->item % 64;
        *target = (judged_target){.item = target->item, .rating = target->rating, .above = -1, .equal = -1};
        target->score = evaluation_is_candidate(w->request, u, target->item) ? 0 : -INFINITY;
    }
    for (int64_t i = 0; i < listed; i++) {
        if (i == 0 || g->tie == NULL || g->tie[from + i] != g->tie[from + i - 1])
            own->blocks[count++] = (tie_block){.start = i};
        own->blocks[count - 1].size++;
        const uint32_t item = g->item[from + i];
        const int64_t t = (some >> item % 64 & 1) != 0 ? find_target(own->targets, relevant, item) : -1;
        if (t >= 0) {
            own->blocks[count - 1].relevant++;
            own->targets[t].start = own->blocks[count - 1].start;
            own->targets[t].size = -count; /* of block count - 1, whose size is not known yet */
        }
    }
    for (int64_t t = 0; t < relevant; t++)
        if (own->targets[t].size < 0)
            own->targets[t].size = own->blocks[-own->targets[t].size - 1].size;
    for (int64_t i = 0; i < longest; i++)
        if (i < listed)
            evaluation_show(w->out, row, i, g->item[from + i], g->score[from + i]);
        else
            evaluation_show(w->out, row, i, UINT32_MAX, -INFINITY);
    judged user = {
        .blocks = own->blocks,
        .block_count = evaluation_keep_relevant(own->blocks, count),
        .targets = own->targets,
        .relevant = relevant,
        .listed = listed < longest ? listed : longest,
        .candidates = -1,
    };
    evaluation_measure_user(w, row, &user, own);
}

static medley_status judge_given_task(void *context, int64_t task, int worker, medley_error *err)
{
    const judging_work *w = context;
    const int64_t first = task * USERS_A_TASK, end = first + USERS_A_TASK;
    (void)err;
    for (int64_t row = first; row < end && row < w->out->users; row++)
        judge_given(w, row, &w->workers[worker]);
    return MEDLEY_OK;
}

static medley_status judge_all_given(const medley_runtime *rt, judging_work *w, medley_error *err)
{
    return parallel_run(rt, (w->out->users + USERS_A_TASK - 1) / USERS_A_TASK, judge_given_task, w, err);
}

medley_status evaluation_of_lists(const medley_runtime *rt, const evaluation_request *request,
                                  const given_lists *lists, evaluation *out, medley_error *err)
{
    assert((evaluation_needs(request) & METRIC_NEEDS_RANKS) == 0);
    return evaluation_make(rt, request, lists, judge_all_given, out, err);
}
