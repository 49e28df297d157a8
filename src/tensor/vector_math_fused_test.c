/* The same bounds hold with fused multiply-adds. */
#define VECTOR_MATH_FUSED
#include "tensor/vector_math_test.c"
