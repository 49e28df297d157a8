/* Judging lists by hand-made outcomes, and whole evaluations against a slow twin that sorts everything. */
#include "eval/evaluation.h"

#include <math.h>

#include "testing.h"

/* ---- Judging ---- */

static int64_t judge(const topk_entry *entries, int64_t count, int64_t tied_outside, const float *target_score,
                     int64_t target_count, tie_block *blocks)
{
    const ranked result = {
        .count = count, .entries = entries, .tied_outside = tied_outside, .target_score = target_score};
    judged out;
    const int64_t block_count = evaluation_judge(&result, target_count, blocks, &out);
    assert_ptr_equal(out.blocks, blocks);
    assert_int_equal(out.block_count, block_count);
    assert_int_equal(out.relevant, target_count);
    assert_int_equal(out.listed, count);
    return block_count;
}

static void assert_block(tie_block block, int64_t start, int64_t size, int64_t relevant)
{
    assert_int_equal(block.start, start);
    assert_int_equal(block.size, size);
    assert_int_equal(block.relevant, relevant);
}

static void test_a_list_without_ties_has_blocks_of_one(void **state)
{
    (void)state;
    const topk_entry list[] = {{3, 7, 0}, {2, 1, 0}, {1, 4, 0}};
    tie_block blocks[3];
    assert_int_equal(judge(list, 3, 0, (float[]){2, 0.5f}, 2, blocks), 3);
    assert_block(blocks[0], 0, 1, 0);
    assert_block(blocks[1], 1, 1, 1);
    assert_block(blocks[2], 2, 1, 0);
}

static void test_equal_scores_share_a_block_that_reaches_beyond_the_list(void **state)
{
    (void)state;
    const topk_entry list[] = {{5, 7, 0}, {5, 1, 0}, {2, 4, 0}, {2, 3, 0}};
    tie_block blocks[4];
    /* of three targets with score 2 only some can be listed; one with 1 is below the list */
    assert_int_equal(judge(list, 4, 6, (float[]){2, 5, 2, 1, 2}, 5, blocks), 2);
    assert_block(blocks[0], 0, 2, 1);
    assert_block(blocks[1], 2, 8, 3);
}

static void test_a_masked_target_is_a_miss_that_counts(void **state)
{
    (void)state;
    const topk_entry list[] = {{1, 0, 0}, {0, 1, 0}};
    tie_block blocks[2];
    assert_int_equal(judge(list, 2, 0, (float[]){-INFINITY, 1}, 2, blocks), 2);
    assert_block(blocks[0], 0, 1, 1);
    assert_block(blocks[1], 1, 1, 0);
}

static void test_zero_and_minus_zero_are_tied(void **state)
{
    (void)state;
    const topk_entry list[] = {{0.0f, 0, 0}, {-0.0f, 1, 0}};
    tie_block blocks[2];
    assert_int_equal(judge(list, 2, 1, (float[]){-0.0f}, 1, blocks), 1);
    assert_block(blocks[0], 0, 3, 1);
}

static void test_an_empty_list_has_no_blocks(void **state)
{
    (void)state;
    assert_int_equal(judge(NULL, 0, 0, (float[]){-INFINITY}, 1, NULL), 0);
}

/* ---- Whole evaluations of a small factorised problem with many ties ---- */

enum { USERS = 37, ITEMS = 23, FACTORS = 2, ROW_MOST = 8 };

static const int64_t cutoffs[] = {1, 3, 10, 40}; /* the last is longer than the catalogue */
enum { CUTOFFS = sizeof cutoffs / sizeof *cutoffs };

typedef struct sparse_rows {
    int64_t start[USERS + 1];
    uint32_t index[USERS * ROW_MOST];
    csr view;
} sparse_rows;

typedef struct problem {
    float user[USERS * FACTORS], item[ITEMS * FACTORS], bias[ITEMS];
    sparse_rows known, targets;
    int64_t item_count[ITEMS];
    scoring how;
    evaluation_request request;
} problem;

static int64_t metric_count(void)
{
    int64_t count = 0;
    while (metric_classes[count] != NULL)
        count++;
    return count;
}

/* Rows of items that a draw of bits chooses, ascending. */
static void fill_rows(sparse_rows *rows, uint64_t stream, uint64_t one_in)
{
    int64_t count = 0;
    for (uint64_t u = 0; u < USERS; u++) {
        rows->start[u] = count;
        for (uint64_t i = 0; i < ITEMS && count - rows->start[u] < ROW_MOST; i++)
            if (random_bits(stream, u, i) % one_in == 0)
                rows->index[count++] = (uint32_t)i;
    }
    rows->start[USERS] = count;
    rows->view = (csr){.rows = USERS, .columns = ITEMS, .start = rows->start, .index = rows->index};
}

/* Ties everything together once the arrays are filled; the problem must not move afterwards. */
static void finish(problem *p)
{
    p->how = (scoring){
        .form = SCORING_FACTORED,
        .items = ITEMS,
        .factors = FACTORS,
        .user = p->user,
        .item = p->item,
        .bias = p->bias,
    };
    p->request = (evaluation_request){
        .how = &p->how,
        .excluded = &p->known.view,
        .targets = &p->targets.view,
        .seed = 11,
        .cutoffs = cutoffs,
        .cutoff_count = CUTOFFS,
        .metrics = metric_classes,
        .metric_count = metric_count(),
        .context = {.items = ITEMS, .training_users = USERS, .item_count = p->item_count},
    };
}

/* Small whole numbers: exact in float, and often equal. */
static void fill(problem *p)
{
    for (uint64_t i = 0; i < USERS * FACTORS; i++)
        p->user[i] = (float)(random_bits(1, 0, i) % 3) - 1;
    for (uint64_t i = 0; i < ITEMS * FACTORS; i++)
        p->item[i] = (float)(random_bits(2, 0, i) % 3);
    for (uint64_t i = 0; i < ITEMS; i++) {
        p->bias[i] = (float)(random_bits(3, 0, i) % 2);
        p->item_count[i] = (int64_t)(random_bits(4, 0, i) % (USERS + 1));
    }
    fill_rows(&p->known, 5, 6);
    fill_rows(&p->targets, 6, 12);
    finish(p);
}

static bool holds(const csr *m, int64_t row, int64_t column)
{
    for (int64_t i = m->start[row]; i < m->start[row + 1]; i++)
        if (m->index[i] == (uint32_t)column)
            return true;
    return false;
}

static int by_score_then_key(const void *left, const void *right)
{
    const topk_entry *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->key < b->key ? -1 : a->key > b->key;
}

/* All candidates of a user, best first, and their blocks: nothing is cut at the list's end. */
typedef struct full_list {
    topk_entry entries[ITEMS];
    uint32_t items[ITEMS];
    tie_block blocks[ITEMS];
    int64_t count, block_count, masked;
} full_list;

static void rank_slowly(const problem *p, int64_t u, full_list *out)
{
    *out = (full_list){0};
    for (int64_t i = 0; i < ITEMS; i++) {
        if (p->request.excluded != NULL && holds(p->request.excluded, u, i)) {
            out->masked += holds(&p->targets.view, u, i);
            continue;
        }
        float score = p->bias[i];
        for (int d = 0; d < FACTORS; d++)
            score += p->user[u * FACTORS + d] * p->item[i * FACTORS + d];
        out->entries[out->count++] =
            (topk_entry){score, (uint32_t)i, random_bits(p->request.seed, (uint64_t)u, (uint64_t)i)};
    }
    qsort(out->entries, (size_t)out->count, sizeof *out->entries, by_score_then_key);
    for (int64_t i = 0; i < out->count; i++) {
        out->items[i] = out->entries[i].item;
        if (i == 0 || out->entries[i].score != out->entries[i - 1].score)
            out->blocks[out->block_count++].start = i;
        out->blocks[out->block_count - 1].size++;
        out->blocks[out->block_count - 1].relevant += holds(&p->targets.view, u, out->items[i]);
    }
}

static void check_user(const problem *p, const evaluation *e, int64_t row, const full_list *list)
{
    for (int64_t i = 0; i < e->longest; i++) {
        const bool listed = i < list->count;
        assert_int_equal(e->lists[row * e->longest + i], listed ? list->items[i] : UINT32_MAX);
        assert_true(e->scores[row * e->longest + i] == (listed ? list->entries[i].score : -INFINITY));
    }
    const judged user = {
        .blocks = list->blocks,
        .block_count = list->block_count,
        .relevant = csr_row_count(&p->targets.view, e->user[row]),
        .list = list->items,
        .listed = list->count,
    };
    const double *value = e->per_user + row * p->request.metric_count * p->request.cutoff_count;
    for (int64_t m = 0; m < p->request.metric_count; m++)
        for (int c = 0; c < p->request.cutoff_count; c++, value++)
            if (metric_classes[m]->of_user == NULL)
                assert_true(isnan(*value));
            else
                assert_true(*value == metric_classes[m]->of_user(&user, cutoffs[c], &p->request.context));
}

static double value_of_lists(const problem *p, const evaluation *e, const metric_class *metric, int64_t k)
{
    int64_t shown[ITEMS] = {0}, histogram[USERS + 1] = {0};
    for (int64_t u = 0; u < e->users; u++)
        for (int64_t i = 0; i < e->longest && i < k; i++)
            if (e->lists[u * e->longest + i] != UINT32_MAX)
                shown[e->lists[u * e->longest + i]]++;
    for (int i = 0; i < ITEMS; i++)
        histogram[shown[i]]++;
    const exposure lists = {.users = e->users, .shown = shown, .histogram = histogram};
    return metric->of_lists(&lists, &p->request.context);
}

static void check_aggregates(const problem *p, const evaluation *e)
{
    const int64_t count = p->request.cutoff_count;
    for (int64_t m = 0; m < p->request.metric_count; m++)
        for (int c = 0; c < count; c++) {
            const double got = e->value[m * count + c];
            if (metric_classes[m]->of_lists != NULL) {
                assert_true(got == value_of_lists(p, e, metric_classes[m], cutoffs[c]));
                continue;
            }
            double sum = 0;
            for (int64_t u = 0; u < e->users; u++)
                sum += e->per_user[(u * p->request.metric_count + m) * count + c];
            assert_true(fabs(got - sum / (double)e->users) <= 1e-15);
        }
}

static void check_against_slow_twin(const problem *p)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    evaluation e;
    assert_ok(evaluation_run(rt, &p->request, &e, err));
    assert_int_equal(e.longest, fmin((double)cutoffs[p->request.cutoff_count - 1], ITEMS));
    int64_t row = 0, masked = 0;
    for (int64_t u = 0; u < USERS; u++) {
        if (csr_row_count(&p->targets.view, u) == 0)
            continue;
        full_list list;
        rank_slowly(p, u, &list);
        assert_int_equal(e.user[row], u);
        check_user(p, &e, row++, &list);
        masked += list.masked;
    }
    assert_int_equal(e.users, row);
    assert_true(row < USERS);
    assert_int_equal(e.masked_targets, masked);
    check_aggregates(p, &e);
    evaluation_release(&e);
    test_runtime_end(rt, &memory);
}

static void test_an_evaluation_equals_sorting_every_candidate(void **state)
{
    (void)state;
    problem p;
    fill(&p);
    for (p.request.cutoff_count = 1; p.request.cutoff_count <= CUTOFFS; p.request.cutoff_count++) {
        p.request.excluded = &p.known.view;
        check_against_slow_twin(&p);
        p.request.excluded = NULL;
        check_against_slow_twin(&p);
    }
}

static void evaluate(const problem *p, int threads, evaluation *e, medley_runtime **rt, test_memory *memory)
{
    *rt = test_runtime(memory, threads);
    assert_ok(evaluation_run(*rt, &p->request, e, err));
}

static void test_any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    problem p;
    fill(&p);
    test_memory memory[2];
    medley_runtime *rt[2];
    evaluation one, many;
    evaluate(&p, 1, &one, &rt[0], &memory[0]);
    for (int threads = 2; threads <= 4; threads *= 2) {
        evaluate(&p, threads, &many, &rt[1], &memory[1]);
        const size_t columns = (size_t)p.request.metric_count * CUTOFFS;
        const size_t shown = (size_t)(one.users * one.longest);
        assert_int_equal(one.users, many.users);
        assert_int_equal(one.masked_targets, many.masked_targets);
        assert_memory_equal(one.value, many.value, columns * sizeof *one.value);
        assert_memory_equal(one.per_user, many.per_user, (size_t)one.users * columns * sizeof *one.per_user);
        assert_memory_equal(one.lists, many.lists, shown * sizeof *one.lists);
        assert_memory_equal(one.scores, many.scores, shown * sizeof *one.scores);
        evaluation_release(&many);
        test_runtime_end(rt[1], &memory[1]);
    }
    evaluation_release(&one);
    test_runtime_end(rt[0], &memory[0]);
}

static int64_t metric_position(const char *name)
{
    for (int64_t m = 0; metric_classes[m] != NULL; m++)
        if (strcmp(metric_classes[m]->name, name) == 0)
            return m;
    fail_msg("no metric %s", name);
    return -1;
}

/* A random list of k of I items holds k/I of the targets, whichever they are. */
static void test_a_constant_scorer_scores_as_random_lists_do(void **state)
{
    (void)state;
    problem p;
    fill(&p);
    memset(p.user, 0, sizeof p.user);
    memset(p.bias, 0, sizeof p.bias);
    p.request.excluded = NULL;
    test_memory memory;
    medley_runtime *rt;
    evaluation e;
    evaluate(&p, 2, &e, &rt, &memory);
    double targets = 0;
    for (int64_t u = 0; u < e.users; u++)
        targets += (double)csr_row_count(&p.targets.view, e.user[u]);
    for (int c = 0; c < CUTOFFS; c++) {
        const double k = fmin((double)cutoffs[c], ITEMS);
        const double recall = e.value[metric_position("recall") * CUTOFFS + c];
        const double precision = e.value[metric_position("precision") * CUTOFFS + c];
        assert_true(fabs(recall - k / ITEMS) <= 1e-12);
        assert_true(fabs(precision - k / (double)cutoffs[c] * targets / (double)e.users / ITEMS) <= 1e-12);
    }
    evaluation_release(&e);
    test_runtime_end(rt, &memory);
}

/* User u becomes USERS-1-u and item i becomes ITEMS-1-i. */
static void turn_rows(const sparse_rows *from, sparse_rows *to)
{
    int64_t count = 0;
    for (int64_t u = 0; u < USERS; u++) {
        to->start[u] = count;
        for (int64_t i = from->start[USERS - u] - 1; i >= from->start[USERS - 1 - u]; i--)
            to->index[count++] = ITEMS - 1 - from->index[i];
    }
    to->start[USERS] = count;
    to->view = (csr){.rows = USERS, .columns = ITEMS, .start = to->start, .index = to->index};
}

static void turn(const problem *from, problem *to)
{
    for (int u = 0; u < USERS; u++)
        memcpy(to->user + u * FACTORS, from->user + (USERS - 1 - u) * FACTORS, FACTORS * sizeof *to->user);
    for (int i = 0; i < ITEMS; i++) {
        memcpy(to->item + i * FACTORS, from->item + (ITEMS - 1 - i) * FACTORS, FACTORS * sizeof *to->item);
        to->bias[i] = from->bias[ITEMS - 1 - i];
        to->item_count[i] = from->item_count[ITEMS - 1 - i];
    }
    turn_rows(&from->known, &to->known);
    turn_rows(&from->targets, &to->targets);
    finish(to);
}

static bool looks_at_list_as_shown(const metric_class *metric)
{
    return metric->of_lists != NULL || strcmp(metric->name, "novelty") == 0;
}

/* Lists as shown depend on how ties were broken; the second problem has none. */
static void test_renaming_users_and_items_changes_no_metric(void **state)
{
    (void)state;
    for (int distinct = 0; distinct <= 1; distinct++) {
        problem p, turned;
        fill(&p);
        for (int i = 0; i < ITEMS && distinct; i++)
            p.bias[i] = (float)(i * 5 % ITEMS) / 32;
        turn(&p, &turned);
        test_memory memory[2];
        medley_runtime *rt[2];
        evaluation e[2];
        evaluate(&p, 2, &e[0], &rt[0], &memory[0]);
        evaluate(&turned, 2, &e[1], &rt[1], &memory[1]);
        assert_int_equal(e[0].users, e[1].users);
        for (int64_t m = 0; m < p.request.metric_count; m++)
            for (int64_t i = m * CUTOFFS; i < (m + 1) * CUTOFFS; i++)
                if (distinct || !looks_at_list_as_shown(metric_classes[m]))
                    assert_true(fabs(e[0].value[i] - e[1].value[i]) <= 1e-12);
        for (int i = 0; i < 2; i++) {
            evaluation_release(&e[i]);
            test_runtime_end(rt[i], &memory[i]);
        }
    }
}

static void test_a_score_that_is_not_a_number_fails_and_leaves_nothing(void **state)
{
    (void)state;
    problem p;
    fill(&p);
    p.bias[ITEMS / 2] = NAN;
    p.request.excluded = NULL;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    evaluation e;
    assert_fails(evaluation_run(rt, &p.request, &e, err), MEDLEY_E_FORMAT, "11");
    assert_null(e.per_user);
    test_runtime_end(rt, &memory);
}

static void test_a_part_without_targets_is_refused(void **state)
{
    (void)state;
    problem p;
    fill(&p);
    memset(p.targets.start, 0, sizeof p.targets.start);
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    evaluation e;
    assert_fails(evaluation_run(rt, &p.request, &e, err), MEDLEY_E_ARGUMENT, "none of 37 users has a target");
    test_runtime_end(rt, &memory);
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    problem p;
    fill(&p);
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    evaluation e;
    BRUTAL(rt, &memory, evaluation_run(rt, &p.request, &e, err), evaluation_release(&e));
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_without_ties_has_blocks_of_one),
        cmocka_unit_test(test_equal_scores_share_a_block_that_reaches_beyond_the_list),
        cmocka_unit_test(test_a_masked_target_is_a_miss_that_counts),
        cmocka_unit_test(test_zero_and_minus_zero_are_tied),
        cmocka_unit_test(test_an_empty_list_has_no_blocks),
        cmocka_unit_test(test_an_evaluation_equals_sorting_every_candidate),
        cmocka_unit_test(test_any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(test_a_constant_scorer_scores_as_random_lists_do),
        cmocka_unit_test(test_renaming_users_and_items_changes_no_metric),
        cmocka_unit_test(test_a_score_that_is_not_a_number_fails_and_leaves_nothing),
        cmocka_unit_test(test_a_part_without_targets_is_refused),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
