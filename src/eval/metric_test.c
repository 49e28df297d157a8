/* Every metric of metrics.def: worked examples, an oracle that tries every order of tied items or follows the
 * textbook, and properties. A metric without an example and an oracle fails the suite. */
#include "eval/metric.h"

#include <math.h>

#include "testing.h"

enum { ITEMS = 4, USERS = 5, MOST_BLOCKS = 8, MOST_TARGETS = 10, LARGEST = 1000, VALUES = 3 };

/* ---- A small world: 8 training users, 14 training pairs; items 0 and 3 are the short head ---- */

static const int64_t item_count[ITEMS] = {8, 2, 0, 4};
static const uint8_t head[ITEMS] = {1, 0, 0, 1};
static const int64_t train_start[] = {0, 1}, known_start[] = {0, 2};
static const uint32_t train_index[] = {0}, known_index[] = {0, 1};
static const csr train = {1, ITEMS, train_start, train_index, NULL},
                 known = {1, ITEMS, known_start, known_index, NULL};
static float vectors[ITEMS * 2] = {1, 0, 0, 1, -1, 0, 0, 0};
static item_space space = {.items = ITEMS, .dimensions = 2, .dense = vectors};
/* item 0 is A, item 1 is A and B, item 2 is C, item 3 is nothing */
static const int64_t value_start[] = {0, 1, 3, 4, 4};
static const uint32_t value_index[] = {0, 0, 1, 2};
static item_space attributes = {
    .items = ITEMS, .dimensions = VALUES, .sparse = {.view = {ITEMS, VALUES, value_start, value_index, NULL}}};
static double discount[LARGEST], ideal_discount[LARGEST + 1];

static const metric_context world = {
    .items = ITEMS,
    .training_users = 8,
    .training_pairs = 14,
    .item_count = item_count,
    .least_count = 2,
    .train = &train,
    .head = head,
    .head_items = 2,
    .discount = discount,
    .ideal_discount = ideal_discount,
    .relevant_from = 3,
    .known = &known,
    .space = &space,
    .attributes = &attributes,
};

static int fill_discounts(void **state)
{
    (void)state;
    for (int i = 0; i < LARGEST; i++) {
        discount[i] = 1 / log2((double)i + 2);
        ideal_discount[i + 1] = ideal_discount[i] + discount[i];
    }
    return 0;
}

/* ---- Worked examples ---- */

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

/* A user made of an example, with the memory it borrows. */
typedef struct made_user {
    judged view;
    tie_block blocks[MOST_BLOCKS];
    judged_target targets[MOST_TARGETS];
    float best_ratings[MOST_TARGETS], best_weights[MOST_TARGETS];
    uint32_t list[16];
    double room[2 * VALUES];
} made_user;

static int descending(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a < b) - (a > b);
}

/* Ties the parts together when targets and blocks are there; the user must not move afterwards. */
static void finish_user(made_user *u, int64_t blocks, int64_t relevant, int64_t listed)
{
    for (int64_t t = 0; t < relevant; t++) {
        u->best_ratings[t] = u->targets[t].rating;
        u->best_weights[t] = (float)metric_weight(&world, u->targets[t].item);
    }
    qsort(u->best_ratings, (size_t)relevant, sizeof *u->best_ratings, descending);
    qsort(u->best_weights, (size_t)relevant, sizeof *u->best_weights, descending);
    u->view = (judged){
        .blocks = u->blocks,
        .block_count = blocks,
        .targets = u->targets,
        .relevant = relevant,
        .best_ratings = u->best_ratings,
        .best_weights = u->best_weights,
        .list = u->list,
        .listed = listed,
        .room = u->room,
    };
}

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

static double of_user(const metric_class *metric, const judged *user, int64_t k)
{
    double sums[METRIC_SUMS] = {0};
    if (metric->add == NULL)
        return metric->of_user(user, k, &world);
    metric->add(user, k, &world, sums);
    const double value = metric->of_sums(sums);
    if (metric->of_user != NULL) { /* alone, a user is everybody */
        const double own = metric->of_user(user, k, &world);
        assert_true(fabs(value - own) <= 1e-15 * fabs(own) || (isnan(value) && isnan(own)));
    }
    return value;
}

static double of_shown(const metric_class *metric, const int64_t *shown, int64_t users_shown)
{
    int64_t histogram[USERS + 1] = {0};
    for (int i = 0; i < ITEMS; i++)
        histogram[shown[i]]++;
    const exposure lists = {.users = USERS, .users_shown = users_shown, .shown = shown, .histogram = histogram};
    return metric->of_lists(&lists, &world);
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

static const metric_class *metric_named(const char *name)
{
    for (int i = 0; metric_classes[i] != NULL; i++)
        if (strcmp(metric_classes[i]->name, name) == 0)
            return metric_classes[i];
    fail_msg("no metric %s", name);
    return NULL;
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

/* ---- The oracle: textbook definitions, averaged over all orders of tied items ---- */

/* A list in one order: at[i] is the target in place i, or -1. */
typedef struct ordered {
    int at[8], n, k, relevant;
} ordered;

static const uint32_t target_item[MOST_TARGETS] = {1, 3, 0, 2, 1, 0, 3, 2, 1, 0};
static const float target_rating[MOST_TARGETS] = {4, 3, 5, 3.5f, 5, 4, 4.5f, 3, 5, 4};

static double weight_of(int t)
{
    return 1 / fmax(1, (double)item_count[target_item[t]]);
}

static double gain_of(int t)
{
    return pow(2, (double)target_rating[t] - 3 + 1) - 1;
}

static int hits_among(const ordered *o, int k)
{
    int hits = 0;
    for (int i = 0; i < o->n && i < k; i++)
        hits += o->at[i] >= 0;
    return hits;
}

static double textbook_precision(const ordered *o)
{
    return (double)hits_among(o, o->k) / o->k;
}

static double textbook_recall(const ordered *o)
{
    return (double)hits_among(o, o->k) / o->relevant;
}

static double textbook_recall_capped(const ordered *o)
{
    return (double)hits_among(o, o->k) / (o->k < o->relevant ? o->k : o->relevant);
}

static double textbook_f1(const ordered *o)
{
    const double p = textbook_precision(o), r = textbook_recall(o);
    return p + r > 0 ? 2 * p * r / (p + r) : 0;
}

static double textbook_hr(const ordered *o)
{
    return hits_among(o, o->k) > 0;
}

/* Discounted sums of `gain` over the list, and over the best order of all targets. */
static double discounted(const ordered *o, double (*gain)(int target))
{
    double sum = 0;
    for (int i = 0; i < o->n && i < o->k; i++)
        sum += o->at[i] >= 0 ? gain(o->at[i]) * log(2) / log(i + 2) : 0;
    return sum;
}

static int falling(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a < b) - (a > b);
}

static double best_discounted(const ordered *o, double (*gain)(int target), bool flat)
{
    double gains[MOST_TARGETS], sum = 0;
    for (int t = 0; t < o->relevant; t++)
        gains[t] = gain(t);
    qsort(gains, (size_t)o->relevant, sizeof *gains, falling);
    for (int i = 0; i < o->relevant && i < o->k; i++)
        sum += flat ? gains[i] : gains[i] * log(2) / log(i + 2);
    return sum;
}

static double one(int t)
{
    (void)t;
    return 1;
}

static double textbook_ndcg(const ordered *o)
{
    return discounted(o, one) / best_discounted(o, one, false);
}

static double textbook_ndcg_graded(const ordered *o)
{
    return discounted(o, gain_of) / best_discounted(o, gain_of, false);
}

static double textbook_ndcg_debiased(const ordered *o)
{
    return discounted(o, weight_of) / best_discounted(o, weight_of, false);
}

static double textbook_hr_debiased(const ordered *o)
{
    double sum = 0;
    for (int i = 0; i < o->n && i < o->k; i++)
        sum += o->at[i] >= 0 ? weight_of(o->at[i]) : 0;
    return sum / best_discounted(o, weight_of, true);
}

static double textbook_mrr(const ordered *o)
{
    for (int i = 0; i < o->k && i < o->n; i++)
        if (o->at[i] >= 0)
            return 1.0 / (i + 1);
    return 0;
}

static double textbook_map(const ordered *o)
{
    double sum = 0;
    for (int i = 0; i < o->k && i < o->n; i++)
        if (o->at[i] >= 0)
            sum += (double)hits_among(o, i + 1) / (i + 1);
    return sum / (o->k < o->relevant ? o->k : o->relevant);
}

static double textbook_map_elliot(const ordered *o)
{
    double sum = 0;
    for (int i = 1; i <= o->k; i++)
        sum += (double)hits_among(o, i) / i;
    return sum / o->k;
}

static double popularity_complement(int t)
{
    return 1 - (double)item_count[target_item[t]] / 8;
}

static double free_discovery(int t)
{
    return -log(fmax(2, (double)item_count[target_item[t]]) / 14) / log(2);
}

static double per_discount(const ordered *o, double (*novelty)(int target))
{
    double norm = 0;
    for (int i = 0; i < o->n && i < o->k; i++)
        norm += log(2) / log(i + 2);
    return discounted(o, novelty) / norm;
}

static double textbook_epc(const ordered *o)
{
    return per_discount(o, popularity_complement);
}

static double textbook_efd(const ordered *o)
{
    return per_discount(o, free_discovery);
}

/* The primitive list of every user is 1, 0. */
static const uint32_t primitive[] = {1, 0};

static double textbook_serendipity(const ordered *o)
{
    int hits = 0;
    for (int i = 0; i < o->n && i < o->k; i++)
        hits += o->at[i] >= 0 && target_item[o->at[i]] != 1 && (o->k < 2 || target_item[o->at[i]] != 0);
    return (double)hits / o->k;
}

/* ---- Textbooks of lists as shown ---- */

static double mean_of(const uint32_t *list, int64_t listed, int64_t k, double (*value)(uint32_t item))
{
    double sum = 0;
    int64_t length = 0;
    for (; length < k && length < listed; length++)
        sum += value(list[length]);
    return sum / (double)length;
}

static double information(uint32_t item)
{
    return -log(fmax((double)item_count[item], 1) / 8) / log(2);
}

static double count_of(uint32_t item)
{
    return (double)item_count[item];
}

static double is_tail(uint32_t item)
{
    return item == 1 || item == 2;
}

static double textbook_novelty(const uint32_t *list, int64_t listed, int64_t k)
{
    return listed > 0 ? mean_of(list, listed, k, information) : 0;
}

static double textbook_arp(const uint32_t *list, int64_t listed, int64_t k)
{
    return mean_of(list, listed, k, count_of);
}

static double textbook_aplt(const uint32_t *list, int64_t listed, int64_t k)
{
    return mean_of(list, listed, k, is_tail);
}

static double textbook_aclt(const uint32_t *list, int64_t listed, int64_t k)
{
    return listed > 0 ? mean_of(list, listed, k, is_tail) * fmin((double)listed, (double)k) : 0;
}

static double textbook_poprsp(const uint32_t *list, int64_t listed, int64_t k)
{
    const double tail = textbook_aclt(list, listed, k), all = fmin((double)listed, (double)k);
    const double p[] = {(all - tail) / 1, tail / 2}, mean = (p[0] + p[1]) / 2;
    return sqrt(((p[0] - mean) * (p[0] - mean) + (p[1] - mean) * (p[1] - mean)) / 2) / mean;
}

static double mean_distance(const uint32_t *list, int64_t listed, int64_t k, bool euclidean)
{
    double sum = 0;
    int pairs = 0;
    for (int64_t a = 0; a < listed && a < k; a++)
        for (int64_t b = 0; b < listed && b < k; b++) {
            if (a == b || list[a] == 3 || list[b] == 3)
                continue;
            const float *x = vectors + 2 * list[a], *y = vectors + 2 * list[b];
            const double cosine = (double)(x[0] * y[0] + x[1] * y[1]);
            sum += euclidean ? hypot((double)(x[0] - y[0]), (double)(x[1] - y[1])) : 1 - cosine;
            pairs++;
        }
    return sum / pairs;
}

static double textbook_diversity(const uint32_t *list, int64_t listed, int64_t k)
{
    return mean_distance(list, listed, k, false);
}

static double textbook_ild(const uint32_t *list, int64_t listed, int64_t k)
{
    return mean_distance(list, listed, k, true);
}

/* Shares of A, B and C; false: nothing has any. */
static bool mix(const uint32_t *list, int64_t count, double *share)
{
    static const double parts[ITEMS][VALUES] = {{1, 0, 0}, {0.5, 0.5, 0}, {0, 0, 1}, {0, 0, 0}};
    double total = 0;
    for (int v = 0; v < VALUES; v++) {
        share[v] = 0;
        for (int64_t i = 0; i < count; i++)
            share[v] += parts[list[i]][v];
        total += share[v];
    }
    for (int v = 0; v < VALUES; v++)
        share[v] /= total;
    return total > 0;
}

static double textbook_s_recall(const uint32_t *list, int64_t listed, int64_t k)
{
    double q[VALUES];
    return mix(list, listed < k ? listed : k, q) ? ((q[0] > 0) + (q[1] > 0) + (q[2] > 0)) / 3.0 : 0;
}

static double textbook_kl(const uint32_t *list, int64_t listed, int64_t k)
{
    const double p[] = {0.75, 0.25, 0};
    double q[VALUES], sum = 0;
    if (!mix(list, listed < k ? listed : k, q))
        return NAN;
    for (int v = 0; v < 2; v++)
        sum += p[v] * (log(p[v]) - log(0.99 * q[v] + 0.01 * p[v]));
    return sum;
}

static double textbook_hellinger(const uint32_t *list, int64_t listed, int64_t k)
{
    const double p[] = {0.75, 0.25, 0};
    double q[VALUES], overlap = 0;
    if (!mix(list, listed < k ? listed : k, q))
        return NAN;
    for (int v = 0; v < VALUES; v++)
        overlap += sqrt(p[v] * q[v]);
    return sqrt(fmax(0, 1 - overlap));
}

/* ---- Textbooks of all lists ---- */

static double textbook_item_coverage(const int64_t *shown)
{
    int seen = 0;
    for (int i = 0; i < ITEMS; i++)
        seen += shown[i] > 0;
    return (double)seen / ITEMS;
}

static double textbook_user_coverage(const int64_t *shown)
{
    (void)shown;
    return 3.0 / USERS; /* what the test says of lists that are not empty */
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

static double textbook_gini_elliot(const int64_t *shown)
{
    return 1 - textbook_gini(shown);
}

static double textbook_entropy(const int64_t *shown)
{
    double total = 0, sum = 0;
    for (int i = 0; i < ITEMS; i++)
        total += (double)shown[i];
    for (int i = 0; i < ITEMS; i++)
        sum += shown[i] > 0 ? (double)shown[i] / total * log(total / (double)shown[i]) / log(2) : 0;
    return sum;
}

/* ---- Textbooks of scores ---- */

enum { CANDIDATES = 9 };

/* scores of all candidates, of which the first `relevant` are relevant and of these the last `masked` are none. */
static double textbook_auc(const float *score, int relevant, int masked)
{
    double right = 0;
    for (int t = 0; t < relevant - masked; t++)
        for (int o = relevant; o < CANDIDATES; o++)
            right += score[t] > score[o] ? 1 : score[t] == score[o] ? 0.5 : 0;
    return right / (relevant * (CANDIDATES - relevant));
}

static double textbook_rmse(const float *score, const float *rating, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += pow((double)score[i] - (double)rating[i], 2);
    return sqrt(sum / n);
}

static double textbook_mae(const float *score, const float *rating, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += fabs((double)rating[i] - (double)score[i]);
    return sum / n;
}

static double textbook_log_loss(const float *score, const float *rating, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const double p = score[i] < 1e-7f ? 1e-7 : score[i] > 1 - 1e-7 ? 1 - 1e-7 : (double)score[i];
        sum -= (double)rating[i] * log(p) + (1 - (double)rating[i]) * log(1 - p);
    }
    return sum / n;
}

static const struct oracle {
    const char *metric;
    double (*of_order)(const ordered *o);
    double (*of_list)(const uint32_t *list, int64_t listed, int64_t k);
    double (*of_shown)(const int64_t *shown);
    double (*of_scores)(const float *score, int relevant, int masked);
    double (*of_pairs)(const float *score, const float *rating, int n);
    bool by_hand; /* sums of parts that have oracles: its examples and its own test must do */
} oracles[] = {
    {"precision", .of_order = textbook_precision},
    {"recall", .of_order = textbook_recall},
    {"recall_capped", .of_order = textbook_recall_capped},
    {"f1", .of_order = textbook_f1},
    {"hr", .of_order = textbook_hr},
    {"ndcg", .of_order = textbook_ndcg},
    {"ndcg_graded", .of_order = textbook_ndcg_graded},
    {"mrr", .of_order = textbook_mrr},
    {"map", .of_order = textbook_map},
    {"map_elliot", .of_order = textbook_map_elliot},
    {"auc", .of_scores = textbook_auc},
    {"gauc", .of_scores = textbook_auc},
    {"rmse", .of_pairs = textbook_rmse},
    {"mae", .of_pairs = textbook_mae},
    {"log_loss", .of_pairs = textbook_log_loss},
    {"item_coverage", .of_shown = textbook_item_coverage},
    {"user_coverage", .of_shown = textbook_user_coverage},
    {"gini", .of_shown = textbook_gini},
    {"gini_elliot", .of_shown = textbook_gini_elliot},
    {"shannon_entropy", .of_shown = textbook_entropy},
    {"novelty", .of_list = textbook_novelty},
    {"epc", .of_order = textbook_epc},
    {"efd", .of_order = textbook_efd},
    {"arp", .of_list = textbook_arp},
    {"aplt", .of_list = textbook_aplt},
    {"aclt", .of_list = textbook_aclt},
    {"popreo", .by_hand = true},
    {"poprsp", .of_list = textbook_poprsp},
    {"hr_debiased", .of_order = textbook_hr_debiased},
    {"ndcg_debiased", .of_order = textbook_ndcg_debiased},
    {"diversity", .of_list = textbook_diversity},
    {"ild", .of_list = textbook_ild},
    {"s_recall", .of_list = textbook_s_recall},
    {"serendipity", .of_order = textbook_serendipity},
    {"calibration_kl", .of_list = textbook_kl},
    {"calibration_hellinger", .of_list = textbook_hellinger},
};

static const struct oracle *oracle_of(const metric_class *metric)
{
    for (size_t i = 0; i < sizeof oracles / sizeof *oracles; i++)
        if (strcmp(oracles[i].metric, metric->name) == 0)
            return &oracles[i];
    fail_msg("%s has no oracle", metric->name);
    return NULL;
}

static bool counts_hits(const metric_class *metric)
{
    return oracle_of(metric)->of_order != NULL;
}

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
        cmocka_unit_test(test_every_metric_gives_its_worked_examples),
        cmocka_unit_test(test_what_is_not_defined_is_not_a_number),
        cmocka_unit_test(test_every_metric_describes_itself),
        cmocka_unit_test(test_a_column_is_named_after_metric_and_cutoff),
        cmocka_unit_test(test_ties_score_as_the_mean_over_all_their_orders),
        cmocka_unit_test(test_blocks_without_a_relevant_item_may_be_missing),
        cmocka_unit_test(test_metrics_of_shown_items_equal_their_slow_twins),
        cmocka_unit_test(test_metrics_of_scores_equal_their_slow_twins),
        cmocka_unit_test(test_users_come_together_by_their_sums),
        cmocka_unit_test(test_the_ideal_list_is_the_best_and_a_list_without_hits_the_worst),
        cmocka_unit_test(test_no_value_leaves_the_range),
        cmocka_unit_test(test_moving_a_hit_up_never_lowers_a_value),
        cmocka_unit_test(test_a_constant_score_over_a_million_items_keeps_its_digits),
        cmocka_unit_test(test_the_chance_of_a_hit_is_right_in_a_large_block),
    };
    return cmocka_run_group_tests(tests, fill_discounts, NULL);
}
