/* What is learnt: named arrays, carved from flat blocks so that saving, clipping and counting are loops.
 *
 * A parameter is declared, then all are allocated and filled at once:
 *
 *   parameter *w = parameters_add(&p, "w", shape_2(64, 4096), PARAMETER_DENSE, init_xavier_uniform);
 *   TRY(parameters_allocate(rt, &p, seed, err));
 *
 * PARAMETER_DENSE has a gradient of its own size. PARAMETER_ROWS is a table [rows, D] of which a step touches a few rows:
 * its gradient is a list of rows (row_gradient), made from terms that ops add on their way back. */
#ifndef AUTOGRAD_PARAMETERS_H
#define AUTOGRAD_PARAMETERS_H

#include "tensor/real.h"
#include "tensor/shape.h"

typedef enum parameter_kind { PARAMETER_DENSE, PARAMETER_ROWS } parameter_kind;

/* How values start. fan_in is the last size, fan_out the first (weights are [out, in], as in PyTorch). Numbers come from
 * (seed, name, position), so they do not depend on what else is declared. */
typedef struct initial {
    enum {
        INITIAL_CONSTANT,       /* a */
        INITIAL_UNIFORM,        /* in [a, b) */
        INITIAL_NORMAL,         /* mean a, standard deviation b */
        INITIAL_XAVIER_UNIFORM, /* Glorot and Bengio 2010, gain a */
        INITIAL_XAVIER_NORMAL,
        INITIAL_KAIMING_UNIFORM, /* He et al. 2015, fan-in; gain a: sqrt(2) for relu */
        INITIAL_KAIMING_NORMAL,
    } kind;
    double a, b;
} initial;
extern const initial initial_zero, initial_one, initial_xavier_uniform;

/* The gradient of a table in one step: distinct rows, ascending, and their gradients. In the step's arena. */
typedef struct row_gradient {
    int64_t count;
    const uint32_t *row; /* [count] */
    real *value;         /* [count, D] */
} row_gradient;

typedef struct parameter {
    const char *name;
    shape shape;
    parameter_kind kind;
    initial start;
    bool decays; /* weight decay applies: true unless it is turned off after parameters_add (biases, norms) */
    int64_t index,
        offset;        /* in the list, and of the first number in the flat blocks, where dense ones come first */
    real *value;       /* [shape] */
    real *grad;        /* DENSE: [shape], zero before a backward pass; ROWS: NULL */
    row_gradient rows; /* ROWS: of the last backward pass */
    struct row_terms *terms; /* ROWS: what the step collects (autograd/row_terms.h) */
} parameter;

enum { PARAMETERS_MOST = 512 };

/* All zero is empty. */
typedef struct parameters {
    arena memory;
    parameter *list[PARAMETERS_MOST];
    int64_t count;
    int64_t values_count; /* of all */
    int64_t grads_count;  /* of the dense ones */
    real *values, *grads; /* 64-byte aligned; each parameter starts at a multiple of 16 numbers */
    parameter spare;      /* what parameters_add returns after a failure */
    medley_error error;   /* sticky: the first failure of parameters_add */
} parameters;

void parameters_init(const medley_runtime *rt, parameters *p);
/* Declares; the name is copied. Never NULL: a failure (E_NOMEM, too many, a name twice, a size below 1 or beyond memory, a
 * table that is not [rows, D]) is kept and told by parameters_allocate. Pointers stay valid until parameters_release. */
parameter *parameters_add(parameters *p, const char *name, shape s, parameter_kind kind, initial start);
/* Allocates and fills all. Once. */
MEDLEY_MUST_USE medley_status parameters_allocate(const medley_runtime *rt, parameters *p, uint64_t seed,
                                                  medley_error *err);
void parameters_release(parameters *p);
parameter *parameters_find(const parameters *p, const char *name); /* NULL: there is none */
/* Bytes of values and gradients. */
int64_t parameters_bytes(const parameters *p);

#endif
