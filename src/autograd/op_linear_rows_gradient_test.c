#include "gradient.h"

#include "base/base.h"

enum { ROWS = 9, LONGEST = 300 };

/* Which rows of a table, and how long they are. */
typedef struct pick {
    int64_t length, count;
    uint32_t row[200];
} pick;

static real table[ROWS * LONGEST];

static int set_up(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < ROWS * LONGEST; i++)
        table[i] = (real)(2 * random_uniform(4, 1, i) - 1);
    return 0;
}

static node *build(graph *g, node *const *x, parameter *const *tables, const void *context)
{
    const pick *p = context;
    (void)tables;
    return graph_linear_rows(g, table, p->row, p->count, x[0], x[1]);
}

static node *build_without_bias(graph *g, node *const *x, parameter *const *tables, const void *context)
{
    const pick *p = context;
    (void)tables;
    return graph_linear_rows(g, table, p->row, p->count, x[0], NULL);
}

static void check(int64_t length, int64_t count, int64_t outputs)
{
    pick p = {.length = length, .count = count};
    for (int64_t i = 0; i < count; i++)
        p.row[i] = (uint32_t)((i * 5 + 2) % ROWS);
    gradient_case c = {.op = "linear_rows",
                       .input = {shape_2(outputs, length), shape_1(outputs)},
                       .inputs = 2,
                       .build = build,
                       .context = &p};
    gradient_check(&c);
    c.inputs = 1;
    c.build = build_without_bias;
    gradient_check(&c);
}

static void test_weights_and_bias_get_their_gradients(void **state)
{
    (void)state;
    check(3, 4, 2);
    check(1, 1, 1);
    check(5, 65, 3);  /* more than a tile of rows, some of them repeated */
    check(257, 2, 2); /* more than a tile of columns */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_and_bias_get_their_gradients),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
