/* A small world of four items, and users made in it: what the tests of metrics share. */
#ifndef EVAL_METRIC_WORLD_H
#define EVAL_METRIC_WORLD_H

#include <math.h>

#include "eval/metric.h"

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

static inline int fill_discounts(void **state)
{
    (void)state;
    for (int i = 0; i < LARGEST; i++) {
        discount[i] = 1 / log2((double)i + 2);
        ideal_discount[i + 1] = ideal_discount[i] + discount[i];
    }
    return 0;
}

/* A user, with the memory it borrows. */
typedef struct made_user {
    judged view;
    tie_block blocks[MOST_BLOCKS];
    judged_target targets[MOST_TARGETS];
    float best_ratings[MOST_TARGETS], best_weights[MOST_TARGETS];
    uint32_t list[16];
    double room[2 * VALUES];
} made_user;

static inline int descending(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a < b) - (a > b);
}

/* Ties the parts together when targets and blocks are there; the user must not move afterwards. */
static inline void finish_user(made_user *u, int64_t blocks, int64_t relevant, int64_t listed)
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

static inline double of_user(const metric_class *metric, const judged *user, int64_t k)
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

static inline double of_shown(const metric_class *metric, const int64_t *shown, int64_t users_shown)
{
    int64_t histogram[USERS + 1] = {0};
    for (int i = 0; i < ITEMS; i++)
        histogram[shown[i]]++;
    const exposure lists = {.users = USERS, .users_shown = users_shown, .shown = shown, .histogram = histogram};
    return metric->of_lists(&lists, &world);
}

static inline const metric_class *metric_named(const char *name)
{
    for (int i = 0; metric_classes[i] != NULL; i++)
        if (strcmp(metric_classes[i]->name, name) == 0)
            return metric_classes[i];
    fail_msg("no metric %s", name);
    return NULL;
}

#endif
