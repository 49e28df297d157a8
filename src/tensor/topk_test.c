#include "testing.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "tensor/topk.h"

enum { ITEMS = 1000, K_MOST = 1200, SEED = 5, USER = 77 };

static int best_first(const void *a, const void *b)
{
    const topk_entry *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* Scores offered in pieces of uneven length equal a full sort of all candidates. */
static void assert_same_as_full_sort(const float *scores, int64_t count, int64_t k)
{
    static topk_entry held[K_MOST], all[ITEMS];
    topk t;
    topk_start(&t, held, k, SEED, USER);
    for (int64_t first = 0, piece = 1; first < count; first += piece, piece = piece * 2 % 173 + 1) {
        if (piece > count - first)
            piece = count - first;
        assert_int_equal(topk_offer(&t, scores + first, piece, (uint32_t)first), -1);
    }
    topk_sort(&t);
    int64_t candidates = 0, tied = 0;
    for (uint32_t i = 0; i < count; i++)
        if (scores[i] > -INFINITY)
            all[candidates++] = (topk_entry){scores[i], i, random_bits(SEED, USER, i)};
    qsort(all, (size_t)candidates, sizeof *all, best_first);
    assert_int_equal(t.count, candidates < k ? candidates : k);
    for (int64_t i = 0; i < t.count; i++) {
        assert_int_equal(held[i].item, all[i].item);
        assert_true(held[i].score == all[i].score);
    }
    for (int64_t i = t.count; i < candidates; i++)
        tied += all[i].score == all[t.count - 1].score;
    assert_int_equal(t.tied_outside, tied);
}

/* `levels` distinct scores, so that few levels tie a lot; one in `holes` is no candidate. */
static void make_scores(float *scores, uint64_t seed, uint64_t levels, uint64_t holes)
{
    for (uint64_t i = 0; i < ITEMS; i++) {
        scores[i] = (float)(random_bits(seed, 1, i) % levels) - 3;
        if (holes > 0 && random_bits(seed, 2, i) % holes == 0)
            scores[i] = -INFINITY;
    }
}

static void test_the_list_and_its_outside_ties_equal_a_full_sort(void **state)
{
    (void)state;
    static const uint64_t levels[] = {1, 2, 7, 50, 1000000}, holes[] = {0, 2, 1};
    static const int64_t k[] = {1, 2, 20, 64, 999, 1000, 1200};
    static float scores[ITEMS];
    uint64_t seed = 0;
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
        for (size_t h = 0; h < sizeof holes / sizeof *holes; h++)
            for (size_t i = 0; i < sizeof k / sizeof *k; i++) {
                make_scores(scores, ++seed, levels[l], holes[h]);
                assert_same_as_full_sort(scores, ITEMS, k[i]);
                assert_same_as_full_sort(scores, (int64_t)(seed % 130), k[i]);
            }
}

static void test_rising_and_falling_scores_equal_a_full_sort(void **state)
{
    (void)state;
    static float rising[ITEMS], falling[ITEMS];
    for (int i = 0; i < ITEMS; i++) {
        rising[i] = (float)(i / 3);
        falling[i] = -rising[i];
    }
    assert_same_as_full_sort(rising, ITEMS, 10);
    assert_same_as_full_sort(falling, ITEMS, 10);
    rising[500] = FLT_MAX;
    falling[3] = -FLT_MAX;
    assert_same_as_full_sort(rising, ITEMS, 10);
    assert_same_as_full_sort(falling, ITEMS, 1000);
}

static void test_ties_are_broken_by_the_hash_and_not_by_the_index(void **state)
{
    (void)state;
    static float same[ITEMS];
    topk_entry held[10];
    topk t;
    int64_t late = 0;
    topk_start(&t, held, 10, SEED, USER);
    assert_int_equal(topk_offer(&t, same, ITEMS, 0), -1);
    topk_sort(&t);
    assert_int_equal(t.tied_outside, ITEMS - 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(held[i].key, random_bits(SEED, USER, held[i].item));
        assert_true(i == 0 || held[i - 1].key < held[i].key);
        late += held[i].item >= ITEMS / 2;
    }
    assert_in_range(late, 1, 9);
}

static void test_scores_that_are_not_finite_are_found(void **state)
{
    (void)state;
    static float scores[ITEMS];
    topk_entry held[3];
    topk t;
    static const float bad[] = {NAN, INFINITY};
    for (int b = 0; b < 2; b++)
        for (int64_t at = 0; at < ITEMS; at += 37) {
            make_scores(scores, 3, 1000, 4);
            scores[at] = bad[b];
            topk_start(&t, held, 3, SEED, USER);
            assert_int_equal(topk_offer(&t, scores, ITEMS, 0), at);
        }
}

static void test_pushing_one_by_one_equals_offering(void **state)
{
    (void)state;
    static float scores[ITEMS];
    topk_entry offered[20], pushed[20];
    topk a, b;
    make_scores(scores, 8, 30, 0);
    topk_start(&a, offered, 20, SEED, USER);
    topk_start(&b, pushed, 20, SEED, USER);
    assert_int_equal(topk_offer(&a, scores, ITEMS, 0), -1);
    for (uint32_t i = ITEMS; i-- > 0;)
        topk_push(&b, scores[i], i);
    topk_sort(&a);
    topk_sort(&b);
    assert_memory_equal(offered, pushed, sizeof offered);
    assert_int_equal(a.tied_outside, b.tied_outside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_list_and_its_outside_ties_equal_a_full_sort),
        cmocka_unit_test(test_rising_and_falling_scores_equal_a_full_sort),
        cmocka_unit_test(test_ties_are_broken_by_the_hash_and_not_by_the_index),
        cmocka_unit_test(test_scores_that_are_not_finite_are_found),
        cmocka_unit_test(test_pushing_one_by_one_equals_offering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
