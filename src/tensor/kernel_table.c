#include "tensor/kernel_table.h"

#include "base/multiversion.h"
#include "tensor/kernel_table_lanes.h"

enum { BUFFER = 64 };

INLINE real dot(const real *x, const real *y, int64_t D)
{
    lanes sum = {0};
    int64_t d = 0;
    for (; d + LANES <= D; d += LANES)
        sum += *(const lanes *)(x + d) * *(const lanes *)(y + d);
    real rest = 0;
    for (; d < D; d++)
        rest += x[d] * y[d];
    return sum_of(&sum) + rest;
}

MULTIVERSION static uint32_t table_highest(const uint32_t *row, int64_t count)
{
    uint32_t most = 0;
    for (int64_t b = 0; b < count; b++)
        most = row[b] > most ? row[b] : most;
    return most;
}

int64_t table_outside(const uint32_t *row, int64_t count, int64_t rows)
{
    int64_t b = table_highest(row, count) < rows ? count : 0;
    while (b < count && row[b] < rows)
        b++;
    return b;
}

void table_gather(const real *p, int64_t D, const uint32_t *row, int64_t count, real *out)
{
    for (int64_t b = 0; b < count; b++) {
        if (b + AHEAD < count)
            table_fetch(p + row[b + AHEAD] * D, D);
        memcpy(out + b * D, p + row[b] * D, (size_t)D * sizeof *out);
    }
}

MULTIVERSION static void table_dots_here(const real *p, const uint32_t *a, const real *q, const uint32_t *c,
                                         int64_t D, int64_t count, real *out)
{
    for (int64_t b = 0; b < count; b++) {
        if (b + AHEAD < count) {
            table_fetch(p + a[b + AHEAD] * D, D);
            table_fetch(q + c[b + AHEAD] * D, D);
        }
        out[b] = dot(p + a[b] * D, q + c[b] * D, D);
    }
}

void table_dots(const real *p, const uint32_t *a, const real *q, const uint32_t *c, int64_t D, int64_t count,
                real *out)
{
    table_dots_here(p, a, q, c, D, count, out);
}

MULTIVERSION static void table_squares_here(const real *p, int64_t D, const uint32_t *row, int64_t count,
                                            real *out)
{
    for (int64_t b = 0; b < count; b++) {
        const real *const x = p + (row != NULL ? row[b] : b) * D;
        if (row != NULL && b + AHEAD < count)
            table_fetch(p + row[b + AHEAD] * D, D);
        out[b] = dot(x, x, D);
    }
}

void table_squares(const real *p, int64_t D, const uint32_t *row, int64_t count, real *out)
{
    table_squares_here(p, D, row, count, out);
}

real table_total(const real *x, const uint32_t *pick, int64_t count)
{
    double sum[4] = {0};
    for (int64_t b = 0; b < count; b++)
        sum[b % 4] += (double)x[pick != NULL ? pick[b] : b];
    return (real)((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* sum [width lanes] += what the terms have from place d on. Inlined, `width` is a constant and the sum stays in registers. */
INLINE void add_wide(const row_term *term, int64_t count, int64_t d, int width, lanes *sum)
{
    for (int64_t t = 0; t < count; t++)
        for (int w = 0; w < width; w++)
            sum[w] += term[t].scale * *(const lanes *)(term[t].vector + d + w * LANES);
}

/* out = (add: out +) the sum of terms of one row. */
INLINE void sum_row(const row_term *term, int64_t count, int64_t D, bool add, real *out)
{
    int64_t d = 0;
    for (; d + WIDE * LANES <= D; d += WIDE * LANES) {
        lanes sum[WIDE] = {{0}};
        add_wide(term, count, d, WIDE, sum);
        for (int w = 0; w < WIDE; w++) {
            lanes *const to = (lanes *)(out + d + w * LANES);
            if (add)
                sum[w] += *to;
            *to = sum[w];
        }
    }
    for (; d + LANES <= D; d += LANES) {
        lanes sum = {0}, *const to = (lanes *)(out + d);
        add_wide(term, count, d, 1, &sum);
        if (add)
            sum += *to;
        *to = sum;
    }
    for (; d < D; d++) {
        real sum = 0;
        for (int64_t t = 0; t < count; t++)
            sum += term[t].scale * term[t].vector[d];
        out[d] = add ? out[d] + sum : sum;
    }
}

MULTIVERSION static void table_sum_here(row_sums *s, const row_term *term, int64_t count)
{
    for (int64_t t = 0, next; t < count; t = next) {
        const uint32_t row = term[t].row;
        for (next = t + 1; next < count && term[next].row == row;)
            next++;
        bool add = row == s->at;
        if (!add) {
            s->at = row;
            s->sum = s->value + (s->row != NULL ? s->next : row) * s->D;
            if (s->row != NULL)
                s->row[s->next++] = row;
            else
                add = true;
        }
        sum_row(term + t, next - t, s->D, add, s->sum);
    }
}

void table_sum(row_sums *s, const row_term *term, int64_t count)
{
    table_sum_here(s, term, count);
}

MULTIVERSION static void table_bags_here(const real *p, int64_t D, const csr *bags, bool mean, int64_t first,
                                         int64_t end, real *out)
{
    row_term term[BUFFER];
    for (int64_t b = first; b < end; b++) {
        const int64_t from = bags->start[b], to = bags->start[b + 1];
        const real share = mean ? 1 / (real)(to - from) : 1;
        int64_t k = from;
        do {
            int64_t count = 0;
            for (; k < to && count < BUFFER; k++, count++) {
                term[count].vector = p + bags->index[k] * D;
                term[count].scale = bags->value != NULL ? share * (real)bags->value[k] : share;
                table_fetch(term[count].vector, D);
            }
            sum_row(term, count, D, k - count > from, out + b * D);
        } while (k < to);
    }
}

void table_bags(const real *p, int64_t D, const csr *bags, bool mean, int64_t first, int64_t end, real *out)
{
    table_bags_here(p, D, bags, mean, first, end, out);
}
