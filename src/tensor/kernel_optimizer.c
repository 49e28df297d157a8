#include "tensor/kernel_optimizer.h"

#include <float.h>

#include "base/multiversion.h"

#ifdef MEDLEY_REAL_DOUBLE
#define REAL_LEAST DBL_MIN
#else
#define REAL_LEAST FLT_MIN
#endif

/* FEW: weights that are the least vector. What is left of a row behind whole ones is filled up to it. */
enum { SQUARE_LANES = 16, IDLE_LANES = 16, FEW = 8 };

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

/* Fewer than FEW numbers, without a call. */
static inline void copy_few(int64_t count, real *to, const real *from)
{
    int64_t done = 0;
    if (count & 4)
        memcpy(to, from, 4 * sizeof *to), done += 4;
    if (count & 2)
        memcpy(to + done, from + done, 2 * sizeof *to), done += 2;
    if (count & 1)
        to[done] = from[done];
}

static inline void step_adam_few(const update_rule *r, const update_pace *p, int64_t count, const real *g, real *w,
                                 real *m, real *v)
{
    real slope[FEW] = {0}, a[FEW] = {0}, b[FEW] = {0}, c[FEW] = {0};
    copy_few(count, slope, g);
    copy_few(count, a, w);
    copy_few(count, b, m);
    copy_few(count, c, v);
    step_adam(r, p, FEW, slope, a, b, c);
    copy_few(count, w, a);
    copy_few(count, m, b);
    copy_few(count, v, c);
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
    real *const m = state[0], *const v = state[1];
    int64_t i = count / FEW * FEW;
    step_adam(r, p, i, g, w, m, v);
    if (i < count)
        step_adam_few(r, p, count - i, g + i, w + i, m + i, v + i);
}

MULTIVERSION static void kernel_adagrad_step(const update_rule *r, const update_pace *p, int64_t count,
                                             const real *g, real *w, real *const state[UPDATE_STATES_MOST])
{
    step_adagrad(r, p, count, g, w, state[0]);
}

/* ---- idle steps, one by one ---- */

MULTIVERSION static void kernel_sgd_idle(const update_rule *r, const update_idle *idle, int64_t count, real *w,
                                         real *const state[UPDATE_STATES_MOST])
{
    (void)state;
    for (int64_t s = 0; r->decay != 0 && s < idle->steps; s++)
        step_sgd(r, &idle->pace[s], count, NULL, w);
}

MULTIVERSION static void kernel_adagrad_idle(const update_rule *r, const update_idle *idle, int64_t count, real *w,
                                             real *const state[UPDATE_STATES_MOST])
{
    for (int64_t s = 0; r->decay != 0 && s < idle->steps; s++)
        step_adagrad(r, &idle->pace[s], count, NULL, w, state[0]);
}

MULTIVERSION static void kernel_momentum_each(const update_rule *r, const update_idle *idle, int64_t count,
                                              real *w, real *v)
{
    for (int64_t s = 0; s < idle->steps; s++)
        step_momentum(r, &idle->pace[s], count, NULL, w, v);
}

/* A block of weights at a time, filled up with zeros: it stays in registers. */
MULTIVERSION static void kernel_adam_each(const update_rule *r, const update_idle *idle, int64_t count, real *w,
                                          real *m, real *v)
{
    for (int64_t i = 0; i < count; i += IDLE_LANES) {
        const size_t bytes = (size_t)(count - i < IDLE_LANES ? count - i : IDLE_LANES) * sizeof *w;
        real a[IDLE_LANES] = {0}, b[IDLE_LANES] = {0}, c[IDLE_LANES] = {0};
        memcpy(a, w + i, bytes);
        memcpy(b, m + i, bytes);
        memcpy(c, v + i, bytes);
        for (int64_t s = 0; s < idle->steps; s++) {
            step_adam(r, &idle->pace[s], IDLE_LANES, NULL, a, b, c);
            KEEP_ORDER;
        }
        memcpy(w + i, a, bytes);
        memcpy(m + i, b, bytes);
        memcpy(v + i, c, bytes);
    }
}

/* ---- idle steps, summed up ---- */

MULTIVERSION static void kernel_idle_sums_add(const idle_terms *t, double *restrict s0, double *restrict s1,
                                              double *restrict s2, double *restrict s3, double *restrict s4)
{
    const double *const fade = t->fade, *const far = t->far, *const near = t->near;
    const double *const centre = t->centre, *const uncentre = t->uncentre;
    const double scale = t->scale, root = t->root, unroot = 1 / root;
    for (int64_t i = 0; i < t->count; i++) {
        const double delta = far[i] * unroot * uncentre[i] - 1, nearer = centre[i] * root * near[i];
        const double b0 = scale * fade[i], b1 = b0 * delta, b2 = b1 * delta, b3 = b2 * delta;
        s0[i] += b0;
        s1[i] += b1;
        s2[i] += b2;
        s3[i] += b3;
        s4[i] += b3 * delta * (nearer > 1 ? nearer : 1);
    }
}

void kernel_idle_sums(const idle_terms *t)
{
    kernel_idle_sums_add(t, t->sum[0], t->sum[1], t->sum[2], t->sum[3], t->sum[4]);
}

/* `lanes` is a constant where it is inlined. False, and nothing changed, if what the sums leave out may show in a weight. */
static inline __attribute__((always_inline)) bool adam_summed(const update_idle *a, int lanes, real *w, real *m,
                                                              real *v)
{
    const real keep1 = a->keep1, keep2 = a->keep2, shrink = a->shrink, centre = a->centre;
    const real S0 = a->sum[0], S1 = a->sum[1], S2 = a->sum[2], S3 = a->sum[3];
    const real rest = a->sum[4] / (real)IDLE_ERROR;
    real next_w[IDLE_LANES], next_m[IDLE_LANES], next_v[IDLE_LANES];
    int missed = 0;
    for (int i = 0; i < lanes; i++) {
        const real q = 1 / (real_sqrt(v[i]) + centre), y = centre * q, mq = m[i] * q;
        const real left_out = real_fabs(mq) * (y * y) * (y * y * rest);
        missed |= !((left_out <= real_fabs(mq) * S0 + real_fabs(w[i])) | (m[i] == 0));
        next_w[i] = w[i] * shrink - mq * (S0 - y * (S1 - y * (S2 - y * S3)));
        next_m[i] = settled(m[i] * keep1);
        next_v[i] = settled(v[i] * keep2);
    }
    if (missed)
        return false;
    memcpy(w, next_w, (size_t)lanes * sizeof *w);
    memcpy(m, next_m, (size_t)lanes * sizeof *m);
    memcpy(v, next_v, (size_t)lanes * sizeof *v);
    return true;
}

static inline bool adam_summed_few(const update_idle *idle, int64_t count, real *w, real *m, real *v)
{
    real a[FEW] = {0}, b[FEW] = {0}, c[FEW] = {0};
    copy_few(count, a, w);
    copy_few(count, b, m);
    copy_few(count, c, v);
    if (!adam_summed(idle, FEW, a, b, c))
        return false;
    copy_few(count, w, a);
    copy_few(count, m, b);
    copy_few(count, v, c);
    return true;
}

/* Returns how many weights it has made: all, or those before the first that the sums do not serve. */
MULTIVERSION static int64_t kernel_adam_summed(const update_idle *idle, int64_t count, real *w, real *m, real *v)
{
    int64_t i = 0;
    for (; i + IDLE_LANES <= count; i += IDLE_LANES)
        if (!adam_summed(idle, IDLE_LANES, w + i, m + i, v + i))
            return i;
    for (; i + FEW <= count; i += FEW)
        if (!adam_summed(idle, FEW, w + i, m + i, v + i))
            return i;
    return i == count || adam_summed_few(idle, count - i, w + i, m + i, v + i) ? count : i;
}

static void adam_idle(const update_rule *r, const update_idle *idle, int64_t count, real *w,
                      real *const state[UPDATE_STATES_MOST])
{
    real *const m = state[0], *const v = state[1];
    for (int64_t i = 0, each; i < count && idle->steps > 0; i += each) {
        i += idle->summed ? kernel_adam_summed(idle, count - i, w + i, m + i, v + i) : 0;
        each = idle->summed && count - i > IDLE_LANES ? IDLE_LANES : count - i;
        kernel_adam_each(r, idle, each, w + i, m + i, v + i);
    }
}

MULTIVERSION static void kernel_momentum_summed(const update_idle *a, int64_t count, real *restrict w,
                                                real *restrict v)
{
    const real sum = a->sum[0], keep = a->keep1;
    for (int64_t i = 0; i < count; i++) {
        w[i] -= v[i] * sum;
        v[i] = settled(v[i] * keep);
    }
}

static void momentum_idle(const update_rule *r, const update_idle *idle, int64_t count, real *w,
                          real *const state[UPDATE_STATES_MOST])
{
    if (idle->summed && idle->steps > 0)
        kernel_momentum_summed(idle, count, w, state[0]);
    else
        kernel_momentum_each(r, idle, count, w, state[0]);
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
