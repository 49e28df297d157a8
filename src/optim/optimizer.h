/* From gradients to better parameters.
 *
 *   sgd       v ← μ v + g;  w ← w − η v                                   (μ: momentum)
 *   adam      m ← β1 m + (1 − β1) g;  v ← β2 v + (1 − β2) g²;
 *             w ← w − η m̂ / (√v̂ + ε)                                      Kingma and Ba 2015
 *   adamw     as adam with w ← w − η λ w apart from the step              Loshchilov and Hutter 2019
 *   adagrad   s ← s + g²;  w ← w − η g / (√s + ε)                         Duchi et al. 2011
 *
 * Weight decay has one meaning: what a step takes from each weight that it updates, beside the loss. It is λ w added to
 * the gradient (as a loss of λ/2 |w|² would), but in adamw, where w shrinks by η λ w apart from it. The equations, their
 * order and their defaults are PyTorch's.
 *
 * Tables (PARAMETER_ROWS) are updated in one of two ways. LAZY: only the touched rows are, with the state they have and the
 * step's number; what is not touched rests (PyTorch's SparseAdam). EXACT: as if the gradient were dense with zeros;
 * momentum and decay go on in untouched rows. The exact way postpones: a row is brought up to date when it is next
 * touched (optimizer_touch, called by graph_on_touch) or by optimizer_settle, at the cost of one step, however many it has
 * missed (optim/idle_steps.h). Equal to the steps of a dense gradient but for rounding: each time, a weight differs from
 * what these steps make of it without rounding by at most 4 ε |w| + 1e-6 of the way it goes, ε half a unit in the last place
 * of 1. Weights that this bound cannot be given for (√v not well above ε in the very first steps; unusual β), and decay
 * that is in the gradient, are made up step by step, each with its rounding. Bits depend on the gradients and on the steps
 * in which rows are touched and settled, on nothing else. */
#ifndef OPTIM_OPTIMIZER_H
#define OPTIM_OPTIMIZER_H

#include "autograd/parameters.h"

typedef enum optimizer_kind { OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_ADAGRAD } optimizer_kind;
#define OPTIMIZER_CHOICES "sgd|adam|adamw|adagrad"
typedef enum optimizer_rows { ROWS_LAZY, ROWS_EXACT } optimizer_rows;
#define OPTIMIZER_ROWS_CHOICES "lazy|exact"

typedef struct optimizer_options {
    optimizer_kind kind;
    optimizer_rows rows;
    double momentum;     /* sgd: 0 none */
    double beta1, beta2; /* adam, adamw: 0.9, 0.999 */
    double epsilon;      /* 1e-8; adagrad 1e-10 */
    double weight_decay; /* λ, of parameters that decay */
    double clip_norm;    /* the gradient of all parameters is shortened to this length; 0: never */
} optimizer_options;
/* PyTorch's defaults of the kind. */
optimizer_options optimizer_defaults(optimizer_kind kind);

typedef struct optimizer optimizer;

/* State is allocated here, once: a step allocates nothing. `p` is borrowed and must be allocated. */
MEDLEY_MUST_USE medley_status optimizer_create(const medley_runtime *rt, parameters *p,
                                               const optimizer_options *options, optimizer **out,
                                               medley_error *err);
void optimizer_free(optimizer *o);
/* One step with learning rate `rate` from the gradients of the last backward pass. *norm (or NULL): the length of the
 * whole gradient before clipping. E_LIMIT "the gradient is not finite (parameter 'w')" leaves everything as it was. */
MEDLEY_MUST_USE medley_status optimizer_step(optimizer *o, double rate, double *norm, medley_error *err);
/* Brings rows that are about to be read up to date; a graph_touch_function with context the optimizer. */
void optimizer_touch(void *o, parameter *p, const uint32_t *row, int64_t count);
/* Brings all rows up to date: before anybody looks at parameters or saves. */
void optimizer_settle(optimizer *o);

/* State by name, for checkpoints: arrays as flat as parameters->values. Write into `data` to restore. */
typedef struct optimizer_state {
    const char *name; /* "momentum", "m", "v", "sum" */
    real *data;       /* [parameters->values_count] */
} optimizer_state;
enum { OPTIMIZER_STATES_MOST = 2 };
int optimizer_states(optimizer *o, optimizer_state out[OPTIMIZER_STATES_MOST]);

/* Where the optimizer is, beside the states. To settle for a checkpoint would round rows where an uninterrupted training
 * does not; what they lag behind is kept instead. */
typedef struct optimizer_place {
    int64_t steps;      /* made */
    const double *rate; /* [rates] of the last of them, which rows may have missed */
    const int64_t
        *as_of; /* [rows] of all tables, in the order of the parameters: the step of which each is; lazy: none */
    int64_t rates, rows;
} optimizer_place;
/* Borrowed from the optimizer until its next step. */
optimizer_place optimizer_at(const optimizer *o);
/* After states were restored. E_FORMAT, and nothing changed: it is no place of such an optimizer. */
MEDLEY_MUST_USE medley_status optimizer_restore(optimizer *o, const optimizer_place *at, medley_error *err);
/* Bytes of state an optimizer of `values` numbers needs. */
int64_t optimizer_bytes(optimizer_kind kind, int64_t values, int64_t rows);

#endif
