#include "testing.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "tensor/kernel_table.h"

#include "fixture.h"

enum { ROWS = 50, WIDEST = 200, PICKS = 150 };

static real table[ROWS * WIDEST + 1], second[ROWS * WIDEST + 1];
static uint32_t first_row[PICKS + 1], second_row[PICKS + 1];
static const int64_t widths[] = {1, 2, 15, 16, 17, 31, 48, 63, 64, 65, 80, 128, 131, 200};
static const int64_t counts[] = {0, 1, 2, 7, 8, 9, 63, 64, 65, 129, 150};

#define EACH(array, at) for (size_t at = 0; at < sizeof array / sizeof array[0]; at++)

static int fill(void **state)
{
    for (uint64_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        table[i] = (real)(2 * random_uniform(1, 1, i) - 1);
        second[i] = (real)(2 * random_uniform(1, 2, i) - 1);
    }
    for (uint64_t i = 0; i <= PICKS; i++) {
        first_row[i] = (uint32_t)(random_bits(1, 3, i) % ROWS);
        second_row[i] = (uint32_t)(random_bits(1, 4, i) % ROWS);
    }
    return set_up(state);
}

static void assert_near(double got, double want, double scale, const char *what, int64_t D, int64_t place)
{
    if (!(fabs(got - want) <= 1e-6 * (scale + 1)))
        fail_msg("%s, width %lld, place %lld: %.9g, not %.9g", what, (long long)D, (long long)place, got, want);
}

static double plain_dot(const real *x, const real *y, int64_t D)
{
    double sum = 0;
    for (int64_t d = 0; d < D; d++)
        sum += (double)x[d] * (double)y[d];
    return sum;
}

static void test_rows_outside_are_found(void **state)
{
    (void)state;
    uint32_t row[100];
    for (uint32_t i = 0; i < 100; i++)
        row[i] = i % 10;
    assert_int_equal(table_outside(row, 0, 1), 0);
    assert_int_equal(table_outside(row, 100, 10), 100);
    assert_int_equal(table_outside(row, 100, 9), 9);
    assert_int_equal(table_outside(row + 5, 3, 8), 3);
    assert_int_equal(table_outside(row, 100, 0), 0);
    row[71] = UINT32_MAX;
    assert_int_equal(table_outside(row, 100, 10), 71);
    assert_int_equal(table_outside(row, 100, UINT32_MAX), 71);
    assert_int_equal(table_outside(row, 71, 10), 71);
}

static void test_gathered_rows_are_copies(void **state)
{
    (void)state;
    static real out[PICKS * WIDEST + 1];
    EACH(widths, w)
    EACH(counts, c)
    for (int lead = 0; lead < 2; lead++) {
        const int64_t D = widths[w], count = counts[c];
        memset(out, 0, sizeof out);
        table_gather(table + lead, D, first_row, count, out);
        for (int64_t b = 0; b < count; b++)
            assert_memory_equal(out + b * D, table + lead + first_row[b] * D, (size_t)D * sizeof *out);
        assert_true(out[count * D] == 0);
    }
}

static void test_dots_and_squares_equal_plain_loops(void **state)
{
    (void)state;
    real out[PICKS + 1], all[ROWS];
    EACH(widths, w)
    EACH(counts, c)
    for (int lead = 0; lead < 2; lead++) {
        const int64_t D = widths[w], count = counts[c];
        const real *const p = table + lead, *const q = second + lead;
        out[count] = 99;
        table_dots(p, first_row, q, second_row, D, count, out);
        for (int64_t b = 0; b < count; b++)
            assert_near((double)out[b], plain_dot(p + first_row[b] * D, q + second_row[b] * D, D), (double)D,
                        "dots", D, b);
        double total = 0;
        table_squares(p, D, first_row, count, out);
        assert_true(out[count] == 99);
        for (int64_t b = 0; b < count; b++) {
            const real *const x = p + first_row[b] * D;
            assert_near((double)out[b], plain_dot(x, x, D), (double)D, "squares", D, b);
            total += (double)out[b];
        }
        table_squares(p, D, NULL, ROWS, all);
        assert_near((double)table_total(out, NULL, count), total, total, "total", D, 0);
        assert_near((double)table_total(all, first_row, count), total, total, "total of picks", D, 0);
    }
}

static void test_bags_equal_plain_loops(void **state)
{
    (void)state;
    static real out[5 * WIDEST];
    const int64_t start[] = {0, 3, 3, 80, 81, 150};
    float value[PICKS];
    for (int i = 0; i < PICKS; i++)
        value[i] = (float)random_uniform(1, 5, (uint64_t)i);
    EACH(widths, w)
    for (int options = 0; options < 4; options++) {
        const int64_t D = widths[w];
        const bool mean = options % 2, weighted = options / 2;
        const csr bags = {5, ROWS, start, first_row, weighted ? value : NULL};
        for (int i = 0; i < 5 * WIDEST; i++)
            out[i] = 99;
        table_bags(table, D, &bags, mean, 0, 2, out);
        table_bags(table, D, &bags, mean, 2, 5, out);
        for (int64_t b = 0; b < 5; b++)
            for (int64_t d = 0; d < D; d++) {
                double want = 0;
                for (int64_t k = start[b]; k < start[b + 1]; k++)
                    want += (weighted ? (double)value[k] : 1) * (double)table[first_row[k] * D + d];
                if (mean && start[b + 1] > start[b])
                    want /= (double)(start[b + 1] - start[b]);
                assert_near((double)out[b * D + d], want, 20, "bags", D, b);
            }
    }
}

/* Terms sorted by row; a third of all rows has none. */
static void make_terms(row_term *term, int64_t count, int64_t D)
{
    for (int64_t t = 0; t < count; t++)
        term[t] = (row_term){.vector = second + first_row[t] * D,
                             .row = (uint32_t)(t * (ROWS - 2) / PICKS / 3 * 3),
                             .scale = (real)(random_uniform(1, 6, (uint64_t)t) - 0.5)};
}

static void check_sums(int64_t D, int64_t count, int64_t cut)
{
    static real value[ROWS * WIDEST], dense[ROWS * WIDEST];
    row_term term[PICKS];
    uint32_t row[ROWS];
    row_sums sparse = {.D = D, .row = row, .value = value, .at = -1};
    row_sums full = {.D = D, .value = dense, .at = -1};
    make_terms(term, count, D);
    memcpy(dense, table, sizeof dense);
    for (int64_t t = 0; t < count; t += cut) {
        table_sum(&sparse, term + t, count - t < cut ? count - t : cut);
        table_sum(&full, term + t, count - t < cut ? count - t : cut);
    }
    int64_t n = 0;
    for (uint32_t r = 0; r < ROWS; r++) {
        double want[WIDEST] = {0};
        int64_t here = 0;
        for (int64_t t = 0; t < count; t++)
            for (int64_t d = 0; term[t].row == r && d < D; d++) {
                want[d] += (double)term[t].scale * (double)term[t].vector[d];
                here++;
            }
        for (int64_t d = 0; d < D; d++)
            assert_near((double)dense[r * D + d], (double)table[r * D + d] + want[d], 4, "dense sum", D, r);
        for (int64_t d = 0; here > 0 && d < D; d++)
            assert_near((double)value[n * D + d], want[d], 4, "sum", D, r);
        if (here > 0)
            assert_int_equal(row[n++], r);
    }
    assert_int_equal(sparse.next, n);
}

static void test_sums_of_terms_equal_plain_loops_however_they_are_cut(void **state)
{
    (void)state;
    EACH(widths, w)
    EACH(counts, c)
    for (int64_t cut = 1; cut < 2 * PICKS; cut = cut * 3 + 1)
        check_sums(widths[w], counts[c], cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_outside_are_found),
        cmocka_unit_test(test_gathered_rows_are_copies),
        cmocka_unit_test(test_dots_and_squares_equal_plain_loops),
        cmocka_unit_test(test_bags_equal_plain_loops),
        cmocka_unit_test(test_sums_of_terms_equal_plain_loops_however_they_are_cut),
    };
    return cmocka_run_group_tests(tests, fill, tear_down);
}
