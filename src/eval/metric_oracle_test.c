/* Every metric of metrics.def against its oracle, which tries every order of tied items, and properties. A metric
 * without an oracle fails the suite. */
#include "testing.h"

#include "eval/metric_textbook.h"

/* Targets one after the other into the places of their blocks, in every way. */
static void place(const struct oracle *oracle, const judged *user, ordered *o, int target, double *sum,
                  int64_t *orders)
{
    if (target == user->relevant || user->targets[target].size == 0) {
        *sum += oracle->of_order(o);
        ++*orders;
        return;
    }
    const judged_target *t = &user->targets[target];
    for (int64_t i = t->start; i < t->start + t->size; i++)
        if (o->at[i] < 0) {
            o->at[i] = target;
            place(oracle, user, o, target + 1, sum, orders);
            o->at[i] = -1;
        }
}

static double over_all_orders(const struct oracle *oracle, const judged *user, int n, int k)
{
    ordered o = {.n = n, .k = k, .relevant = (int)user->relevant};
    double sum = 0;
    int64_t orders = 0;
    for (int i = 0; i < n; i++)
        o.at[i] = -1;
    place(oracle, user, &o, 0, &sum, &orders);
    return sum / (double)orders;
}

/* Targets are numbered through the blocks; those behind are not listed. */
static void make_tied_user(const tie_block *blocks, int64_t count, int64_t relevant, int64_t listed, made_user *u)
{
    int64_t target = 0;
    *u = (made_user){0};
    memcpy(u->blocks, blocks, (size_t)count * sizeof *blocks);
    for (int64_t b = 0; b < count; b++)
        for (int64_t m = 0; m < blocks[b].relevant; m++, target++) {
            u->targets[target].start = blocks[b].start;
            u->targets[target].size = blocks[b].size;
        }
    for (int64_t t = 0; t < relevant; t++) {
        u->targets[t].item = target_item[t];
        u->targets[t].rating = target_rating[t];
    }
    finish_user(u, count, relevant, listed);
    u->view.primitive = primitive;
    u->view.primitive_count = 2;
}

static void check_all_cutoffs(const tie_block *blocks, int64_t count, int n)
{
    int inside = 0;
    for (int64_t b = 0; b < count; b++)
        inside += (int)blocks[b].relevant;
    for (int relevant = inside > 0 ? inside : 1; relevant <= inside + 2; relevant++) {
        made_user u;
        make_tied_user(blocks, count, relevant, n, &u);
        for (int k = 1; k <= n + 1; k++)
            for (int i = 0; metric_classes[i] != NULL; i++) {
                if (!counts_hits(metric_classes[i]))
                    continue;
                const double want = over_all_orders(oracle_of(metric_classes[i]), &u.view, n, k);
                const double got = of_user(metric_classes[i], &u.view, k);
                if (!(fabs(got - want) <= 1e-7 * (metric_classes[i]->needs & METRIC_NEEDS_WEIGHTS ? 1 : 1e-5)))
                    fail_msg("%s@%d, %d in %lld blocks: %.17g, expected %.17g", metric_classes[i]->name, k, n,
                             (long long)count, got, want);
            }
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
    for (int n = 1; n <= 5; n++)
        check_every_list(blocks, 0, 0, n);
}

/* Blocks without hits say nothing. */
static void test_blocks_without_a_relevant_item_may_be_missing(void **state)
{
    (void)state;
    const tie_block all[] = {{0, 2, 0}, {2, 1, 1}, {3, 3, 0}, {6, 2, 1}}, some[] = {{2, 1, 1}, {6, 2, 1}};
    made_user a, b;
    make_tied_user(all, 4, 3, 8, &a);
    make_tied_user(some, 2, 3, 8, &b);
    for (int i = 0; metric_classes[i] != NULL; i++)
        for (int k = 1; k <= 8 && counts_hits(metric_classes[i]); k++)
            assert_true(of_user(metric_classes[i], &a.view, k) == of_user(metric_classes[i], &b.view, k));
}

static void check_close(const metric_class *metric, double got, double want)
{
    if (!(fabs(got - want) <= 1e-7) && !(isnan(got) && isnan(want)))
        fail_msg("%s: %.17g, expected %.17g", metric->name, got, want);
}

static void test_metrics_of_shown_items_equal_their_slow_twins(void **state)
{
    (void)state;
    for (uint64_t draw = 0; draw < 500; draw++) {
        made_user u = {0};
        int64_t shown[ITEMS];
        for (uint64_t i = 0; i < ITEMS; i++) {
            u.list[i] =
                (uint32_t)((random_bits(1, draw, 0) + i * (1 + 2 * (random_bits(1, draw, 1) % 2))) % ITEMS);
            shown[i] = (int64_t)(random_bits(2, draw, i) % (USERS + 1));
        }
        const int64_t k = 1 + (int64_t)(random_bits(3, draw, 0) % 6);
        finish_user(&u, 0, 1, (int64_t)(random_bits(4, draw, 0) % (ITEMS + 1)));
        for (int i = 0; metric_classes[i] != NULL; i++) {
            const metric_class *metric = metric_classes[i];
            const struct oracle *oracle = oracle_of(metric);
            if (oracle->of_list != NULL)
                check_close(metric, of_user(metric, &u.view, k), oracle->of_list(u.list, u.view.listed, k));
            if (oracle->of_shown != NULL)
                check_close(metric, of_shown(metric, shown, 3), oracle->of_shown(shown));
        }
    }
}

static void count_around(const float *score, int candidates, judged_target *t, float own)
{
    t->above = t->equal = 0;
    for (int i = 0; i < candidates; i++) {
        t->above += score[i] > own;
        t->equal += score[i] == own;
    }
    t->equal--; /* itself */
}

static void test_metrics_of_scores_equal_their_slow_twins(void **state)
{
    (void)state;
    for (uint64_t draw = 0; draw < 500; draw++) {
        made_user u = {0};
        float score[CANDIDATES], seen[CANDIDATES];
        const int relevant = 1 + (int)(random_bits(1, draw, 0) % 6);
        const int masked = (int)(random_bits(2, draw, 0) % (uint64_t)(relevant + 1));
        for (uint64_t i = 0; i < CANDIDATES; i++)
            seen[i] = score[i] = (float)(random_bits(3, draw, i) % 5) / 4;
        for (int t = relevant - masked; t < relevant; t++)
            seen[t] = -INFINITY;
        for (int t = 0; t < relevant; t++) {
            u.targets[t] = (judged_target){.score = seen[t], .rating = target_rating[t] / 5};
            count_around(seen, CANDIDATES, &u.targets[t], seen[t]);
        }
        finish_user(&u, 0, relevant, 0);
        u.view.candidates = CANDIDATES - masked;
        for (int i = 0; metric_classes[i] != NULL; i++)
            if (oracle_of(metric_classes[i])->of_scores != NULL)
                check_close(metric_classes[i], of_user(metric_classes[i], &u.view, 0),
                            oracle_of(metric_classes[i])->of_scores(score, relevant, masked));
        float rating[CANDIDATES];
        for (int t = 0; t < relevant; t++) {
            u.targets[t].score = score[t];
            rating[t] = u.targets[t].rating;
        }
        for (int i = 0; metric_classes[i] != NULL; i++)
            if (oracle_of(metric_classes[i])->of_pairs != NULL)
                check_close(metric_classes[i], of_user(metric_classes[i], &u.view, 0),
                            oracle_of(metric_classes[i])->of_pairs(score, rating, relevant));
    }
}

/* Of each target of the short head, and of the long tail, whether it is listed. */
static double head_hits(const ordered *o)
{
    int hits = 0;
    for (int i = 0; i < o->n && i < o->k; i++)
        hits += o->at[i] >= 0 && head[target_item[o->at[i]]];
    return hits;
}

static double tail_hits(const ordered *o)
{
    return hits_among(o, o->k) - head_hits(o);
}

/* Of 1 to 4 users with tied lists: the spread of the two groups' chances, each over all orders of all users. */
static void test_popreo_equals_its_slow_twin(void **state)
{
    (void)state;
    static const struct oracle groups[] = {{"tail", .of_order = tail_hits}, {"head", .of_order = head_hits}};
    const metric_class *popreo = metric_named("popreo");
    int defined = 0;
    for (uint64_t draw = 0; draw < 200; draw++) {
        double sums[METRIC_SUMS] = {0}, hits[2] = {0}, targets[2] = {0};
        const int k = 1 + (int)(random_bits(7, draw, 0) % 6);
        for (uint64_t user = 0; user <= draw % 4; user++) {
            tie_block blocks[3];
            made_user u;
            int start = 0, relevant = (int)(random_bits(8, draw, user) % 2);
            for (uint64_t n = 0; n < 3; n++) {
                const int size = 1 + (int)(random_bits(9, draw, user * 3 + n) % 2);
                const int found = (int)(random_bits(10, draw, user * 3 + n) % (uint64_t)(size + 1));
                blocks[n] = (tie_block){start, size, found};
                start += size;
                relevant += found;
            }
            make_tied_user(blocks, 3, relevant, start, &u);
            popreo->add(&u.view, k, &world, sums);
            for (int t = 0; t < relevant; t++)
                targets[head[target_item[t]]]++;
            for (int group = 0; group < 2 && relevant > 0; group++)
                hits[group] += over_all_orders(&groups[group], &u.view, start, k);
        }
        const double p[] = {hits[0] / targets[0], hits[1] / targets[1]}, mean = (p[0] + p[1]) / 2;
        const double spread = sqrt((pow(p[0] - mean, 2) + pow(p[1] - mean, 2)) / 2);
        check_close(popreo, popreo->of_sums(sums), spread / mean);
        defined += !isnan(spread / mean);
    }
    assert_true(defined > 50);
}

/* ---- Properties ---- */

static void test_the_ideal_list_is_the_best_and_a_list_without_hits_the_worst(void **state)
{
    (void)state;
    const tie_block misses[] = {{0, 2, 0}, {2, 7, 0}};
    made_user worst;
    make_tied_user(misses, 2, 4, 9, &worst);
    for (int i = 0; metric_classes[i] != NULL; i++) {
        const metric_class *m = metric_classes[i];
        if (!counts_hits(m))
            continue;
        assert_true(of_user(m, &worst.view, 4) == m->worst);
        if (!m->beyond || (m->needs & METRIC_NEEDS_WEIGHTS) != 0) {
            made_user u = {0};
            /* targets in the order that each metric likes best */
            static const int by_rating[] = {2, 0, 3, 1}, by_weight[] = {3, 0, 1, 2};
            for (int t = 0; t < 4; t++) {
                const int best = (m->needs & METRIC_NEEDS_WEIGHTS) != 0 ? by_weight[t] : by_rating[t];
                u.targets[t] = (judged_target){
                    .item = target_item[best], .rating = target_rating[best], .start = t, .size = 1};
                u.blocks[t] = (tie_block){t, 1, 1};
            }
            finish_user(&u, 4, 4, 9);
            assert_true(fabs(of_user(m, &u.view, 4) - m->best) <= 1e-7);
        }
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
            blocks[b] = (tie_block){start, size, (int64_t)(random_bits(6, draw, b) % 2)};
            start += size;
            relevant += blocks[b].relevant;
        }
        made_user u;
        make_tied_user(blocks, MOST_BLOCKS, relevant, start, &u);
        for (int i = 0; metric_classes[i] != NULL; i++) {
            const metric_class *m = metric_classes[i];
            for (int64_t k = 1; k < 300 && counts_hits(m); k = k * 3 + 1) {
                const double value = of_user(m, &u.view, k);
                assert_true(value >= fmin(m->worst, m->best) && value <= fmax(m->worst, m->best) + 1e-7);
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
            made_user lower, higher;
            make_tied_user(before, N, relevant, N, &lower);
            make_tied_user(after, N, relevant, N, &higher);
            for (int i = 0; metric_classes[i] != NULL; i++)
                for (int k = 1; k <= N && counts_hits(metric_classes[i]); k++)
                    assert_true(of_user(metric_classes[i], &higher.view, k) >=
                                of_user(metric_classes[i], &lower.view, k) - 1e-15);
        }
}

static double of_block(const char *metric, int64_t size, int64_t relevant, int64_t k, const double *sums)
{
    const tie_block block = {0, size, relevant};
    const judged user = {.blocks = &block, .block_count = 1, .relevant = relevant};
    metric_context context = world;
    context.discount = sums;
    context.ideal_discount = sums + k;
    return metric_named(metric)->of_user(&user, k, &context);
}

/* A million candidates with one score, one or all of them relevant: the closed forms are sums. */
static void test_a_constant_score_over_a_million_items_keeps_its_digits(void **state)
{
    (void)state;
    enum { MILLION = 1000000 };
    static const int64_t cutoffs[] = {1, 20, MILLION};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    for (size_t c = 0; c < sizeof cutoffs / sizeof *cutoffs; c++) {
        const int64_t k = cutoffs[c];
        double harmonic = 0, discounts = 0, *sums;
        assert_ok(mem_alloc(rt, 2 * k + 1, sizeof *sums, &sums, err));
        sums[k] = 0;
        for (int64_t i = 0; i < k; i++) {
            sums[i] = 1 / log2((double)i + 2);
            sums[k + i + 1] = sums[k + i] + sums[i];
        }
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
            assert_true(fabs(of_block(want[i].metric, MILLION, 1, k, sums) / want[i].one - 1) <= 1e-10);
            assert_true(fabs(of_block(want[i].metric, MILLION, MILLION, k, sums) / want[i].all - 1) <= 1e-10);
        }
        mem_free(sums);
    }
    test_runtime_end(rt, &memory);
}

/* Half of a million items relevant: 1 - 2^-20, but for drawing without putting back. */
static void test_the_chance_of_a_hit_is_right_in_a_large_block(void **state)
{
    (void)state;
    long double miss = 1;
    for (int i = 0; i < 20; i++)
        miss *= (500000.0L - i) / (1000000.0L - i);
    assert_true(fabs(of_block("hr", 1000000, 500000, 20, discount) - (double)(1 - miss)) <= 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ties_score_as_the_mean_over_all_their_orders),
        cmocka_unit_test(test_blocks_without_a_relevant_item_may_be_missing),
        cmocka_unit_test(test_metrics_of_shown_items_equal_their_slow_twins),
        cmocka_unit_test(test_metrics_of_scores_equal_their_slow_twins),
        cmocka_unit_test(test_popreo_equals_its_slow_twin),
        cmocka_unit_test(test_the_ideal_list_is_the_best_and_a_list_without_hits_the_worst),
        cmocka_unit_test(test_no_value_leaves_the_range),
        cmocka_unit_test(test_moving_a_hit_up_never_lowers_a_value),
        cmocka_unit_test(test_a_constant_score_over_a_million_items_keeps_its_digits),
        cmocka_unit_test(test_the_chance_of_a_hit_is_right_in_a_large_block),
    };
    return cmocka_run_group_tests(tests, fill_discounts, NULL);
}
