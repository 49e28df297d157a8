#include "eval/evaluation.h"

#include <math.h>

#include "eval/evaluation_interval.h"

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

/* Blocks without a relevant item change no metric. */
static int64_t keep_relevant(tie_block *blocks, int64_t count)
{
    int64_t kept = 0;
    for (int64_t b = 0; b < count; b++)
        if (blocks[b].relevant > 0)
            blocks[kept++] = blocks[b];
    return kept;
}

void evaluation_judge(const ranked *result, int64_t target_count, tie_block *blocks, judged_target *targets,
                      judged *out)
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
        targets[t].score = result->target_score[t];
        targets[t].above = result->above != NULL ? result->above[t] : -1;
        targets[t].equal = result->above != NULL ? result->equal[t] : -1;
        targets[t].start = block != NULL ? block->start : 0;
        targets[t].size = block != NULL ? block->size : 0;
        if (block != NULL)
            block->relevant++;
    }
    *out = (judged){
        .blocks = blocks,
        .block_count = keep_relevant(blocks, count),
        .targets = targets,
        .relevant = target_count,
        .listed = result->count,
        .candidates = result->candidates,
    };
}

/* ---- One user's values ---- */

/* One worker's; on cache lines of its own. */
typedef struct scratch {
    _Alignas(64) tie_block *blocks; /* [longest, or the longest given list] */
    judged_target *targets;         /* [most targets of a user] */
    float *best_ratings, *best_weights;
    double *room; /* [2 * dimensions] of the attribute */
    int64_t masked_targets, short_lists;
} scratch;

typedef struct judging_work {
    const evaluation_request *request;
    evaluation *out;
    const given_lists *given;
    scratch *workers;
    int worker_count, needs;
    double *sums;        /* [users, columns, METRIC_SUMS] of columns that add; NULL: none does */
    uint32_t *primitive; /* [users, longest] UINT32_MAX pads; NULL: not needed */
} judging_work;

static int needs_of(const evaluation_request *request)
{
    int needs = 0;
    for (int64_t c = 0; c < request->column_count; c++)
        needs |= request->columns[c].metric->needs;
    return needs;
}

static int descending(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a < b) - (a > b);
}

/* The user's targets, with what metrics need of them beside their places. */
static void describe_targets(const judging_work *w, uint32_t user, scratch *own)
{
    const csr *targets = w->request->targets;
    const int64_t from = targets->start[user], count = csr_row_count(targets, user);
    for (int64_t t = 0; t < count; t++) {
        own->targets[t].item = targets->index[from + t];
        own->targets[t].rating = targets->value != NULL ? targets->value[from + t] : 1;
    }
    if (own->best_ratings != NULL && count > 0) {
        for (int64_t t = 0; t < count; t++)
            own->best_ratings[t] = own->targets[t].rating;
        qsort(own->best_ratings, (size_t)count, sizeof *own->best_ratings, descending);
    }
    if (own->best_weights != NULL && count > 0) {
        for (int64_t t = 0; t < count; t++)
            own->best_weights[t] = (float)metric_weight(&w->request->context, own->targets[t].item);
        qsort(own->best_weights, (size_t)count, sizeof *own->best_weights, descending);
    }
}

/* Every column of one user, whose targets and blocks are judged. */
static void measure_user(const judging_work *w, int64_t row, judged *user, scratch *own)
{
    const evaluation_request *r = w->request;
    evaluation *out = w->out;
    user->user = out->user[row];
    user->best_ratings = own->best_ratings;
    user->best_weights = own->best_weights;
    user->room = own->room;
    if (out->longest > 0) {
        user->list = out->lists + row * out->longest;
        own->short_lists += user->listed < out->longest;
    }
    if (w->primitive != NULL) {
        user->primitive = w->primitive + row * out->longest;
        while (user->primitive_count < out->longest && user->primitive[user->primitive_count] != UINT32_MAX)
            user->primitive_count++;
    }
    for (int64_t t = 0; t < user->relevant; t++)
        own->masked_targets += user->targets[t].score == -INFINITY;
    for (int64_t c = 0; c < r->column_count; c++) {
        const metric_class *metric = r->columns[c].metric;
        const int64_t k = r->columns[c].k, at = row * r->column_count + c;
        out->per_user[at] = NAN;
        if (metric->of_user != NULL)
            out->per_user[at] = metric->of_user(user, k, &r->context);
        if (metric->add != NULL)
            metric->add(user, k, &r->context, w->sums + at * METRIC_SUMS);
    }
}

static void show(const evaluation *out, int64_t row, int64_t i, uint32_t item, float score)
{
    out->lists[row * out->longest + i] = item;
    out->scores[row * out->longest + i] = score;
}

static medley_status judge_user(void *context, const ranked *result, int worker, medley_error *err)
{
    judging_work *w = context;
    scratch *own = &w->workers[worker];
    judged user;
    (void)err;
    for (int64_t i = 0; i < w->out->longest; i++)
        if (i < result->count)
            show(w->out, result->query, i, result->entries[i].item, result->entries[i].score);
        else
            show(w->out, result->query, i, UINT32_MAX, -INFINITY);
    describe_targets(w, result->user, own);
    evaluation_judge(result, csr_row_count(w->request->targets, result->user), own->blocks, own->targets, &user);
    measure_user(w, result->query, &user, own);
    return MEDLEY_OK;
}

/* ---- All users ---- */

static medley_status make_discounts(const medley_runtime *rt, int64_t largest, double **out, medley_error *err)
{
    TRY(mem_alloc(rt, 2 * largest + 1, sizeof **out, out, err));
    double *discount = *out, *ideal = *out + largest;
    ideal[0] = 0;
    for (int64_t i = 0; i < largest; i++) {
        discount[i] = 1 / log2((double)i + 2);
        ideal[i + 1] = ideal[i] + discount[i];
    }
    return MEDLEY_OK;
}

static medley_status start_results(const medley_runtime *rt, const evaluation_request *request, evaluation *out,
                                   medley_error *err)
{
    const csr *targets = request->targets;
    int64_t largest = 0;
    for (int64_t u = 0; u < targets->rows; u++)
        out->users += csr_row_count(targets, u) > 0;
    if (out->users == 0)
        return fail(err, MEDLEY_E_ARGUMENT, "nothing to evaluate: none of %lld users has a target",
                    (long long)targets->rows);
    for (int64_t c = 0; c < request->column_count; c++)
        largest = request->columns[c].k > largest ? request->columns[c].k : largest;
    out->columns = request->column_count;
    out->longest = largest < request->context.items ? largest : request->context.items;
    TRY(runtime_memory_fits("evaluate", out->users, "users",
                            (double)out->users * 8 * (double)(1 + out->columns + out->longest),
                            "ask for fewer metrics or shorter lists", err));
    TRY(mem_alloc(rt, out->users, sizeof *out->user, &out->user, err));
    TRY(mem_alloc(rt, out->users, (size_t)out->columns * sizeof *out->per_user, &out->per_user, err));
    TRY(mem_alloc_zero(rt, out->columns, sizeof *out->value, &out->value, err));
    TRY(mem_alloc_zero(rt, out->columns, sizeof *out->defined, &out->defined, err));
    TRY(mem_alloc(rt, out->users, (size_t)out->longest * sizeof *out->lists, &out->lists, err));
    TRY(mem_alloc(rt, out->users, (size_t)out->longest * sizeof *out->scores, &out->scores, err));
    for (int64_t u = 0, next = 0; u < targets->rows; u++)
        if (csr_row_count(targets, u) > 0)
            out->user[next++] = (uint32_t)u;
    return MEDLEY_OK;
}

static medley_status start_scratch(const medley_runtime *rt, judging_work *w, medley_error *err)
{
    const evaluation_request *r = w->request;
    int64_t most = 0, blocks = w->out->longest > 0 ? w->out->longest : 1;
    const int64_t room = (w->needs & METRIC_NEEDS_ATTRIBUTE) != 0 ? 2 * r->context.attributes->dimensions : 0;
    for (int64_t i = 0; i < w->out->users; i++) {
        const int64_t u = w->out->user[i], targets = csr_row_count(r->targets, u);
        const int64_t listed = w->given != NULL ? w->given->start[u + 1] - w->given->start[u] : 0;
        most = targets > most ? targets : most;
        blocks = listed > blocks ? listed : blocks;
    }
    w->worker_count = parallel_workers(rt);
    TRY(mem_alloc_zero(rt, w->worker_count, sizeof *w->workers, &w->workers, err));
    for (scratch *own = w->workers; own < w->workers + w->worker_count; own++) {
        TRY(mem_alloc(rt, blocks, sizeof *own->blocks, &own->blocks, err));
        TRY(mem_alloc(rt, most, sizeof *own->targets, &own->targets, err));
        if ((w->needs & METRIC_NEEDS_RATINGS) != 0)
            TRY(mem_alloc(rt, most, sizeof *own->best_ratings, &own->best_ratings, err));
        if ((w->needs & METRIC_NEEDS_WEIGHTS) != 0)
            TRY(mem_alloc(rt, most, sizeof *own->best_weights, &own->best_weights, err));
        if (room > 0)
            TRY(mem_alloc(rt, room, sizeof *own->room, &own->room, err));
    }
    for (int64_t c = 0; c < r->column_count && w->sums == NULL; c++)
        if (r->columns[c].metric->add != NULL)
            TRY(mem_alloc_zero(rt, w->out->users * r->column_count, METRIC_SUMS * sizeof *w->sums, &w->sums, err));
    return MEDLEY_OK;
}

static void end_scratch(judging_work *w)
{
    for (scratch *own = w->workers; own != NULL && own < w->workers + w->worker_count; own++) {
        mem_free(own->blocks);
        mem_free(own->targets);
        mem_free(own->best_ratings);
        mem_free(own->best_weights);
        mem_free(own->room);
    }
    mem_free(w->workers);
    mem_free(w->sums);
    mem_free(w->primitive);
}

static void combine_users(const judging_work *w)
{
    const evaluation_request *r = w->request;
    evaluation *out = w->out;
    for (int64_t c = 0; c < out->columns; c++) {
        const metric_class *metric = r->columns[c].metric;
        double sums[METRIC_SUMS] = {0}, total = 0;
        for (int64_t u = 0; u < out->users; u++) {
            const int64_t at = u * out->columns + c;
            const bool defined = !isnan(out->per_user[at]);
            out->defined[c] += defined;
            total += defined ? out->per_user[at] : 0;
            for (int s = 0; metric->add != NULL && s < METRIC_SUMS; s++)
                sums[s] += w->sums[at * METRIC_SUMS + s];
        }
        if (metric->of_sums != NULL)
            out->value[c] = metric->of_sums(sums);
        else if (metric->of_user != NULL)
            out->value[c] = total / (double)out->defined[c];
    }
    for (const scratch *own = w->workers; own < w->workers + w->worker_count; own++) {
        out->masked_targets += own->masked_targets;
        out->short_lists += own->short_lists;
    }
}

/* The next larger cutoff of a column about all lists; 0: there is none. */
static int64_t next_cutoff(const evaluation_request *request, int64_t after)
{
    int64_t next = 0;
    for (int64_t c = 0; c < request->column_count; c++) {
        const int64_t k = request->columns[c].k;
        if (request->columns[c].metric->of_lists != NULL && k > after && (next == 0 || k < next))
            next = k;
    }
    return next;
}

static medley_status measure_lists(const medley_runtime *rt, const evaluation_request *request, evaluation *out,
                                   medley_error *err)
{
    medley_status status;
    const int64_t items = request->context.items;
    int64_t *shown = NULL, *histogram = NULL, from = 0;
    exposure lists = {.users = out->users};
    if (next_cutoff(request, 0) == 0)
        return MEDLEY_OK;
    TRY_DONE(mem_alloc_zero(rt, items, sizeof *shown, &shown, err));
    TRY_DONE(mem_alloc(rt, out->users + 1, sizeof *histogram, &histogram, err));
    lists.shown = shown;
    lists.histogram = histogram;
    for (int64_t u = 0; u < out->users; u++)
        lists.users_shown += out->longest > 0 && out->lists[u * out->longest] != UINT32_MAX;
    for (int64_t k = next_cutoff(request, 0); k > 0; k = next_cutoff(request, k)) {
        const int64_t end = k < out->longest ? k : out->longest;
        for (int64_t u = 0; u < out->users; u++)
            for (int64_t i = from; i < end && out->lists[u * out->longest + i] != UINT32_MAX; i++)
                shown[out->lists[u * out->longest + i]]++;
        from = end;
        memset(histogram, 0, (size_t)(out->users + 1) * sizeof *histogram);
        for (int64_t i = 0; i < items; i++)
            histogram[shown[i]]++;
        for (int64_t c = 0; c < request->column_count; c++)
            if (request->columns[c].metric->of_lists != NULL && request->columns[c].k == k)
                out->value[c] = request->columns[c].metric->of_lists(&lists, &request->context);
    }
done:
    mem_free(histogram);
    mem_free(shown);
    return status;
}

/* ---- Models ---- */

static medley_status keep_primitive(void *context, const ranked *result, int worker, medley_error *err)
{
    const judging_work *w = context;
    uint32_t *list = w->primitive + result->query * w->out->longest;
    (void)worker;
    (void)err;
    for (int64_t i = 0; i < w->out->longest; i++)
        list[i] = i < result->count ? result->entries[i].item : UINT32_MAX;
    return MEDLEY_OK;
}

static ranking_request ranking_of(const judging_work *w, const scoring *how, const left_sides *left)
{
    const evaluation_request *r = w->request;
    return (ranking_request){
        .how = how,
        .left = left,
        .queries = w->out->users,
        .user = w->out->user,
        .seed = r->seed,
        .k = w->out->longest > 0 ? w->out->longest : 1,
        .excluded = r->excluded,
        .only = r->only,
        .allowed = r->allowed,
    };
}

static medley_status rank_primitive(const medley_runtime *rt, judging_work *w, medley_error *err)
{
    if ((w->needs & METRIC_NEEDS_PRIMITIVE) == 0)
        return MEDLEY_OK;
    const ranking_request request = ranking_of(w, w->request->primitive, NULL);
    TRY(mem_alloc(rt, w->out->users, (size_t)w->out->longest * sizeof *w->primitive, &w->primitive, err));
    return ranking_run(rt, &request, "ranking primitively", keep_primitive, w, err);
}

static medley_status rank_users(const medley_runtime *rt, judging_work *w, medley_error *err)
{
    ranking_request request = ranking_of(w, w->request->how, w->request->left);
    request.targets = w->request->targets;
    request.rank_targets = (w->needs & METRIC_NEEDS_RANKS) != 0;
    return ranking_run(rt, &request, "evaluating", judge_user, w, err);
}

/* Whether nothing is known of the user, as far as the model is concerned. */
static bool is_unknown(const evaluation_request *r, uint32_t user)
{
    const int64_t D = r->how->factors;
    if (r->how->form != SCORING_FACTORED)
        return csr_row_count(&r->left->weights.view, user) == 0;
    const float *vector = (r->left != NULL && r->left->vectors != NULL ? r->left->vectors : r->how->user);
    for (int64_t d = 0; d < D; d++)
        if (vector[user * D + d] != 0)
            return false;
    return D > 0;
}

typedef medley_status (*evaluation_step)(const medley_runtime *rt, judging_work *w, medley_error *err);

/* What the three ways to evaluate share: `judge_all` fills in every user's values. */
static medley_status evaluate(const medley_runtime *rt, const evaluation_request *request,
                              const given_lists *given, evaluation_step judge_all, evaluation *out,
                              medley_error *err)
{
    medley_status status;
    evaluation_request own = *request;
    double *discounts = NULL;
    judging_work w = {.request = &own, .out = out, .given = given, .needs = needs_of(request)};
    *out = (evaluation){0};
    TRY_DONE(start_results(rt, request, out, err));
    TRY_DONE(make_discounts(rt, out->longest, &discounts, err));
    own.context.discount = discounts;
    own.context.ideal_discount = discounts + out->longest;
    TRY_DONE(start_scratch(rt, &w, err));
    TRY_DONE(rank_primitive(rt, &w, err));
    TRY_DONE(judge_all(rt, &w, err));
    combine_users(&w);
    TRY_DONE(measure_lists(rt, &own, out, err));
    if (own.intervals.resamples > 0) {
        TRY_DONE(mem_alloc(rt, out->columns, sizeof *out->intervals, &out->intervals, err));
        status = evaluation_intervals(rt, own.columns, out->columns, out->per_user, w.sums, out->users,
                                      &own.intervals, out->intervals, err);
    }
done:
    end_scratch(&w);
    mem_free(discounts);
    if (status != MEDLEY_OK)
        evaluation_release(out);
    return status;
}

medley_status evaluation_run(const medley_runtime *rt, const evaluation_request *request, evaluation *out,
                             medley_error *err)
{
    assert(request->context.items == request->how->items);
    TRY(evaluate(rt, request, NULL, rank_users, out, err));
    for (int64_t i = 0; i < out->users; i++)
        out->without_signal += is_unknown(request, out->user[i]);
    return MEDLEY_OK;
}

/* ---- Lists from elsewhere ---- */

enum { USERS_A_TASK = 256 };

static bool row_holds(const csr *m, int64_t row, uint32_t column)
{
    int64_t low = m->start[row], high = m->start[row + 1];
    const int64_t end = high;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (m->index[middle] < column)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && m->index[low] == column;
}

bool evaluation_is_candidate(const evaluation_request *request, uint32_t user, uint32_t item)
{
    return (request->allowed == NULL || request->allowed[item] != 0) &&
           (request->only == NULL || row_holds(request->only, user, item)) &&
           (request->excluded == NULL || !row_holds(request->excluded, user, item));
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

static void judge_given(const judging_work *w, int64_t row, scratch *own)
{
    const given_lists *g = w->given;
    const uint32_t u = w->out->user[row];
    const int64_t from = g->start[u], listed = g->start[u + 1] - from, longest = w->out->longest;
    const int64_t relevant = csr_row_count(w->request->targets, u);
    int64_t count = 0;
    uint64_t some = 0; /* a bit for each target's item: most items of a list need no search */
    describe_targets(w, u, own);
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
            show(w->out, row, i, g->item[from + i], g->score[from + i]);
        else
            show(w->out, row, i, UINT32_MAX, -INFINITY);
    judged user = {
        .blocks = own->blocks,
        .block_count = keep_relevant(own->blocks, count),
        .targets = own->targets,
        .relevant = relevant,
        .listed = listed < longest ? listed : longest,
        .candidates = -1,
    };
    measure_user(w, row, &user, own);
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
    assert((needs_of(request) & METRIC_NEEDS_RANKS) == 0);
    return evaluate(rt, request, lists, judge_all_given, out, err);
}

/* ---- Ratings ---- */

static medley_status predict(const medley_runtime *rt, judging_work *w, medley_error *err)
{
    const evaluation_request *r = w->request;
    const int64_t pairs = csr_count(r->targets);
    medley_status status;
    uint32_t *row = NULL;
    float *score = NULL;
    TRY_DONE(mem_alloc(rt, pairs, sizeof *row, &row, err));
    TRY_DONE(mem_alloc(rt, pairs, sizeof *score, &score, err));
    for (int64_t u = 0; u < r->targets->rows; u++)
        for (int64_t at = r->targets->start[u]; at < r->targets->start[u + 1]; at++)
            row[at] = (uint32_t)u;
    TRY_DONE(ranking_score_pairs(rt, r->how, r->left, row, r->targets->index, pairs, score, err));
    for (int64_t i = 0; i < w->out->users; i++) {
        const int64_t u = w->out->user[i], from = r->targets->start[u];
        judged user = {.targets = w->workers->targets, .relevant = csr_row_count(r->targets, u)};
        describe_targets(w, (uint32_t)u, w->workers);
        for (int64_t t = 0; t < user.relevant; t++) {
            const double predicted = (double)score[from + t];
            w->workers->targets[t].score =
                r->clip ? (float)fmin(fmax(predicted, r->context.rating_low), r->context.rating_high)
                        : score[from + t];
        }
        measure_user(w, i, &user, w->workers);
    }
done:
    mem_free(score);
    mem_free(row);
    return status;
}

medley_status evaluation_of_pairs(const medley_runtime *rt, const evaluation_request *request, evaluation *out,
                                  medley_error *err)
{
    return evaluate(rt, request, NULL, predict, out, err);
}

void evaluation_release(evaluation *e)
{
    mem_free(e->scores);
    mem_free(e->lists);
    mem_free(e->intervals);
    mem_free(e->defined);
    mem_free(e->value);
    mem_free(e->per_user);
    mem_free(e->user);
    *e = (evaluation){0};
}
