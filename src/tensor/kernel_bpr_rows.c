#include "tensor/kernel_bpr_rows.h"

#include "base/multiversion.h"
#include "tensor/kernel_loss.h"
#include "tensor/kernel_table.h"
#include "tensor/kernel_table_lanes.h"

enum { BLOCK = 32 }; /* triples whose rows the first-level cache holds */

static const real zeros[BLOCK];

/* Squares in lanes, and of what is left over. */
typedef struct squares {
    lanes wide;
    real rest;
} squares;

MULTIVERSION static int64_t bpr_rows_count(const uint32_t *user, int64_t count, int64_t *falls)
{
    int64_t differ = 0, fall = 0;
    for (int64_t b = 1; b < count; b++) {
        differ += user[b] != user[b - 1];
        fall += user[b] < user[b - 1];
    }
    *falls = fall;
    return differ;
}

bool bpr_rows_ascend(const uint32_t *user, int64_t first, int64_t end, int64_t *starts)
{
    int64_t falls;
    const int64_t before = first > 0;
    *starts = bpr_rows_count(user + first - before, end - first + before, &falls) + (first == 0 && end > 0);
    return falls == 0;
}

INLINE real difference_dot(const real *w, const real *h, const real *k, int64_t D, bool square, squares *s)
{
    lanes sum = {0};
    real rest = 0;
    int64_t d = 0;
    for (; d + LANES <= D; d += LANES) {
        const lanes of_h = *(const lanes *)(h + d), of_k = *(const lanes *)(k + d);
        sum += *(const lanes *)(w + d) * (of_h - of_k);
        if (square)
            s->wide += of_h * of_h + of_k * of_k;
    }
    for (; d < D; d++) {
        rest += w[d] * (h[d] - k[d]);
        if (square)
            s->rest += h[d] * h[d] + k[d] * k[d];
    }
    return sum_of(&sum) + rest;
}

/* x += of triples first .. first + count - 1. */
INLINE void score_set(const bpr_triples *t, const bpr_vectors *v, int64_t first, int64_t count, bool square,
                      real *x, squares *s)
{
    const int64_t D = v->D;
    for (int64_t b = first; b < first + count; b++) {
        if (b + AHEAD < t->count) {
            table_fetch(v->q + v->positive[b + AHEAD] * D, D);
            table_fetch(v->q + v->negative[b + AHEAD] * D, D);
            if (t->user[b + AHEAD] != t->user[b + AHEAD - 1])
                table_fetch(v->p + t->user[b + AHEAD] * D, D);
        }
        x[b - first] += difference_dot(v->p + t->user[b] * D, v->q + v->positive[b] * D, v->q + v->negative[b] * D,
                                       D, square, s);
    }
}

INLINE void score(const bpr_triples *t, int64_t first, int64_t count, bool square, real *x, squares *s)
{
    for (int k = 0; k < t->sets; k++)
        score_set(t, &t->set[k], first, count, square, x, s);
    for (int64_t b = first; t->c != NULL && b < first + count; b++) {
        const real of_i = t->c[t->set[0].positive[b]], of_j = t->c[t->set[0].negative[b]];
        x[b - first] += of_i - of_j;
        if (square)
            s->rest += of_i * of_i + of_j * of_j;
    }
}

/* Numbers d .. d + width LANES - 1 of a user's row: out = (add: out +) what triples first .. end - 1 give it. Inlined,
 * `width` is a constant and the sum stays in registers. */
INLINE void pull_wide(const bpr_triples *t, const bpr_vectors *v, int64_t first, int64_t end, int64_t d, int width,
                      bool add, real *out, squares *s)
{
    const real *const w = v->p + t->user[first] * v->D + d;
    const real times = (real)(end - first), pull = t->pull * times;
    lanes sum[WIDE] = {{0}};
    for (int64_t b = first; b < end; b++) {
        const real *const h = v->q + v->positive[b] * v->D + d, *const k = v->q + v->negative[b] * v->D + d;
        for (int l = 0; l < width; l++)
            sum[l] += t->slope[b] * (*(const lanes *)(h + l * LANES) - *(const lanes *)(k + l * LANES));
    }
    for (int l = 0; l < width; l++) {
        const lanes own = *(const lanes *)(w + l * LANES);
        lanes *const to = (lanes *)(out + d + l * LANES);
        sum[l] += pull * own;
        s->wide += times * (own * own);
        if (add)
            sum[l] += *to;
        *to = sum[l];
    }
}

INLINE void pull_user(const bpr_triples *t, const bpr_vectors *v, int64_t first, int64_t end, bool add, real *out,
                      squares *s)
{
    const int64_t D = v->D;
    const real *const w = v->p + t->user[first] * D;
    const real times = (real)(end - first), pull = t->pull * times;
    int64_t d = 0;
    for (; d + WIDE * LANES <= D; d += WIDE * LANES)
        pull_wide(t, v, first, end, d, WIDE, add, out, s);
    for (; d + LANES <= D; d += LANES)
        pull_wide(t, v, first, end, d, 1, add, out, s);
    for (; d < D; d++) {
        real sum = 0;
        for (int64_t b = first; b < end; b++)
            sum += t->slope[b] * (v->q[v->positive[b] * D + d] - v->q[v->negative[b] * D + d]);
        sum += pull * w[d];
        s->rest += times * (w[d] * w[d]);
        out[d] = add ? out[d] + sum : sum;
    }
}

/* The users of a block; *n: distinct ones so far, of which the last may go on. */
MULTIVERSION static void bpr_rows_pull(const bpr_triples *t, int64_t first, int64_t end, int64_t *n, squares *s)
{
    for (int64_t b = first, next; b < end; b = next) {
        const uint32_t user = t->user[b];
        const bool goes_on = b > 0 && t->user[b - 1] == user;
        for (next = b + 1; next < end && t->user[next] == user;)
            next++;
        if (!goes_on)
            t->row[(*n)++] = user;
        for (int k = 0; k < t->sets; k++)
            pull_user(t, &t->set[k], b, next, goes_on, t->set[k].value + (*n - 1) * t->set[k].D, s);
    }
}

MULTIVERSION static void bpr_rows_score(const bpr_triples *t, int64_t first, int64_t count, real *x, squares *s)
{
    if (t->pull != 0)
        score(t, first, count, true, x, s);
    else
        score(t, first, count, false, x, s);
}

bpr_sums bpr_rows_sum(const bpr_triples *t, int64_t first, int64_t end, int64_t n)
{
    bpr_sums sums = {0, 0};
    for (int64_t b = first; b < end; b += BLOCK) {
        const int64_t count = least(BLOCK, end - b);
        real x[BLOCK] = {0};
        squares s = {{0}, 0};
        bpr_rows_score(t, b, count, x, &s);
        sums.loss += pair_bpr.sum(x, zeros, count);
        pair_bpr.slope(x, zeros, count, t->share, false, t->slope + b);
        bpr_rows_pull(t, b, b + count, &n, &s);
        sums.squares += (double)(sum_of(&s.wide) + s.rest);
    }
    return sums;
}
