#include "tensor/kernel_optimizer.h"

#include <float.h>

#include "base/multiversion.h"

#ifdef MEDLEY_REAL_DOUBLE
#define REAL_LEAST DBL_MIN
#else
#define REAL_LEAST FLT_MIN
#endif

/* Steps that are made in full before asking again whether the rest can be shortened. */
enum { IDLE_BLOCK = 16, SQUARE_LANES = 16 };

/* In the body of a loop over steps: else the compiler may exchange it with the loop over weights inside, which is then no
 * longer vectorised. */
#define KEEP_ORDER __asm__ volatile("")

static inline real settled(real x)
{
    return real_fabs(x) < REAL_LEAST ? (real)0 : x;
}

/* ---- one step; g NULL: zeros. The same expressions for both, so the same bits. ---- */

static inline void step_sgd(const update_rule *r, const update_pace *p, int64_t count, const real *restrict g,
                            real *restrict w)
{
    const real rate = p->rate, clip = p->clip, decay = r->decay;
    for (int64_t i = 0; i < count; i++) {
        const real slope = (g != NULL ? g[i] : 0) * clip + decay * w[i];
        w[i] -= rate * slope;
    }
}

static inline void step_momentum(const update_rule *r, const update_pace *p, int64_t count, const real *restrict g,
                                 real *restrict w, real *restrict v)
{
    const real rate = p->rate, clip = p->clip, decay = r->decay, keep = r->keep1;
    for (int64_t i = 0; i < count; i++) {
        const real slope = (g != NULL ? g[i] : 0) * clip + decay * w[i];
        v[i] = settled(keep * v[i] + slope);
        w[i] -= rate * v[i];
    }
}

static inline void step_adam(const update_rule *r, const update_pace *p, int64_t count, const real *restrict g,
                             real *restrict w, real *restrict m, real *restrict v)
{
    const real rate = p->rate, root = p->root, clip = p->clip, decay = r->decay, epsilon = r->epsilon;
    const real keep1 = r->keep1, take1 = r->take1, keep2 = r->keep2, take2 = r->take2;
    const real shrink = r->apart ? p->shrink : 1;
    for (int64_t i = 0; i < count; i++) {
        const real slope = (g != NULL ? g[i] : 0) * clip + decay * w[i];
        m[i] = settled(keep1 * m[i] + take1 * slope);
        v[i] = settled(keep2 * v[i] + take2 * slope * slope);
        w[i] = w[i] * shrink - rate * (m[i] / (real_sqrt(v[i]) * root + epsilon));
    }
}

static inline void step_adagrad(const update_rule *r, const update_pace *p, int64_t count, const real *restrict g,
                                real *restrict w, real *restrict s)
{
    const real rate = p->rate, clip = p->clip, decay = r->decay, epsilon = r->epsilon;
    for (int64_t i = 0; i < count; i++) {
        const real slope = (g != NULL ? g[i] : 0) * clip + decay * w[i];
        s[i] += slope * slope;
        w[i] -= rate * (slope / (real_sqrt(s[i]) + epsilon));
    }
}

MULTIVERSION static void kernel_sgd_step(const update_rule *r, const update_pace *p, int64_t count, const real *g,
                                         real *w, real *const state[UPDATE_STATES_MOST])
{
    (void)state;
    step_sgd(r, p, count, g, w);
}

MULTIVERSION static void kernel_momentum_step(const update_rule *r, const update_pace *p, int64_t count,
                                              const real *g, real *w, real *const state[UPDATE_STATES_MOST])
{
    step_momentum(r, p, count, g, w, state[0]);
}

MULTIVERSION static void kernel_adam_step(const update_rule *r, const update_pace *p, int64_t count, const real *g,
                                          real *w, real *const state[UPDATE_STATES_MOST])
{
    step_adam(r, p, count, g, w, state[0], state[1]);
}

MULTIVERSION static void kernel_adagrad_step(const update_rule *r, const update_pace *p, int64_t count,
                                             const real *g, real *w, real *const state[UPDATE_STATES_MOST])
{
    step_adagrad(r, p, count, g, w, state[0]);
}

/* ---- idle steps ----
 *
 * A step leaves w as it is when what it takes, u, is less than a quarter of the gap below |w|: x − u rounds to x for
 * all x of that size. As m falls by β1 a step and the denominator by √β2 at most, u falls from step to step, and it is
 * enough to bound the next one (with the greatest rate to come, and 1 for root, which is at least 1). Where decay
 * shrinks w, u must fall faster than w. From then on m, v and w go their ways alone. */

/* Rounding, and v that becomes zero (ε is not below 1e-15), can make u exceed its bound by less than this. */
#define BOUND_SLACK (real)1.001

static inline bool is_still(real w, real bound, real shrink)
{
    return bound * BOUND_SLACK + REAL_LEAST < (real)(REAL_EPSILON / 8) * real_fabs(w) * shrink;
}

MULTIVERSION static int kernel_adam_moving(int64_t count, const real *w, const real *m, const real *v,
                                           const update_rule *r, real rate_most, real shrink)
{
    const real keep1 = r->keep1, keep2 = r->keep2, epsilon = r->epsilon;
    int moving = 0;
    for (int64_t i = 0; i < count; i++) {
        const real bound = rate_most * (keep1 * real_fabs(m[i]) / (real_sqrt(keep2 * v[i]) + epsilon));
        moving |= !((m[i] == 0) | is_still(w[i], bound, shrink));
    }
    return moving;
}

MULTIVERSION static int kernel_momentum_moving(int64_t count, const real *w, const real *v, const update_rule *r,
                                               real rate_most)
{
    const real keep = r->keep1;
    int moving = 0;
    for (int64_t i = 0; i < count; i++)
        moving |= !((v[i] == 0) | is_still(w[i], rate_most * (keep * real_fabs(v[i])), 1));
    return moving;
}

/* x ← keep x, `steps` times. */
MULTIVERSION static void kernel_fading(int64_t count, real *x, real keep, int64_t steps)
{
    enum { LANES = 32 };
    for (int64_t first = 0; first < count; first += LANES) {
        const int64_t lanes = count - first < LANES ? count - first : LANES;
        real part[LANES] = {0};
        memcpy(part, x + first, (size_t)lanes * sizeof *x);
        for (int64_t s = 0; s < steps; s++)
            for (int i = 0; i < LANES; i++)
                part[i] = settled(keep * part[i]);
        memcpy(x + first, part, (size_t)lanes * sizeof *x);
    }
}

/* The same of two arrays at once: each step waits for the one before, so both take the time of one. */
MULTIVERSION static void kernel_fading_two(int64_t count, real *x, real *y, real keep_x, real keep_y,
                                           int64_t steps)
{
    enum { LANES = 32 };
    for (int64_t first = 0; first < count; first += LANES) {
        const size_t bytes = (size_t)(count - first < LANES ? count - first : LANES) * sizeof *x;
        real a[LANES] = {0}, b[LANES] = {0};
        memcpy(a, x + first, bytes);
        memcpy(b, y + first, bytes);
        for (int64_t s = 0; s < steps; s++) {
            KEEP_ORDER;
            for (int i = 0; i < LANES; i++) {
                a[i] = settled(keep_x * a[i]);
                b[i] = settled(keep_y * b[i]);
            }
        }
        memcpy(x + first, a, bytes);
        memcpy(y + first, b, bytes);
    }
}

MULTIVERSION static void kernel_shrinking(int64_t count, real *w, const update_pace *p, int64_t steps)
{
    for (int64_t s = 0; s < steps; s++) {
        const real shrink = p[s].shrink;
        for (int64_t i = 0; i < count; i++)
            w[i] *= shrink;
    }
}

static bool all_zero(int64_t count, const real *x)
{
    bool zero = true;
    for (int64_t i = 0; i < count; i++)
        zero &= x[i] == 0;
    return zero;
}

MULTIVERSION static void kernel_sgd_idle(const update_rule *r, const update_idle *idle, int64_t count, real *w,
                                         real *const state[UPDATE_STATES_MOST])
{
    (void)state;
    for (int64_t s = 0; r->decay != 0 && s < idle->steps; s++)
        step_sgd(r, &idle->pace[s], count, NULL, w);
}

MULTIVERSION static void kernel_momentum_block(const update_rule *r, const update_pace *p, int64_t steps,
                                               int64_t count, real *w, real *v)
{
    for (int64_t s = 0; s < steps; s++)
        step_momentum(r, &p[s], count, NULL, w, v);
}

static void momentum_idle(const update_rule *r, const update_idle *idle, int64_t count, real *w,
                          real *const state[UPDATE_STATES_MOST])
{
    real *const v = state[0];
    const bool fades = r->decay == 0 && r->keep1 <= 1;
    for (int64_t done = 0, steps; done < idle->steps; done += steps) {
        const int64_t left = idle->steps - done;
        if (fades && kernel_momentum_moving(count, w, v, r, idle->rate_most) == 0) {
            if (!all_zero(count, v))
                kernel_fading(count, v, r->keep1, left);
            return;
        }
        steps = left < IDLE_BLOCK ? left : IDLE_BLOCK;
        kernel_momentum_block(r, idle->pace + done, steps, count, w, v);
    }
}

/* A block of weights at a time, filled up with zeros: it stays in registers. */
MULTIVERSION static void kernel_adam_block(const update_rule *r, const update_pace *p, int64_t steps,
                                           int64_t count, real *w, real *m, real *v)
{
    enum { LANES = 32, FEW = 8 };
    int64_t i = 0;
    for (; i + FEW < count; i += LANES) {
        const size_t bytes = (size_t)(count - i < LANES ? count - i : LANES) * sizeof *w;
        real a[LANES] = {0}, b[LANES] = {0}, c[LANES] = {0};
        memcpy(a, w + i, bytes);
        memcpy(b, m + i, bytes);
        memcpy(c, v + i, bytes);
        for (int64_t s = 0; s < steps; s++) {
            step_adam(r, &p[s], LANES, NULL, a, b, c);
            KEEP_ORDER;
        }
        memcpy(w + i, a, bytes);
        memcpy(m + i, b, bytes);
        memcpy(v + i, c, bytes);
    }
    for (int64_t s = 0; s < steps && i < count; s++)
        step_adam(r, &p[s], count - i, NULL, w + i, m + i, v + i);
}

/* About how many steps the first weight still moves: what a step takes of it falls by β1 each. */
static int64_t adam_guess(const update_rule *r, const update_idle *idle, real w, real m, real v)
{
    const double taken = (double)idle->rate_most * fabs((double)m) / (sqrt((double)v) + (double)r->epsilon);
    const double excess = taken / ((double)REAL_EPSILON / 8 * fabs((double)w));
    const double steps = excess > 1 ? log(excess) / -log((double)r->keep1) : 0; /* NaN: 0 */
    return steps < (double)idle->steps ? (int64_t)steps : idle->steps;
}

static void adam_idle(const update_rule *r, const update_idle *idle, int64_t count, real *w,
                      real *const state[UPDATE_STATES_MOST])
{
    real *const m = state[0], *const v = state[1];
    const double shrink = r->apart ? idle->shrink_least : 1;
    const double fall = (double)r->keep1 / sqrt((double)r->keep2) * (1 + 4 * (double)REAL_EPSILON);
    const bool fades = r->decay == 0 && (double)r->epsilon >= 1e-15 && fall < shrink;
    const int64_t sure =
        fades && count > 0 && r->keep1 > 0 ? adam_guess(r, idle, *w, *m, *v) : 0; /* so long it is not asked */
    kernel_adam_block(r, idle->pace, sure, count, w, m, v);
    for (int64_t done = sure, steps; done < idle->steps; done += steps) {
        const int64_t left = idle->steps - done;
        if (fades && kernel_adam_moving(count, w, m, v, r, idle->rate_most, (real)shrink) == 0) {
            if (r->apart)
                kernel_shrinking(count, w, idle->pace + done, left);
            if (!all_zero(count, m) || !all_zero(count, v))
                kernel_fading_two(count, m, v, r->keep1, r->keep2, left);
            return;
        }
        steps = left < IDLE_BLOCK ? left : IDLE_BLOCK;
        kernel_adam_block(r, idle->pace + done, steps, count, w, m, v);
    }
}

MULTIVERSION static void kernel_adagrad_idle(const update_rule *r, const update_idle *idle, int64_t count, real *w,
                                             real *const state[UPDATE_STATES_MOST])
{
    for (int64_t s = 0; r->decay != 0 && s < idle->steps; s++)
        step_adagrad(r, &idle->pace[s], count, NULL, w, state[0]);
}

const update_kernel update_sgd = {0, {NULL}, kernel_sgd_step, kernel_sgd_idle};
const update_kernel update_momentum = {1, {"momentum"}, kernel_momentum_step, momentum_idle};
const update_kernel update_adam = {2, {"m", "v"}, kernel_adam_step, adam_idle};
const update_kernel update_adagrad = {1, {"sum"}, kernel_adagrad_step, kernel_adagrad_idle};

MULTIVERSION static double kernel_squares_sum(int64_t count, const real *g)
{
    double lane[SQUARE_LANES] = {0};
    int64_t i = 0;
    for (; i + SQUARE_LANES <= count; i += SQUARE_LANES)
        for (int k = 0; k < SQUARE_LANES; k++)
            lane[k] += (double)g[i + k] * (double)g[i + k];
    for (int k = 0; i < count; i++, k++)
        lane[k] += (double)g[i] * (double)g[i];
    double sum = 0;
    for (int k = 0; k < SQUARE_LANES; k++)
        sum += lane[k];
    return sum;
}

double kernel_squares(int64_t count, const real *g)
{
    return kernel_squares_sum(count, g);
}
