#include "gradient.h"

/* ---- of two arrays ---- */

static const real targets[] = {0, 1, 0.25, 1, 0, 0.9, -0.5, 2, 1, 0, 0, 1, 0.125, 0.5, 1, 3,
                               0, 1, 0.25, 1, 0, 0.9, -0.5, 2, 1, 0, 0, 1, 0.125, 0.5, 1, 3};

static node *build_mse(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table, (void)context;
    return graph_mse(g, x[0], targets);
}
static node *build_bce(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table, (void)context;
    return graph_bce(g, x[0], targets);
}
static node *build_bpr(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return graph_bpr(g, x[0], x[context == NULL]);
}

static const shape shapes[] = {{0, {0}}, {1, {1}}, {1, {7}}, {2, {3, 5}}, {1, {16}}, {3, {2, 3, 5}}, {2, {2, 15}}};

static void check_pairs(const char *op, int inputs, const void *context,
                        node *(*build)(graph *, node *const *, parameter *const *, const void *))
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (double most = 1; most < 30; most *= 8)
            gradient_check(&(gradient_case){.op = op,
                                            .input = {shapes[i], shapes[i]},
                                            .inputs = inputs,
                                            .low = -most,
                                            .high = most,
                                            .build = build,
                                            .context = context});
}

static void test_mse(void **state)
{
    (void)state;
    check_pairs("mse", 1, NULL, build_mse);
}

static void test_bce(void **state)
{
    (void)state;
    check_pairs("bce", 1, NULL, build_bce);
}

static void test_bpr_of_two_and_of_one(void **state)
{
    (void)state;
    check_pairs("bpr", 2, NULL, build_bpr);
    check_pairs("bpr", 1, "itself", build_bpr);
}

/* ---- cross-entropy ---- */

static node *build_cross_entropy(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return graph_cross_entropy(g, x[0], context);
}

static void check_cross_entropy(int64_t rows, int64_t classes, const uint32_t *target)
{
    gradient_check(&(gradient_case){.op = "cross_entropy",
                                    .input = {shape_2(rows, classes)},
                                    .inputs = 1,
                                    .low = -3,
                                    .high = 3,
                                    .build = build_cross_entropy,
                                    .context = target});
}

static void test_cross_entropy(void **state)
{
    (void)state;
    const uint32_t target[] = {0, 3, 2, 0, 3};
    check_cross_entropy(5, 4, target);
    check_cross_entropy(2, 17, target);
    check_cross_entropy(3, 80, target);
    check_cross_entropy(1, 1, target);
}

static void test_cross_entropy_with_rows_that_do_not_count(void **state)
{
    (void)state;
    const uint32_t target[] = {0, CROSS_ENTROPY_IGNORE, 2, CROSS_ENTROPY_IGNORE};
    check_cross_entropy(4, 5, target);
    check_cross_entropy(1, 5, target + 1);
}

/* ---- InfoNCE ---- */

typedef struct contrasting {
    double temperature;
    const uint32_t *id;
    const real *log_q;
    bool symmetric, itself;
} contrasting;

static node *build_info_nce(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const contrasting *c = context;
    (void)table;
    return graph_info_nce(g, x[0], x[c->itself ? 0 : 1], c->temperature, c->id, c->log_q, c->symmetric);
}

static void check_info_nce(int64_t B, int64_t D, const contrasting *c)
{
    gradient_check(&(gradient_case){.op = "info_nce",
                                    .input = {shape_2(B, D), shape_2(B, D)},
                                    .inputs = c->itself ? 1 : 2,
                                    .build = build_info_nce,
                                    .context = c,
                                    .tolerance = 1e-7});
}

static void test_info_nce_with_all_its_options(void **state)
{
    (void)state;
    const uint32_t id[] = {4, 1, 4, 2, 1, 4, 9};
    const real log_q[] = {-1, -2, -0.5, -3, -1.5, -1, -6};
    for (int with = 0; with < 16; with++)
        check_info_nce(7, 3,
                       &(contrasting){.temperature = 0.5,
                                      .id = with & 1 ? id : NULL,
                                      .log_q = with & 2 ? log_q : NULL,
                                      .symmetric = with & 4,
                                      .itself = with & 8});
}

static void test_info_nce_of_other_shapes(void **state)
{
    (void)state;
    const uint32_t same[5] = {3, 3, 3, 3, 3}; /* each row is left with its own pair alone */
    for (int symmetric = 0; symmetric < 2; symmetric++) {
        check_info_nce(1, 4, &(contrasting){.temperature = 1, .symmetric = symmetric});
        check_info_nce(18, 2, &(contrasting){.temperature = 0.2, .symmetric = symmetric});
        check_info_nce(3, 1, &(contrasting){.temperature = 3, .symmetric = symmetric});
        check_info_nce(5, 2, &(contrasting){.temperature = 1, .symmetric = symmetric, .id = same});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mse),
        cmocka_unit_test(test_bce),
        cmocka_unit_test(test_bpr_of_two_and_of_one),
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_cross_entropy_with_rows_that_do_not_count),
        cmocka_unit_test(test_info_nce_with_all_its_options),
        cmocka_unit_test(test_info_nce_of_other_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
