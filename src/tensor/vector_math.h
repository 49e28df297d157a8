/* Functions of one number for loops that the compiler vectorises: no branch, no call.
 * Errors below are against the exact value, over all floats (vector_math_test.c). The double twin takes libm's.
 * NaN gives NaN.
 *
 *   vm_exp         1.1 ulp; 0 where the result would be below 1.7e-38
 *   vm_log         1 ulp; of 0 -inf, of less NaN; ln FLT_MIN of less than FLT_MIN
 *   vm_tanh        2.7 ulp
 *   vm_sigmoid     2.5 ulp; 0 where the result would be below 1.7e-38
 *   vm_softplus    2.8 ulp; ln(1 + eˣ); 0 where eˣ would be below 1.7e-38
 *   vm_erf         3.2 ulp
 *   vm_normal_cdf  Φ(x), 1e-7 (absolute); _of: with exp(-x² / 2) at hand
 *
 * Coefficients are minimax fits (Lawson's weights) of the functions named beside them. */
#ifndef TENSOR_VECTOR_MATH_H
#define TENSOR_VECTOR_MATH_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tensor/real.h"

#ifdef MEDLEY_REAL_DOUBLE

static inline double vm_exp(double x)
{
    return exp(x);
}
static inline double vm_log(double x)
{
    return log(x);
}
static inline double vm_tanh(double x)
{
    return tanh(x);
}
static inline double vm_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}
static inline double vm_softplus(double x)
{
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}
static inline double vm_erf(double x)
{
    return erf(x);
}
static inline double vm_normal_cdf(double x)
{
    return 0.5 * erfc(-x * 0.70710678118654752440);
}
static inline double vm_normal_cdf_of(double x, double e)
{
    (void)e;
    return vm_normal_cdf(x);
}

#else

static inline uint32_t vm_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}
static inline float vm_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* a b + c. Files whose loops with these functions are MULTIVERSION_FMA define VECTOR_MATH_FUSED before they
 * include this one: a third less time, other last bits. In other loops fused calls do not vectorise. */
static inline float vm_mad(float a, float b, float c)
{
#ifdef VECTOR_MATH_FUSED
    return real_fma(a, b, c);
#else
    return a * b + c;
#endif
}

/* yes ? a : b. Written so, compilers put the work of a or b behind a branch and do not vectorise. */
static inline float vm_choose(bool yes, float a, float b)
{
    const uint32_t mask = 0U - (uint32_t)yes;
    return vm_float((vm_bits(a) & mask) | (vm_bits(b) & ~mask));
}

static inline float vm_least(float x, float most)
{
    return vm_choose(x > most, most, x);
}
static inline float vm_most(float x, float least)
{
    return vm_choose(x < least, least, x);
}

/* x = n ln 2 + r with |r| <= ln 2 / 2, for |x| < 2^20. Adding 1.5 × 2^23 rounds to an integer, which then
 * stands in the low bits. ln 2 in two parts: n times the first is exact. */
static inline float vm_reduce(float x, uint32_t *n)
{
    const float rounder = 12582912.0F;
    const float shifted = vm_mad(x, 1.44269504F, rounder);
    const float whole = shifted - rounder;
    *n = vm_bits(shifted) - vm_bits(rounder);
    return vm_mad(whole, 2.12194440e-4F, vm_mad(whole, -0.693359375F, x));
}
/* (eʳ - 1 - r) / r² for |r| <= ln 2 / 2 */
static inline float vm_exp_tail(float r)
{
    float p = 0.0013813142F;
    p = vm_mad(p, r, 0.008369419F);
    p = vm_mad(p, r, 0.041668456F);
    p = vm_mad(p, r, 0.16666515F);
    return vm_mad(p, r, 0.49999994F);
}

/* eˣ for x <= 89. 2^(n - 1) is a float for n = 128; for n = -126, which all less comes to, it is the bits of 0. */
static inline float vm_exp_below(float x)
{
    const float y = vm_most(x, -87.3365447F);
    uint32_t n;
    const float r = vm_reduce(y, &n);
    const float p = vm_mad(vm_exp_tail(r), r * r, r) + 1.0F;
    return (p + p) * vm_float((n + 126) << 23);
}
static inline float vm_exp(float x)
{
    return vm_exp_below(vm_least(x, 89.0F)); /* e^89 is beyond FLT_MAX */
}

/* eˣ - 1 for |x| <= 88, to 1 ulp also at 0. */
static inline float vm_expm1(float x)
{
    uint32_t n;
    const float r = vm_reduce(x, &n);
    const float p = vm_mad(vm_exp_tail(r), r * r, r);
    const float power = vm_float((n + 127) << 23);
    return vm_mad(power, p, power - 1.0F);
}

/* x = 2^e m, m in [sqrt(1/2), sqrt(2)): ln x = e ln 2 + ln(1 + f), f = m - 1. */
static inline float vm_log(float x)
{
    const float y = vm_most(x, 1.17549435e-38F);
    const uint32_t bits = vm_bits(y) + (0x3f800000U - 0x3f3504f3U);
    const float e = (float)((int32_t)(bits >> 23) - 127);
    const float f = vm_float((bits & 0x007fffffU) + 0x3f3504f3U) - 1.0F;
    float p = -0.0763443F; /* (ln(1 + f) - f + f²/2) / f³ */
    p = vm_mad(p, f, 0.1276155F);
    p = vm_mad(p, f, -0.13160194F);
    p = vm_mad(p, f, 0.14201762F);
    p = vm_mad(p, f, -0.16623357F);
    p = vm_mad(p, f, 0.20001227F);
    p = vm_mad(p, f, -0.25000823F);
    p = vm_mad(p, f, 0.3333333F);
    const float square = f * f;
    const float tail = vm_mad(square, -0.5F, vm_mad(p, f * square, e * -2.12194440e-4F));
    float edge = vm_choose(x > 3.40282347e38F, INFINITY, 0.0F);
    edge = vm_choose(x == 0.0F, -INFINITY, edge);
    edge = vm_choose(x >= 0.0F, edge, NAN);
    return vm_mad(e, 0.693359375F, tail + f) + edge;
}

/* q / (q + 2), q = e^2|x| - 1 */
static inline float vm_tanh(float x)
{
    const uint32_t sign = vm_bits(x) & 0x80000000U;
    const float a = vm_float(vm_bits(x) ^ sign);
    const float q = vm_expm1(2.0F * vm_least(a, 10.0F));
    return vm_float(vm_bits(q / (q + 2.0F)) | sign);
}

/* 1 / (1 + e⁻ˣ); for x < 0 it is eˣ / (1 + eˣ) */
static inline float vm_sigmoid(float x)
{
    const float e = vm_exp_below(vm_float(vm_bits(x) | 0x80000000U));
    return (x < 0.0F ? e : 1.0F) / (1.0F + e);
}

/* max(x, 0) + ln(1 + z), z = e^-|x|; ln(1 + z) = 2 atanh(s), s = z / (2 + z) */
static inline float vm_softplus(float x)
{
    const float z = vm_exp_below(vm_float(vm_bits(x) | 0x80000000U));
    const float s = z / (2.0F + z);
    const float square = s * s;
    float p = 0.1400598F; /* (atanh(s) / s - 1) / s² */
    p = vm_mad(p, square, 0.14000906F);
    p = vm_mad(p, square, 0.20010763F);
    p = vm_mad(p, square, 0.3333321F);
    const float half = vm_mad(p, square * s, s);
    return (x < 0.0F ? 0.0F : x) + (half + half);
}

/* -ln(erfc(z)) for 0 <= z; exact up to 4.1, where erfc is below half an ulp of 1, and growing behind. */
static inline float vm_erfc_exponent(float z)
{
    const float y = vm_least(z, 9.0F);
    float p = 1.1934106e-06F;
    p = vm_mad(p, y, -2.1355689e-05F);
    p = vm_mad(p, y, 0.00016748528F);
    p = vm_mad(p, y, -0.0007406949F);
    p = vm_mad(p, y, 0.0017993645F);
    p = vm_mad(p, y, -0.00025306814F);
    p = vm_mad(p, y, -0.01911769F);
    p = vm_mad(p, y, 0.10277127F);
    p = vm_mad(p, y, 0.6366198F);
    p = vm_mad(p, y, 1.1283792F);
    return p * y;
}
static inline float vm_erf(float x)
{
    const uint32_t sign = vm_bits(x) & 0x80000000U;
    const float t = vm_erfc_exponent(vm_float(vm_bits(x) ^ sign));
    return vm_float(vm_bits(-vm_expm1(-vm_least(t, 80.0F))) | sign);
}
/* Φ(x) with e = exp(-x² / 2) at hand: e P(|x|) below 0, 1 less that above; P fits erfc(x / sqrt(2)) / (2 e)
 * up to 5.8 and stays positive. From 13.3 on e is 0. */
static inline float vm_normal_cdf_of(float x, float e)
{
    const float a = vm_least(vm_float(vm_bits(x) & 0x7fffffffU), 14.0F);
    float p = 5.853317e-08F;
    p = vm_mad(p, a, -1.6036622e-06F);
    p = vm_mad(p, a, 1.9893016e-05F);
    p = vm_mad(p, a, -0.0001497911F);
    p = vm_mad(p, a, 0.0007796738F);
    p = vm_mad(p, a, -0.0030553488F);
    p = vm_mad(p, a, 0.009659795F);
    p = vm_mad(p, a, -0.026069168F);
    p = vm_mad(p, a, 0.062262382F);
    p = vm_mad(p, a, -0.1329169F);
    p = vm_mad(p, a, 0.2499911F);
    p = vm_mad(p, a, -0.39894179F);
    p = vm_mad(p, a, 0.5F);
    const float tail = p * e;
    return vm_choose(x > 0.0F, 1.0F - tail, tail);
}
static inline float vm_normal_cdf(float x)
{
    return vm_normal_cdf_of(x, vm_exp_below(x * x * -0.5F));
}

#endif

#endif
