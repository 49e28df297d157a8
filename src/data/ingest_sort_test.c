#include "read_dataset.h"

#include "base/base.h"

#include "fixture.h"

enum { ROWS = 60000, USERS = 700, ITEMS = 2000 };

typedef struct row {
    int user, item, number;
    int64_t time;
    float rating;
} row;

static void id_text(char *out, size_t size, int id)
{
    /* short ones, ones of 15 and 16 bytes, and long ones */
    static const char *const forms[] = {"%d", "%015d", "%016d", "a long, \"quoted\" id with a line\nend %d"};
    snprintf(out, size, forms[id % 4], id);
}

static void add_id(text *out, int id)
{
    char plain[64];
    id_text(plain, sizeof plain, id);
    text_add(out, id % 4 == 3 ? "\"" : "");
    for (const char *p = plain; *p != '\0'; p++)
        text_append(out, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
    text_add(out, id % 4 == 3 ? "\"" : "");
}

/* Few different times, so that there are very many ties; some users own long runs of rows. */
static void make_rows(row *rows)
{
    for (int i = 0; i < ROWS; i++) {
        const uint64_t bits = random_bits(11, 0, (uint64_t)i);
        const bool run = i > 0 && bits % 3 != 0;
        rows[i] = (row){
            .user = run ? rows[i - 1].user : (int)(bits >> 8) % USERS,
            .item = (int)((bits >> 20) % ITEMS * ((bits >> 40) % ITEMS) / ITEMS),
            .number = i,
            .time = 1000000000 + (int64_t)(bits >> 50) % 40,
            .rating = (float)((bits >> 4) % 10 + 1) / 2,
        };
        rows[i].user = rows[i].user < 0 ? -rows[i].user : rows[i].user;
    }
}

static void write_rows(const row *rows, int first, int end, const char *name)
{
    text out = {.rt = rt};
    text_add(&out, "user,item,rating,time\n");
    for (int i = first; i < end; i++) {
        add_id(&out, rows[i].user);
        text_add(&out, ",");
        add_id(&out, rows[i].item);
        text_format(&out, ",%g,%lld\n", (double)rows[i].rating, (long long)rows[i].time);
    }
    assert_ok(text_status(&out, err));
    assert_true(end - first < ROWS || out.length > 4 * 256 * 1024);
    test_write(test_path(folder, name), out.bytes, (size_t)out.length);
    text_release(&out);
}

/* number[id]: the index by first appearance, or -1; returns how many. */
static int number_ids(const row *rows, bool users, int *number)
{
    int count = 0;
    memset(number, 0xff, ITEMS * sizeof *number);
    for (int i = 0; i < ROWS; i++) {
        const int id = users ? rows[i].user : rows[i].item;
        if (number[id] < 0)
            number[id] = count++;
    }
    return count;
}

static int user_number[ITEMS], item_number[ITEMS];

static int by_user_time_and_place(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (user_number[x->user] != user_number[y->user])
        return user_number[x->user] - user_number[y->user];
    if (x->time != y->time)
        return (x->time > y->time) - (x->time < y->time);
    return x->number - y->number;
}

static void assert_is_naive(const dataset *d, const row *sorted, int users, int items)
{
    char id[64], buffer[16];
    size_t length;
    assert_int_equal(d->count, ROWS);
    assert_int_equal(d->users.count, users);
    assert_int_equal(d->items.count, items);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(d->user[i], user_number[sorted[i].user]);
        assert_int_equal(d->item[i], item_number[sorted[i].item]);
        assert_int_equal(d->timestamp[i], sorted[i].time);
        assert_true(d->rating[i] == sorted[i].rating);
        id_text(id, sizeof id, sorted[i].item);
        const char *got = idmap_id(&d->items, d->item[i], buffer, &length);
        assert_int_equal(length, strlen(id));
        assert_memory_equal(got, id, length);
    }
}

static void test_any_number_of_threads_reads_as_the_naive_way(void **state)
{
    (void)state;
    row *rows;
    dataset d;
    assert_ok(mem_alloc(rt, ROWS, sizeof *rows, &rows, err));
    make_rows(rows);
    write_rows(rows, 0, ROWS, "whole");
    write_rows(rows, 0, 25000, "first");
    write_rows(rows, 25000, 25001, "second");
    write_rows(rows, 25001, ROWS, "third");
    const int users = number_ids(rows, true, user_number), items = number_ids(rows, false, item_number);
    qsort(rows, ROWS, sizeof *rows, by_user_time_and_place);
    const input whole = {.name = "whole", .layout = &csv};
    const input parts[] = {
        {.name = "first", .layout = &csv}, {.name = "second", .layout = &csv}, {.name = "third", .layout = &csv}};
    for (int threads = 1; threads <= 4; threads *= 2)
        for (int again = 0; again < 3; again++) {
            test_memory own;
            medley_runtime *runtime = test_runtime(&own, threads);
            assert_ok(read_with(runtime, folder, &usual, &whole, 1, &d, err));
            assert_is_naive(&d, rows, users, items);
            dataset_release(&d);
            assert_ok(read_with(runtime, folder, &usual, parts, 3, &d, err));
            assert_is_naive(&d, rows, users, items);
            assert_int_equal(d.sources[0].rows, 25000);
            assert_int_equal(d.sources[1].rows, 1);
            dataset_release(&d);
            test_runtime_end(runtime, &own);
        }
    mem_free(rows);
}

/* Lists of which each block holds many; ids of a row share their place in the file. */
static void test_lists_number_ids_alike_for_any_number_of_threads(void **state)
{
    (void)state;
    static const interaction_layout lists = {.delimiter = " ", .user = "1", .item = "2", .list = true, .part = -1};
    text out = {.rt = rt};
    int number[5000], items = 0, count = 0;
    memset(number, 0xff, sizeof number);
    for (int user = 0; user < 9000; user++) {
        text_format(&out, "user%d", user);
        for (int i = 0; i < 3 + user % 20; i++) {
            const int item = (int)(random_bits(5, (uint64_t)user, (uint64_t)i) % 5000);
            number[item] = number[item] < 0 ? items++ : number[item];
            count++;
            text_format(&out, " item%d", item);
        }
        text_add(&out, user % 3 == 0 ? " \n" : "\n");
    }
    test_write(test_path(folder, "x"), out.bytes, (size_t)out.length);
    assert_true(out.length > 3 * 256 * 1024);
    text_release(&out);
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory own;
        dataset d;
        medley_runtime *runtime = test_runtime(&own, threads);
        const input one = {.name = "x", .layout = &lists};
        assert_ok(read_with(runtime, folder, &usual, &one, 1, &d, err));
        assert_int_equal(d.count, count);
        assert_int_equal(d.users.count, 9000);
        assert_int_equal(d.items.count, items);
        for (int user = 0, at = 0; user < 9000; user++)
            for (int i = 0; i < 3 + user % 20; i++, at++) {
                assert_int_equal(d.user[at], user);
                assert_int_equal(d.item[at], number[random_bits(5, (uint64_t)user, (uint64_t)i) % 5000]);
            }
        dataset_release(&d);
        test_runtime_end(runtime, &own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_number_of_threads_reads_as_the_naive_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lists_number_ids_alike_for_any_number_of_threads, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
