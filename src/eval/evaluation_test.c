/* Judging lists by hand-made outcomes, and whole evaluations against a slow twin that sorts everything. */
#include "eval/evaluation.h"

#include <math.h>

#include "testing.h"

/* ---- Judging ---- */

static int64_t judge(const topk_entry *entries, int64_t count, int64_t tied_outside, const float *target_score,
                     int64_t target_count, tie_block *blocks, judged_target *targets)
{
    const ranked result = {.count = count,
                           .entries = entries,
                           .tied_outside = tied_outside,
                           .candidates = 100,
                           .target_score = target_score};
    judged out;
    evaluation_judge(&result, target_count, blocks, targets, &out);
    assert_ptr_equal(out.blocks, blocks);
    assert_ptr_equal(out.targets, targets);
    assert_int_equal(out.relevant, target_count);
    assert_int_equal(out.listed, count);
    assert_int_equal(out.candidates, 100);
    for (int64_t t = 0; t < target_count; t++) {
        assert_true(targets[t].score == target_score[t]);
        assert_int_equal(targets[t].above, -1);
    }
    return out.block_count;
}

static void assert_block(tie_block block, int64_t start, int64_t size, int64_t relevant)
{
    assert_int_equal(block.start, start);
    assert_int_equal(block.size, size);
    assert_int_equal(block.relevant, relevant);
}

static void assert_place(judged_target target, int64_t start, int64_t size)
{
    assert_int_equal(target.start, start);
    assert_int_equal(target.size, size);
}

static void test_a_list_without_ties_has_blocks_of_one(void **state)
{
    (void)state;
    const topk_entry list[] = {{3, 7, 0}, {2, 1, 0}, {1, 4, 0}};
    tie_block blocks[3];
    judged_target targets[2];
    assert_int_equal(judge(list, 3, 0, (float[]){2, 0.5f}, 2, blocks, targets), 1); /* others hold nothing */
    assert_block(blocks[0], 1, 1, 1);
    assert_place(targets[0], 1, 1);
    assert_place(targets[1], 0, 0);
}

static void test_equal_scores_share_a_block_that_reaches_beyond_the_list(void **state)
{
    (void)state;
    const topk_entry list[] = {{5, 7, 0}, {5, 1, 0}, {2, 4, 0}, {2, 3, 0}};
    tie_block blocks[4];
    judged_target targets[5];
    /* of three targets with score 2 only some can be listed; one with 1 is below the list */
    assert_int_equal(judge(list, 4, 6, (float[]){2, 5, 2, 1, 2}, 5, blocks, targets), 2);
    assert_block(blocks[0], 0, 2, 1);
    assert_block(blocks[1], 2, 8, 3);
    assert_place(targets[0], 2, 8);
    assert_place(targets[1], 0, 2);
    assert_place(targets[3], 0, 0);
}

static void test_a_masked_target_is_a_miss_that_counts(void **state)
{
    (void)state;
    const topk_entry list[] = {{1, 0, 0}, {0, 1, 0}};
    tie_block blocks[2];
    judged_target targets[2];
    assert_int_equal(judge(list, 2, 0, (float[]){-INFINITY, 1}, 2, blocks, targets), 1);
    assert_block(blocks[0], 0, 1, 1);
    assert_place(targets[0], 0, 0);
}

static void test_zero_and_minus_zero_are_tied(void **state)
{
    (void)state;
    const topk_entry list[] = {{0.0f, 0, 0}, {-0.0f, 1, 0}};
    tie_block blocks[2];
    judged_target targets[1];
    assert_int_equal(judge(list, 2, 1, (float[]){-0.0f}, 1, blocks, targets), 1);
    assert_block(blocks[0], 0, 3, 1);
}

static void test_an_empty_list_has_no_blocks(void **state)
{
    (void)state;
    judged_target targets[1];
    tie_block none[1];
    assert_int_equal(judge(NULL, 0, 0, (float[]){-INFINITY}, 1, none, targets), 0);
}

/* ---- Whole evaluations of a small factorised problem with many ties ---- */

enum { USERS = 37, ITEMS = 23, FACTORS = 2, ROW_MOST = 8, VALUES = 4, COLUMNS_MOST = 256 };

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
    float rating[USERS * ROW_MOST];
    int64_t item_count[ITEMS];
    uint8_t head[ITEMS];
    float popularity[ITEMS], vectors[ITEMS * FACTORS];
    int64_t value_start[ITEMS + 1];
    uint32_t value_index[ITEMS];
    item_space space, attributes;
    scoring how, primitive;
    metric_column columns[COLUMNS_MOST];
    evaluation_request request;
} problem;

/* Every metric of lists at every cutoff. */
static void ask_for_all(problem *p, int64_t cutoff_count)
{
    int64_t n = 0;
    for (int m = 0; metric_classes[m] != NULL; m++)
        for (int64_t c = 0; c < cutoff_count && (metric_classes[m]->needs & METRIC_NEEDS_LISTS) != 0; c++)
            if (c == 0 || !metric_classes[m]->no_cutoff)
                p->columns[n++] =
                    (metric_column){metric_classes[m], metric_classes[m]->no_cutoff ? 0 : cutoffs[c]};
    assert_true(n <= COLUMNS_MOST);
    p->request.columns = p->columns;
    p->request.column_count = n;
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
    int64_t pairs = 0;
    for (int i = 0; i < ITEMS; i++) {
        pairs += p->item_count[i];
        p->popularity[i] = (float)p->item_count[i];
        p->head[i] = p->item_count[i] > USERS / 2;
        p->value_start[i + 1] = p->value_start[i] + (p->item_count[i] % (VALUES + 1) < VALUES);
        p->value_index[p->value_start[i]] = (uint32_t)(p->item_count[i] % (VALUES + 1));
    }
    p->primitive = (scoring){.form = SCORING_FACTORED, .items = ITEMS, .bias = p->popularity};
    p->space = (item_space){.items = ITEMS, .dimensions = FACTORS, .dense = p->vectors};
    p->attributes = (item_space){
        .items = ITEMS,
        .dimensions = VALUES,
        .sparse = {.view = {ITEMS, VALUES, p->value_start, p->value_index, NULL}},
    };
    p->targets.view.value = p->rating;
    p->request = (evaluation_request){
        .how = &p->how,
        .primitive = &p->primitive,
        .excluded = &p->known.view,
        .targets = &p->targets.view,
        .seed = 11,
        .context =
            {
                .items = ITEMS,
                .training_users = USERS,
                .training_pairs = pairs,
                .item_count = p->item_count,
                .least_count = 1,
                .train = &p->known.view,
                .head = p->head,
                .head_items = ITEMS / 2,
                .relevant_from = 1,
                .known = &p->known.view,
                .space = &p->space,
                .attributes = &p->attributes,
            },
    };
    ask_for_all(p, CUTOFFS);
}

/* Small whole numbers: exact in float, and often equal. */
static void fill(problem *p)
{
    *p = (problem){0};
    for (uint64_t i = 0; i < USERS * FACTORS; i++)
        p->user[i] = (float)(random_bits(1, 0, i) % 3) - 1;
    for (uint64_t i = 0; i < ITEMS * FACTORS; i++)
        p->item[i] = (float)(random_bits(2, 0, i) % 3);
    for (uint64_t i = 0; i < ITEMS; i++) {
        p->bias[i] = (float)(random_bits(3, 0, i) % 2);
        p->item_count[i] = (int64_t)(random_bits(4, 0, i) % (USERS + 1));
        const double turn = 6.28 * random_uniform(7, 0, i);
        p->vectors[i * FACTORS] = (float)cos(turn);
        p->vectors[i * FACTORS + 1] = (float)sin(turn);
    }
    for (uint64_t i = 0; i < USERS * ROW_MOST; i++)
        p->rating[i] = 1 + (float)(random_bits(8, 0, i) % 9) / 2;
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

/* All candidates of a user, best first, and what is judged: nothing is cut at the list's end. */
typedef struct full_list {
    topk_entry entries[ITEMS];
    uint32_t items[ITEMS], primitive[ITEMS];
    tie_block blocks[ITEMS];
    judged_target targets[ROW_MOST];
    float best_ratings[ROW_MOST], best_weights[ROW_MOST];
    double room[2 * VALUES];
    int64_t count, block_count, masked;
} full_list;

static float score_of(const problem *p, int64_t u, int64_t i)
{
    float score = p->bias[i];
    for (int d = 0; d < FACTORS; d++)
        score += p->user[u * FACTORS + d] * p->item[i * FACTORS + d];
    return score;
}

static bool is_excluded(const problem *p, int64_t u, int64_t i)
{
    return p->request.excluded != NULL && holds(p->request.excluded, u, i);
}

static void list_candidates(const problem *p, int64_t u, full_list *out)
{
    topk_entry popular[ITEMS];
    for (int64_t i = 0; i < ITEMS; i++) {
        if (is_excluded(p, u, i)) {
            out->masked += holds(&p->targets.view, u, i);
            continue;
        }
        const uint64_t key = random_bits(p->request.seed, (uint64_t)u, (uint64_t)i);
        popular[out->count] = (topk_entry){p->popularity[i], (uint32_t)i, key};
        out->entries[out->count++] = (topk_entry){score_of(p, u, i), (uint32_t)i, key};
    }
    qsort(out->entries, (size_t)out->count, sizeof *out->entries, by_score_then_key);
    qsort(popular, (size_t)out->count, sizeof *popular, by_score_then_key);
    for (int64_t i = 0; i < out->count; i++) {
        out->primitive[i] = popular[i].item;
        out->items[i] = out->entries[i].item;
    }
}

static int falling(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a < b) - (a > b);
}

static void describe_target(const problem *p, int64_t u, int64_t t, full_list *out)
{
    const int64_t at = p->targets.start[u] + t;
    judged_target *target = &out->targets[t];
    *target = (judged_target){.item = p->targets.index[at], .rating = p->rating[at], .score = -INFINITY};
    out->best_ratings[t] = target->rating;
    out->best_weights[t] = (float)metric_weight(&p->request.context, target->item);
    if (!is_excluded(p, u, target->item))
        target->score = score_of(p, u, target->item);
    for (int64_t i = 0; i < out->count; i++) {
        target->above += out->entries[i].score > target->score;
        target->equal += out->entries[i].score == target->score && out->items[i] != target->item;
    }
    for (int64_t b = 0; b < out->block_count; b++)
        if (out->entries[out->blocks[b].start].score == target->score) {
            target->start = out->blocks[b].start;
            target->size = out->blocks[b].size;
        }
}

static void rank_slowly(const problem *p, int64_t u, full_list *out)
{
    *out = (full_list){0};
    list_candidates(p, u, out);
    for (int64_t i = 0; i < out->count; i++) {
        if (i == 0 || out->entries[i].score != out->entries[i - 1].score)
            out->blocks[out->block_count++].start = i;
        out->blocks[out->block_count - 1].size++;
        out->blocks[out->block_count - 1].relevant += holds(&p->targets.view, u, out->items[i]);
    }
    const int64_t targets = csr_row_count(&p->targets.view, u);
    for (int64_t t = 0; t < targets; t++)
        describe_target(p, u, t, out);
    if (targets > 0) {
        qsort(out->best_ratings, (size_t)targets, sizeof *out->best_ratings, falling);
        qsort(out->best_weights, (size_t)targets, sizeof *out->best_weights, falling);
    }
}

static judged judged_slowly(const problem *p, uint32_t user, full_list *list)
{
    return (judged){
        .user = user,
        .blocks = list->blocks,
        .block_count = list->block_count,
        .targets = list->targets,
        .relevant = csr_row_count(&p->targets.view, user),
        .best_ratings = list->best_ratings,
        .best_weights = list->best_weights,
        .list = list->items,
        .listed = list->count,
        .candidates = list->count,
        .primitive = list->primitive,
        .primitive_count = list->count,
        .room = list->room,
    };
}

/* The problem's context with discounts for the longest cutoff. */
static metric_context context_of(const problem *p, double *discount)
{
    metric_context context = p->request.context;
    discount[ITEMS] = 0;
    for (int i = 0; i < ITEMS; i++) {
        discount[i] = 1 / log2((double)i + 2);
        discount[ITEMS + i + 1] = discount[ITEMS + i] + discount[i];
    }
    context.discount = discount;
    context.ideal_discount = discount + ITEMS;
    return context;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void check_user(const problem *p, const evaluation *e, int64_t row, full_list *list,
                       double (*sums)[METRIC_SUMS])
{
    double discount[2 * ITEMS + 1];
    const metric_context context = context_of(p, discount);
    const judged user = judged_slowly(p, e->user[row], list);
    for (int64_t i = 0; i < e->longest; i++) {
        const bool listed = i < list->count;
        assert_int_equal(e->lists[row * e->longest + i], listed ? list->items[i] : UINT32_MAX);
        assert_true(e->scores[row * e->longest + i] == (listed ? list->entries[i].score : -INFINITY));
    }
    for (int64_t c = 0; c < e->columns; c++) {
        const metric_class *metric = p->columns[c].metric;
        const double got = e->per_user[row * e->columns + c];
        const double want =
            metric->of_user != NULL ? metric->of_user(&user, p->columns[c].k, &context) : (double)NAN;
        if (!same(got, want))
            fail_msg("%s@%lld: %.17g, expected %.17g", metric->name, (long long)p->columns[c].k, got, want);
        if (metric->add != NULL)
            metric->add(&user, p->columns[c].k, &context, sums[c]);
    }
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
    const exposure lists = {.users = e->users, .users_shown = e->users, .shown = shown, .histogram = histogram};
    return metric->of_lists(&lists, &p->request.context);
}

static void check_aggregates(const problem *p, const evaluation *e, double (*sums)[METRIC_SUMS])
{
    for (int64_t c = 0; c < e->columns; c++) {
        const metric_class *metric = p->columns[c].metric;
        double sum = 0;
        int64_t defined = 0;
        for (int64_t u = 0; u < e->users; u++) {
            const double value = e->per_user[u * e->columns + c];
            sum += isnan(value) ? 0 : value;
            defined += !isnan(value);
        }
        assert_int_equal(e->defined[c], defined);
        if (metric->of_lists != NULL)
            assert_true(e->value[c] == value_of_lists(p, e, metric, p->columns[c].k));
        else if (metric->add != NULL)
            assert_true(same(e->value[c], metric->of_sums(sums[c])));
        else
            assert_true(defined > 0 ? fabs(e->value[c] - sum / (double)defined) <= 1e-15 * fabs(sum)
                                    : isnan(e->value[c]));
    }
}

static void check_against_slow_twin(const problem *p)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    evaluation e;
    assert_ok(evaluation_run(rt, &p->request, &e, err));
    int64_t row = 0, masked = 0;
    double sums[COLUMNS_MOST][METRIC_SUMS] = {{0}};
    for (int64_t u = 0; u < USERS; u++) {
        if (csr_row_count(&p->targets.view, u) == 0)
            continue;
        full_list list;
        rank_slowly(p, u, &list);
        assert_int_equal(e.user[row], u);
        check_user(p, &e, row++, &list, sums);
        masked += list.masked;
    }
    assert_int_equal(e.users, row);
    assert_true(row < USERS);
    assert_int_equal(e.masked_targets, masked);
    check_aggregates(p, &e, sums);
    evaluation_release(&e);
    test_runtime_end(rt, &memory);
}

static void test_an_evaluation_equals_sorting_every_candidate(void **state)
{
    (void)state;
    problem p;
    fill(&p);
    for (int64_t count = 1; count <= CUTOFFS; count++) {
        ask_for_all(&p, count);
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
        const size_t columns = (size_t)p.request.column_count;
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

static double value_of(const problem *p, const evaluation *e, const char *metric, int64_t k)
{
    for (int64_t c = 0; c < e->columns; c++)
        if (strcmp(p->columns[c].metric->name, metric) == 0 && p->columns[c].k == k)
            return e->value[c];
    fail_msg("no metric %s", metric);
    return 0;
}

/* What a scorer of random numbers scores, on the mean of many draws: users all tie, so draws of the tie hash are
 * draws of lists. Only metrics of hits promise it; those of lists as shown are one draw. */
static void check_simulated(const problem *p, const evaluation *constant, int64_t column)
{
    enum { DRAWS = 300 };
    const metric_class *metric = p->columns[column].metric;
    static problem drawn;
    double sum = 0, squares = 0;
    if (metric->of_user == NULL || metric->beyond || strcmp(metric->name, "novelty") == 0)
        return;
    drawn = *p;
    drawn.columns[0] = p->columns[column];
    drawn.how.bias = drawn.bias;
    drawn.request.columns = drawn.columns;
    drawn.request.column_count = 1;
    drawn.request.how = &drawn.how;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        evaluation e;
        for (uint64_t i = 0; i < ITEMS; i++)
            drawn.bias[i] = (float)random_uniform(99, draw, i);
        assert_ok(evaluation_run(rt, &drawn.request, &e, err));
        sum += e.value[0];
        squares += e.value[0] * e.value[0];
        evaluation_release(&e);
    }
    test_runtime_end(rt, &memory);
    const double mean = sum / DRAWS, deviation = sqrt(fmax(0, squares / DRAWS - mean * mean) / DRAWS);
    if (!(fabs(constant->value[column] - mean) <= 5 * deviation + 1e-12))
        fail_msg("%s@%lld: constant %.6g, random %.6g +- %.2g", metric->name, (long long)p->columns[column].k,
                 constant->value[column], mean, deviation);
}

/* A random list of k of I items holds k/I of the targets, whichever they are. */
/* Left sides as the problem has them, for those who are asked for. */
typedef struct by_block {
    const medley_runtime *rt;
    const problem *p;
    int64_t *blocks; /* calls */
    bool vectors;    /* else scoring.user has them */
} by_block;

static medley_status encode_block(const void *context, const uint32_t *users, int64_t count, left_sides *out,
                                  medley_error *err)
{
    const by_block *b = context;
    *out = (left_sides){.rows = count};
    ++*b->blocks;
    assert_true(count <= b->p->request.block);
    if (!b->vectors)
        return MEDLEY_OK;
    TRY(mem_alloc(b->rt, count * FACTORS, sizeof *out->vectors, &out->vectors, err));
    for (int64_t n = 0; n < count; n++)
        memcpy(out->vectors + n * FACTORS, b->p->user + users[n] * FACTORS, FACTORS * sizeof *out->vectors);
    return MEDLEY_OK;
}

static void test_left_sides_made_by_block_give_the_same_bits(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 7, 1000};
    problem p;
    evaluation whole, blocked;
    test_memory memory[2];
    medley_runtime *rt[2];
    fill(&p);
    memset(p.user, 0, USERS / 2 * FACTORS * sizeof *p.user); /* nothing is known of those */
    evaluate(&p, 2, &whole, &rt[0], &memory[0]);
    assert_true(whole.without_signal > 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int own = 0; own < 2; own++) {
            problem q = p;
            int64_t blocks = 0;
            by_block b = {.p = &p, .blocks = &blocks, .vectors = own};
            q.how.user = own ? NULL : p.user;
            q.request.how = &q.how;
            p.request.block = q.request.block = sizes[i];
            q.request.encode = encode_block;
            q.request.encode_context = &b;
            b.rt = rt[1] = test_runtime(&memory[1], 2);
            assert_ok(evaluation_run(rt[1], &q.request, &blocked, err));
            assert_int_equal(blocks, (whole.users + sizes[i] - 1) / sizes[i]);
            assert_memory_equal(blocked.value, whole.value, (size_t)whole.columns * sizeof *whole.value);
            assert_memory_equal(blocked.per_user, whole.per_user,
                                (size_t)(whole.users * whole.columns) * sizeof *whole.per_user);
            assert_memory_equal(blocked.lists, whole.lists,
                                (size_t)(whole.users * whole.longest) * sizeof *whole.lists);
            assert_memory_equal(blocked.scores, whole.scores,
                                (size_t)(whole.users * whole.longest) * sizeof *whole.scores);
            assert_int_equal(blocked.without_signal, whole.without_signal);
            assert_int_equal(blocked.masked_targets, whole.masked_targets);
            evaluation_release(&blocked);
            if (i == 1)
                BRUTAL(rt[1], &memory[1], evaluation_run(rt[1], &q.request, &blocked, err),
                       evaluation_release(&blocked));
            test_runtime_end(rt[1], &memory[1]);
        }
    evaluation_release(&whole);
    test_runtime_end(rt[0], &memory[0]);
}

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
        const double recall = value_of(&p, &e, "recall", cutoffs[c]);
        const double precision = value_of(&p, &e, "precision", cutoffs[c]);
        assert_true(fabs(recall - k / ITEMS) <= 1e-12);
        assert_true(fabs(precision - k / (double)cutoffs[c] * targets / (double)e.users / ITEMS) <= 1e-12);
    }
    assert_true(fabs(value_of(&p, &e, "auc", 0) - 0.5) <= 1e-12);
    assert_true(fabs(value_of(&p, &e, "gauc", 0) - 0.5) <= 1e-12);
    for (int64_t c = 0; c < e.columns; c++)
        if ((p.columns[c].metric->needs & ~METRIC_NEEDS_WEIGHTS) == METRIC_NEEDS_LISTS)
            check_simulated(&p, &e, c);
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
    *to = (problem){0};
    for (int u = 0; u < USERS; u++)
        memcpy(to->user + u * FACTORS, from->user + (USERS - 1 - u) * FACTORS, FACTORS * sizeof *to->user);
    for (int i = 0; i < ITEMS; i++) {
        memcpy(to->item + i * FACTORS, from->item + (ITEMS - 1 - i) * FACTORS, FACTORS * sizeof *to->item);
        to->bias[i] = from->bias[ITEMS - 1 - i];
        to->item_count[i] = from->item_count[ITEMS - 1 - i];
        memcpy(to->vectors + i * FACTORS, from->vectors + (ITEMS - 1 - i) * FACTORS,
               FACTORS * sizeof *to->vectors);
    }
    turn_rows(&from->known, &to->known);
    turn_rows(&from->targets, &to->targets);
    const int64_t targets = from->targets.start[USERS];
    for (int64_t n = 0; n < targets; n++)
        to->rating[n] = from->rating[targets - 1 - n];
    finish(to);
}

static bool looks_at_list_as_shown(const metric_class *metric)
{
    return strstr(metric->definition, "random order") == NULL && !metric->no_cutoff &&
           strcmp(metric->name, "popreo") != 0;
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
        p.request.seed = 11;
        turn(&p, &turned);
        test_memory memory[2];
        medley_runtime *rt[2];
        evaluation e[2];
        evaluate(&p, 2, &e[0], &rt[0], &memory[0]);
        evaluate(&turned, 2, &e[1], &rt[1], &memory[1]);
        assert_int_equal(e[0].users, e[1].users);
        for (int64_t c = 0; c < p.request.column_count; c++)
            if ((distinct || !looks_at_list_as_shown(p.columns[c].metric)) &&
                strcmp(p.columns[c].metric->name, "serendipity") != 0) /* the primitive lists have ties */
                assert_true(isnan(e[0].value[c])
                                ? isnan(e[1].value[c])
                                : fabs(e[0].value[c] - e[1].value[c]) <= 1e-12 * fmax(1, fabs(e[0].value[c])));
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
        cmocka_unit_test(test_left_sides_made_by_block_give_the_same_bits),
        cmocka_unit_test(test_a_constant_scorer_scores_as_random_lists_do),
        cmocka_unit_test(test_renaming_users_and_items_changes_no_metric),
        cmocka_unit_test(test_a_score_that_is_not_a_number_fails_and_leaves_nothing),
        cmocka_unit_test(test_a_part_without_targets_is_refused),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
