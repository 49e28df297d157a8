#include "api/listing.h"

#include "fixture.h"
#include "made_catalog.h"

enum { QUERIES = 9000, ITEMS = 5, K = 3 };

/* Everyone's best items are 4, 3, 2: popularity alone. */
static const float bias[ITEMS] = {1, 2, 3, 4, 5};
static const scoring how = {.form = SCORING_FACTORED, .items = ITEMS, .bias = bias};

typedef struct seen {
    int64_t lists, stop_at;
    const uint32_t *rows;
    bool diverse;
} seen;

static medley_status take(void *context, const listed *list, medley_error *err)
{
    seen *s = context;
    if (s->lists == s->stop_at)
        return fail(err, MEDLEY_E_IO, "list %lld", (long long)s->lists);
    assert_int_equal(list->row, s->rows[s->lists++]);
    assert_int_equal(list->count, K);
    assert_int_equal(list->candidates, ITEMS);
    assert_false(list->tied);
    static const uint32_t plain[] = {4, 3, 2}, diverse[] = {4, 2, 0};
    for (int i = 0; i < K; i++)
        assert_int_equal(list->entries[i].item, s->diverse ? diverse[i] : plain[i]);
    return MEDLEY_OK;
}

static uint32_t *backward_rows(void)
{
    uint32_t *rows;
    assert_ok(mem_alloc(rt, QUERIES, sizeof *rows, &rows, err));
    for (int64_t i = 0; i < QUERIES; i++)
        rows[i] = (uint32_t)(QUERIES - 1 - i);
    return rows;
}

static void test_lists_of_many_blocks_come_in_the_order_of_the_queries(void **state)
{
    (void)state;
    uint32_t *rows = backward_rows();
    float vectors[] = {0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0}; /* 4 like 3, 2 like 1, 0 like none */
    const item_space space = {.items = ITEMS, .dimensions = 3, .dense = vectors};
    for (int threads = 1; threads <= 4; threads *= 2)
        for (int diverse = 0; diverse < 2; diverse++) {
            seen s = {.rows = rows, .stop_at = -1, .diverse = diverse != 0};
            const listing l = {.how = {.how = &how},
                               .rows = rows,
                               .count = QUERIES,
                               .k = K,
                               .space = diverse ? &space : NULL,
                               .diversity = 1,
                               .pool = ITEMS,
                               .give = take,
                               .context = &s};
            rt->threads = threads;
            assert_ok(listing_run(rt, &l, err));
            assert_int_equal(s.lists, QUERIES);
        }
    rt->threads = 1;
    mem_free(rows);
}

/* Left sides of a block: a query's vector says which of two items is its best. */
typedef struct known_block {
    left_sides left;
    int64_t lists, blocks, longest;
} known_block;

static medley_status know(void *context, const uint32_t *rows, int64_t count, ranking_request *request,
                          medley_error *err)
{
    known_block *b = context;
    mem_free(b->left.vectors);
    b->left = (left_sides){.rows = count};
    TRY(mem_alloc(rt, count, sizeof *b->left.vectors, &b->left.vectors, err));
    for (int64_t i = 0; i < count; i++)
        b->left.vectors[i] = rows[i] % 3 == 0 ? 1 : -1;
    b->blocks++;
    b->longest = count > b->longest ? count : b->longest;
    request->left = &b->left;
    request->left_by_query = true;
    return MEDLEY_OK;
}

static medley_status take_known(void *context, const listed *list, medley_error *err)
{
    known_block *b = context;
    (void)err;
    assert_int_equal(list->row, QUERIES - 1 - b->lists++);
    assert_true(list->query < b->left.rows);
    assert_int_equal(list->entries[0].item, list->row % 3 == 0 ? 0 : 1);
    return MEDLEY_OK;
}

static void test_what_is_known_is_made_block_by_block(void **state)
{
    (void)state;
    static const float item[] = {1, -1};
    const scoring of_two = {.form = SCORING_FACTORED, .items = 2, .factors = 1, .item = item};
    uint32_t *rows = backward_rows();
    known_block b = {.lists = 0};
    const listing l = {.how = {.how = &of_two},
                       .rows = rows,
                       .count = QUERIES,
                       .k = 1,
                       .know = know,
                       .give = take_known,
                       .context = &b};
    assert_ok(listing_run(rt, &l, err));
    assert_int_equal(b.lists, QUERIES);
    assert_true(b.blocks > 1 && b.longest <= 4096);
    mem_free(b.left.vectors);
    mem_free(rows);
}

static void test_a_sink_that_fails_ends_the_run(void **state)
{
    (void)state;
    uint32_t *rows = backward_rows();
    seen s = {.rows = rows, .stop_at = 5000};
    const listing l = {.how = {.how = &how}, .rows = rows, .count = QUERIES, .k = K, .give = take, .context = &s};
    assert_fails(listing_run(rt, &l, err), MEDLEY_E_IO, "list 5000");
    mem_free(rows);
}

static void test_items_are_chosen_by_condition(void **state)
{
    (void)state;
    medley_store store;
    static const made_item items[] = {{"a", 0, 0, 0}, {"b", 0, 0, 0}, {"c", 0, 0, 0}};
    uint8_t *allowed;
    made_catalog(items, 3, &store);
    const item_choice choice = {.where = "id != 'b'", .exclude = ""};
    assert_ok(items_choose(&store, &choice, &allowed, err));
    assert_memory_equal(allowed, ((const uint8_t[]){1, 0, 1}), 3);
    mem_free(allowed);
    BRUTAL(rt, &memory, items_choose(&store, &choice, &allowed, err), mem_free(allowed));
}

static void test_popularity_counts_each_user_once(void **state)
{
    (void)state;
    static const uint32_t user[] = {0, 0, 0, 2, 2, 5}, item[] = {1, 1, 0, 1, 2, 1};
    const interactions events = {.count = 6, .user = user, .item = item};
    int64_t *popularity, users;
    assert_ok(items_popularity(rt, &events, 4, &popularity, &users, err));
    assert_memory_equal(popularity, ((const int64_t[]){1, 3, 1, 0}), 4 * sizeof(int64_t));
    assert_int_equal(users, 3);
    mem_free(popularity);
    BRUTAL(rt, &memory, items_popularity(rt, &events, 4, &popularity, &users, err), mem_free(popularity));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lists_of_many_blocks_come_in_the_order_of_the_queries, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_known_is_made_block_by_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_sink_that_fails_ends_the_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_items_are_chosen_by_condition, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_popularity_counts_each_user_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
