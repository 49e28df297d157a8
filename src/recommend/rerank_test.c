#include "recommend/rerank.h"

#include <math.h>

#include "testing.h"

enum { MOST = 24, DIMENSIONS = 3 };

/* Items 0..count-1 with random vectors, every 7th without one; a pool of them by falling score, some equal. */
typedef struct drawn {
    float vectors[MOST * DIMENSIONS];
    topk_entry pool[MOST];
    item_space space;
} drawn;

static void draw(drawn *d, uint64_t seed)
{
    for (int i = 0; i < MOST; i++) {
        float *v = d->vectors + i * DIMENSIONS;
        double square = 0;
        for (int x = 0; x < DIMENSIONS; x++) {
            v[x] = i % 7 == 6 ? 0 : (float)(random_uniform(seed, 1, (uint64_t)(i * DIMENSIONS + x)) - 0.5);
            square += (double)v[x] * (double)v[x];
        }
        for (int x = 0; x < DIMENSIONS && square > 0; x++)
            v[x] = (float)((double)v[x] / sqrt(square));
        d->pool[i].item = (uint32_t)((i * 5 + 3) % MOST);
        d->pool[i].score = (float)((MOST - i) / 3) - 4;
        d->pool[i].key = (uint64_t)i;
    }
    d->space = (item_space){.items = MOST, .dimensions = DIMENSIONS, .dense = d->vectors};
}

/* The paper's definition, word by word. */
static int64_t slow_twin(const drawn *d, double diversity, int64_t count, int64_t k, topk_entry *out)
{
    bool taken[MOST] = {false};
    int64_t n = 0;
    const double low = (double)d->pool[count - 1].score, high = (double)d->pool[0].score;
    for (; n < k && n < count; n++) {
        double values[MOST];
        int64_t best = -1;
        for (int64_t i = 0; i < count; i++) {
            double most = n > 0 ? -2 : 0;
            for (int64_t j = 0; j < n; j++)
                most = fmax(most, item_space_cosine(&d->space, d->pool[i].item, out[j].item));
            const double relevance = high > low ? ((double)d->pool[i].score - low) / (high - low) : 0;
            values[i] = (1 - diversity) * relevance - diversity * most;
            if (!taken[i] && (best < 0 || values[i] > values[best]))
                best = i;
        }
        taken[best] = true;
        out[n] = d->pool[best];
    }
    return n;
}

static void assert_same_items(const topk_entry *got, const topk_entry *want, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(got[i].item, want[i].item);
}

static void test_lists_are_those_of_the_definition(void **state)
{
    (void)state;
    static const double diversities[] = {0, 0.1, 0.3, 0.5, 0.9, 1};
    static const int64_t counts[] = {0, 1, 2, 7, MOST}, lengths[] = {1, 3, MOST};
    for (uint64_t seed = 0; seed < 20; seed++)
        for (int d = 0; d < 6; d++)
            for (int c = 0; c < 5; c++)
                for (int k = 0; k < 3; k++) {
                    drawn at;
                    topk_entry got[MOST], want[MOST];
                    double nearest[MOST];
                    draw(&at, seed);
                    const int64_t n =
                        counts[c] > 0 ? slow_twin(&at, diversities[d], counts[c], lengths[k], want) : 0;
                    assert_int_equal(
                        rerank_diverse(&at.space, diversities[d], at.pool, counts[c], lengths[k], nearest, got),
                        n);
                    assert_same_items(got, want, n);
                }
}

static void test_without_diversity_the_list_is_the_plain_one(void **state)
{
    (void)state;
    drawn at;
    topk_entry got[MOST];
    double nearest[MOST];
    draw(&at, 5);
    assert_int_equal(rerank_diverse(&at.space, 0, at.pool, MOST, 10, nearest, got), 10);
    assert_same_items(got, at.pool, 10);
}

static void test_a_list_worked_by_hand(void **state)
{
    (void)state;
    /* b is a's twin, c is across; relevances 1, 0.75, 0.5, 0. */
    float vectors[] = {1, 0, 1, 0, 0, 1, 0, 0};
    const item_space space = {.items = 4, .dimensions = 2, .dense = vectors};
    const topk_entry pool[] = {{9, 0, 0}, {8, 1, 0}, {7, 2, 0}, {5, 3, 0}};
    topk_entry got[4];
    double nearest[4];
    assert_int_equal(rerank_diverse(&space, 0.5, pool, 4, 4, nearest, got), 4);
    const uint32_t even[] = {0, 2, 3, 1}; /* b: 0.375 - 0.5 < d: 0 */
    for (int i = 0; i < 4; i++)
        assert_int_equal(got[i].item, even[i]);
    assert_int_equal(rerank_diverse(&space, 0.15, pool, 4, 2, nearest, got), 2);
    assert_int_equal(got[1].item, 1); /* 0.6375 - 0.15 > 0.425 */
    assert_int_equal(rerank_diverse(&space, 0.25, pool, 4, 2, nearest, got), 2);
    assert_int_equal(got[1].item, 2); /* 0.5625 - 0.25 < 0.375 */
    assert_true(got[1].score == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_are_those_of_the_definition),
        cmocka_unit_test(test_without_diversity_the_list_is_the_plain_one),
        cmocka_unit_test(test_a_list_worked_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
