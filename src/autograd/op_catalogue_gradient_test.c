#include "gradient.h"

typedef struct catalogue_case {
    const uint32_t *target;
    bool bias;
} catalogue_case;

static node *build(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const catalogue_case *c = context;
    (void)table;
    return graph_catalogue_cross_entropy(g, x[0], x[1], c->bias ? x[2] : NULL, c->target);
}

static void check(int64_t rows, int64_t items, int64_t depth, const uint32_t *target, bool bias,
                  bool outside_training)
{
    gradient_check(&(gradient_case){
        .op = "catalogue_cross_entropy",
        .input = {shape_2(rows, depth), shape_2(items, depth), shape_1(items)},
        .inputs = bias ? 3 : 2,
        .build = build,
        .context = &(catalogue_case){target, bias},
        .outside_training = outside_training,
    });
}

static const uint32_t none = CROSS_ENTROPY_IGNORE;

static void test_cross_entropy_over_a_catalogue(void **state)
{
    (void)state;
    const uint32_t target[5] = {0, 6, 6, 3, 1};
    check(5, 7, 3, target, false, false);
    check(5, 7, 3, target, true, false);
    check(1, 2, 1, target, true, false);
}

static void test_rows_that_are_ignored_have_no_gradient(void **state)
{
    (void)state;
    const uint32_t some[5] = {none, 6, none, 3, 1}, all[2] = {none, none};
    check(5, 7, 2, some, true, false);
    check(2, 3, 2, all, true, false);
}

static void test_chunks_of_items_and_blocks_of_rows(void **state)
{
    (void)state;
    uint32_t target[515];
    for (uint32_t b = 0; b < 515; b++)
        target[b] = b % 2;
    const uint32_t far[2] = {256, 0};
    check(515, 2, 1, target, true, false);
    check(2, 258, 1, far, true, false);
}

static void test_gradients_that_are_asked_for_outside_training(void **state)
{
    (void)state;
    const uint32_t target[4] = {2, none, 0, 1};
    check(4, 3, 2, target, true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_entropy_over_a_catalogue),
        cmocka_unit_test(test_rows_that_are_ignored_have_no_gradient),
        cmocka_unit_test(test_chunks_of_items_and_blocks_of_rows),
        cmocka_unit_test(test_gradients_that_are_asked_for_outside_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
