#include "gradient.h"

static const uint32_t rows[] = {4, 0, 4, 2, 4, 1}, others[] = {0, 2, 2, 1, 0, 2};

static node *gather(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)x;
    return graph_gather(g, table[0], rows, *(const shape *)context);
}

static node *selected(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return graph_select(g, x[0], rows, *(const int64_t *)context);
}

typedef struct bag_options {
    csr bags;
    bool mean;
} bag_options;

static node *bag(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const bag_options *o = context;
    (void)x;
    return graph_bag(g, table[0], &o->bags, o->mean);
}

static node *gather_dot(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)x;
    (void)context;
    return graph_gather_dot(g, table[0], rows, table[1], others, 6);
}

static node *gather_dot_of_one(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)x;
    (void)context;
    return graph_gather_dot(g, table[0], rows, table[0], others, 6);
}

static node *rows_square(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)x;
    return graph_rows_square(g, table[0], rows, *(const int64_t *)context);
}

static void test_gather(void **state)
{
    (void)state;
    const shape form[] = {shape_1(6), shape_2(2, 3), shape_3(3, 1, 2), shape_scalar(), shape_1(0)};
    const int64_t width[] = {1, 3, 16, 37, 67};
    for (int i = 0; i < 5; i++)
        gradient_check(&(gradient_case){
            .op = "gather", .table = {shape_2(5, width[i])}, .tables = 1, .build = gather, .context = &form[i]});
}

static void test_select(void **state)
{
    (void)state;
    const int64_t count[] = {6, 1, 0}, width[] = {3, 17, 64};
    for (int i = 0; i < 3; i++)
        gradient_check(&(gradient_case){.op = "select",
                                        .input = {shape_2(5, width[i])},
                                        .inputs = 1,
                                        .build = selected,
                                        .context = &count[i]});
}

static void test_bag(void **state)
{
    (void)state;
    const int64_t start[] = {0, 2, 2, 5, 6};
    const float value[] = {0.5F, -1, 2, 3, -0.25F, 1};
    for (int i = 0; i < 4; i++) {
        const bag_options o = {{4, 5, start, rows, i % 2 == 0 ? value : NULL}, i / 2 == 0};
        gradient_check(&(gradient_case){
            .op = "bag", .table = {shape_2(5, 3 + 8 * i)}, .tables = 1, .build = bag, .context = &o});
    }
}

static void test_gather_dot(void **state)
{
    (void)state;
    const int64_t width[] = {1, 5, 16, 33};
    for (int i = 0; i < 4; i++)
        gradient_check(&(gradient_case){.op = "gather_dot",
                                        .table = {shape_2(5, width[i]), shape_2(3, width[i])},
                                        .tables = 2,
                                        .build = gather_dot});
    gradient_check(
        &(gradient_case){.op = "gather_dot", .table = {shape_2(5, 4)}, .tables = 1, .build = gather_dot_of_one});
}

static void test_rows_square(void **state)
{
    (void)state;
    const int64_t count[] = {6, 1, 0}, width[] = {1, 18, 64};
    for (int i = 0; i < 3; i++)
        gradient_check(&(gradient_case){.op = "rows_square",
                                        .table = {shape_2(5, width[i])},
                                        .tables = 1,
                                        .build = rows_square,
                                        .context = &count[i]});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gather),     cmocka_unit_test(test_select),      cmocka_unit_test(test_bag),
        cmocka_unit_test(test_gather_dot), cmocka_unit_test(test_rows_square),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
