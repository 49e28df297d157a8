#include "gradient.h"

typedef struct attending {
    attention_mask mask;
    double scale, dropout;
    bool itself; /* q = k = v */
} attending;

static node *attend(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const attending *c = context;
    (void)table;
    return graph_attention(g, x[0], x[c->itself ? 0 : 1], x[c->itself ? 0 : 2], &c->mask, c->scale, c->dropout);
}

static void check(int64_t batch, int64_t heads, int64_t queries, int64_t keys, int64_t depth, int64_t width,
                  const attending *context)
{
    gradient_check(&(gradient_case){
        .op = "attention",
        .input = {shape_4(batch, heads, queries, depth), shape_4(batch, heads, keys, depth),
                  shape_4(batch, heads, keys, width)},
        .inputs = context->itself ? 1 : 3,
        .build = attend,
        .context = context,
    });
}

static void test_attention_without_a_mask(void **state)
{
    (void)state;
    check(2, 2, 3, 5, 4, 3, &(attending){.scale = 0});
    check(1, 1, 1, 1, 1, 1, &(attending){.scale = 2});
    check(1, 1, 19, 3, 2, 17, &(attending){.scale = 0.7});
    check(1, 1, 33, 2, 1, 2, &(attending){.scale = -1});
}

static void test_attention_of_nothing(void **state)
{
    (void)state;
    check(0, 2, 3, 3, 2, 2, &(attending){.scale = 0});
    check(1, 2, 0, 3, 2, 2, &(attending){.scale = 0});
    check(1, 2, 3, 0, 2, 2, &(attending){.scale = 0});
    check(1, 2, 3, 3, 0, 2, &(attending){.scale = 0});
    check(1, 2, 3, 3, 2, 0, &(attending){.scale = 0});
}

static void test_causal_attention(void **state)
{
    (void)state;
    check(2, 1, 5, 5, 2, 3, &(attending){.mask = {.causal = true}});
    check(1, 1, 3, 6, 2, 2, &(attending){.mask = {.causal = true}});
    check(1, 1, 6, 3, 2, 2, &(attending){.mask = {.causal = true}}); /* the first three queries see nothing */
}

static void test_attention_over_padded_keys(void **state)
{
    (void)state;
    const int32_t length[4] = {3, 0, 9, -1}, first[4] = {0, 2, -2, 1};
    check(4, 1, 3, 4, 2, 2, &(attending){.mask = {.length = length}});
    check(4, 1, 3, 4, 2, 2, &(attending){.mask = {.first = first}});
    check(4, 1, 4, 4, 2, 2, &(attending){.mask = {.length = length, .first = first, .causal = true}});
}

static void test_attention_with_a_bias(void **state)
{
    (void)state;
    const real hidden = -(real)INFINITY;
    const real bias[3 * 4] = {0.5, -1, 2, 0, hidden, hidden, hidden, hidden, hidden, 1, 0, hidden};
    check(2, 2, 3, 4, 2, 2, &(attending){.mask = {.bias = bias}});
    check(2, 2, 3, 4, 2, 2, &(attending){.mask = {.bias = bias, .causal = true}});
}

static void test_attention_over_several_tiles_of_keys(void **state)
{
    (void)state;
    check(1, 1, 2, 600, 1, 1, &(attending){.scale = 1}); /* and in two parts of keys */
    check(1, 1, 3, 300, 2, 1, &(attending){.mask = {.causal = true}});
}

static void test_attention_with_dropped_weights(void **state)
{
    (void)state;
    check(2, 2, 3, 5, 2, 3, &(attending){.dropout = 0.4});
    check(1, 1, 18, 4, 2, 2, &(attending){.dropout = 0.5, .mask = {.causal = true}});
}

static void test_attention_of_one_node_to_itself(void **state)
{
    (void)state;
    check(2, 1, 4, 4, 3, 3, &(attending){.itself = true});
    check(1, 1, 20, 20, 2, 2, &(attending){.itself = true, .mask = {.causal = true}});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_without_a_mask),
        cmocka_unit_test(test_attention_of_nothing),
        cmocka_unit_test(test_causal_attention),
        cmocka_unit_test(test_attention_over_padded_keys),
        cmocka_unit_test(test_attention_with_a_bias),
        cmocka_unit_test(test_attention_over_several_tiles_of_keys),
        cmocka_unit_test(test_attention_with_dropped_weights),
        cmocka_unit_test(test_attention_of_one_node_to_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
