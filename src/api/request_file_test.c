#include "api/request_file.h"

#include <zlib.h>

#include "fixture.h"

static idmap users, items;

static int set_up_ids(void **state)
{
    static const char *const user_ids[] = {"1", "2", "long user id with spaces", "b\xff"};
    static const char *const item_ids[] = {"a", "b", "c", "d"};
    uint32_t index;
    set_up(state);
    idmap_init(&users, rt);
    idmap_init(&items, rt);
    for (int i = 0; i < 4; i++) {
        assert_ok(idmap_add(&users, user_ids[i], strlen(user_ids[i]), &index, err));
        assert_ok(idmap_add(&items, item_ids[i], 1, &index, err));
    }
    return 0;
}

static int tear_down_ids(void **state)
{
    idmap_release(&users);
    idmap_release(&items);
    return tear_down(state);
}

static const request_ids user_ids_of = {&users, "user of the store"}, item_ids_of = {&items, "item of the store"};

static const char *written(const char *content)
{
    const char *path = test_path(folder, "request.txt");
    test_write_text(path, content);
    return path;
}

static void test_ids_come_in_the_order_of_the_file(void **state)
{
    (void)state;
    static const char *const forms[] = {"2\nb\xff\n2\nlong user id with spaces\n",
                                        "\n2\r\nb\xff\n\n2\nlong user id with spaces"};
    for (int f = 0; f < 2; f++) {
        request_rows rows;
        assert_ok(request_read_ids(rt, written(forms[f]), user_ids_of, &rows, err));
        assert_int_equal(rows.count, 4);
        assert_memory_equal(rows.first, ((const uint32_t[]){1, 3, 1, 2}), 4 * sizeof(uint32_t));
        assert_null(rows.second);
        request_rows_release(&rows);
    }
}

static void test_a_compressed_file_is_read(void **state)
{
    (void)state;
    const char *path = test_path(folder, "request.gz");
    gzFile f = gzopen(path, "wb");
    gzputs(f, "2\n1\n");
    gzclose(f);
    request_rows rows;
    assert_ok(request_read_ids(rt, path, user_ids_of, &rows, err));
    assert_int_equal(rows.count, 2);
    request_rows_release(&rows);
}

static void test_candidates_are_for_all_or_for_each(void **state)
{
    (void)state;
    request_rows rows;
    assert_ok(request_read_candidates(rt, written("c\na\n"), user_ids_of, item_ids_of, &rows, err));
    assert_null(rows.second);
    assert_memory_equal(rows.first, ((const uint32_t[]){2, 0}), 2 * sizeof(uint32_t));
    request_rows_release(&rows);
    assert_ok(request_read_candidates(rt, written("2\tc\n1\ta\n"), user_ids_of, item_ids_of, &rows, err));
    assert_memory_equal(rows.first, ((const uint32_t[]){1, 0}), 2 * sizeof(uint32_t));
    assert_memory_equal(rows.second, ((const uint32_t[]){2, 0}), 2 * sizeof(uint32_t));
    request_rows_release(&rows);
}

static void test_people_are_sorted_by_time_and_lines_are_kept_in_order_without_it(void **state)
{
    (void)state;
    request_people p;
    assert_ok(request_read_people(rt, written("bob\tb\nann\tc\nbob\ta\nann\tc\n"), item_ids_of, &p, err));
    assert_int_equal(p.names.count, 2);
    assert_int_equal(p.known.view.rows, 2);
    assert_false(p.known.view.users);
    assert_null(p.known.view.rating);
    assert_null(p.known.view.timestamp);
    assert_memory_equal(p.known.start, ((const int64_t[]){0, 2, 4}), 3 * sizeof(int64_t));
    assert_memory_equal(p.known.item, ((const uint32_t[]){1, 0, 2, 2}), 4 * sizeof(uint32_t));
    request_people_release(&p);
    assert_ok(request_read_people(rt, written("bob\tb\t3.5\t20\nann\tc\t1\t-5\nbob\ta\t2\t10\nbob\tc\t4\t10\n"),
                                  item_ids_of, &p, err));
    assert_memory_equal(p.known.item, ((const uint32_t[]){0, 2, 1, 2}), 4 * sizeof(uint32_t));
    assert_memory_equal(p.known.rating, ((const float[]){2, 4, 3.5f, 1}), 4 * sizeof(float));
    assert_memory_equal(p.known.timestamp, ((const int64_t[]){10, 10, 20, -5}), 4 * sizeof(int64_t));
    request_people_release(&p);
}

static medley_status read_any(char kind, const char *path, medley_error *err)
{
    request_rows rows = {0};
    request_people people;
    medley_status status;
    if (kind == 'p') {
        status = request_read_people(rt, path, item_ids_of, &people, err);
        if (status == MEDLEY_OK)
            request_people_release(&people);
        return status;
    }
    status = kind == 'u' ? request_read_ids(rt, path, user_ids_of, &rows, err)
                         : request_read_candidates(rt, path, user_ids_of, item_ids_of, &rows, err);
    request_rows_release(&rows);
    return status;
}

static void test_bad_lines_are_refused_with_their_number(void **state)
{
    (void)state;
    static const struct {
        char kind;
        const char *content;
        medley_status status;
        const char *message;
    } cases[] = {
        {'u', "1\n\n3\n", MEDLEY_E_NOT_FOUND,
         "request.txt:3: '3' is no user of the store, which has 4, '1' for one"},
        {'u', "1\t2\n", MEDLEY_E_FORMAT, "request.txt:1: 2 columns; accepted, apart by tabs: an id"},
        {'u', "", MEDLEY_E_FORMAT, "request.txt: holds no line"},
        {'u', "\n\r\n", MEDLEY_E_FORMAT, "request.txt: holds no line"},
        {'c', "e\n", MEDLEY_E_NOT_FOUND, "request.txt:1: 'e' is no item of the store, which has 4, 'a' for one"},
        {'c', "1\ta\nb\n", MEDLEY_E_FORMAT, "request.txt:2: 1 column; the first line has 2"},
        {'c', "a\nb\n1\tb\n", MEDLEY_E_FORMAT, "request.txt:3: 2 columns; the first line has 1"},
        {'c', "x\ta\n", MEDLEY_E_NOT_FOUND, "request.txt:1: 'x' is no user"},
        {'c', "1\tx\n", MEDLEY_E_NOT_FOUND, "request.txt:1: 'x' is no item"},
        {'c', "1\ta\t3\n", MEDLEY_E_FORMAT,
         "request.txt:1: 3 columns; accepted, apart by tabs: item, or user and item"},
        {'p', "\ta\n", MEDLEY_E_FORMAT, "request.txt:1: an empty name of a person"},
        {'p', "ann\n", MEDLEY_E_FORMAT, "request.txt:1: 1 column; accepted, apart by tabs: person, item, rating"},
        {'p', "ann\ta\t1\t2\t3\n", MEDLEY_E_FORMAT, "request.txt:1: 5 columns"},
        {'p', "ann\ta\t1\t2\t3\t4\t5\n", MEDLEY_E_FORMAT, "request.txt:1: 7 columns"},
        {'p', "ann\ta\t1\nbob\tb\n", MEDLEY_E_FORMAT, "request.txt:2: 2 columns; the first line has 3"},
        {'p', "ann\ta\tgood\n", MEDLEY_E_FORMAT, "request.txt:1: rating 'good'; a number is accepted"},
        {'p', "ann\ta\t1e39\n", MEDLEY_E_FORMAT, "request.txt:1: rating '1e39'"},
        {'p', "ann\ta\t1\t2.5\n", MEDLEY_E_FORMAT, "timestamp '2.5'; whole seconds since 1970 are accepted"},
        {'p', "ann\tz\n", MEDLEY_E_NOT_FOUND, "request.txt:1: 'z' is no item of the store"},
        {'p', "ann\t\n", MEDLEY_E_NOT_FOUND, "request.txt:1: '' is no item of the store"},
        {'p', "a\xff\ta\n", MEDLEY_E_FORMAT, "request.txt:1: a person's name is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(read_any(cases[i].kind, written(cases[i].content), err), cases[i].status, cases[i].message);
    assert_fails(read_any('u', test_path(folder, "none"), err), MEDLEY_E_NOT_FOUND, "none");
    assert_fails(read_any('u', folder, err), MEDLEY_E_IO, folder);
}

static void test_a_long_path_does_not_hide_the_reason(void **state)
{
    (void)state;
    char path[2000];
    snprintf(path, sizeof path, "%s/", folder);
    while (strlen(path) < 1500)
        strncat(path, "./", sizeof path - strlen(path) - 1);
    strncat(path, "request.txt", sizeof path - strlen(path) - 1);
    (void)written("x\n");
    assert_fails(read_any('u', path, err), MEDLEY_E_NOT_FOUND, "./request.txt:1: 'x' is no user of the store");
}

static void test_allocation_failures_leave_nothing(void **state)
{
    (void)state;
    const char *path = written("2\tc\n1\ta\nlong user id with spaces\ta\n");
    BRUTAL(rt, &memory, read_any('c', path, err), (void)0);
    path = written("a long name of someone\tc\t1\t2\nbob\ta\t2\t1\nbob\tb\t2\t0\n");
    BRUTAL(rt, &memory, read_any('p', path, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ids_come_in_the_order_of_the_file, set_up_ids, tear_down_ids),
        cmocka_unit_test_setup_teardown(test_a_compressed_file_is_read, set_up_ids, tear_down_ids),
        cmocka_unit_test_setup_teardown(test_candidates_are_for_all_or_for_each, set_up_ids, tear_down_ids),
        cmocka_unit_test_setup_teardown(test_people_are_sorted_by_time_and_lines_are_kept_in_order_without_it,
                                        set_up_ids, tear_down_ids),
        cmocka_unit_test_setup_teardown(test_bad_lines_are_refused_with_their_number, set_up_ids, tear_down_ids),
        cmocka_unit_test_setup_teardown(test_a_long_path_does_not_hide_the_reason, set_up_ids, tear_down_ids),
        cmocka_unit_test_setup_teardown(test_allocation_failures_leave_nothing, set_up_ids, tear_down_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
