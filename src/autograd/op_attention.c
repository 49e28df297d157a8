#include "autograd/ops.h"
#include "tensor/kernel_attention.h"

extern const op_class op_attention;

/* The inputs of the node. */
enum { Q, K, V, INPUTS };

typedef struct attention_saved {
    attention a;
    real *log_sum; /* [B, H, Tq] */
} attention_saved;

typedef struct attention_pass {
    const attention_saved *saved;
    real *out; /* forward */
    attention_gradient gradient;
    real *scratch;
} attention_pass;

static medley_status forward_task(void *context, int64_t task, int worker, medley_error *err)
{
    const attention_pass *p = context;
    const attention *a = &p->saved->a;
    (void)err;
    attention_forward(a, task, p->out, p->saved->log_sum, p->scratch + worker * attention_scratch(a));
    return MEDLEY_OK;
}

static medley_status backward_task(void *context, int64_t task, int worker, medley_error *err)
{
    const attention_pass *p = context;
    const attention *a = &p->saved->a;
    (void)err;
    attention_backward(a, &p->gradient, task, p->scratch + worker * attention_scratch(a));
    return MEDLEY_OK;
}

static real *scratch_of(graph *g, const attention *a)
{
    return graph_alloc(g, parallel_workers(graph_runtime(g)) * attention_scratch(a), sizeof(real));
}

static void attention_add(real *to, const real *from, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] += from[i];
}

/* Gradients are made tile by tile in no order of q, k and v: where two of them are one node, each has a place of its own
 * until the end. */
static void attention_way_back(graph *g, node *n)
{
    const attention_saved *saved = n->saved;
    const attention *a = &saved->a;
    real *grad[INPUTS], *place[INPUTS];
    bool add[INPUTS];
    for (int i = 0; i < INPUTS; i++) {
        place[i] = grad[i] = graph_grad(g, n->input[i], &add[i]);
        for (int j = 0; j < i; j++)
            if (grad[i] != NULL && place[i] == grad[i] && n->input[j] == n->input[i]) {
                place[i] = graph_alloc(g, shape_count(n->input[i]->shape), sizeof(real));
                add[i] = false;
            }
    }
    const int64_t parts = attention_part_reals(a);
    attention_pass p = {.saved = saved, .scratch = scratch_of(g, a)};
    p.gradient = (attention_gradient){.out = n->value,
                                      .log_sum = saved->log_sum,
                                      .d_out = n->grad,
                                      .dq = place[Q],
                                      .dk = place[K],
                                      .dv = place[V],
                                      .add_q = add[Q],
                                      .add_k = add[K],
                                      .add_v = add[V],
                                      .parts = parts > 0 ? graph_alloc(g, parts, sizeof(real)) : NULL};
    graph_parallel(g, attention_backward_tasks(a), backward_task, &p);
    if (graph_failed(g))
        return;
    attention_join_parts(a, &p.gradient);
    for (int i = 0; i < INPUTS; i++)
        if (place[i] != grad[i])
            attention_add(grad[i], place[i], shape_count(n->input[i]->shape));
}

const op_class op_attention = {"attention", "softmax(Q Kᵀ scale + mask) V", attention_way_back};

static bool shapes_fit(shape q, shape k, shape v)
{
    bool fit = q.rank == 4 && k.rank == 4 && v.rank == 4 && q.size[3] == k.size[3] && k.size[2] == v.size[2];
    for (int i = 0; fit && i < 2; i++)
        fit = q.size[i] == k.size[i] && k.size[i] == v.size[i];
    return fit && k.size[2] < INT32_MAX / 2 && q.size[2] < INT32_MAX / 2;
}

static attention attention_of(const graph *g, const node *const *x, const attention_mask *mask, double scale,
                              double dropout)
{
    const int64_t *size = x[Q]->shape.size, depth = size[3];
    const graph_place where = graph_where(g);
    const attention_mask none = {0};
    mask = mask != NULL ? mask : &none;
    return (attention){.batch = size[0],
                       .heads = size[1],
                       .queries = size[2],
                       .keys = x[K]->shape.size[2],
                       .depth = depth,
                       .width = x[V]->shape.size[3],
                       .q = x[Q]->value,
                       .k = x[K]->value,
                       .v = x[V]->value,
                       .causal = mask->causal,
                       .first = mask->first,
                       .length = mask->length,
                       .bias = mask->bias,
                       .scale = (real)(scale != 0  ? scale
                                       : depth > 0 ? 1 / sqrt((double)depth)
                                                   : 1),
                       .dropout = where.training ? dropout : 0,
                       .seed = mix64(where.seed) ^ where.step,
                       .stream = graph_stream(g)};
}

node *graph_attention(graph *g, node *q, node *k, node *v, const attention_mask *mask, double scale,
                      double dropout)
{
    char format[INPUTS][SHAPE_TEXT];
    if (graph_failed(g))
        return graph_poison(g);
    if (!shapes_fit(q->shape, k->shape, v->shape))
        return graph_fail(g, MEDLEY_E_SHAPE,
                          "attention: q %s, k %s, v %s: not [B,H,Tq,D], [B,H,Tk,D] and [B,H,Tk,Dv]",
                          shape_format(q->shape, format[Q]), shape_format(k->shape, format[K]),
                          shape_format(v->shape, format[V]));
    if (!(dropout >= 0 && dropout < 1))
        return graph_fail(g, MEDLEY_E_ARGUMENT, "attention: dropout %g is outside 0..1, 1 excluded", dropout);
    node *const x[INPUTS] = {q, k, v};
    attention_saved *saved = graph_alloc(g, 1, sizeof *saved);
    if (saved == NULL)
        return graph_poison(g);
    saved->a = attention_of(g, (const node *const *)x, mask, scale, dropout);
    const attention *a = &saved->a;
    saved->log_sum = graph_alloc(g, a->batch * a->heads * a->queries, sizeof(real));
    node *n = graph_node(g, &op_attention, shape_4(a->batch, a->heads, a->queries, a->width), x, INPUTS);
    attention_pass p = {.saved = saved, .out = n->value, .scratch = scratch_of(g, a)};
    graph_parallel(g, attention_forward_tasks(a), forward_task, &p);
    if (graph_failed(g))
        return graph_poison(g);
    n->saved = saved;
    return n;
}
