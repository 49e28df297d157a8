#include "testing.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "tensor/kernel_bpr_rows.h"

#include "fixture.h"

enum { ROWS = 50, WIDEST = 131, TRIPLES = 150 };

static real p[ROWS * WIDEST + 1], q[ROWS * WIDEST + 1], c[ROWS];
static real slope[TRIPLES], value[TRIPLES * WIDEST], more_value[TRIPLES * WIDEST];
static uint32_t user[TRIPLES], positive[TRIPLES], negative[TRIPLES], row[TRIPLES];
static const int64_t widths[] = {1, 2, 15, 16, 17, 63, 64, 65, 80, 128, 131};
static const int64_t counts[] = {0, 1, 2, 31, 32, 33, 65, TRIPLES};

#define EACH(array, at) for (size_t at = 0; at < sizeof array / sizeof array[0]; at++)

/* Users of 1 to 3 triples, but one of 70, which goes on over blocks. */
static int fill(void **state)
{
    for (uint64_t i = 0; i < sizeof p / sizeof *p; i++) {
        p[i] = (real)(random_uniform(1, 1, i) - 0.5);
        q[i] = (real)(random_uniform(1, 2, i) - 0.5);
    }
    for (uint64_t i = 0; i < ROWS; i++)
        c[i] = (real)(random_uniform(1, 3, i) - 0.5);
    uint32_t next = 0;
    for (uint64_t b = 0; b < TRIPLES; b++) {
        const bool within = b > 20 && b < 90;
        next += !within && random_bits(1, 4, b) % 2 == 0;
        user[b] = next;
        positive[b] = (uint32_t)(random_bits(1, 5, b) % ROWS);
        negative[b] = (uint32_t)(random_bits(1, 6, b) % ROWS);
    }
    assert_true(next < ROWS);
    return set_up(state);
}

static void assert_near(double got, double want, const char *what, int64_t D, int64_t place)
{
    if (!(fabs(got - want) <= 3e-6 * (fabs(want) + 1)))
        fail_msg("%s, width %lld, place %lld: %.9g, not %.9g", what, (long long)D, (long long)place, got, want);
}

/* The definition, in double. */
static void check(const bpr_triples *t, bpr_sums got, int64_t users)
{
    static double sum[BPR_SETS_MOST][ROWS * WIDEST];
    double loss = 0, squares = 0;
    memset(sum, 0, sizeof sum);
    for (int64_t b = 0; b < t->count; b++) {
        double x = 0;
        for (int s = 0; s < t->sets; s++) {
            const bpr_vectors *const v = &t->set[s];
            const real *const w = v->p + t->user[b] * v->D, *const h = v->q + v->positive[b] * v->D;
            const real *const k = v->q + v->negative[b] * v->D;
            for (int64_t d = 0; d < v->D; d++) {
                x += (double)w[d] * ((double)h[d] - (double)k[d]);
                squares += (double)w[d] * (double)w[d] + (double)h[d] * (double)h[d] + (double)k[d] * (double)k[d];
            }
        }
        if (t->c != NULL) {
            const double of_i = (double)t->c[t->set[0].positive[b]], of_j = (double)t->c[t->set[0].negative[b]];
            x += of_i - of_j;
            squares += of_i * of_i + of_j * of_j;
        }
        loss += log1p(exp(-x));
        const double slope_b = -(double)t->share / (1 + exp(x));
        assert_near((double)t->slope[b], slope_b, "slope", t->set[0].D, b);
        for (int s = 0; s < t->sets; s++) {
            const bpr_vectors *const v = &t->set[s];
            for (int64_t d = 0; d < v->D; d++)
                sum[s][t->user[b] * v->D + d] +=
                    slope_b * ((double)v->q[v->positive[b] * v->D + d] - (double)v->q[v->negative[b] * v->D + d]) +
                    (double)t->pull * (double)v->p[t->user[b] * v->D + d];
        }
    }
    assert_near(got.loss, loss, "loss", t->set[0].D, t->count);
    if (t->pull != 0)
        assert_near(got.squares, squares, "squares", t->set[0].D, t->count);
    for (int s = 0; s < t->sets; s++)
        for (int64_t n = 0, D = t->set[s].D; n < users; n++)
            for (int64_t d = 0; d < D; d++)
                assert_near((double)t->set[s].value[n * D + d], sum[s][t->row[n] * D + d], "user", D, n * D + d);
}

/* The second set, where there is one, is of other items and another width. */
static bpr_triples triples_of(int64_t count, int64_t width, int sets)
{
    return (bpr_triples){
        .count = count,
        .set = {{width, p, q, positive, negative, value}, {WIDEST - width + 1, q, p, negative, user, more_value}},
        .sets = sets,
        .user = user,
        .share = (real)0.125,
        .slope = slope,
        .row = row,
    };
}

static void test_a_pass_equals_the_definition(void **state)
{
    (void)state;
    EACH(widths, w)
    EACH(counts, n)
    for (int form = 0; form < 8; form++) {
        bpr_triples t = triples_of(counts[n], widths[w], 1 + form / 4);
        t.set[0].p += form % 2;
        t.set[0].q += form / 2 % 2;
        t.c = form % 2 == 0 ? c : NULL;
        t.pull = form / 2 % 2 == 0 ? (real)0.5 : 0;
        int64_t users;
        memset(value, 0x7f, sizeof value);
        memset(more_value, 0x7f, sizeof more_value);
        assert_true(bpr_rows_ascend(user, 0, t.count, &users));
        const bpr_sums sums = bpr_rows_sum(&t, 0, t.count, 0);
        for (int64_t k = 1; k < users; k++)
            assert_true(row[k] > row[k - 1]);
        check(&t, sums, users);
    }
}

static void test_a_part_is_the_same_bits_as_in_the_whole(void **state)
{
    (void)state;
    static real other_slope[TRIPLES], other_value[2][TRIPLES * WIDEST];
    static uint32_t other_row[TRIPLES];
    bpr_triples t = triples_of(TRIPLES, 64, 2);
    int64_t first = 32, users, before;
    t.c = c;
    t.pull = 1;
    (void)bpr_rows_sum(&t, 0, TRIPLES, 0);
    while (user[first] == user[first - 1])
        first++;
    assert_true(bpr_rows_ascend(user, 0, first, &before));
    assert_true(bpr_rows_ascend(user, first, TRIPLES, &users));
    t.slope = other_slope;
    t.row = other_row;
    t.set[0].value = other_value[0];
    t.set[1].value = other_value[1];
    (void)bpr_rows_sum(&t, first, TRIPLES, before);
    assert_memory_equal(other_slope + first, slope + first, (size_t)(TRIPLES - first) * sizeof *slope);
    assert_memory_equal(other_row + before, row + before, (size_t)users * sizeof *row);
}

static void test_users_that_fall_are_found(void **state)
{
    (void)state;
    const uint32_t some[] = {1, 1, 4, 3, 3, 9};
    int64_t starts;
    assert_true(bpr_rows_ascend(some, 0, 3, &starts));
    assert_int_equal(starts, 2);
    assert_false(bpr_rows_ascend(some, 0, 4, &starts));
    assert_false(bpr_rows_ascend(some, 3, 6, &starts));
    assert_true(bpr_rows_ascend(some, 4, 6, &starts));
    assert_int_equal(starts, 1);
    assert_true(bpr_rows_ascend(some, 0, 0, &starts));
    assert_int_equal(starts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pass_equals_the_definition),
        cmocka_unit_test(test_a_part_is_the_same_bits_as_in_the_whole),
        cmocka_unit_test(test_users_that_fall_are_found),
    };
    return cmocka_run_group_tests(tests, fill, tear_down);
}
