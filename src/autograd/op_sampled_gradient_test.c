#include "gradient.h"

typedef struct sampled_case {
    const uint32_t *target, *sample;
    int64_t samples;
    const real *log_q;
} sampled_case;

static node *build(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const sampled_case *c = context;
    return graph_sampled_softmax(g, x[0], table[0], c->target, c->sample, c->samples, c->log_q);
}

static void check(int64_t rows, int64_t items, int64_t depth, const sampled_case *context)
{
    gradient_check(&(gradient_case){
        .op = "sampled_softmax",
        .input = {shape_2(rows, depth)},
        .inputs = 1,
        .table = {shape_2(items, depth)},
        .tables = 1,
        .build = build,
        .context = context,
    });
}

static const uint32_t target[5] = {0, 4, 4, 2, 1}, sample[6] = {3, 5, 1, 5, 4, 0};

static void test_a_softmax_over_samples(void **state)
{
    (void)state;
    check(5, 6, 3, &(sampled_case){target, sample, 6, NULL});
    check(1, 6, 1, &(sampled_case){target, sample, 1, NULL});
}

static void test_a_softmax_with_log_probabilities(void **state)
{
    (void)state;
    const real log_q[6] = {-1, -0.5, -2, -3, -1.5, -4};
    check(5, 6, 2, &(sampled_case){target, sample, 5, log_q});
}

static void test_a_row_whose_samples_are_all_hidden_or_absent(void **state)
{
    (void)state;
    check(1, 6, 2, &(sampled_case){target + 1, sample + 4, 1, NULL});
    check(2, 6, 2, &(sampled_case){target, sample, 0, NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_softmax_over_samples),
        cmocka_unit_test(test_a_softmax_with_log_probabilities),
        cmocka_unit_test(test_a_row_whose_samples_are_all_hidden_or_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
