#include "gradient.h"

#include "base/base.h"

typedef struct pair {
    csr_owner a, transposed;
} pair;

static node *multiply(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const pair *p = context;
    (void)table;
    return graph_spmm(g, &p->a.view, &p->transposed.view, x[0]);
}

/* rows x columns, about a third of it filled; with values or all ones. */
static void check(int64_t rows, int64_t columns, int64_t d, bool values)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    uint32_t row[512], column[512];
    float value[512];
    int64_t count = 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            if (r != 1 && random_uniform(1, (uint64_t)r, (uint64_t)c) < 0.34) {
                row[count] = (uint32_t)r;
                column[count] = (uint32_t)c;
                value[count++] = (float)random_uniform(2, (uint64_t)r, (uint64_t)c) - 0.5f;
            }
    pair p = {0};
    assert_ok(csr_build(rt, rows, columns, row, column, values ? value : NULL, count, &p.a, err));
    assert_ok(csr_transpose(rt, &p.a.view, &p.transposed, err));
    gradient_check(&(gradient_case){
        .op = "spmm", .input = {shape_2(columns, d)}, .inputs = 1, .build = multiply, .context = &p});
    csr_release(&p.a);
    csr_release(&p.transposed);
    test_runtime_end(rt, &memory);
}

static void test_sparse_times_dense_with_values_and_without(void **state)
{
    (void)state;
    check(4, 5, 3, true);
    check(4, 5, 3, false);
    check(1, 1, 1, true);
    check(7, 3, 16, true);
    check(3, 7, 19, true);
}

static void test_sparse_of_nothing(void **state)
{
    (void)state;
    check(0, 4, 2, true);
    check(4, 0, 2, true);
    check(4, 4, 0, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sparse_times_dense_with_values_and_without),
        cmocka_unit_test(test_sparse_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
