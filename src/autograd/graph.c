#include "autograd/graph.h"

#include "autograd/row_terms.h"
#include "tensor/gemm_bf16.h"

/* A node and its place on the tape. */
typedef struct tape_entry {
    node node;
    struct tape_entry *before;
} tape_entry;

/* A parameter that the step has met. */
typedef struct graph_use {
    parameter *parameter;
    node *leaf; /* of a dense one that was asked for as a node */
    bool added; /* to its dense gradient */
    struct graph_use *next;
} graph_use;

struct graph {
    const medley_runtime *rt;
    arena memory; /* the step's */
    tape_entry *last;
    graph_use *uses;
    uint64_t nodes;
    graph_place where;
    bool bf16;
    gemm_bf16 *products; /* made when they are first asked for */
    graph_touch_function touch;
    void *touch_context;
    real nothing; /* the poison node's value */
    node poison;
    medley_error error; /* sticky */
};

medley_status graph_create(const medley_runtime *rt, graph **out, medley_error *err)
{
    TRY(mem_alloc_zero(rt, 1, sizeof **out, out, err));
    graph *g = *out;
    g->rt = rt;
    g->memory = (arena){.rt = rt, .alignment = 64};
    g->poison.value = &g->nothing;
    return MEDLEY_OK;
}

void graph_free(graph *g)
{
    if (g == NULL)
        return;
    arena_release(&g->memory);
    gemm_bf16_free(g->products);
    mem_free(g);
}

void graph_begin(graph *g, graph_place where)
{
    for (graph_use *use = g->uses; use != NULL; use = use->next) {
        parameter *p = use->parameter;
        p->terms = NULL;
        p->rows = (row_gradient){0};
        if (use->added)
            memset(p->grad, 0, (size_t)shape_count(p->shape) * sizeof *p->grad);
    }
    arena_reset(&g->memory);
    g->last = NULL;
    g->uses = NULL;
    g->nodes = 0;
    g->where = where;
    error_clear(&g->error);
}

void graph_use_bf16(graph *g, bool on)
{
    g->bf16 = on;
}

void graph_on_touch(graph *g, graph_touch_function function, void *context)
{
    g->touch = function;
    g->touch_context = context;
}

/* ---- what ops ask ---- */

const medley_runtime *graph_runtime(const graph *g)
{
    return g->rt;
}

graph_place graph_where(const graph *g)
{
    return g->where;
}

bool graph_bf16(const graph *g)
{
    return g->bf16;
}

gemm_bf16 *graph_products(graph *g)
{
    if (g->bf16 && g->products == NULL && !graph_failed(g))
        g->error.status = gemm_bf16_create(g->rt, &g->products, &g->error);
    return g->bf16 ? g->products : NULL;
}

bool graph_failed(const graph *g)
{
    return g->error.status != MEDLEY_OK;
}

node *graph_poison(graph *g)
{
    return &g->poison;
}

uint64_t graph_stream(const graph *g)
{
    return g->nodes;
}

int64_t graph_bytes(const graph *g)
{
    return (int64_t)arena_bytes(&g->memory);
}

medley_status graph_status(const graph *g, medley_error *err)
{
    return graph_failed(g) ? fail(err, g->error.status, "%s", g->error.message) : MEDLEY_OK;
}

node *graph_fail(graph *g, medley_status status, const char *format, ...)
{
    char message[sizeof g->error.message];
    va_list values;
    if (graph_failed(g))
        return &g->poison;
    va_start(values, format);
    number_vprint(message, sizeof message, format, values);
    va_end(values);
    fail(&g->error, status, "%s", message);
    return &g->poison;
}

void *graph_alloc(graph *g, int64_t count, size_t size)
{
    void *part = NULL;
    if (!graph_failed(g))
        g->error.status = arena_alloc(&g->memory, count, size, &part, &g->error);
    return part;
}

void graph_touch(graph *g, parameter *p, const uint32_t *row, int64_t count)
{
    if (g->touch != NULL && !graph_failed(g))
        g->touch(g->touch_context, p, row, count);
}

void graph_parallel(graph *g, int64_t tasks, parallel_body body, void *context)
{
    if (graph_failed(g) || tasks <= 0)
        return;
    /* the same, without waking threads for what one does at once */
    g->error.status =
        tasks == 1 ? body(context, 0, 0, &g->error) : parallel_run(g->rt, tasks, body, context, &g->error);
}

/* ---- nodes ---- */

static bool shape_is_possible(shape s)
{
    int64_t count = 1;
    bool possible = s.rank >= 0 && s.rank <= SHAPE_RANK_MOST;
    for (int i = 0; possible && i < s.rank; i++)
        possible = s.size[i] >= 0 && !__builtin_mul_overflow(count, s.size[i], &count);
    return possible;
}

/* Adds a node without a value. */
static node *append(graph *g, const op_class *op, shape s, node *const *input, int inputs)
{
    char format[SHAPE_TEXT];
    if (graph_failed(g))
        return &g->poison;
    if (!shape_is_possible(s))
        return graph_fail(g, MEDLEY_E_SHAPE, "%s: the shape %s is not possible", op != NULL ? op->name : "leaf",
                          shape_format(s, format));
    tape_entry *entry = graph_alloc(g, 1, sizeof *entry);
    node **kept = graph_alloc(g, inputs, sizeof(node *));
    if (entry == NULL || kept == NULL)
        return &g->poison;
    *entry = (tape_entry){.node = {.op = op, .input = kept, .inputs = inputs, .shape = s}, .before = g->last};
    for (int i = 0; i < inputs; i++) {
        kept[i] = input[i];
        entry->node.wants_grad = entry->node.wants_grad || (input[i] != NULL && input[i]->wants_grad);
    }
    g->last = entry;
    g->nodes++;
    return &entry->node;
}

node *graph_node(graph *g, const op_class *op, shape s, node *const *input, int inputs)
{
    node *n = append(g, op, s, input, inputs);
    if (n != &g->poison)
        n->value = graph_alloc(g, shape_count(s), sizeof(real));
    return graph_failed(g) ? &g->poison : n;
}

node *graph_view(graph *g, const op_class *op, shape s, node *input)
{
    node *n = append(g, op, s, &input, 1);
    if (n != &g->poison)
        n->value = input->value;
    return n;
}

static node *leaf(graph *g, shape s, const real *value, bool wants_grad)
{
    node *n = append(g, NULL, s, NULL, 0);
    if (n != &g->poison) {
        n->value = (real *)(uintptr_t)value; /* nobody writes to the value of a leaf */
        n->wants_grad = wants_grad;
    }
    return n;
}

node *graph_input(graph *g, shape s, const real *value)
{
    return leaf(g, s, value, false);
}

node *graph_variable(graph *g, shape s, const real *value)
{
    return leaf(g, s, value, true);
}

/* NULL after keeping the failure. */
static graph_use *use_of(graph *g, parameter *p)
{
    graph_use *use = g->uses;
    while (use != NULL && use->parameter != p)
        use = use->next;
    if (use == NULL && (use = graph_alloc(g, 1, sizeof *use)) != NULL) {
        *use = (graph_use){.parameter = p, .next = g->uses};
        g->uses = use;
    }
    return use;
}

node *graph_parameter(graph *g, parameter *p)
{
    if (p->kind != PARAMETER_DENSE)
        return graph_fail(g, MEDLEY_E_ARGUMENT, "parameter '%s' is a table of rows, not a dense one", p->name);
    graph_use *use = use_of(g, p);
    if (use == NULL || graph_failed(g))
        return &g->poison;
    if (use->leaf == NULL) {
        node *made = leaf(g, p->shape, p->value, true);
        if (made == &g->poison)
            return made;
        made->parameter = p;
        use->leaf = made;
    }
    return use->leaf;
}

/* ---- gradients ---- */

row_terms *graph_row_terms(graph *g, parameter *p)
{
    if (use_of(g, p) != NULL && p->terms == NULL && (p->terms = graph_alloc(g, 1, sizeof *p->terms)) != NULL)
        *p->terms = (row_terms){0};
    return p->terms;
}

real *graph_grad(graph *g, node *input, bool *add)
{
    *add = false;
    if (input == NULL || !input->wants_grad || graph_failed(g))
        return NULL;
    if (input->parameter != NULL) {
        graph_use *use = use_of(g, input->parameter);
        *add = use->added;
        use->added = true;
        input->grad = input->parameter->grad;
    } else if (input->grad != NULL) {
        *add = true;
    } else {
        input->grad = graph_alloc(g, shape_count(input->shape), sizeof(real));
    }
    return input->grad;
}

/* A pass starts without what an earlier one of the step left on its way; leaves keep adding. */
static void forget_way(graph *g)
{
    for (tape_entry *entry = g->last; entry != NULL; entry = entry->before)
        if (entry->node.op != NULL)
            entry->node.grad = NULL;
}

static void sum_rows(graph *g)
{
    row_sorts sorts = {0};
    for (graph_use *use = g->uses; use != NULL && !graph_failed(g); use = use->next) {
        use->added = use->added || (use->parameter->kind == PARAMETER_DENSE && use->parameter->terms != NULL);
        row_terms_sum(g, use->parameter, &sorts);
    }
}

static void start_from(graph *g, node *root, const real *grad)
{
    bool add;
    if (root->op != NULL && root->wants_grad) { /* nobody adds to it on the way */
        root->grad = (real *)(uintptr_t)grad;
        root->lent = true;
        return;
    }
    real *seed = graph_grad(g, root, &add);
    const int64_t count = seed != NULL ? shape_count(root->shape) : 0;
    for (int64_t i = 0; i < count; i++)
        seed[i] = (add ? seed[i] : 0) + grad[i];
}

medley_status graph_backward_from(graph *g, node *root, const real *grad, medley_error *err)
{
    forget_way(g);
    start_from(g, root, grad);
    for (tape_entry *entry = g->last; entry != NULL && !graph_failed(g); entry = entry->before)
        if (entry->node.op != NULL && entry->node.grad != NULL)
            entry->node.op->backward(g, &entry->node);
    sum_rows(g);
    return graph_status(g, err);
}

medley_status graph_backward(graph *g, node *root, medley_error *err)
{
    char format[SHAPE_TEXT];
    if (!graph_failed(g) && shape_count(root->shape) != 1)
        graph_fail(g, MEDLEY_E_SHAPE, "backward: the root is %s, not a scalar", shape_format(root->shape, format));
    real *one = graph_alloc(g, 1, sizeof *one);
    if (one == NULL)
        return graph_status(g, err);
    *one = 1;
    return graph_backward_from(g, root, one, err);
}
