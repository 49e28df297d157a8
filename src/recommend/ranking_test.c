#include "testing.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "recommend/ranking.h"

enum { USERS = 230, ITEMS = 1700, D = 33, QUERIES = 400, K_MOST = ITEMS + 50, SEED = 11 };

/* A world: every scoring form over the same items, with histories, exclusions and targets. */
typedef struct world {
    float user[USERS * D], item[ITEMS * D], bias[ITEMS];
    float *dense; /* [ITEMS, ITEMS] */
    csr_owner sparse, history, excluded, targets, only;
    left_sides left; /* a view of history */
    uint8_t allowed[ITEMS];
    uint32_t queries[QUERIES];
} world;

static world w;
static test_memory owner_memory;
static medley_runtime *owner;

/* About `length` distinct columns a row, from the random stream `stream`; each 9th row is empty. */
static void make_rows(int64_t rows, int64_t columns, uint64_t length, uint64_t stream, bool values, csr_owner *out)
{
    const int64_t most = rows * 2 * (int64_t)length;
    uint32_t *row, *column;
    float *value;
    int64_t count = 0;
    assert_ok(mem_alloc(owner, most, sizeof *row, &row, err));
    assert_ok(mem_alloc(owner, most, sizeof *column, &column, err));
    assert_ok(mem_alloc(owner, most, sizeof *value, &value, err));
    for (int64_t r = 0; r < rows; r++) {
        const uint64_t wanted = r % 9 == 8 ? 0 : random_bits(stream, 1, (uint64_t)r) % (2 * length);
        for (uint64_t i = 0; i < wanted; i++, count++) {
            row[count] = (uint32_t)r;
            column[count] = (uint32_t)(random_bits(stream, 2, (uint64_t)count) % (uint64_t)columns);
            value[count] = (float)(random_bits(stream, 3, (uint64_t)count) % 16) / 8;
        }
    }
    assert_ok(csr_build(owner, rows, columns, row, column, values ? value : NULL, count, out, err));
    mem_free(row);
    mem_free(column);
    mem_free(value);
}

/* levels 0: floats without ties; else multiples of 1/8, whose sums are exact and tie a lot. */
static void make_values(float *out, int64_t count, uint64_t stream, uint64_t levels)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = levels == 0 ? (float)random_uniform(stream, 4, (uint64_t)i) - 0.5f
                             : ((float)(random_bits(stream, 4, (uint64_t)i) % levels) - (float)(levels / 2)) / 8;
}

static void make_world(uint64_t levels)
{
    make_values(w.user, USERS * D, 21, levels);
    make_values(w.item, ITEMS * D, 22, levels);
    make_values(w.bias, ITEMS, 23, levels);
    make_values(w.dense, (int64_t)ITEMS * ITEMS, 24, levels);
}

static int world_start(void **state)
{
    (void)state;
    owner = test_runtime(&owner_memory, 1);
    assert_ok(mem_alloc(owner, ITEMS * ITEMS, sizeof *w.dense, &w.dense, err));
    make_rows(ITEMS, ITEMS, 20, 31, true, &w.sparse);
    make_rows(USERS, ITEMS, 30, 32, false, &w.history);
    make_rows(USERS, ITEMS, 100, 33, false, &w.excluded);
    make_rows(USERS, ITEMS, 6, 34, false, &w.targets);
    make_rows(USERS, ITEMS, 60, 36, false, &w.only);
    w.left = (left_sides){.rows = USERS, .weights.view = w.history.view};
    for (uint64_t i = 0; i < ITEMS; i++)
        w.allowed[i] = random_bits(37, 0, i) % 3 != 0;
    for (int64_t i = 0; i < QUERIES; i++)
        w.queries[i] = (uint32_t)(random_bits(35, 1, (uint64_t)i) % USERS);
    make_world(0);
    return 0;
}

static int world_end(void **state)
{
    (void)state;
    csr_release(&w.sparse);
    csr_release(&w.history);
    csr_release(&w.excluded);
    csr_release(&w.targets);
    csr_release(&w.only);
    mem_free(w.dense);
    test_runtime_end(owner, &owner_memory);
    return 0;
}

typedef enum form { FACTORED, FACTORED_BIAS, BIAS_ONLY, NOTHING, DENSE, SPARSE, FORMS } form;

static scoring scoring_of(form f)
{
    switch (f) {
    case FACTORED:
        return (scoring){.form = SCORING_FACTORED, .items = ITEMS, .factors = D, .user = w.user, .item = w.item};
    case FACTORED_BIAS:
        return (scoring){.form = SCORING_FACTORED,
                         .items = ITEMS,
                         .factors = D,
                         .user = w.user,
                         .item = w.item,
                         .bias = w.bias};
    case BIAS_ONLY:
        return (scoring){.form = SCORING_FACTORED, .items = ITEMS, .bias = w.bias};
    case DENSE:
        return (scoring){.form = SCORING_LINEAR_DENSE, .items = ITEMS, .dense = w.dense};
    case SPARSE:
        return (scoring){.form = SCORING_LINEAR_SPARSE, .items = ITEMS, .sparse = w.sparse.view};
    default:
        return (scoring){.form = SCORING_FACTORED, .items = ITEMS};
    }
}

/* One row as a mark for every item; m may be NULL. */
static void mark_row(const csr *m, int64_t row, bool marks[ITEMS])
{
    memset(marks, 0, ITEMS * sizeof *marks);
    for (int64_t at = m != NULL ? m->start[row] : 0; m != NULL && at < m->start[row + 1]; at++)
        marks[m->index[at]] = true;
}

/* The slow twin: one score by its definition. */
static double naive_score(const scoring *how, const csr *history, int64_t user, int64_t item)
{
    double sum = how->form == SCORING_FACTORED && how->bias != NULL ? (double)how->bias[item] : 0;
    for (int64_t f = 0; f < how->factors; f++)
        sum += (double)how->user[user * how->factors + f] * (double)how->item[item * how->factors + f];
    if (how->form == SCORING_FACTORED)
        return sum;
    for (int64_t at = history->start[user]; at < history->start[user + 1]; at++) {
        const int64_t j = history->index[at];
        const double weight = history->value != NULL ? (double)history->value[at] : 1;
        if (how->form == SCORING_LINEAR_DENSE)
            sum += weight * (double)how->dense[j * how->items + item];
        for (int64_t e = how->sparse.start != NULL ? how->sparse.start[j] : 0;
             how->sparse.start != NULL && e < how->sparse.start[j + 1]; e++)
            if (how->sparse.index[e] == item)
                sum += weight * (double)how->sparse.value[e];
    }
    return sum;
}

/* What a run gave, by query; checked after it, for cmocka cannot fail in other threads. */
typedef struct outcome {
    int64_t count, tied_outside, candidates, targets;
    uint32_t user;
    int calls;
    topk_entry entries[64];
    float target_score[32];
    int64_t above[32], equal[32];
} outcome;

typedef struct outcomes {
    outcome of[QUERIES];
    const csr *targets;
    int64_t fail_at;
} outcomes;

static medley_status collect(void *context, const ranked *result, int worker, medley_error *err)
{
    outcomes *all = context;
    outcome *o = &all->of[result->query];
    (void)worker;
    if (all->fail_at >= 0 && result->query == all->fail_at)
        return fail(err, MEDLEY_E_IO, "the sink is full");
    o->calls++;
    o->user = result->user;
    o->count = result->count;
    o->tied_outside = result->tied_outside;
    o->candidates = result->candidates;
    memcpy(o->entries, result->entries, (size_t)(result->count < 64 ? result->count : 64) * sizeof *o->entries);
    if (all->targets != NULL)
        memcpy(o->target_score, result->target_score,
               (size_t)csr_row_count(all->targets, result->user) * sizeof *o->target_score);
    if (all->targets != NULL && result->above != NULL) {
        const size_t bytes = (size_t)csr_row_count(all->targets, result->user) * sizeof *o->above;
        memcpy(o->above, result->above, bytes);
        memcpy(o->equal, result->equal, bytes);
    }
    return MEDLEY_OK;
}

static ranking_request request_of(const scoring *how, int64_t queries, int64_t k)
{
    return (ranking_request){.how = how,
                             .queries = queries,
                             .user = w.queries,
                             .seed = SEED,
                             .k = k,
                             .left = &w.left,
                             .excluded = &w.excluded.view,
                             .targets = &w.targets.view};
}

static void run(const ranking_request *r, int threads, outcomes *out)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, threads);
    memset(out, 0, sizeof *out);
    out->fail_at = -1;
    out->targets = r->targets;
    assert_ok(ranking_run(rt, r, "ranking", collect, out, err));
    test_runtime_end(rt, &memory);
}

static int best_first(const void *a, const void *b)
{
    const topk_entry *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* Scores may differ by one rounding of the double sum, the naive order being another one; with tied values all
 * sums are exact, and so must be everything else. */
static void assert_same_as_naive(const ranking_request *r, const outcomes *got)
{
    static topk_entry all[ITEMS];
    static bool excluded[ITEMS], wanted[ITEMS];
    for (int64_t q = 0; q < r->queries; q++) {
        mark_row(r->excluded, r->user[q], excluded);
        mark_row(r->targets, r->user[q], wanted);
        const outcome *o = &got->of[q];
        const int64_t user = r->user[q];
        int64_t candidates = 0, tied = 0, target = 0;
        for (uint32_t i = 0; i < ITEMS; i++) {
            const float score = (float)naive_score(r->how, &r->left->weights.view, user, i);
            if (!excluded[i])
                all[candidates++] = (topk_entry){score, i, random_bits(SEED, (uint64_t)user, i)};
            if (wanted[i]) {
                const float scored = o->target_score[target++];
                assert_true(excluded[i] ? scored == -INFINITY
                                        : fabsf(scored - score) <= FLT_EPSILON * fabsf(score));
            }
        }
        qsort(all, (size_t)candidates, sizeof *all, best_first);
        assert_int_equal(o->calls, 1);
        assert_int_equal(o->user, user);
        assert_int_equal(o->candidates, candidates);
        assert_int_equal(o->count, r->k < candidates ? r->k : candidates);
        for (int64_t i = 0; i < o->count && i < 64; i++) {
            assert_int_equal(o->entries[i].item, all[i].item);
            assert_true(fabsf(o->entries[i].score - all[i].score) <= FLT_EPSILON * fabsf(all[i].score));
        }
        for (int64_t i = o->count; i < candidates; i++)
            tied += all[i].score == all[o->count - 1].score;
        assert_int_equal(o->tied_outside, tied);
    }
}

/* Which items are candidates of a row under all the masks of a request. */
static void mark_candidates(const ranking_request *r, int64_t row, bool marks[ITEMS])
{
    bool excluded[ITEMS], only[ITEMS];
    mark_row(r->excluded, row, excluded);
    mark_row(r->only, row, only);
    for (int64_t i = 0; i < ITEMS; i++)
        marks[i] = !excluded[i] && (r->only == NULL || only[i]) && (r->allowed == NULL || r->allowed[i] != 0);
}

static void assert_ranks_are_counts(const ranking_request *r, const outcomes *got)
{
    for (int64_t q = 0; q < r->queries; q++) {
        const int64_t user = r->user[q], from = r->targets->start[user];
        bool candidate[ITEMS];
        float score[ITEMS];
        int64_t candidates = 0;
        mark_candidates(r, user, candidate);
        for (int64_t i = 0; i < ITEMS; i++) {
            score[i] = (float)naive_score(r->how, &r->left->weights.view, user, i);
            candidates += candidate[i];
        }
        assert_int_equal(got->of[q].candidates, candidates);
        for (int64_t t = 0; t < csr_row_count(r->targets, user); t++) {
            const uint32_t target = r->targets->index[from + t];
            int64_t above = 0, equal = 0;
            if (!candidate[target]) {
                assert_true(got->of[q].target_score[t] == -INFINITY);
                continue;
            }
            for (int64_t i = 0; i < ITEMS; i++) {
                above += candidate[i] && score[i] > score[target];
                equal += candidate[i] && i != target && score[i] == score[target];
            }
            assert_int_equal(got->of[q].above[t], above);
            assert_int_equal(got->of[q].equal[t], equal);
        }
        for (int64_t i = 0; i < got->of[q].count; i++)
            assert_true(candidate[got->of[q].entries[i].item]);
    }
}

/* Small whole numbers: sums are exact in any order, and many are equal. */
static void test_masks_weights_and_ranks_of_targets_are_those_of_a_full_sort(void **state)
{
    (void)state;
    static outcomes got;
    static float weights[USERS * ITEMS];
    const int64_t count = csr_count(&w.history.view);
    make_world(5);
    make_values(weights, count, 38, 3);
    for (form f = 0; f < FORMS; f++) {
        const scoring how = scoring_of(f);
        ranking_request r = request_of(&how, f == FACTORED ? 210 : 40, 20);
        left_sides left = w.left;
        left.weights.view.value = weights;
        r.left = &left;
        r.rank_targets = true;
        for (int masks = 0; masks < 4; masks++) {
            r.only = (masks & 1) != 0 ? &w.only.view : NULL;
            r.allowed = (masks & 2) != 0 ? w.allowed : NULL;
            run(&r, 2, &got);
            assert_ranks_are_counts(&r, &got);
        }
    }
    make_world(0);
}

static void test_pairs_score_as_lists_do(void **state)
{
    (void)state;
    static outcomes got;
    for (form f = 0; f < FORMS; f++) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, 2);
        const scoring how = scoring_of(f);
        const ranking_request r = request_of(&how, 30, 20);
        uint32_t user[20], item[20];
        float score[20];
        run(&r, 1, &got);
        for (int64_t q = 0; q < r.queries; q++) {
            const ranking_pairs pairs = {.user = user, .item = item, .count = got.of[q].count};
            for (int64_t i = 0; i < got.of[q].count; i++) {
                user[i] = r.user[q];
                item[i] = got.of[q].entries[i].item;
            }
            assert_ok(ranking_score_pairs(rt, &how, r.left, &pairs, score, err));
            for (int64_t i = 0; i < got.of[q].count; i++)
                assert_true(score[i] == got.of[q].entries[i].score);
        }
        test_runtime_end(rt, &memory);
    }
}

static void test_every_form_ranks_as_a_naive_sort_does(void **state)
{
    (void)state;
    static outcomes got;
    for (uint64_t levels = 0; levels <= 5; levels += 5) {
        make_world(levels);
        for (form f = 0; f < FORMS; f++) {
            const scoring how = scoring_of(f);
            ranking_request r = request_of(&how, f == FACTORED_BIAS ? 210 : 70, 20);
            run(&r, 2, &got);
            assert_same_as_naive(&r, &got);
            r.queries = 5; /* few are scored in another way */
            r.k = 1;
            r.excluded = r.targets = NULL;
            run(&r, 2, &got);
            assert_same_as_naive(&r, &got);
        }
    }
    make_world(0);
}

static void test_a_list_longer_than_the_candidates_holds_all_of_them(void **state)
{
    (void)state;
    static outcomes got;
    for (form f = 0; f < FORMS; f++) {
        const scoring how = scoring_of(f);
        const ranking_request r = request_of(&how, 20, K_MOST);
        run(&r, 2, &got);
        assert_same_as_naive(&r, &got);
        for (int64_t q = 0; q < r.queries; q++)
            assert_int_equal(got.of[q].count, ITEMS - csr_row_count(&w.excluded.view, got.of[q].user));
    }
}

static void test_lists_have_the_same_bits_for_any_number_of_threads_and_whoever_else_is_ranked(void **state)
{
    (void)state;
    static outcomes one, more, few;
    for (form f = 0; f < FORMS; f++) {
        const scoring how = scoring_of(f);
        ranking_request r = request_of(&how, QUERIES, 20);
        run(&r, 1, &one);
        for (int threads = 2; threads <= 4; threads += 2) {
            run(&r, threads, &more);
            assert_memory_equal(more.of, one.of, sizeof one.of);
        }
        for (int64_t from = 0; from < QUERIES; from += 57) { /* alone, and with others at other places */
            for (int64_t count = 1; count <= 31; count += 30) {
                r.user = w.queries + from;
                r.queries = count < QUERIES - from ? count : QUERIES - from;
                run(&r, 2, &few);
                assert_memory_equal(few.of, one.of + from, (size_t)r.queries * sizeof *one.of);
            }
        }
    }
}

static void test_identical_items_tie_wherever_they_stand(void **state)
{
    (void)state;
    static outcomes got;
    for (int64_t i = 1; i < ITEMS; i++)
        memcpy(w.item + i * D, w.item, D * sizeof *w.item);
    const scoring how = scoring_of(FACTORED);
    const ranking_request r = request_of(&how, QUERIES, 10);
    run(&r, 2, &got);
    for (int64_t q = 0; q < QUERIES; q++)
        assert_int_equal(got.of[q].tied_outside, got.of[q].candidates - 10);
    make_world(0);
}

static void test_vectors_of_very_different_length_are_ranked_exactly(void **state)
{
    (void)state;
    static outcomes got;
    for (int64_t f = 0; f < D; f++) {
        w.item[5 * D + f] *= 1e12f;
        w.item[900 * D + f] *= 1e-30f;
        w.item[901 * D + f] *= 1e-42f;
        w.user[w.queries[3] * D + f] *= 1e30f; /* products overflow GEMM's bound: the exact way */
    }
    const scoring how = scoring_of(FACTORED_BIAS);
    const ranking_request r = request_of(&how, 40, 20);
    w.item[5 * D] = 1; /* the overflow is only a bound's */
    for (int64_t f = 1; f < D; f++)
        w.item[5 * D + f] = 0;
    run(&r, 2, &got);
    assert_same_as_naive(&r, &got);
    make_world(0);
}

static void test_permuting_items_permutes_lists(void **state)
{
    (void)state;
    static outcomes before, after;
    static float item[ITEMS * D], bias[ITEMS];
    const scoring how = scoring_of(FACTORED_BIAS);
    ranking_request r = request_of(&how, QUERIES, 20);
    r.excluded = r.targets = NULL;
    run(&r, 2, &before);
    for (int64_t i = 0; i < ITEMS; i++) { /* 701 has no common divisor with ITEMS */
        memcpy(item + i * 701 % ITEMS * D, w.item + i * D, D * sizeof *item);
        bias[i * 701 % ITEMS] = w.bias[i];
    }
    scoring moved = how;
    moved.item = item;
    moved.bias = bias;
    r.how = &moved;
    run(&r, 2, &after);
    for (int64_t q = 0; q < QUERIES; q++)
        for (int64_t i = 0; i < 20; i++) {
            assert_int_equal(after.of[q].entries[i].item, before.of[q].entries[i].item * INT64_C(701) % ITEMS);
            assert_true(after.of[q].entries[i].score == before.of[q].entries[i].score);
        }
}

static void assert_refused(const scoring *how, const char *message)
{
    static outcomes got;
    static const int64_t queries[] = {1, 40};
    for (int i = 0; i < 2; i++) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, 2);
        const ranking_request r = request_of(how, queries[i], 20);
        got.fail_at = -1;
        got.targets = NULL;
        assert_fails(ranking_run(rt, &r, "ranking", collect, &got, err), MEDLEY_E_FORMAT, message);
        test_runtime_end(rt, &memory);
    }
}

static void test_a_score_that_is_not_finite_is_refused_naming_user_and_item(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX};
    char message[128];
    snprintf(message, sizeof message, "user %u, item 1600: the model's score ", w.queries[0]);
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        for (form f = FACTORED; f <= FACTORED_BIAS; f++) {
            const scoring how = scoring_of(f);
            for (int64_t l = 0; l < D; l++)
                w.item[1600 * D + l] = isfinite(bad[b]) ? bad[b] * w.user[w.queries[0] * D + l] * 16 : bad[b];
            assert_refused(&how, message);
            make_world(0);
        }
        const scoring bias = scoring_of(BIAS_ONLY), dense = scoring_of(DENSE);
        w.bias[1600] = isfinite(bad[b]) ? NAN : bad[b];
        assert_refused(&bias, message);
        for (int64_t j = 0; j < ITEMS; j++)
            w.dense[j * ITEMS + 1600] = bad[b];
        assert_refused(&dense, message);
        make_world(0);
    }
    const scoring sparse = scoring_of(SPARSE); /* the first weight that the first query sums */
    int64_t h = w.history.start[w.queries[0]];
    while (csr_row_count(&w.sparse.view, w.history.index[h]) == 0)
        h++;
    float *first = &w.sparse.value[w.sparse.start[w.history.index[h]]];
    const float kept = *first;
    *first = NAN;
    snprintf(message, sizeof message, "user %u, item %u: the model's score nan is not a finite number",
             w.queries[0], w.sparse.index[first - w.sparse.value]);
    assert_refused(&sparse, message);
    *first = kept;
}

typedef struct watch {
    int64_t last, calls, stop_after;
    bool fell;
} watch;

static bool watch_progress(void *context, const char *phase, int64_t done, int64_t total)
{
    watch *p = context;
    p->fell |= done < p->last || done > total || strcmp(phase, "ranking") != 0;
    p->last = done;
    return ++p->calls != p->stop_after;
}

static void test_progress_never_falls_and_can_stop_the_work(void **state)
{
    (void)state;
    static outcomes got;
    for (int64_t stop_after = 0; stop_after < 2; stop_after++) {
        watch p = {.stop_after = stop_after};
        const medley_runtime_options options = {.threads = 2, .progress = watch_progress, .progress_context = &p};
        medley_runtime *rt;
        const scoring how = scoring_of(SPARSE);
        const ranking_request r = request_of(&how, QUERIES, 20);
        got.fail_at = -1;
        got.targets = NULL;
        assert_ok(medley_runtime_create(&options, &rt, err));
        if (stop_after == 0)
            assert_ok(ranking_run(rt, &r, "ranking", collect, &got, err));
        else
            assert_fails(ranking_run(rt, &r, "ranking", collect, &got, err), MEDLEY_E_STOPPED,
                         "stopped while ranking");
        assert_false(p.fell);
        assert_true(p.calls > 0);
        medley_runtime_free(rt);
    }
}

static void test_what_the_sink_returns_and_bad_arguments_are_passed_on(void **state)
{
    (void)state;
    static outcomes got;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const scoring how = scoring_of(FACTORED);
    ranking_request r = request_of(&how, QUERIES, 20);
    got.targets = NULL;
    got.fail_at = 200;
    assert_fails(ranking_run(rt, &r, "ranking", collect, &got, err), MEDLEY_E_IO, "the sink is full");
    r.k = 0;
    assert_fails(ranking_run(rt, &r, "ranking", collect, &got, err), MEDLEY_E_ARGUMENT, "k: 0 is less than 1");
    test_runtime_end(rt, &memory);
}

static void test_nobody_to_rank_for_and_nothing_to_rank_are_fine(void **state)
{
    (void)state;
    static outcomes got;
    const scoring how = scoring_of(FACTORED), none = {.form = SCORING_FACTORED};
    ranking_request r = request_of(&how, 0, 20);
    run(&r, 2, &got);
    assert_int_equal(got.of[0].calls, 0);
    r = (ranking_request){.how = &none, .queries = 20, .user = w.queries, .k = 5};
    run(&r, 2, &got);
    assert_int_equal(got.of[19].calls, 1);
    assert_int_equal(got.of[19].count, 0);
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    static outcomes got;
    got.fail_at = -1;
    got.targets = NULL;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    for (form f = 0; f < FORMS; f++) {
        const scoring how = scoring_of(f);
        const ranking_request r = request_of(&how, 20, 5);
        BRUTAL(rt, &memory, ranking_run(rt, &r, "ranking", collect, &got, err), (void)0);
    }
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_ranks_as_a_naive_sort_does),
        cmocka_unit_test(test_masks_weights_and_ranks_of_targets_are_those_of_a_full_sort),
        cmocka_unit_test(test_pairs_score_as_lists_do),
        cmocka_unit_test(test_a_list_longer_than_the_candidates_holds_all_of_them),
        cmocka_unit_test(test_lists_have_the_same_bits_for_any_number_of_threads_and_whoever_else_is_ranked),
        cmocka_unit_test(test_identical_items_tie_wherever_they_stand),
        cmocka_unit_test(test_vectors_of_very_different_length_are_ranked_exactly),
        cmocka_unit_test(test_permuting_items_permutes_lists),
        cmocka_unit_test(test_a_score_that_is_not_finite_is_refused_naming_user_and_item),
        cmocka_unit_test(test_progress_never_falls_and_can_stop_the_work),
        cmocka_unit_test(test_what_the_sink_returns_and_bad_arguments_are_passed_on),
        cmocka_unit_test(test_nobody_to_rank_for_and_nothing_to_rank_are_fine),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, world_start, world_end);
}
