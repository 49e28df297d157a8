#include "gradient.h"

typedef struct form {
    int axis, inputs;
    int64_t first, count;
    int order[SHAPE_RANK_MOST];
    shape s;
} form;

static node *reshape(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return graph_reshape(g, x[0], ((const form *)context)->s);
}
/* What reshape hands on is changed in place behind it. */
static node *reshape_between(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return graph_square(g, graph_reshape(g, graph_mul(g, x[0], x[0]), ((const form *)context)->s));
}
static node *concat(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const form *f = context;
    (void)table;
    return graph_concat(g, x, f->inputs, f->axis);
}
static node *concat_of_one(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return graph_concat(g, (node *[]){x[0], x[0], x[0]}, 3, ((const form *)context)->axis);
}
static node *stack(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const form *f = context;
    (void)table;
    return graph_stack(g, x, f->inputs, f->axis);
}
static node *slice(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const form *f = context;
    (void)table;
    return graph_slice(g, x[0], f->axis, f->first, f->count);
}
static node *permute(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return graph_permute(g, x[0], ((const form *)context)->order);
}
static node *transpose(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table, (void)context;
    return graph_transpose(g, x[0]);
}

static void test_reshape(void **state)
{
    (void)state;
    const form forms[] = {{.s = shape_1(6)}, {.s = shape_3(1, 3, 2)}, {.s = shape_2(-1, 2)}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        gradient_check(&(gradient_case){
            .op = "reshape", .input = {shape_2(2, 3)}, .inputs = 1, .build = reshape, .context = &forms[i]});
        gradient_check(&(gradient_case){.op = "reshape",
                                        .input = {shape_2(2, 3)},
                                        .inputs = 1,
                                        .build = reshape_between,
                                        .context = &forms[i]});
    }
}

static void test_concat_along_every_axis(void **state)
{
    (void)state;
    for (int axis = -3; axis < 3; axis++) {
        gradient_case c = {
            .op = "concat", .inputs = 3, .build = concat, .context = &(form){.axis = axis, .inputs = 3}};
        for (int i = 0; i < 3; i++) {
            c.input[i] = shape_3(2, 3, 4);
            c.input[i].size[axis < 0 ? axis + 3 : axis] = i == 1 ? 0 : i + 1;
        }
        gradient_check(&c);
        gradient_check(&(gradient_case){.op = "concat",
                                        .input = {shape_3(2, 1, 3)},
                                        .inputs = 1,
                                        .build = concat_of_one,
                                        .context = &(form){.axis = axis}});
    }
}

static void test_stack_along_every_axis(void **state)
{
    (void)state;
    for (int axis = -3; axis <= 2; axis++)
        gradient_check(&(gradient_case){.op = "stack",
                                        .input = {shape_2(2, 3), shape_2(2, 3)},
                                        .inputs = 2,
                                        .build = stack,
                                        .context = &(form){.axis = axis, .inputs = 2}});
}

static void test_slice_of_every_axis(void **state)
{
    (void)state;
    for (int axis = 0; axis < 3; axis++)
        for (int64_t first = 0; first <= 4; first++)
            for (int64_t count = 0; first + count <= 4; count++)
                gradient_check(
                    &(gradient_case){.op = "slice",
                                     .input = {shape_3(axis == 0 ? 4 : 2, axis == 1 ? 4 : 1, axis == 2 ? 4 : 3)},
                                     .inputs = 1,
                                     .build = slice,
                                     .context = &(form){.axis = axis, .first = first, .count = count}});
}

static void test_every_permutation(void **state)
{
    (void)state;
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++)
            for (int c = 0; c < 4; c++)
                if (a != b && b != c && a != c)
                    gradient_check(&(gradient_case){.op = "permute",
                                                    .input = {shape_4(2, 3, 1, 4)},
                                                    .inputs = 1,
                                                    .build = permute,
                                                    .context = &(form){.order = {a, b, c, 6 - a - b - c}}});
    gradient_check(&(gradient_case){
        .op = "permute", .input = {shape_1(3)}, .inputs = 1, .build = permute, .context = &(form){.order = {0}}});
}

static void test_transpose(void **state)
{
    (void)state;
    const shape shapes[] = {shape_2(3, 5), shape_2(17, 16), shape_3(2, 3, 4), shape_4(1, 2, 3, 2), shape_2(0, 3)};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        gradient_check(&(gradient_case){.op = "transpose", .input = {shapes[s]}, .inputs = 1, .build = transpose});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reshape),
        cmocka_unit_test(test_concat_along_every_axis),
        cmocka_unit_test(test_stack_along_every_axis),
        cmocka_unit_test(test_slice_of_every_axis),
        cmocka_unit_test(test_every_permutation),
        cmocka_unit_test(test_transpose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
