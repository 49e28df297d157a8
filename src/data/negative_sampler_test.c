#include "testing.h"

#include <math.h>

#include "data/negative_sampler.h"

enum { USERS = 6, ITEMS = 20 };

/* User 0 has nothing, 1 all, 2 all but item 7, the others that and some. */
typedef struct world {
    test_memory memory;
    medley_runtime *rt;
    csr_owner observed;
} world;

static bool had(uint32_t user, uint32_t item)
{
    if (user < 3)
        return user == 1 || (user == 2 && item != 7);
    return item == 7 || (item < 18 && random_bits(4, user, item) % 3 == 0);
}

static void world_begin(world *w, int64_t columns)
{
    uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    int64_t count = 0;
    w->rt = test_runtime(&w->memory, 1);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if (had(u, i)) {
                user[count] = u;
                item[count++] = i;
            }
    assert_ok(csr_build(w->rt, USERS, columns, user, item, NULL, count, &w->observed, err));
}

static void world_end(world *w)
{
    csr_release(&w->observed);
    test_runtime_end(w->rt, &w->memory);
}

/* Asserts that counts are what a distribution gives: χ² of so many degrees of freedom is rarely more than 4 of its
 * standard deviations above its mean. */
static void assert_distributed(const int64_t *count, const double *expected, int64_t cells)
{
    double chi = 0;
    int64_t freedom = -1;
    for (int64_t i = 0; i < cells; i++) {
        if (expected[i] == 0) {
            assert_int_equal(count[i], 0);
            continue;
        }
        chi += ((double)count[i] - expected[i]) * ((double)count[i] - expected[i]) / expected[i];
        freedom++;
    }
    if (chi > (double)freedom + 4 * sqrt(2 * (double)freedom) + 4)
        fail_msg("chi-square of %lld degrees of freedom is %g", (long long)freedom, chi);
}

/* What q is, by its definition. */
static void plain_q(negative_kind kind, double alpha, double q[ITEMS])
{
    double sum = 0;
    for (uint32_t i = 0; i < ITEMS; i++) {
        q[i] = 0;
        for (uint32_t u = 0; u < USERS; u++)
            q[i] += had(u, i);
        q[i] = kind == NEGATIVE_UNIFORM ? 1 : q[i] > 0 ? pow(q[i], alpha) : 0;
        sum += q[i];
    }
    for (int i = 0; i < ITEMS; i++)
        q[i] /= sum;
}

static void test_draws_have_the_distribution_that_is_asked_for(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    const struct {
        negative_kind kind;
        double alpha;
    } cases[] = {{NEGATIVE_UNIFORM, 0},
                 {NEGATIVE_POPULARITY, 0.75},
                 {NEGATIVE_POPULARITY, 1},
                 {NEGATIVE_POPULARITY, 0},
                 {NEGATIVE_POPULARITY, 3}};
    world w;
    world_begin(&w, ITEMS);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        negative_sampler *s;
        double q[ITEMS];
        assert_ok(negative_sampler_create(w.rt, &w.observed.view, cases[c].kind, cases[c].alpha, &s, err));
        plain_q(cases[c].kind, cases[c].alpha, q);
        for (int i = 0; i < ITEMS; i++)
            assert_true(fabs((double)negative_sampler_log_q(s)[i] - log(q[i])) < 1e-6);
        for (uint32_t user = 0; user < USERS + 1; user++) {
            int64_t count[ITEMS] = {0};
            double expected[ITEMS], left = 0;
            const bool any = user == USERS || user == 1; /* without rejection, or in vain */
            for (uint32_t i = 0; i < ITEMS; i++)
                left += any || !had(user, i) ? q[i] : 0;
            for (uint32_t i = 0; i < ITEMS; i++)
                expected[i] = any || !had(user, i) ? q[i] / left * (user == 1 ? 2000 : DRAWS) : 0;
            for (uint64_t d = 0; d < (user == 1 ? 2000 : DRAWS); d++) {
                const draw_place at = {5, user, d};
                count[user == USERS ? negative_sampler_any(s, at) : negative_sampler_draw(s, user, at)]++;
            }
            assert_distributed(count, expected, ITEMS);
        }
        negative_sampler_free(s);
    }
    world_end(&w);
}

static void test_items_that_nobody_had_are_never_drawn_by_popularity(void **state)
{
    (void)state;
    world w;
    world_begin(&w, 1000); /* of which 980 nobody had */
    negative_sampler *s;
    assert_ok(negative_sampler_create(w.rt, &w.observed.view, NEGATIVE_POPULARITY, 0.75, &s, err));
    for (uint64_t d = 0; d < 20000; d++)
        assert_true(negative_sampler_any(s, (draw_place){1, 2, d}) < ITEMS);
    assert_true(isinf(negative_sampler_log_q(s)[ITEMS]) && negative_sampler_log_q(s)[ITEMS] < 0);
    negative_sampler_free(s);
    world_end(&w);
}

static void test_without_observations_popularity_is_uniform(void **state)
{
    (void)state;
    world w;
    w.rt = test_runtime(&w.memory, 1);
    const int64_t start[] = {0, 0};
    const csr none = {1, 4, start, NULL, NULL};
    negative_sampler *s;
    int64_t count[4] = {0};
    assert_ok(negative_sampler_create(w.rt, &none, NEGATIVE_POPULARITY, 0.75, &s, err));
    for (uint64_t d = 0; d < 4000; d++)
        count[negative_sampler_draw(s, 0, (draw_place){1, 2, d})]++;
    assert_distributed(count, (const double[]){1000, 1000, 1000, 1000}, 4);
    assert_true(fabs((double)negative_sampler_log_q(s)[3] + log(4)) < 1e-6);
    negative_sampler_free(s);
    test_runtime_end(w.rt, &w.memory);
}

static void test_rows_that_are_searched_reject_as_those_of_a_bitmap(void **state)
{
    (void)state;
    enum { COLUMNS = 10000, MANY = 60000 }; /* so many users that their bitmap would be too large */
    world w;
    w.rt = test_runtime(&w.memory, 1);
    static uint32_t user[4 * COLUMNS], item[4 * COLUMNS];
    static int64_t start[MANY + 1];
    int64_t count = 0;
    for (uint32_t u = 1; u < 4; u++) /* rows of 0, 1, 3334 and 6667 items */
        for (uint32_t i = 0; i < COLUMNS; i++)
            if (u == 1 ? i == 5000 : i % 3 < u - 1) {
                user[count] = u;
                item[count++] = i;
            }
    assert_ok(csr_build(w.rt, 4, COLUMNS, user, item, NULL, count, &w.observed, err));
    for (int64_t u = 0; u <= MANY; u++)
        start[u] = u < 4 ? w.observed.view.start[u] : count;
    csr many = w.observed.view;
    many.rows = MANY;
    many.start = start;
    negative_sampler *s, *searched;
    assert_ok(negative_sampler_create(w.rt, &w.observed.view, NEGATIVE_UNIFORM, 0, &s, err));
    assert_ok(negative_sampler_create(w.rt, &many, NEGATIVE_UNIFORM, 0, &searched, err));
    for (uint32_t u = 0; u < 4; u++)
        for (uint64_t d = 0; d < 40000; d++) {
            const draw_place at = {1, u, d};
            const uint32_t got = negative_sampler_draw(s, u, at);
            assert_true(u == 0 || (u == 1 ? got != 5000 : got % 3 >= u - 1));
            assert_int_equal(negative_sampler_draw(searched, u, at), got);
        }
    negative_sampler_free(s);
    negative_sampler_free(searched);
    world_end(&w);
}

static void test_a_draw_is_known_by_its_place(void **state)
{
    (void)state;
    world w;
    world_begin(&w, ITEMS);
    negative_sampler *s, *again;
    assert_ok(negative_sampler_create(w.rt, &w.observed.view, NEGATIVE_POPULARITY, 0.75, &s, err));
    assert_ok(negative_sampler_create(w.rt, &w.observed.view, NEGATIVE_POPULARITY, 0.75, &again, err));
    int differ[3] = {0};
    for (uint64_t d = 200; d-- > 0;) {
        const uint32_t got = negative_sampler_draw(s, 3, (draw_place){1, 2, d});
        assert_int_equal(got, negative_sampler_draw(again, 3, (draw_place){1, 2, d}));
        differ[0] += got != negative_sampler_draw(s, 3, (draw_place){2, 2, d});
        differ[1] += got != negative_sampler_draw(s, 3, (draw_place){1, 3, d});
        differ[2] += got != negative_sampler_draw(s, 3, (draw_place){1, 2, d + 1});
    }
    for (int i = 0; i < 3; i++)
        assert_true(differ[i] > 150);
    negative_sampler_free(s);
    negative_sampler_free(again);
    world_end(&w);
}

static void test_who_has_all_but_one_gets_that_one(void **state)
{
    (void)state;
    world w;
    world_begin(&w, ITEMS);
    negative_sampler *s;
    assert_ok(negative_sampler_create(w.rt, &w.observed.view, NEGATIVE_UNIFORM, 0, &s, err));
    for (uint64_t d = 0; d < 2000; d++) {
        assert_int_equal(negative_sampler_draw(s, 2, (draw_place){1, 2, d}), 7);
        assert_true(negative_sampler_draw(s, 1, (draw_place){1, 2, d}) < ITEMS); /* who has all gets something */
    }
    negative_sampler_free(s);
    world_end(&w);
}

static void test_every_failing_allocation_is_survived(void **state)
{
    (void)state;
    world w;
    world_begin(&w, ITEMS);
    for (int kind = 0; kind < 2; kind++) {
        negative_sampler *s;
        BRUTAL(w.rt, &w.memory, negative_sampler_create(w.rt, &w.observed.view, kind, 0.75, &s, err),
               negative_sampler_free(s));
    }
    negative_sampler_free(NULL);
    world_end(&w);
}

static void test_draws_in_a_run_are_those_made_one_by_one(void **state)
{
    (void)state;
    enum { DRAWS = 1000 };
    world w;
    world_begin(&w, ITEMS);
    negative_sampler *s;
    assert_ok(negative_sampler_create(w.rt, &w.observed.view, NEGATIVE_POPULARITY, 0.75, &s, err));
    uint32_t user[DRAWS], drawn[DRAWS];
    for (uint32_t d = 0; d < DRAWS; d++)
        user[d] = d % (uint32_t)w.observed.view.rows;
    negative_sampler_draw_all(s, user, (draw_place){1, 2, 77}, DRAWS, drawn);
    for (uint32_t d = 0; d < DRAWS; d++)
        assert_int_equal(drawn[d], negative_sampler_draw(s, user[d], (draw_place){1, 2, 77 + d}));
    negative_sampler_free(s);
    world_end(&w);
}

/* ---- permuted ---- */

static void test_places_permuted_in_a_run_are_those_permuted_one_by_one(void **state)
{
    (void)state;
    const uint64_t counts[] = {1, 2, 31, 64, 1000, 70001, UINT32_MAX};
    uint32_t all[1000];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const uint64_t first = counts[i] / 3, left = counts[i] - first;
        const int64_t places = left < 1000 ? (int64_t)left : 1000;
        permuted_all(9, 4, first, places, counts[i], all);
        for (int64_t k = 0; k < places; k++)
            assert_int_equal(all[k], permuted(9, 4, first + (uint64_t)k, counts[i]));
    }
}

static void test_a_permutation_has_each_place_once(void **state)
{
    (void)state;
    static bool seen[70000];
    for (uint64_t count = 1; count < 70000; count = count < 300 ? count + 1 : count * 3 / 2)
        for (uint64_t epoch = 0; epoch < 3; epoch++) {
            memset(seen, 0, sizeof seen);
            for (uint64_t place = 0; place < count; place++) {
                const uint64_t to = permuted(9, epoch, place, count);
                assert_true(to < count && !seen[to]);
                seen[to] = true;
            }
        }
}

static void test_large_permutations_stay_below_their_count(void **state)
{
    (void)state;
    const uint64_t counts[] = {((uint64_t)1 << 32) + 1, (uint64_t)1 << 62, ((uint64_t)1 << 63) + 5, UINT64_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (uint64_t k = 0; k < 100; k++) {
            const uint64_t place = counts[i] / 100 * k;
            assert_true(permuted(1, 0, place, counts[i]) < counts[i]);
            assert_true(permuted(1, 0, place, counts[i]) != permuted(1, 0, place + 1, counts[i]));
        }
}

/* Each place goes everywhere with the same probability, over epochs and over seeds; so do pairs of neighbours. */
static void test_permutations_are_even(void **state)
{
    (void)state;
    enum { TRIES = 20000, MOST = 11 };
    const int64_t counts[] = {2, 3, 5, 8, MOST};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (int seeds = 0; seeds < 2; seeds++) {
            const uint64_t n = (uint64_t)counts[c];
            int64_t first[MOST] = {0}, pair[MOST * MOST] = {0};
            double even[MOST], even_pair[MOST * MOST] = {0};
            for (uint64_t t = 0; t < TRIES; t++) {
                const uint64_t a = permuted(seeds ? t : 1, seeds ? 1 : t, 0, n);
                const uint64_t b = permuted(seeds ? t : 1, seeds ? 1 : t, 1, n);
                first[a]++;
                pair[a * n + b]++;
            }
            for (uint64_t i = 0; i < n; i++)
                even[i] = TRIES / (double)n;
            for (uint64_t i = 0; i < n * n; i++)
                even_pair[i] = i / n == i % n ? 0 : TRIES / (double)(n * (n - 1));
            assert_distributed(first, even, (int64_t)n);
            assert_distributed(pair, even_pair, (int64_t)(n * n));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws_have_the_distribution_that_is_asked_for),
        cmocka_unit_test(test_items_that_nobody_had_are_never_drawn_by_popularity),
        cmocka_unit_test(test_without_observations_popularity_is_uniform),
        cmocka_unit_test(test_rows_that_are_searched_reject_as_those_of_a_bitmap),
        cmocka_unit_test(test_a_draw_is_known_by_its_place),
        cmocka_unit_test(test_draws_in_a_run_are_those_made_one_by_one),
        cmocka_unit_test(test_who_has_all_but_one_gets_that_one),
        cmocka_unit_test(test_every_failing_allocation_is_survived),
        cmocka_unit_test(test_places_permuted_in_a_run_are_those_permuted_one_by_one),
        cmocka_unit_test(test_a_permutation_has_each_place_once),
        cmocka_unit_test(test_large_permutations_stay_below_their_count),
        cmocka_unit_test(test_permutations_are_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
