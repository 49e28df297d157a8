/* Every metric of metrics.def: worked examples, without which a metric fails the suite, and how it describes itself. */
#include "testing.h"

#include "eval/metric_world.h"

typedef struct size_and_relevant {
    int64_t size, relevant;
} size_and_relevant;

/* A user's blocks, with the targets in their order and those that are not listed at the end; or the items
 * shown; or of all lists how many of the 5 users see each of the 4 items. */
typedef struct example {
    const char *metric;
    double want;
    int64_t k, relevant;
    size_and_relevant blocks[MOST_BLOCKS];
    uint32_t item[MOST_TARGETS]; /* of the targets */
    float rating[MOST_TARGETS], score[MOST_TARGETS];
    int64_t above[MOST_TARGETS], equal[MOST_TARGETS], candidates;
    uint32_t list[ITEMS], primitive[ITEMS];
    int64_t listed, primitive_count;
    int64_t shown[ITEMS], users_shown;
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
#define UNTIED .relevant = 3, .blocks = {HIT, MISS, HIT, MISS, MISS}, .item = {0, 1, 3}

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
    {"f1", 1.0 / 2, 5, UNTIED}, /* P = 2/5, R = 2/3: (8/15) / (16/15) */
    {"f1", 2.0 / 5, 2, UNTIED},
    {"f1", 0, 1, .relevant = 1, .blocks = {MISS, HIT}},
    {"hr", 1, 5, UNTIED},
    {"hr", 0, 1, .relevant = 1, .blocks = {MISS, HIT}},
    {"hr", 1.0 / 3, 2, .relevant = 1, .blocks = {MISS, {3, 1}}},
    {"hr", 5.0 / 6, 2, .relevant = 2, .blocks = {{4, 2}}}, /* C(2,2) of C(4,2) = 6 draws miss */
    {"hr", 1, 3, .relevant = 2, .blocks = {{4, 2}}},
    {"ndcg", 0.70391808903413476, 5, UNTIED}, /* (1 + 1/2) / (1 + 0.63093 + 1/2) */
    {"ndcg", 0.61314719276545848, 2, UNTIED}, /* 1 / (1 + 0.63093) */
    {"ndcg", 0.81546487678572872, 2, .relevant = 1, .blocks = {{2, 1}}},
    {"ndcg", 0.5, 3, .relevant = 1, .blocks = {MISS, MISS, HIT}},
    /* gains 2^(r-3+1)-1 of 3, 5, 4 are 1, 7, 3: (1 + 7/2) / (7 + 3 0.63093 + 1/2) */
    {"ndcg_graded", 0.47909091485969846, 5, UNTIED, .rating = {3, 5, 4}},
    {"ndcg_graded", 1.0 / 7, 1, UNTIED, .rating = {3, 5, 4}},
    /* gains 1 and 7 share two places: (8 0.81546) / (7 + 0.63093) */
    {"ndcg_graded", 0.8549048706984327, 2, .relevant = 2, .blocks = {{2, 2}}, .rating = {3, 5}},
    {"mrr", 1, 5, UNTIED},
    {"mrr", 1.0 / 2, 3, .relevant = 2, .blocks = {MISS, HIT, HIT}},
    {"mrr", 0, 1, .relevant = 2, .blocks = {MISS, HIT, HIT}},
    {"mrr", (1.0 + 1.0 / 2) / 3, 2, .relevant = 1, .blocks = {{3, 1}}},
    {"mrr", 13.0 / 18, 4, .relevant = 2, .blocks = {{4, 2}}}, /* 1/2 + 1/3 1/2 + 1/6 1/3 */
    {"map", 5.0 / 9, 5, UNTIED},                              /* (1 + 2/3) / 3 */
    {"map", 1.0 / 2, 2, UNTIED},
    {"map", 3.0 / 4, 2, .relevant = 1, .blocks = {{2, 1}}},
    {"map", 29.0 / 36, 3, .relevant = 2, .blocks = {{3, 2}}}, /* of 1, 5/6 and 7/12 */
    {"map_elliot", (1 + 1.0 / 2 + 2.0 / 3 + 1.0 / 2 + 2.0 / 5) / 5, 5, UNTIED},
    {"map_elliot", (1.0 / 2 + 1.0 / 2) / 2, 2, .relevant = 1, .blocks = {{2, 1}}},
    /* weights 1/8, 1/2, 1/4: the first two are listed */
    {"hr_debiased", 5.0 / 7, 5, UNTIED},
    {"hr_debiased", 1.0 / 4, 1, UNTIED}, /* 1/8 of the 1/2 that one place could hold */
    {"hr_debiased", 1.0 / 2, 1, .relevant = 1, .blocks = {{2, 1}}, .item = {2}},
    /* (1/8 + 1/2 1/2) / (1/2 + 1/4 0.63093 + 1/8 1/2) */
    {"ndcg_debiased", 0.5206652463984817, 5, UNTIED},
    {"ndcg_debiased", 1.0 / 4, 1, UNTIED},
    /* others score 3, 2, 0; the relevant ones 3 and 1: 1/2 + 1 + 1 and 0 + 0 + 1 of 6 pairs */
    {"auc", 7.0 / 12, .relevant = 2, .candidates = 5, .above = {0, 3}, .equal = {1, 0}},
    {"auc", 1.0 / 2, .relevant = 2, .candidates = 4,
     .score = {1, -INFINITY}}, /* one is masked, one first of all */
    {"auc", 1, .relevant = 2, .candidates = 5, .above = {1, 0}},
    {"gauc", 7.0 / 12, .relevant = 2, .candidates = 5, .above = {0, 3}, .equal = {1, 0}},
    {"rmse", 1.4142135623730951, .relevant = 2, .rating = {5, 4}, .score = {3, 4}},
    {"mae", 1.5, .relevant = 2, .rating = {5, 4}, .score = {3, 5}},
    {"log_loss", 0.49041462650586312, .relevant = 2, .rating = {1, 0},
     .score = {0.5f, 0.25f}},                                                    /* -ln(1/2 3/4)/2 */
    {"log_loss", 16.11809565095832, .relevant = 1, .rating = {1}, .score = {0}}, /* -ln 1e-7 */
    {"item_coverage", 3.0 / 4, .shown = {5, 1, 0, 2}},
    {"item_coverage", 0, .shown = {0, 0, 0, 0}},
    {"user_coverage", 4.0 / 5, .users_shown = 4},
    {"gini", 0, .shown = {3, 3, 3, 3}},
    {"gini", 1, .shown = {0, 5, 0, 0}},
    {"gini", 0, .shown = {0, 0, 0, 0}},
    {"gini", 7.0 / 9, .shown = {4, 0, 2, 0}}, /* (1 2 + 3 4) / (3 6) */
    {"gini", 1.0 / 3, .shown = {1, 2, 2, 4}}, /* (-3 1 - 1 2 + 1 2 + 3 4) / (3 9) */
    {"gini_elliot", 2.0 / 9, .shown = {4, 0, 2, 0}},
    {"shannon_entropy", 1.5, .shown = {2, 2, 0, 4}}, /* 1/4 2 + 1/4 2 + 1/2 1 */
    {"shannon_entropy", 0, .shown = {0, 0, 3, 0}},
    {"shannon_entropy", 0, .shown = {0, 0, 0, 0}},
    {"novelty", 5.0 / 3, 3, .list = {0, 1, 2}, .listed = 3}, /* 0, 2 and 3 bits */
    {"novelty", 1, 2, .list = {0, 1, 2}, .listed = 3},
    {"novelty", 2, 9, .list = {2, 3}, .listed = 2}, /* 3 and 1 bits */
    {"novelty", 0, 5, .listed = 0},
    /* 1 - 8/8 at the top, 1 - 2/8 in third place; discounts 1 + 0.63093 + 1/2 + 0.43068 + 0.38685 */
    {"epc", 0.75 / 2 / 2.9484591188793923, 5, UNTIED},
    {"epc", 0, 2, UNTIED},
    {"efd", (0.80735492205760406 + 2.8073549220576042 / 2) / 2.9484591188793923, 5, UNTIED}, /* log2 14/8, 14/2 */
    {"efd", 2.8073549220576042, 1, .relevant = 1, .blocks = {HIT}, .item = {2}}, /* unseen: as the least seen */
    {"arp", 10.0 / 3, 3, .list = {0, 1, 2}, .listed = 3},
    {"arp", 5, 2, .list = {0, 1, 2}, .listed = 3},
    {"aplt", 2.0 / 3, 3, .list = {0, 1, 2}, .listed = 3},
    {"aplt", 1, 5, .list = {1}, .listed = 1},
    {"aclt", 2, 3, .list = {0, 1, 2}, .listed = 3},
    {"aclt", 0, 3, .listed = 0},
    {"popreo", 1.0 / 3, 5, UNTIED}, /* 1 of 2 in the head, 1 of 1 in the tail */
    {"popreo", 1, 2, UNTIED},
    {"poprsp", 0, 3, .list = {0, 1, 2}, .listed = 3}, /* 1 of 1 that is not known, 2 of 2 */
    {"poprsp", 1.0 / 3, 2, .list = {0, 1}, .listed = 2},
    {"diversity", 4.0 / 3, 4, .list = {0, 1, 2, 3}, .listed = 4}, /* cosines 0, -1, 0; item 3 has no vector */
    {"diversity", 1, 2, .list = {0, 1, 2}, .listed = 3},
    {"ild", (2 * 1.4142135623730951 + 2) / 3, 4, .list = {0, 1, 2, 3}, .listed = 4},
    {"s_recall", 2.0 / 3, 2, .list = {0, 1, 2}, .listed = 3},
    {"s_recall", 1, 3, .list = {0, 1, 2}, .listed = 3},
    {"s_recall", 0, 3, .list = {3}, .listed = 1},
    {"serendipity", 1.0 / 5, 5, UNTIED, .primitive = {0, 2}, .primitive_count = 2},
    {"serendipity", 0, 2, UNTIED, .primitive = {0, 2}, .primitive_count = 2},
    {"serendipity", 1.0 / 2, 1, .relevant = 1, .blocks = {{2, 1}}, .item = {2}, .primitive = {0, 2},
     .primitive_count = 2}, /* 2 is the primitive list's second */
    /* history A 3/4, B 1/4; list A 1/4, B 1/4, C 1/2: 3/4 ln(0.75 / 0.255) + 1/4 ln(0.25 / 0.25) */
    {"calibration_kl", 0.8091072460289473, 2, .list = {1, 2}, .listed = 2},
    {"calibration_kl", 0, 2, .list = {0, 1}, .listed = 2},
    /* sqrt(((sqrt 3/4 - sqrt 1/4)^2 + 1/2) / 2) */
    {"calibration_hellinger", 0.563016250305247, 2, .list = {1, 2}, .listed = 2},
    {"calibration_hellinger", 1, 1, .list = {2, 0}, .listed = 2},
};

static void make_user(const example *e, made_user *u)
{
    int64_t blocks = 0, start = 0, target = 0;
    *u = (made_user){0};
    for (int64_t t = 0; t < e->relevant; t++)
        u->targets[t] = (judged_target){.item = e->item[t],
                                        .rating = e->rating[t],
                                        .score = e->score[t],
                                        .above = e->above[t],
                                        .equal = e->equal[t]};
    for (; blocks < MOST_BLOCKS && e->blocks[blocks].size > 0; blocks++) {
        const size_and_relevant *b = &e->blocks[blocks];
        u->blocks[blocks] = (tie_block){start, b->size, b->relevant};
        for (int64_t m = 0; m < b->relevant; m++, target++) {
            u->targets[target].start = start;
            u->targets[target].size = b->size;
        }
        start += b->size;
    }
    memcpy(u->list, e->list, sizeof e->list);
    finish_user(u, blocks, e->relevant, blocks > 0 ? start : e->listed);
    u->view.candidates = e->candidates;
    u->view.primitive = e->primitive;
    u->view.primitive_count = e->primitive_count;
}

static double of_example(const metric_class *metric, const example *e)
{
    made_user u;
    if (metric->of_lists != NULL)
        return of_shown(metric, e->shown, e->users_shown);
    make_user(e, &u);
    return of_user(metric, &u.view, e->k);
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
            if (!(fabs(got - examples[e].want) <= 4e-15 * fmax(1, fabs(got))))
                fail_msg("%s, example %d: %.17g, expected %.17g", examples[e].metric, found, got,
                         examples[e].want);
        }
        if (found == 0)
            fail_msg("%s has no worked example", metric_classes[i]->name);
    }
}

/* Where there is nothing to measure, nothing is said. */
static void test_what_is_not_defined_is_not_a_number(void **state)
{
    (void)state;
    static const example cases[] = {
        {"auc", .relevant = 2, .candidates = 2}, /* nothing else to rank */
        {"gauc", .relevant = 2, .candidates = 2},
        {"arp", .k = 3},
        {"aplt", .k = 3},
        {"diversity", .k = 2, .list = {0, 3}, .listed = 2}, /* only one has a vector */
        {"ild", .k = 1, .list = {0, 1}, .listed = 2},
        {"calibration_kl", .k = 2, .list = {3}, .listed = 1},
        {"calibration_hellinger", .k = 2},
        {"popreo", .k = 1, .relevant = 1, .blocks = {MISS, HIT}, .item = {1}}, /* the head has no target */
        {"poprsp", .k = 1},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        if (!isnan(of_example(metric_named(cases[c].metric), &cases[c])))
            fail_msg("%s, case %zu is a number", cases[c].metric, c);
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
        assert_true((m->of_user != NULL || m->add != NULL) != (m->of_lists != NULL));
        assert_true((m->add == NULL) == (m->of_sums == NULL));
        assert_true(m->worst != m->best);
        assert_true(((m->needs & METRIC_NEEDS_LISTS) != 0) != ((m->needs & METRIC_NEEDS_PREDICTIONS) != 0));
    }
    assert_int_equal(count, sizeof rows / sizeof *rows);
}

static void test_a_column_is_named_after_metric_and_cutoff(void **state)
{
    (void)state;
    char name[64];
    metric_column_name(&(metric_column){metric_named("ndcg"), 10}, name, sizeof name);
    assert_string_equal(name, "ndcg@10");
    metric_column_name(&(metric_column){metric_named("auc"), 0}, name, sizeof name);
    assert_string_equal(name, "auc");
}

static double of_two(const char *name, const example *a, const example *b, int64_t k)
{
    const metric_class *metric = metric_named(name);
    double sums[METRIC_SUMS] = {0};
    made_user u;
    make_user(a, &u);
    metric->add(&u.view, k, &world, sums);
    make_user(b, &u);
    metric->add(&u.view, k, &world, sums);
    return metric->of_sums(sums);
}

/* The second user has twice the relevant items of the first. */
static void test_users_come_together_by_their_sums(void **state)
{
    (void)state;
    const example one_of = {.relevant = 1, .candidates = 3, .above = {1}, .rating = {5}, .score = {1}};
    const example two_of = {.relevant = 2, .candidates = 4, .above = {0, 1}, .rating = {4, 4}, .score = {3, 4}};
    const double half = 0.5, all = 1;
    assert_true(of_two("gauc", &one_of, &two_of, 0) == (half + 2 * all) / 3);
    assert_true(fabs(of_two("rmse", &one_of, &two_of, 0) - sqrt((16 + 1 + 0) / 3.0)) <= 1e-15);
    assert_true(fabs(of_two("mae", &one_of, &two_of, 0) - (4 + 1 + 0) / 3.0) <= 1e-15);
    const example head_hit = {.relevant = 1, .blocks = {HIT}, .item = {0}};
    const example tail_tie = {.relevant = 2, .blocks = {{2, 1}}, .item = {1, 2}};
    /* head 1 of 1; tail 1/2 of 2: (3/4) / (5/4) */
    assert_true(fabs(of_two("popreo", &head_hit, &tail_tie, 1) - 3.0 / 5) <= 1e-15);
    /* 1/8 and 1/2 1/2, of 1/8 and 1 */
    assert_true(fabs(of_two("hr_debiased", &head_hit, &tail_tie, 1) - (0.125 + 0.25) / 1.125) <= 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_metric_gives_its_worked_examples),
        cmocka_unit_test(test_what_is_not_defined_is_not_a_number),
        cmocka_unit_test(test_every_metric_describes_itself),
        cmocka_unit_test(test_a_column_is_named_after_metric_and_cutoff),
        cmocka_unit_test(test_users_come_together_by_their_sums),
    };
    return cmocka_run_group_tests(tests, fill_discounts, NULL);
}
