#include "gradient.h"

static const uint32_t user[] = {0, 0, 2, 2, 2, 3}, positive[] = {0, 2, 2, 1, 0, 2},
                      negative[] = {1, 1, 0, 0, 1, 3};

typedef struct triple_case {
    int64_t width, count;
    bool biased;
    double penalty;
} triple_case;

static bpr_rows triples_of(parameter *p, parameter *q, int64_t count)
{
    return (bpr_rows){.p = p, .q = q, .user = user, .positive = positive, .negative = negative, .count = count};
}

static node *bpr(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const triple_case *c = context;
    bpr_rows of = triples_of(table[0], table[1], c->count);
    of.c = c->biased ? table[2] : NULL;
    (void)x;
    return graph_bpr_rows(g, &of, c->penalty);
}

/* Rows of e are met from one, two and three triples, and one by none. */
static node *bpr_seen(graph *g, node *const *x, parameter *const *table, const void *context)
{
    static const uint32_t e_positive[] = {4, 2, 2, 1, 4, 2}, e_negative[] = {1, 1, 4, 4, 1, 0};
    const triple_case *c = context;
    bpr_rows of = triples_of(table[0], table[1], c->count);
    of.t = table[2];
    of.e = x[0];
    of.e_positive = e_positive;
    of.e_negative = e_negative;
    return graph_bpr_rows(g, &of, c->penalty);
}

static node *bpr_of_one(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const bpr_rows of = triples_of(table[0], table[0], 6);
    (void)x, (void)context;
    return graph_bpr_rows(g, &of, 0.5);
}

static void test_bpr_rows(void **state)
{
    (void)state;
    static const triple_case cases[] = {
        {1, 6, true, 0.25}, {3, 6, false, 0}, {16, 6, true, 0},
        {37, 6, false, 2},  {64, 6, true, 1}, {67, 1, true, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        gradient_check(&(gradient_case){
            .op = "bpr_rows",
            .table = {shape_2(4, cases[i].width), shape_2(4, cases[i].width), shape_2(4, 1)},
            .tables = cases[i].biased ? 3 : 2,
            .build = bpr,
            .context = &cases[i],
        });
}

static void test_vectors_of_a_node_join_in(void **state)
{
    (void)state;
    static const triple_case cases[] = {
        {1, 6, false, 0.25}, {3, 6, false, 0}, {16, 6, false, 1}, {37, 1, false, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        gradient_check(&(gradient_case){
            .op = "bpr_rows",
            .input = {shape_2(5, 2 * cases[i].width)},
            .inputs = 1,
            .table = {shape_2(4, cases[i].width), shape_2(4, cases[i].width), shape_2(4, 2 * cases[i].width)},
            .tables = 3,
            .build = bpr_seen,
            .context = &cases[i],
        });
}

static void test_users_may_be_items(void **state)
{
    (void)state;
    gradient_check(
        &(gradient_case){.op = "bpr_rows", .table = {shape_2(5, 18)}, .tables = 1, .build = bpr_of_one});
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bpr_rows),
                                       cmocka_unit_test(test_vectors_of_a_node_join_in),
                                       cmocka_unit_test(test_users_may_be_items)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
