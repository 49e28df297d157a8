/* The number that the training core calculates with: float; double in the twin library that gradients are checked
 * with (MEDLEY_REAL_DOUBLE). Files that say `real` are compiled both ways. */
#ifndef TENSOR_REAL_H
#define TENSOR_REAL_H

#include <math.h>

#ifdef MEDLEY_REAL_DOUBLE
typedef double real;
#define REAL_EPSILON 2.220446049250313e-16
#define real_exp exp
#define real_log log
#define real_log1p log1p
#define real_sqrt sqrt
#define real_tanh tanh
#define real_erf erf
#define real_fabs fabs
#define real_fma fma
#else
typedef float real;
#define REAL_EPSILON 1.1920929e-7F
#define real_exp expf
#define real_log logf
#define real_log1p log1pf
#define real_sqrt sqrtf
#define real_tanh tanhf
#define real_erf erff
#define real_fabs fabsf
#define real_fma fmaf
#endif

#endif
