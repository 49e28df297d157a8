/* Every metric of metrics.def: worked examples, an oracle that tries every order of tied items, and
 * properties. A metric without an example and an oracle fails the suite. */
#include "eval/metric.h"

#include <math.h>

#include "testing.h"

enum { ITEMS = 4, USERS = 5, MOST_BLOCKS = 8 };

static const int64_t item_count[ITEMS] = {8, 2, 0, 4};
static const metric_context catalogue = {.items = ITEMS, .training_users = 8, .item_count = item_count};

typedef struct size_and_relevant {
    int64_t size, relevant;
} size_and_relevant;

/* Of a user: blocks, or the items shown. Of all lists: how many of the 5 users see each of the 4 items. */
typedef struct example {
    const char *metric;
    double want;
    int64_t k, relevant;
    size_and_relevant blocks[MOST_BLOCKS];
    uint32_t list[ITEMS];
    int64_t listed;
    int64_t shown[ITEMS];
} example;

#define HIT  \
    {        \
        1, 1 \
    }
#define MISS \
    {        \
        1, 0 \
    }

/* The untied list is hit, miss, hit, miss, miss, with one more relevant item that is not listed. */
#define UNTIED .relevant = 3, .blocks = {HIT, MISS, HIT, MISS, MISS}

static const example examples[] = {
    {"precision", 2.0 / 5, 5, UNTIED},
    {"precision", 1.0 / 2, 2, UNTIED},
    {"precision", 2.0 / 10, 10, UNTIED},
    {"precision", (1 + 2.0 / 3) / 3, 3, .relevant = 2, .blocks = {HIT, {3, 1}}},
    {"recall", 2.0 / 3, 5, UNTIED},
    {"recall", 1.0 / 3, 2, UNTIED},
    {"recall", 1.0 / 4, 2, .relevant = 2, .blocks = {{8, 2}}},
    {"recall_capped", 2.0 / 3, 5, UNTIED},
    {"recall_capped", 1.0 / 2, 2, UNTIED},
    {"recall_capped", 1, 1, UNTIED},
    {"hr", 1, 5, UNTIED},
    {"hr", 0, 1, .relevant = 1, .blocks = {MISS, HIT}},
    {"hr", 1.0 / 3, 2, .relevant = 1, .blocks = {MISS, {3, 1}}},
    {"hr", 5.0 / 6, 2, .relevant = 2, .blocks = {{4, 2}}}, /* C(2,2) of C(4,2) = 6 draws miss */
    {"hr", 1, 3, .relevant = 2, .blocks = {{4, 2}}},
    {"ndcg", 0.70391808903413476, 5, UNTIED}, /* (1 + 1/2) / (1 + 0.63093 + 1/2) */
    {"ndcg", 0.61314719276545848, 2, UNTIED}, /* 1 / (1 + 0.63093) */
    {"ndcg", 0.81546487678572872, 2, .relevant = 1, .blocks = {{2, 1}}},
    {"ndcg", 0.5, 3, .relevant = 1, .blocks = {MISS, MISS, HIT}},
    {"mrr", 1, 5, UNTIED},
    {"mrr", 1.0 / 2, 3, .relevant = 2, .blocks = {MISS, HIT, HIT}},
    {"mrr", 0, 1, .relevant = 2, .blocks = {MISS, HIT, HIT}},
    {"mrr", (1.0 + 1.0 / 2) / 3, 2, .relevant = 1, .blocks = {{3, 1}}},
    {"mrr", 13.0 / 18, 4, .relevant = 2, .blocks = {{4, 2}}}, /* 1/2 + 1/3 1/2 + 1/6 1/3 */
    {"map", 5.0 / 9, 5, UNTIED},                              /* (1 + 2/3) / 3 */
    {"map", 1.0 / 2, 2, UNTIED},
    {"map", 3.0 / 4, 2, .relevant = 1, .blocks = {{2, 1}}},
    {"map", 29.0 / 36, 3, .relevant = 2, .blocks = {{3, 2}}}, /* of 1, 5/6 and 7/12 */
    {"item_coverage", 3.0 / 4, .shown = {5, 1, 0, 2}},
    {"item_coverage", 0, .shown = {0, 0, 0, 0}},
    {"gini", 0, .shown = {3, 3, 3, 3}},
    {"gini", 1, .shown = {0, 5, 0, 0}},
    {"gini", 0, .shown = {0, 0, 0, 0}},
    {"gini", 7.0 / 9, .shown = {4, 0, 2, 0}},                /* (1 2 + 3 4) / (3 6) */
    {"gini", 1.0 / 3, .shown = {1, 2, 2, 4}},                /* (-3 1 - 1 2 + 1 2 + 3 4) / (3 9) */
    {"novelty", 5.0 / 3, 3, .list = {0, 1, 2}, .listed = 3}, /* 0, 2 and 3 bits */
    {"novelty", 1, 2, .list = {0, 1, 2}, .listed = 3},
    {"novelty", 2, 9, .list = {2, 3}, .listed = 2}, /* 3 and 1 bits */
    {"novelty", 0, 5, .listed = 0},
};

static int64_t fill_blocks(const size_and_relevant *from, tie_block *blocks)
{
    int64_t count = 0, start = 0;
    for (; count < MOST_BLOCKS && from[count].size > 0; count++) {
        blocks[count] = (tie_block){start, from[count].size, from[count].relevant};
        start += from[count].size;
    }
    return count;
}

static double of_blocks(const metric_class *metric, const tie_block *blocks, int64_t count, int64_t relevant,
                        int64_t k)
{
    const judged user = {.blocks = blocks, .block_count = count, .relevant = relevant};
    return metric->of_user(&user, k, &catalogue);
}

static double of_list(const metric_class *metric, const uint32_t *list, int64_t listed, int64_t k)
{
    const judged user = {.relevant = 1, .list = list, .listed = listed};
    return metric->of_user(&user, k, &catalogue);
}

static double of_shown(const metric_class *metric, const int64_t *shown)
{
    int64_t histogram[USERS + 1] = {0};
    for (int i = 0; i < ITEMS; i++)
        histogram[shown[i]]++;
    const exposure lists = {.users = USERS, .shown = shown, .histogram = histogram};
    return metric->of_lists(&lists, &catalogue);
}

static double of_example(const metric_class *metric, const example *e)
{
    if (metric->of_lists != NULL)
        return of_shown(metric, e->shown);
    if (e->blocks[0].size == 0)
        return of_list(metric, e->list, e->listed, e->k);
    tie_block blocks[MOST_BLOCKS];
    return of_blocks(metric, blocks, fill_blocks(e->blocks, blocks), e->relevant, e->k);
}

static void test_every_metric_gives_its_worked_examples(void **state)
{
    (void)state;
    for (int i = 0; metric_classes[i] != NULL; i++) {
        int found = 0;
        for (size_t e = 0; e < sizeof examples / sizeof *examples; e++) {
            if (strcmp(examples[e].metric, metric_classes[i]->name) != 0)
                continue;
            found++;
            const double got = of_example(metric_classes[i], &examples[e]);
            if (!(fabs(got - examples[e].want) <= 1e-15))
                fail_msg("%s, example %d: %.17g, expected %.17g", examples[e].metric, found, got,
                         examples[e].want);
        }
        if (found == 0)
            fail_msg("%s has no worked example", metric_classes[i]->name);
    }
}

static void test_every_metric_describes_itself(void **state)
{
    (void)state;
    static const char *const rows[] = {
#define MEDLEY_METRIC(name) #name,
#include "eval/metrics.def"
#undef MEDLEY_METRIC
    };
    int count = 0;
    for (; metric_classes[count] != NULL; count++) {
        const metric_class *m = metric_classes[count];
        assert_string_equal(m->name, rows[count]);
        assert_true(strlen(m->summary) > 0 && strlen(m->definition) > 0);
        assert_true((m->of_user == NULL) != (m->of_lists == NULL));
        assert_true(m->worst != m->best);
    }
    assert_int_equal(count, sizeof rows / sizeof *rows);
}

/* ---- The oracle: textbook definitions, averaged over all orders of tied items ---- */

/* Hits among the first k of a list of n. */
static int hits_among(const bool *hit, int n, int k)
{
    int hits = 0;
    for (int i = 0; i < n && i < k; i++)
        hits += hit[i];
    return hits;
}

static double textbook_precision(const bool *hit, int n, int k, int relevant)
{
    (void)relevant;
    return (double)hits_among(hit, n, k) / k;
}

static double textbook_recall(const bool *hit, int n, int k, int relevant)
{
    return (double)hits_among(hit, n, k) / relevant;
}

static double textbook_recall_capped(const bool *hit, int n, int k, int relevant)
{
    return (double)hits_among(hit, n, k) / (k < relevant ? k : relevant);
}

static double textbook_hr(const bool *hit, int n, int k, int relevant)
{
    (void)relevant;
    return hits_among(hit, n, k) > 0;
}

static double textbook_ndcg(const bool *hit, int n, int k, int relevant)
{
    double gain = 0, ideal = 0;
    for (int rank = 1; rank <= k; rank++) {
        gain += rank <= n && hit[rank - 1] ? log(2) / log(rank + 1) : 0;
        ideal += rank <= relevant ? log(2) / log(rank + 1) : 0;
    }
    return gain / ideal;
}

static double textbook_mrr(const bool *hit, int n, int k, int relevant)
{
    (void)relevant;
    for (int rank = 1; rank <= k && rank <= n; rank++)
        if (hit[rank - 1])
            return 1.0 / rank;
    return 0;
}

static double textbook_map(const bool *hit, int n, int k, int relevant)
{
    double sum = 0;
    for (int rank = 1; rank <= k && rank <= n; rank++)
        if (hit[rank - 1])
            sum += (double)hits_among(hit, n, rank) / rank;
    return sum / (k < relevant ? k : relevant);
}

static double textbook_novelty(const uint32_t *list, int64_t listed, int64_t k)
{
    double sum = 0;
    int64_t length = 0;
    for (; length < k && length < listed; length++)
        sum += -log(fmax((double)item_count[list[length]], 1) / 8) / log(2);
    return length > 0 ? sum / (double)length : 0;
}

static double textbook_item_coverage(const int64_t *shown)
{
    int seen = 0;
    for (int i = 0; i < ITEMS; i++)
        seen += shown[i] > 0;
    return (double)seen / ITEMS;
}

/* Half the relative mean absolute difference of distinct items. */
static double textbook_gini(const int64_t *shown)
{
    double differences = 0, total = 0;
    for (int i = 0; i < ITEMS; i++) {
        total += (double)shown[i];
        for (int j = 0; j < ITEMS; j++)
            differences += fabs((double)(shown[i] - shown[j]));
    }
    const double mean_difference = differences / (ITEMS * (ITEMS - 1));
    return total > 0 ? mean_difference / (2 * total / ITEMS) : 0;
}

static const struct oracle {
    const char *metric;
    double (*of_hits)(const bool *hit, int n, int k, int relevant);
    double (*of_list)(const uint32_t *list, int64_t listed, int64_t k);
    double (*of_shown)(const int64_t *shown);
} oracles[] = {
    {"precision", .of_hits = textbook_precision},
    {"recall", .of_hits = textbook_recall},
    {"recall_capped", .of_hits = textbook_recall_capped},
    {"hr", .of_hits = textbook_hr},
    {"ndcg", .of_hits = textbook_ndcg},
    {"mrr", .of_hits = textbook_mrr},
    {"map", .of_hits = textbook_map},
    {"item_coverage", .of_shown = textbook_item_coverage},
    {"gini", .of_shown = textbook_gini},
    {"novelty", .of_list = textbook_novelty},
};

static const struct oracle *oracle_of(const metric_class *metric)
{
    for (size_t i = 0; i < sizeof oracles / sizeof *oracles; i++)
        if (strcmp(oracles[i].metric, metric->name) == 0)
            return &oracles[i];
    fail_msg("%s has no oracle", metric->name);
    return NULL;
}

/* The mean of a textbook metric over every placement of the hits within their blocks. */
static double over_all_orders(const struct oracle *oracle, const tie_block *blocks, int64_t count, int n, int k,
                              int relevant)
{
    double sum = 0;
    int64_t orders = 0;
    for (unsigned mask = 0; mask < 1u << n; mask++) {
        bool hit[16];
        for (int i = 0; i < n; i++)
            hit[i] = mask >> i & 1;
        bool fits = true;
        for (int64_t b = 0; b < count; b++)
            fits = fits && hits_among(hit + blocks[b].start, (int)blocks[b].size, n) == blocks[b].relevant;
        if (!fits)
            continue;
        sum += oracle->of_hits(hit, n, k, relevant);
        orders++;
    }
    return sum / (double)orders;
}

static void check_all_cutoffs(const tie_block *blocks, int64_t count, int n)
{
    int inside = 0;
    for (int64_t b = 0; b < count; b++)
        inside += (int)blocks[b].relevant;
    for (int relevant = inside > 0 ? inside : 1; relevant <= inside + 2; relevant++)
        for (int k = 1; k <= n + 1; k++)
            for (int i = 0; metric_classes[i] != NULL; i++) {
                const struct oracle *oracle = oracle_of(metric_classes[i]);
                if (oracle->of_hits == NULL)
                    continue;
                const double want = over_all_orders(oracle, blocks, count, n, k, relevant);
                const double got = of_blocks(metric_classes[i], blocks, count, relevant, k);
                if (!(fabs(got - want) <= 1e-12))
                    fail_msg("%s@%d, %d in %lld blocks: %.17g, expected %.17g", oracle->metric, k, n,
                             (long long)count, got, want);
            }
}

/* Every way to cut n positions into blocks, and to spread hits over them. */
static void check_every_list(tie_block *blocks, int64_t count, int used, int n)
{
    if (used == n) {
        check_all_cutoffs(blocks, count, n);
        return;
    }
    for (int size = 1; size <= n - used; size++)
        for (int relevant = 0; relevant <= size; relevant++) {
            blocks[count] = (tie_block){used, size, relevant};
            check_every_list(blocks, count + 1, used + size, n);
        }
}

static void test_ties_score_as_the_mean_over_all_their_orders(void **state)
{
    (void)state;
    tie_block blocks[MOST_BLOCKS];
    for (int n = 1; n <= 6; n++)
        check_every_list(blocks, 0, 0, n);
}

static void test_metrics_of_shown_items_equal_their_slow_twins(void **state)
{
    (void)state;
    for (uint64_t draw = 0; draw < 500; draw++) {
        uint32_t list[ITEMS];
        int64_t shown[ITEMS];
        for (uint64_t i = 0; i < ITEMS; i++) {
            list[i] = (uint32_t)(random_bits(1, draw, i) % ITEMS);
            shown[i] = (int64_t)(random_bits(2, draw, i) % (USERS + 1));
        }
        const int64_t k = 1 + (int64_t)(random_bits(3, draw, 0) % 6);
        const int64_t listed = (int64_t)(random_bits(4, draw, 0) % (ITEMS + 1));
        for (int i = 0; metric_classes[i] != NULL; i++) {
            const metric_class *metric = metric_classes[i];
            const struct oracle *oracle = oracle_of(metric);
            double off = 0;
            if (oracle->of_list != NULL)
                off = of_list(metric, list, listed, k) - oracle->of_list(list, listed, k);
            if (oracle->of_shown != NULL)
                off = of_shown(metric, shown) - oracle->of_shown(shown);
            assert_true(fabs(off) <= 1e-12);
        }
    }
}

/* ---- Properties ---- */

static void test_the_ideal_list_is_the_best_and_a_list_without_hits_the_worst(void **state)
{
    (void)state;
    const tie_block hits[] = {{0, 1, 1}, {1, 3, 3}, {4, 5, 0}}, misses[] = {{0, 2, 0}, {2, 7, 0}};
    for (int i = 0; metric_classes[i] != NULL; i++) {
        const metric_class *m = metric_classes[i];
        if (oracle_of(m)->of_hits == NULL)
            continue;
        const double best = of_blocks(m, hits, 3, 4, 4), worst = of_blocks(m, misses, 2, 4, 4);
        assert_true(fabs(best - m->best) <= 1e-15);
        assert_true(worst == m->worst);
    }
}

static void test_no_value_leaves_the_range(void **state)
{
    (void)state;
    for (uint64_t draw = 0; draw < 2000; draw++) {
        tie_block blocks[MOST_BLOCKS];
        int64_t start = 0, relevant = 1;
        for (uint64_t b = 0; b < MOST_BLOCKS; b++) {
            const int64_t size = 1 + (int64_t)(random_bits(5, draw, b) % 30);
            blocks[b] = (tie_block){start, size, (int64_t)(random_bits(6, draw, b) % (uint64_t)(size + 1))};
            start += size;
            relevant += blocks[b].relevant;
        }
        for (int i = 0; metric_classes[i] != NULL; i++) {
            const metric_class *m = metric_classes[i];
            if (oracle_of(m)->of_hits == NULL)
                continue;
            for (int64_t k = 1; k < 300; k = k * 3 + 1) {
                const double value = of_blocks(m, blocks, MOST_BLOCKS, relevant, k);
                assert_true(value >= fmin(m->worst, m->best) && value <= fmax(m->worst, m->best) + 1e-12);
            }
        }
    }
}

static void test_moving_a_hit_up_never_lowers_a_value(void **state)
{
    (void)state;
    enum { N = 8 };
    for (unsigned mask = 1; mask < 1u << N; mask++)
        for (int swap = 0; swap + 1 < N; swap++) {
            if ((mask >> swap & 3) != 2) /* a miss, then a hit */
                continue;
            tie_block before[N], after[N];
            int64_t relevant = 0;
            for (int i = 0; i < N; i++) {
                before[i] = (tie_block){i, 1, mask >> i & 1};
                after[i] = (tie_block){i, 1, (mask ^ 3u << swap) >> i & 1};
                relevant += before[i].relevant;
            }
            for (int i = 0; metric_classes[i] != NULL; i++)
                if (oracle_of(metric_classes[i])->of_hits != NULL)
                    for (int k = 1; k <= N; k++)
                        assert_true(of_blocks(metric_classes[i], after, N, relevant, k) >=
                                    of_blocks(metric_classes[i], before, N, relevant, k) - 1e-15);
        }
}

static const metric_class *metric_named(const char *name)
{
    for (int i = 0; metric_classes[i] != NULL; i++)
        if (strcmp(metric_classes[i]->name, name) == 0)
            return metric_classes[i];
    fail_msg("no metric %s", name);
    return NULL;
}

/* A million candidates with one score, one or all of them relevant: the closed forms are sums. */
static void test_a_constant_score_over_a_million_items_keeps_its_digits(void **state)
{
    (void)state;
    enum { MILLION = 1000000 };
    const tie_block one = {0, MILLION, 1}, all = {0, MILLION, MILLION};
    static const int64_t cutoffs[] = {1, 20, MILLION};
    for (size_t c = 0; c < sizeof cutoffs / sizeof *cutoffs; c++) {
        const int64_t k = cutoffs[c];
        double harmonic = 0, discounts = 0;
        for (int64_t i = k; i >= 1; i--) {
            harmonic += 1 / (double)i;
            discounts += log(2) / log((double)i + 1);
        }
        const struct {
            const char *metric;
            double one, all;
        } want[] = {
            {"precision", 1.0 / MILLION, 1},
            {"recall", (double)k / MILLION, (double)k / MILLION},
            {"recall_capped", (double)k / MILLION, 1},
            {"hr", (double)k / MILLION, 1},
            {"ndcg", discounts / MILLION, 1},
            {"mrr", harmonic / MILLION, 1},
            {"map", harmonic / MILLION, 1},
        };
        for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
            const metric_class *metric = metric_named(want[i].metric);
            assert_true(fabs(of_blocks(metric, &one, 1, 1, k) / want[i].one - 1) <= 1e-10);
            assert_true(fabs(of_blocks(metric, &all, 1, MILLION, k) / want[i].all - 1) <= 1e-10);
        }
    }
}

/* Half of a million items relevant: 1 - 2^-20, but for drawing without putting back. */
static void test_the_chance_of_a_hit_is_right_in_a_large_block(void **state)
{
    (void)state;
    long double miss = 1;
    for (int i = 0; i < 20; i++)
        miss *= (500000.0L - i) / (1000000.0L - i);
    const tie_block half = {0, 1000000, 500000};
    assert_true(fabs(of_blocks(metric_named("hr"), &half, 1, 500000, 20) - (double)(1 - miss)) <= 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_metric_gives_its_worked_examples),
        cmocka_unit_test(test_every_metric_describes_itself),
        cmocka_unit_test(test_ties_score_as_the_mean_over_all_their_orders),
        cmocka_unit_test(test_metrics_of_shown_items_equal_their_slow_twins),
        cmocka_unit_test(test_the_ideal_list_is_the_best_and_a_list_without_hits_the_worst),
        cmocka_unit_test(test_no_value_leaves_the_range),
        cmocka_unit_test(test_moving_a_hit_up_never_lowers_a_value),
        cmocka_unit_test(test_a_constant_score_over_a_million_items_keeps_its_digits),
        cmocka_unit_test(test_the_chance_of_a_hit_is_right_in_a_large_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
