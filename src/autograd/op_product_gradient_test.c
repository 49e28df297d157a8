#include "gradient.h"

typedef struct form {
    bool transpose_a, transpose_b, itself;
} form;

static node *multiply(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const form *f = context;
    (void)table;
    return graph_matmul(g, x[0], x[f->itself ? 0 : 1], f->transpose_a, f->transpose_b);
}

static void check_matmul(shape a, shape b, form f)
{
    gradient_check(&(gradient_case){
        .op = "matmul", .input = {a, b}, .inputs = f.itself ? 1 : 2, .build = multiply, .context = &f});
}

static void test_matrices_transposed_or_not(void **state)
{
    (void)state;
    check_matmul(shape_2(3, 4), shape_2(4, 5), (form){false, false, false});
    check_matmul(shape_2(4, 3), shape_2(4, 5), (form){true, false, false});
    check_matmul(shape_2(3, 4), shape_2(5, 4), (form){false, true, false});
    check_matmul(shape_2(4, 3), shape_2(5, 4), (form){true, true, false});
    check_matmul(shape_2(1, 1), shape_2(1, 1), (form){false, false, false});
    check_matmul(shape_2(3, 4), shape_2(3, 4), (form){false, true, true}); /* X Xᵀ */
}

static void test_matrices_of_no_rows_columns_or_terms(void **state)
{
    (void)state;
    check_matmul(shape_2(0, 4), shape_2(4, 5), (form){false, false, false});
    check_matmul(shape_2(3, 0), shape_2(0, 5), (form){false, false, false});
    check_matmul(shape_2(0, 3), shape_2(5, 0), (form){true, true, false});
    check_matmul(shape_2(3, 4), shape_2(4, 0), (form){false, false, false});
    check_matmul(shape_3(0, 2, 3), shape_3(0, 3, 2), (form){false, false, false});
}

static void test_batches_of_matrices(void **state)
{
    (void)state;
    check_matmul(shape_3(2, 3, 4), shape_3(2, 4, 5), (form){false, false, false});
    check_matmul(shape_3(2, 4, 3), shape_3(2, 4, 5), (form){true, false, false});
    check_matmul(shape_4(2, 2, 3, 4), shape_4(2, 2, 5, 4), (form){false, true, false});
    check_matmul(shape_4(1, 3, 4, 2), shape_4(1, 3, 5, 4), (form){true, true, false});
}

static void test_leading_sizes_are_rows_when_the_second_matrix_is_one(void **state)
{
    (void)state;
    check_matmul(shape_3(2, 3, 4), shape_2(4, 5), (form){false, false, false});
    check_matmul(shape_4(2, 1, 3, 4), shape_2(5, 4), (form){false, true, false});
}

static node *linear(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return graph_linear(g, x[0], x[1], context != NULL ? x[2] : NULL);
}

static void test_linear_with_and_without_a_bias(void **state)
{
    (void)state;
    static const int64_t rows[] = {1, 3, 0, 600};
    for (int i = 0; i < 4; i++)
        for (int bias = 0; bias < 2; bias++)
            gradient_check(&(gradient_case){
                .op = "linear",
                .input = {shape_2(rows[i], 2), shape_2(3, 2), shape_1(3)},
                .inputs = 2 + bias,
                .build = linear,
                .context = bias ? "" : NULL,
            });
    gradient_check(&(gradient_case){.op = "linear",
                                    .input = {shape_1(4), shape_2(3, 4), shape_1(3)},
                                    .inputs = 3,
                                    .build = linear,
                                    .context = ""});
    gradient_check(&(gradient_case){.op = "linear",
                                    .input = {shape_3(2, 3, 4), shape_2(5, 4), shape_1(5)},
                                    .inputs = 3,
                                    .build = linear,
                                    .context = ""});
}

static node *pairs(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    (void)context;
    return graph_pairwise_dots(g, x[0]);
}

static void test_pairwise_dots(void **state)
{
    (void)state;
    static const shape shapes[] = {{3, {2, 3, 4}}, {3, {1, 1, 3}},  {3, {2, 0, 3}},  {3, {0, 3, 2}},
                                   {3, {2, 3, 0}}, {3, {1, 18, 2}}, {3, {1, 66, 1}}, {3, {1, 2, 130}}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        gradient_check(&(gradient_case){.op = "pairwise_dots", .input = {shapes[i]}, .inputs = 1, .build = pairs});
}

static node *row_dots(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return graph_rows_dot(g, x[0], x[context != NULL ? 0 : 1]);
}

static void test_rows_dot(void **state)
{
    (void)state;
    static const shape shapes[] = {{1, {5}}, {2, {3, 4}}, {2, {0, 4}}, {2, {3, 0}}, {3, {2, 3, 17}}, {2, {2, 70}}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        gradient_check(
            &(gradient_case){.op = "rows_dot", .input = {shapes[i], shapes[i]}, .inputs = 2, .build = row_dots});
        gradient_check(&(gradient_case){
            .op = "rows_dot", .input = {shapes[i]}, .inputs = 1, .build = row_dots, .context = "itself"});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrices_transposed_or_not),
        cmocka_unit_test(test_matrices_of_no_rows_columns_or_terms),
        cmocka_unit_test(test_batches_of_matrices),
        cmocka_unit_test(test_leading_sizes_are_rows_when_the_second_matrix_is_one),
        cmocka_unit_test(test_linear_with_and_without_a_bias),
        cmocka_unit_test(test_pairwise_dots),
        cmocka_unit_test(test_rows_dot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
