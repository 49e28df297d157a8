#include "testing.h"

#include "base/base.h"
#include "model/triples.h"

enum { USERS = 40, ITEMS = 25, FULL_USER = 7, EMPTY_USER = 9 };

static test_memory memory;
static medley_runtime *rt;
static csr_owner matrix;
static training data;

static int set_up(void **state)
{
    uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    int64_t count = 0;
    (void)state;
    rt = test_runtime(&memory, 2);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if (u == FULL_USER || (u != EMPTY_USER && random_uniform(3, u, i) < 0.1 + 0.02 * u)) {
                user[count] = u;
                item[count++] = i;
            }
    assert_ok(csr_build(rt, USERS, ITEMS, user, item, NULL, count, &matrix, err));
    data = (training){.users = USERS, .items = ITEMS, .matrix = matrix.view};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    csr_release(&matrix);
    test_runtime_end(rt, &memory);
    return 0;
}

static bool has_had(uint32_t user, uint32_t item)
{
    for (int64_t at = matrix.start[user]; at < matrix.start[user + 1]; at++)
        if (matrix.index[at] == item)
            return true;
    return false;
}

static medley_status init_or_release(const triples_params *p, triples *t, medley_error *err)
{
    const medley_status status = triples_init(rt, p, &data, t, err);
    if (status != MEDLEY_OK)
        triples_release(t);
    return status;
}

static triple_batch *batch_of(const triples *t, int64_t epoch, int64_t first, int64_t count)
{
    const batch_place at = {.seed = 11, .epoch = epoch, .first = first, .count = count};
    void *batch;
    assert_ok(mem_alloc(rt, triples_batch_bytes(t, count), 1, &batch, err));
    triples_fill(t, &at, batch);
    return batch;
}

static void check_triples(const triple_batch *b)
{
    for (int64_t k = 0; k < b->count; k++) {
        assert_true(b->user[k] < USERS && b->positive[k] < ITEMS && b->negative[k] < ITEMS);
        assert_true(has_had(b->user[k], b->positive[k]));
        assert_true(b->user[k] == FULL_USER || !has_had(b->user[k], b->negative[k]));
    }
}

static void test_an_epoch_has_every_pair_once(void **state)
{
    const triples_params p = {POSITIVES_PAIRS, NEGATIVE_UNIFORM, 0};
    int seen[USERS][ITEMS] = {{0}};
    triples t;
    (void)state;
    BRUTAL(rt, &memory, init_or_release(&p, &t, err), triples_release(&t));
    assert_ok(triples_init(rt, &p, &data, &t, err));
    const int64_t pairs = triples_examples(&t);
    assert_int_equal(pairs, csr_count(&matrix.view));
    for (int64_t first = 0; first < pairs; first += 60) {
        triple_batch *b = batch_of(&t, 0, first, pairs - first < 60 ? pairs - first : 60);
        check_triples(b);
        for (int64_t k = 0; k < b->count; k++)
            seen[b->user[k]][b->positive[k]]++;
        mem_free(b);
    }
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            assert_int_equal(seen[u][i], has_had(u, i) ? 1 : 0);
    triple_batch *now = batch_of(&t, 0, 0, 60), *next = batch_of(&t, 1, 0, 60);
    assert_memory_not_equal(now->user, next->user, 60 * sizeof *now->user);
    mem_free(now);
    mem_free(next);
    triples_release(&t);
}

static void test_a_batch_made_alone_is_the_same(void **state)
{
    (void)state;
    for (int positives = POSITIVES_PAIRS; positives <= POSITIVES_USERS; positives++)
        for (int negatives = NEGATIVE_UNIFORM; negatives <= NEGATIVE_BATCH; negatives++) {
            const triples_params p = {positives, negatives, 0.75};
            triples t;
            assert_ok(triples_init(rt, &p, &data, &t, err));
            triple_batch *before = batch_of(&t, 2, 20, 20), *then = batch_of(&t, 2, 40, 20);
            triples_release(&t);
            assert_ok(triples_init(rt, &p, &data, &t, err));
            triple_batch *alone = batch_of(&t, 2, 40, 20);
            check_triples(alone);
            assert_memory_not_equal(before->positive, alone->positive, 20 * sizeof *alone->user);
            assert_memory_equal(then->user, alone->user, 20 * sizeof *alone->user);
            assert_memory_equal(then->positive, alone->positive, 20 * sizeof *alone->user);
            assert_memory_equal(then->negative, alone->negative, 20 * sizeof *alone->user);
            mem_free(before);
            mem_free(then);
            mem_free(alone);
            triples_release(&t);
        }
}

static void test_negatives_of_the_batch_are_positives_of_others(void **state)
{
    const triples_params p = {POSITIVES_PAIRS, NEGATIVE_BATCH, 0};
    triples t;
    int64_t of_batch = 0;
    (void)state;
    assert_ok(triples_init(rt, &p, &data, &t, err));
    triple_batch *b = batch_of(&t, 0, 0, 50);
    check_triples(b);
    for (int64_t k = 0; k < b->count; k++)
        for (int64_t other = 0; other < b->count; other++)
            if (b->positive[other] == b->negative[k]) {
                of_batch++;
                break;
            }
    assert_true(of_batch >= 48);
    mem_free(b);
    triples_release(&t);
}

/* 40 users less the empty one, evenly: of 39,000 draws about 1,000 each, whatever they have had. */
static void test_users_can_be_drawn_evenly(void **state)
{
    const triples_params p = {POSITIVES_USERS, NEGATIVE_UNIFORM, 0};
    int64_t drawn[USERS] = {0};
    triples t;
    (void)state;
    assert_ok(triples_init(rt, &p, &data, &t, err));
    triple_batch *b = batch_of(&t, 0, 0, 39000);
    for (int64_t k = 0; k < b->count; k++)
        drawn[b->user[k]]++;
    for (uint32_t u = 0; u < USERS; u++)
        if (u == EMPTY_USER || csr_row_count(&matrix.view, u) == 0)
            assert_int_equal(drawn[u], 0);
        else
            assert_in_range(drawn[u], 850, 1150);
    mem_free(b);
    triples_release(&t);
}

static void test_users_who_have_had_everything_are_refused(void **state)
{
    const uint32_t user[] = {0, 0, 1, 1}, item[] = {0, 1, 0, 1};
    const triples_params p = {POSITIVES_PAIRS, NEGATIVE_UNIFORM, 0};
    csr_owner full;
    triples t;
    (void)state;
    assert_ok(csr_build(rt, 2, 2, user, item, NULL, 4, &full, err));
    const training all = {.users = 2, .items = 2, .matrix = full.view};
    assert_fails(triples_init(rt, &p, &all, &t, err), MEDLEY_E_CONFIG,
                 "no user has an item left to draw as a negative");
    triples_release(&t);
    csr_release(&full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_epoch_has_every_pair_once),
        cmocka_unit_test(test_a_batch_made_alone_is_the_same),
        cmocka_unit_test(test_negatives_of_the_batch_are_positives_of_others),
        cmocka_unit_test(test_users_can_be_drawn_evenly),
        cmocka_unit_test(test_users_who_have_had_everything_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
