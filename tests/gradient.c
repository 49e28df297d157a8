#include "gradient.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

enum { COPIES_MOST = 2 };

/* A case and everything it is tried with. */
typedef struct trial {
    const gradient_case *c;
    int copies; /* of the op, summed */
    medley_runtime *rt;
    graph *g;
    parameters tables;
    parameter *table[GRADIENT_TABLES_MOST];
    real *x[GRADIENT_INPUTS_MOST];
    real *analytic[GRADIENT_INPUTS_MOST + GRADIENT_TABLES_MOST];
} trial;

static real weight_of(int copy, int64_t place)
{
    return random_uniform(77, (uint64_t)copy, (uint64_t)place) * 2 - 1;
}

static void weigh_backward(graph *g, node *n)
{
    for (int copy = 0; copy < n->inputs; copy++) {
        bool add;
        real *grad = graph_grad(g, n->input[copy], &add);
        for (int64_t i = 0; grad != NULL && i < shape_count(n->input[copy]->shape); i++)
            grad[i] = (add ? grad[i] : 0) + n->grad[0] * weight_of(copy, i);
    }
}

/* L = sum over copies of <w_copy, y_copy> */
static const op_class op_weigh = {"weigh", "L = sum of <w, y>", weigh_backward};

static node *loss_of(trial *t, node *const *x)
{
    node *y[COPIES_MOST];
    for (int copy = 0; copy < t->copies; copy++)
        y[copy] = t->c->build(t->g, x, t->table, t->c->context);
    node *loss = graph_node(t->g, &op_weigh, shape_scalar(), y, t->copies);
    double sum = 0;
    for (int copy = 0; copy < t->copies && !graph_failed(t->g); copy++)
        for (int64_t i = 0; i < shape_count(y[copy]->shape); i++)
            sum += weight_of(copy, i) * y[copy]->value[i];
    loss->value[0] = sum;
    return loss;
}

static node *run(trial *t, node *x[GRADIENT_INPUTS_MOST])
{
    graph_begin(t->g, (graph_place){.seed = 5, .step = 3, .training = !t->c->outside_training});
    for (int i = 0; i < t->c->inputs; i++)
        x[i] = graph_variable(t->g, t->c->input[i], t->x[i]);
    node *loss = loss_of(t, x);
    medley_error err = {MEDLEY_OK, ""};
    if (graph_status(t->g, &err) != MEDLEY_OK)
        fail_msg("%s: %s", t->c->op, err.message);
    return loss;
}

static void fill_random(const gradient_case *c, real *value, int64_t count, int which)
{
    const bool unit = c->low == 0 && c->high == 0;
    const double low = unit ? -1 : c->low, high = unit ? 1 : c->high;
    for (int64_t i = 0; i < count; i++)
        value[i] = low + (high - low) * random_uniform(11, (uint64_t)which, (uint64_t)i);
}

static void start(trial *t)
{
    const gradient_case *c = t->c;
    assert_true(c->inputs <= GRADIENT_INPUTS_MOST && c->tables <= GRADIENT_TABLES_MOST);
    assert_ok(graph_create(t->rt, &t->g, err));
    static const char *const names[GRADIENT_TABLES_MOST] = {"first", "second", "third"};
    parameters_init(t->rt, &t->tables);
    for (int i = 0; i < c->tables; i++)
        t->table[i] = parameters_add(&t->tables, names[i], c->table[i], PARAMETER_ROWS, initial_zero);
    assert_ok(parameters_allocate(t->rt, &t->tables, 1, err));
    for (int i = 0; i < c->inputs + c->tables; i++) {
        const shape s = i < c->inputs ? c->input[i] : c->table[i - c->inputs];
        if (i < c->inputs)
            assert_ok(mem_alloc(t->rt, shape_count(s), sizeof(real), &t->x[i], err));
        assert_ok(mem_alloc_zero(t->rt, shape_count(s), sizeof(real), &t->analytic[i], err));
        fill_random(c, i < c->inputs ? t->x[i] : t->table[i - c->inputs]->value, shape_count(s), i);
    }
}

static void finish(trial *t)
{
    for (int i = 0; i < t->c->inputs + t->c->tables; i++) {
        if (i < t->c->inputs)
            mem_free(t->x[i]);
        mem_free(t->analytic[i]);
    }
    parameters_release(&t->tables);
    graph_free(t->g);
}

static void scatter_rows(const gradient_case *c, const parameter *p, real *out)
{
    const int64_t D = shape_width(p->shape);
    for (int64_t i = 0; i < p->rows.count; i++) {
        const uint32_t row = p->rows.row[i];
        if (row >= p->shape.size[0] || (i > 0 && row <= p->rows.row[i - 1]))
            fail_msg("%s: table '%s': row %u of its gradient does not ascend", c->op, p->name, row);
        memcpy(out + row * D, p->rows.value + i * D, (size_t)D * sizeof *out);
    }
}

static void differentiate(trial *t)
{
    const gradient_case *c = t->c;
    node *x[GRADIENT_INPUTS_MOST];
    node *loss = run(t, x);
    medley_error err = {MEDLEY_OK, ""};
    if (graph_backward(t->g, loss, &err) != MEDLEY_OK)
        fail_msg("%s: %s", c->op, err.message);
    for (int i = 0; i < c->inputs; i++)
        if (x[i]->grad != NULL)
            memcpy(t->analytic[i], x[i]->grad, (size_t)shape_count(c->input[i]) * sizeof(real));
    for (int i = 0; i < c->tables; i++)
        scatter_rows(c, t->table[i], t->analytic[c->inputs + i]);
}

/* Places of one input or table: (L(v + h) - L(v - h)) / 2h beside what backward says. */
static void compare(trial *t, int which)
{
    const gradient_case *c = t->c;
    const bool is_input = which < c->inputs;
    const int64_t count = shape_count(is_input ? c->input[which] : c->table[which - c->inputs]);
    real *value = is_input ? t->x[which] : t->table[which - c->inputs]->value;
    const double tolerance = c->tolerance > 0 ? c->tolerance : 1e-8;
    node *x[GRADIENT_INPUTS_MOST];
    for (int64_t i = 0; i < count; i++) {
        const double kept = value[i], h = 1e-5 * fmax(1, fabs(kept));
        value[i] = kept + h;
        const double above = run(t, x)->value[0];
        value[i] = kept - h;
        const double below = run(t, x)->value[0];
        value[i] = kept;
        const double numeric = (above - below) / (2 * h), analytic = t->analytic[which][i];
        if (!(fabs(analytic - numeric) <= tolerance * fmax(1, fabs(analytic))))
            fail_msg("%s, used %d times: %s %d, place %lld: backward says %.12g, differences %.12g", c->op,
                     t->copies, is_input ? "input" : "table", is_input ? which : which - c->inputs, (long long)i,
                     analytic, numeric);
    }
}

void gradient_check(const gradient_case *c)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    for (int copies = 1; copies <= COPIES_MOST; copies++) {
        trial t = {.c = c, .copies = copies, .rt = rt};
        start(&t);
        differentiate(&t);
        for (int which = 0; which < c->inputs + c->tables; which++)
            compare(&t, which);
        finish(&t);
    }
    test_runtime_end(rt, &memory);
}
