/* What rows without a gradient have missed, summed up for all of them together.
 *
 * A row had its last gradient in step t0. With A, R and p the rate, root and shrink of a step's pace, step t = t0 + j is
 *
 *   w ← p_t w − A_t β1^j m / (√(β2^j v) R_t + ε)  =  p_t w − b_j m / (√v + ε d_j),  d_j = β2^(−j/2) / R_t,  b_j = A_t β1^j d_j
 *
 * About a centre c of the d_j, let q = 1 / (√v + ε c), y = ε c q, which is below 1, and δ_j = d_j / c − 1:
 *
 *   1 / (√v + ε d_j)  =  q / (1 + y δ_j)  =  q (1 − y δ_j + (y δ_j)² − ...)
 *
 * The d_j change slowly while b_j falls by ρ = β1 / √β2 a step, so δ is small where it matters, and the sums
 * S_k = Σ b_j δ_j^k are the same for all weights of all rows of one t0. From t0 to T, with P the product of the shrinks up
 * to a step,
 *
 *   w_T = (P_T / P_t0) w − m q P_T Σ_k (−y)^k S_k,  b_j being divided by P_t,  k = 0..3; what is left out is below y⁴ S_4, if
 * S_4 = Σ b_j δ_j⁴ max(1, c / d_j), because 1 + y δ_j is at least the lesser of 1 and d_j / c.
 *
 * Momentum SGD is the same with d = c = 1 and β1 = μ. Rows whose t0 is so old that ρ^j vanished move no more. */
#ifndef OPTIM_IDLE_STEPS_H
#define OPTIM_IDLE_STEPS_H

#include "tensor/kernel_optimizer.h"

/* Steps that are postponed at most. */
enum { IDLE_WINDOW = 1024 };

/* Of rows that shrink (AdamW), and of those that do not. */
typedef struct idle_course {
    double shrunk[IDLE_WINDOW + 1]; /* P, by steps of the window */
    double sum[IDLE_SUMS][IDLE_WINDOW];
} idle_course;

typedef struct idle_steps {
    bool adaptive, apart;
    double beta2, centre_far;                              /* β2^(−j/2) at the j of the centre */
    int64_t centre_age, length;                            /* steps until ρ^j vanishes */
    double keep1[IDLE_WINDOW + 1], keep2[IDLE_WINDOW + 1]; /* β1^j, β2^j */
    double fade[IDLE_WINDOW];                              /* ρ^j, at IDLE_WINDOW − j, as these: */
    double far[IDLE_WINDOW], near[IDLE_WINDOW];            /* β2^(−j/2), β2^(j/2) */
    double centre[IDLE_WINDOW], uncentre[IDLE_WINDOW];     /* c and 1 / c, by t0 */
    idle_course course[2];                                 /* by whether it shrinks */
    int64_t steps; /* of the window, which begins when all rows are up to date */
} idle_steps;

/* For momentum (`adaptive` false) or Adam. */
void idle_create(idle_steps *s, const update_rule *rule, bool adaptive, bool apart);
/* A window begins. */
void idle_restart(idle_steps *s);
/* Whether no further step fits into the window: all rows must be brought up to date, and it begins again. */
bool idle_is_full(const idle_steps *s);
/* Step t has been made. */
void idle_add(idle_steps *s, int64_t t, const update_pace *pace);
/* What rows have missed that are as of the window's step `from`; `pace` is of the window's steps. */
update_idle idle_since(const idle_steps *s, const update_rule *rule, const update_pace *pace, int64_t from);

#endif
