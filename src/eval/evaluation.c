#include "eval/evaluation.h"

#include <math.h>

#include "eval/evaluation_interval.h"
#include "eval/evaluation_work.h"

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

int64_t evaluation_keep_relevant(tie_block *blocks, int64_t count)
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
        .block_count = evaluation_keep_relevant(blocks, count),
        .targets = targets,
        .relevant = target_count,
        .listed = result->count,
        .candidates = result->candidates,
    };
}

/* ---- One user's values ---- */

int evaluation_needs(const evaluation_request *request)
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

void evaluation_describe_targets(const judging_work *w, uint32_t user, judging_scratch *own)
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

void evaluation_measure_user(const judging_work *w, int64_t row, judged *user, judging_scratch *own)
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

void evaluation_show(const evaluation *out, int64_t row, int64_t i, uint32_t item, float score)
{
    out->lists[row * out->longest + i] = item;
    out->scores[row * out->longest + i] = score;
}

static medley_status judge_user(void *context, const ranked *result, int worker, medley_error *err)
{
    judging_work *w = context;
    judging_scratch *own = &w->workers[worker];
    const int64_t row = w->first + result->query;
    judged user;
    (void)err;
    for (int64_t i = 0; i < w->out->longest; i++)
        if (i < result->count)
            evaluation_show(w->out, row, i, result->entries[i].item, result->entries[i].score);
        else
            evaluation_show(w->out, row, i, UINT32_MAX, -INFINITY);
    evaluation_describe_targets(w, result->user, own);
    evaluation_judge(result, csr_row_count(w->request->targets, result->user), own->blocks, own->targets, &user);
    evaluation_measure_user(w, row, &user, own);
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
    for (judging_scratch *own = w->workers; own < w->workers + w->worker_count; own++) {
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
    for (judging_scratch *own = w->workers; own != NULL && own < w->workers + w->worker_count; own++) {
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
    for (const judging_scratch *own = w->workers; own < w->workers + w->worker_count; own++) {
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

/* Users of a block, and their left sides. */
typedef struct user_block {
    int64_t first, count;
    const left_sides *left;
    bool by_place; /* row n of left is the block's n-th user's, not user n's */
} user_block;

typedef medley_status (*block_use)(const medley_runtime *rt, judging_work *w, const user_block *b,
                                   medley_error *err);

/* Left sides of all users at once would be users × dims. */
static medley_status for_blocks(const medley_runtime *rt, judging_work *w, block_use use, medley_error *err)
{
    const evaluation_request *r = w->request;
    const int64_t block = r->block > 0 ? r->block : EVALUATION_BLOCK;
    if (r->encode == NULL)
        return use(rt, w, &(user_block){0, w->out->users, r->left, false}, err);
    medley_status status = MEDLEY_OK;
    for (int64_t first = 0; first < w->out->users && status == MEDLEY_OK; first += block) {
        left_sides left = {0};
        const user_block b = {first, least(block, w->out->users - first), &left, true};
        status = r->encode(r->encode_context, w->out->user + first, b.count, &left, err);
        if (status == MEDLEY_OK)
            status = use(rt, w, &b, err);
        left_sides_release(&left);
    }
    return status;
}

/* Whether nothing is known of the block's n-th user, as far as the model is concerned. */
static bool is_unknown(const judging_work *w, const user_block *b, int64_t n)
{
    const scoring *how = w->request->how;
    const int64_t user = w->out->user[b->first + n], row = b->by_place ? n : user, D = how->factors;
    if (how->form != SCORING_FACTORED)
        return csr_row_count(&b->left->weights.view, row) == 0;
    const float *const own = b->left != NULL ? b->left->vectors : NULL;
    const float *const vector = own != NULL ? own + row * D : how->user + user * D;
    for (int64_t d = 0; d < D; d++)
        if (vector[d] != 0)
            return false;
    return D > 0;
}

static medley_status rank_block(const medley_runtime *rt, judging_work *w, const user_block *b, medley_error *err)
{
    ranking_request request = ranking_of(w, w->request->how, b->left);
    char phase[64] = "evaluating";
    if (b->count < w->out->users)
        number_print(phase, sizeof phase, "evaluating, users %lld to %lld of %lld", (long long)b->first + 1,
                     (long long)(b->first + b->count), (long long)w->out->users);
    w->first = b->first;
    request.user += b->first;
    request.queries = b->count;
    request.left_by_query = b->by_place;
    request.targets = w->request->targets;
    request.rank_targets = (w->needs & METRIC_NEEDS_RANKS) != 0;
    for (int64_t n = 0; n < b->count; n++)
        w->out->without_signal += is_unknown(w, b, n);
    return ranking_run(rt, &request, phase, judge_user, w, err);
}

static medley_status rank_users(const medley_runtime *rt, judging_work *w, medley_error *err)
{
    return for_blocks(rt, w, rank_block, err);
}

medley_status evaluation_make(const medley_runtime *rt, const evaluation_request *request,
                              const given_lists *given, evaluation_step judge_all, evaluation *out,
                              medley_error *err)
{
    medley_status status;
    evaluation_request own = *request;
    double *discounts = NULL;
    judging_work w = {.request = &own, .out = out, .given = given, .needs = evaluation_needs(request)};
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
    return evaluation_make(rt, request, NULL, rank_users, out, err);
}

/* ---- Ratings ---- */

static void measure_predicted(const judging_work *w, int64_t row, const float *score)
{
    const evaluation_request *r = w->request;
    judging_scratch *const own = w->workers;
    judged user = {.targets = own->targets, .relevant = csr_row_count(r->targets, w->out->user[row])};
    evaluation_describe_targets(w, w->out->user[row], own);
    for (int64_t t = 0; t < user.relevant; t++)
        own->targets[t].score =
            r->clip ? (float)fmin(fmax((double)score[t], r->context.rating_low), r->context.rating_high)
                    : score[t];
    evaluation_measure_user(w, row, &user, own);
}

/* Users of a block are all that have targets between its first and its last. */
static medley_status predict_block(const medley_runtime *rt, judging_work *w, const user_block *b,
                                   medley_error *err)
{
    const csr *const targets = w->request->targets;
    const uint32_t *const users = w->out->user + b->first;
    const int64_t from = targets->start[users[0]], count = targets->start[users[b->count - 1] + 1] - from;
    medley_status status;
    uint32_t *user = NULL, *row = NULL;
    float *score = NULL;
    TRY_DONE(mem_alloc(rt, count, sizeof *user, &user, err));
    TRY_DONE(mem_alloc(rt, count, sizeof *row, &row, err));
    TRY_DONE(mem_alloc(rt, count, sizeof *score, &score, err));
    for (int64_t n = 0; n < b->count; n++)
        for (int64_t at = targets->start[users[n]]; at < targets->start[users[n] + 1]; at++) {
            user[at - from] = users[n];
            row[at - from] = (uint32_t)n;
        }
    const ranking_pairs pairs = {user, targets->index + from, b->by_place ? row : NULL, count};
    TRY_DONE(ranking_score_pairs(rt, w->request->how, b->left, &pairs, score, err));
    for (int64_t n = 0; n < b->count; n++)
        measure_predicted(w, b->first + n, score + targets->start[users[n]] - from);
done:
    mem_free(score);
    mem_free(row);
    mem_free(user);
    return status;
}

static medley_status predict(const medley_runtime *rt, judging_work *w, medley_error *err)
{
    return for_blocks(rt, w, predict_block, err);
}

medley_status evaluation_of_pairs(const medley_runtime *rt, const evaluation_request *request, evaluation *out,
                                  medley_error *err)
{
    return evaluation_make(rt, request, NULL, predict, out, err);
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
