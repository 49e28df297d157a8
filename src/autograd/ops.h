/* Every op. B, T, D, ... are sizes; [..., D] any leading sizes. Each checks shapes (E_SHAPE, sticky) when it is added.
 * Gradients flow to every node argument unless said otherwise. Indexes are borrowed until the next graph_begin and
 * must be below the number of rows (checked: E_ARGUMENT). */
#ifndef AUTOGRAD_OPS_H
#define AUTOGRAD_OPS_H

#include "autograd/graph.h"
#include "tensor/csr.h"

/* ---- tables (row-sparse gradients) ---- */

/* out[b] = P[row[b]].  P: PARAMETER_ROWS or DENSE [R, D]; row: [s]; out: [s, D]. */
node *graph_gather(graph *g, parameter *table, const uint32_t *row, shape s);
/* Rows of a node: x [R, D], out [count, D]; the gradient is dense. */
node *graph_select(graph *g, node *x, const uint32_t *row, int64_t count);
/* Embedding bag: out[b] = sum, or mean, over bag b of weight × P[row].  bags: [B, R]; values NULL: ones; an empty bag
 * gives zeros. */
node *graph_bag(graph *g, parameter *table, const csr *bags, bool mean);
/* out[b] = <P[a[b]], Q[c[b]]>.  P, Q: [.., D] tables of the same D; nothing of size [B, D] is made. out: [B]. */
node *graph_gather_dot(graph *g, parameter *p, const uint32_t *a, parameter *q, const uint32_t *c, int64_t count);
/* sum over b of |P[row[b]]|², repeated rows counted each time: a scalar. */
node *graph_rows_square(graph *g, parameter *p, const uint32_t *row, int64_t count);

/* ---- products ---- */

/* C = A B, with A or B transposed where said. A: [m, k], B: [k, n]. Or batched: [..., m, k] and [..., k, n] with equal
 * leading sizes. A of rank > 2 with B of rank 2: leading sizes of A are rows (not with transpose_a). */
node *graph_matmul(graph *g, node *a, node *b, bool transpose_a, bool transpose_b);
/* y = x Wᵀ + b.  x: [..., in], w: [out, in], b: [out] or NULL. */
node *graph_linear(graph *g, node *x, node *w, node *b);
/* y[b] = W x[row[b]] + bias, of rows of a constant table too large to gather whole.  table: [.., in], row: [count],
 * w: [out, in], bias: [out] or NULL -> [count, out]. */
node *graph_linear_rows(graph *g, const real *table, const uint32_t *row, int64_t count, node *w, node *bias);
/* The same of a table that was rounded to bfloat16 (tensor/kernel_rows_bf16.h), where that is available. */
struct rows_bf16;
node *graph_linear_rows_bf16(graph *g, const struct rows_bf16 *table, const uint32_t *row, int64_t count, node *w,
                             node *bias);
/* y = A x.  A: [R, C] constant; `transposed` is Aᵀ, or A itself when it is symmetric; x: [C, D] -> [R, D]. */
node *graph_spmm(graph *g, const csr *a, const csr *transposed, node *x);
/* DLRM: dots of all pairs i > j of the F vectors of each row.  x: [B, F, D] -> [B, F (F - 1) / 2], order (1,0), (2,0),
 * (2,1), ...: the lower triangle by rows. */
node *graph_pairwise_dots(graph *g, node *x);
/* out[b] = <x_b, y_b>.  x, y: [..., D] -> [...]. */
node *graph_rows_dot(graph *g, node *x, node *y);

/* ---- elementwise; shapes broadcast by NumPy's rule ---- */

node *graph_add(graph *g, node *a, node *b);
node *graph_sub(graph *g, node *a, node *b);
node *graph_mul(graph *g, node *a, node *b);
node *graph_div(graph *g, node *a, node *b);
node *graph_scale(graph *g, node *x, double factor);
node *graph_shift(graph *g, node *x, double term); /* x + term */
node *graph_exp(graph *g, node *x);
node *graph_log(graph *g, node *x);
node *graph_sqrt(graph *g, node *x);
node *graph_square(graph *g, node *x);
node *graph_relu(graph *g, node *x);
node *graph_leaky_relu(graph *g, node *x, double slope); /* x < 0: slope x */
node *graph_gelu(graph *g, node *x);                     /* x Φ(x), exact: erf */
node *graph_gelu_tanh(graph *g, node *x);                /* Hendrycks and Gimpel's tanh form */
node *graph_tanh(graph *g, node *x);
node *graph_sigmoid(graph *g, node *x);
node *graph_silu(graph *g, node *x);     /* x σ(x) */
node *graph_softplus(graph *g, node *x); /* ln(1 + eˣ), without overflow */
/* Zero with probability p, else x / (1 - p); identity outside training. Numbers from (seed, step, node, position). */
node *graph_dropout(graph *g, node *x, double p);

/* ---- reductions (fixed trees) ---- */

node *graph_sum(graph *g, node *x);                /* of all: a scalar */
node *graph_mean(graph *g, node *x);               /* of all; of nothing is E_SHAPE */
node *graph_sum_axis(graph *g, node *x, int axis); /* the axis goes; negative counts from the end */
node *graph_mean_axis(graph *g, node *x, int axis);
node *graph_max_axis(graph *g, node *x, int axis); /* gradient to the first of equal ones */

/* ---- form ---- */

node *graph_reshape(graph *g, node *x, shape s); /* one size may be -1 */
node *graph_concat(graph *g, node *const *x, int count, int axis);
node *graph_slice(graph *g, node *x, int axis, int64_t first, int64_t count);
node *graph_stack(graph *g, node *const *x, int count, int axis); /* a new axis */
/* The axes in a new order: out.size[i] = x.size[order[i]]. */
node *graph_permute(graph *g, node *x, const int *order);
node *graph_transpose(graph *g, node *x); /* the last two */

/* ---- rows: softmax and norms over the last axis ---- */

node *graph_softmax(graph *g, node *x);
node *graph_log_softmax(graph *g, node *x);
/* (x - mean) / sqrt(variance + epsilon) × gain + bias. gain, bias: [D] or NULL. Ba, Kiros and Hinton 2016. */
node *graph_layer_norm(graph *g, node *x, node *gain, node *bias, double epsilon);
/* Over all rows of x [..., D], each column by itself. Ioffe and Szegedy 2015. mean and variance [D] are the running ones:
 * moved by `momentum` in training (PyTorch's rule: unbiased variance), used outside it. Fewer than 2 rows in training: E_SHAPE. */
node *graph_batch_norm(graph *g, node *x, node *gain, node *bias, real *mean, real *variance, double momentum,
                       double epsilon);
/* x / max(|x|, epsilon), row by row. */
node *graph_l2_normalise(graph *g, node *x, double epsilon);

/* ---- attention ---- */

typedef struct attention_mask {
    bool causal;           /* query t sees keys up to t (counted from the end when lengths differ: t + Tk - Tq) */
    const int32_t *length; /* [B] keys of batch b from this one on are padding; NULL: none is */
    const int32_t *first;  /* [B] keys before this one are padding; NULL: none is */
    const real *bias;      /* [Tq, Tk] added to the scaled scores, -inf hides; NULL: none */
} attention_mask;
/* softmax(Q Kᵀ scale + mask) V, tile by tile: nothing of [Tq, Tk] is kept. q: [B, H, Tq, D], k: [B, H, Tk, D],
 * v: [B, H, Tk, Dv] -> [B, H, Tq, Dv]. scale 0: 1 / sqrt(D). A query that sees no key gives zeros. Dao et al. 2022
 * (the tiling). dropout: of the weights. */
node *graph_attention(graph *g, node *q, node *k, node *v, const attention_mask *mask, double scale,
                      double dropout);

/* ---- losses: scalars, means over rows unless said otherwise ---- */

/* mean of (x - target)². target: [shape of x], borrowed. */
node *graph_mse(graph *g, node *x, const real *target);
/* Binary cross-entropy with logits: mean of softplus(x) - target x. */
node *graph_bce(graph *g, node *x, const real *target);
/* Bayesian personalised ranking: mean of softplus(negative - positive), -ln σ of the difference. Rendle et al. 2009. */
node *graph_bpr(graph *g, node *positive, node *negative);
/* The same of scores <P[u], Q[i]> + c[i] of triples u, i, j, plus penalty / 2 times the mean of
 * |P[u]|² + |Q[i]|² + |Q[j]|² + c[i]² + c[j]². P: [U, D], Q: [I, D], c: [I, 1] or NULL, tables; users ascend
 * (E_ARGUMENT). Nothing of size [B, D] is made. With T and e, scores have + <T[u], e[i']>, and the penalty |T[u]|² + |e[i']|²
 * + |e[j']|², too; T: [U, F], a table; i', j': what rows of e, [n, F], are of i and j. */
typedef struct bpr_rows {
    parameter *p, *q, *c;
    const uint32_t *user, *positive, *negative; /* [count] */
    int64_t count;
    parameter *t; /* NULL: without */
    node *e;
    const uint32_t *e_positive, *e_negative; /* [count] */
} bpr_rows;
node *graph_bpr_rows(graph *g, const bpr_rows *of, double penalty);
/* mean of -log softmax(x)[b, target[b]]; rows whose target is CROSS_ENTROPY_IGNORE do not count. x: [B, C]. */
#define CROSS_ENTROPY_IGNORE UINT32_MAX
node *graph_cross_entropy(graph *g, node *x, const uint32_t *target);
/* The same with logits x Wᵀ + bias over a catalogue, chunk by chunk: [B, I] is never whole. x: [B, D], w: [I, D],
 * bias: [I] or NULL. */
node *graph_catalogue_cross_entropy(graph *g, node *x, node *w, node *bias, const uint32_t *target);
/* Sampled softmax. Logits of the target and of S sampled items, each less its log-probability of being sampled
 * (logQ, Bengio and Senécal 2008); samples equal to a row's target are hidden from it.
 * w: table [I, D]; sample: [S]; log_q: [I] or NULL. x: [B, D]. */
node *graph_sampled_softmax(graph *g, node *x, parameter *w, const uint32_t *target, const uint32_t *sample,
                            int64_t samples, const real *log_q);
/* InfoNCE with in-batch negatives: mean of -log softmax over j of (<x_b, y_j> / temperature - log_q[id_j]) at j = b; a j
 * with the id of b is hidden from b. ids, log_q ([B], of y's rows): or NULL. symmetric: the mean with x and y exchanged.
 * x, y: [B, D] (van den Oord et al. 2018; Yi et al. 2019). */
node *graph_info_nce(graph *g, node *x, node *y, double temperature, const uint32_t *id, const real *log_q,
                     bool symmetric);

#endif
