/* Lists in files: what is written is read back; what others write is understood or refused. */
#include "api/list_file.h"

#include <zlib.h>

#include "made_store.h"

#include "fixture.h"

static medley_store *store;

static int make_store(void **state)
{
    set_up(state);
    assert_ok(
        made_store(rt, test_path(folder, "store"), "user,item\nu1,i1\nu1,i2\nu2,i3\nu2,i 4\n7,9\n", NULL, err));
    assert_ok(store_open(rt, test_path(folder, "store"), true, &store, err));
    return 0;
}

static int end_store(void **state)
{
    store_free(store);
    return tear_down(state);
}

static medley_status read_text(const char *bytes, bool skip, read_lists *out, medley_error *err)
{
    test_write_text(test_path(folder, "lists"), bytes);
    return list_file_read(store, test_path(folder, "lists"), skip, out, err);
}

/* "u1: i2 i1; u2: i3", ties joined by '='. */
static void assert_lists(const read_lists *l, const char *want)
{
    char got[512] = "";
    for (int64_t u = 0; u < store->users; u++) {
        for (int64_t at = l->view.start[u]; at < l->view.start[u + 1]; at++) {
            const bool first = at == l->view.start[u];
            const size_t used = strlen(got);
            snprintf(got + used, sizeof got - used, "%s%s%s%s", first && used > 0 ? "; " : "",
                     first ? store->user_ids[u] : "",
                     first                                    ? ": "
                     : l->view.tie[at] == l->view.tie[at - 1] ? "="
                                                              : " ",
                     store->item_ids[l->view.item[at]]);
        }
    }
    assert_string_equal(got, want);
}

static void test_every_form_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *lists, *form;
    } cases[] = {
        {"u1\ti2\nu1\ti1\nu2\ti3\n", "u1: i2 i1; u2: i3", "user, item"},
        {"u1\ti2\t0.5\nu1\ti1\t0.75\n", "u1: i1 i2", "user, item, score"},
        {"u1\ti2\t0.5\nu1\ti1\t0.5\nu1\ti3\t1\n", "u1: i3 i2=i1", "user, item, score"},
        {"u1\t2\ti2\nu1\t1\ti1\n", "u1: i1 i2", "user, rank, item"},
        {"u1\t2\ti2\t0.5\tTwo\nu1\t1\ti1\t0.5\tOne\n", "u1: i1 i2", "user, rank, item, score"},
        {"item\tuser\tscore\ni1\tu1\t1\ni2\tu1\t2\n", "u1: i2 i1", "columns named by the header"},
        {"user\trank\titem\tscore\ttitle\nu1\t1\ti 4\t3\tFour\n", "u1: i 4", "columns named by the header"},
        {"user_id:token\titem_id:token\nu2\ti1\n", "u2: i1", "columns named by the header"},
        {"u1 Q0 i1 1 0.5 run\nu1 Q0 i2 2 0.75 run\nu2 Q0 i3 1 3 run\n", "u1: i2 i1; u2: i3", "TREC run"},
        {"u1\tQ0\ti2\t1\t1e0\tmine\nu1   Q0  i1 2 1 mine\r\n", "u1: i2 i1", "TREC run"}, /* equal scores: ranks */
        {"\xef\xbb\xbfu1\ti2\r\n\r\nu1\ti1\r\n", "u1: i2 i1", "user, item"},
        {"u2\ti3\nu1\ti2\nu2\ti1\n", "u1: i2; u2: i3 i1", "user, item"}, /* not grouped */
        {"7\t1\t9\n", "7: 9", "user, rank, item"},                       /* 9 is an item, 1 is none */
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        read_lists l;
        assert_ok(read_text(cases[c].bytes, false, &l, err));
        assert_lists(&l, cases[c].lists);
        assert_string_equal(l.counts.form, cases[c].form);
        read_lists_release(&l);
    }
}

static void test_what_cannot_be_read_is_refused_with_its_line_or_counted(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        medley_status status;
        const char *want;
        int64_t bad, users, items;
    } cases[] = {
        {"u1\ti1\nu1\n", MEDLEY_E_FORMAT, ":2: 1 fields; 2 are needed for user, item", 1, 0, 0},
        {"u1\ti1\tx\n", MEDLEY_E_FORMAT, ":1: score 'x' is no finite number", 1, 0, 0},
        {"u1\ti1\t1\nu1\ti2\tnan\n", MEDLEY_E_FORMAT, ":2: score 'nan' is no finite number", 1, 0, 0},
        {"u1\ti1\t1\nu1\ti2\t1e60\n", MEDLEY_E_FORMAT, ":2: score '1e60' is no finite number", 1, 0, 0},
        {"u1\tfirst\ti1\t1\n", MEDLEY_E_FORMAT, ":1: rank 'first' is no whole number", 1, 0, 0},
        {"u1\t1\ti1\t3\nu1\t0\ti2\t2\n", MEDLEY_E_FORMAT, ":2: rank 0; accepted: ranks from 1 on", 1, 0, 0},
        {"u1 Q0 i1 -1 3 x\n", MEDLEY_E_FORMAT, ":1: rank -1; accepted: ranks from 1 on", 1, 0, 0},
        {"u1\ti1\nu9\ti1\n", MEDLEY_E_NOT_FOUND, ":2: the store has no user 'u9'", 0, 1, 0},
        {"u1\ti1\nu1\ti9\nu1\ti8\n", MEDLEY_E_NOT_FOUND, ":2: the store has no item 'i9'", 0, 0, 2},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        read_lists l;
        assert_fails(read_text(cases[c].bytes, false, &l, err), cases[c].status, cases[c].want);
        assert_ok(read_text(cases[c].bytes, true, &l, err));
        assert_int_equal(l.counts.bad_rows, cases[c].bad);
        assert_int_equal(l.counts.unknown_users, cases[c].users);
        assert_int_equal(l.counts.unknown_items, cases[c].items);
        read_lists_release(&l);
    }
    read_lists l;
    static const char *const empty[] = {"", "\n\n", "user\titem\n"};
    for (size_t c = 0; c < sizeof empty / sizeof *empty; c++)
        for (int skip = 0; skip < 2; skip++)
            assert_fails(read_text(empty[c], skip == 1, &l, err), MEDLEY_E_FORMAT,
                         "lists: no lists; at least one row is needed");
    assert_fails(read_text("just words\n", true, &l, err), MEDLEY_E_FORMAT, ":1: neither a TREC run nor columns");
    assert_fails(read_text("u1\ti1\nu2\ti1\nu1\ti1\n", true, &l, err), MEDLEY_E_FORMAT,
                 ":3: item 'i1' is in the list of user 'u1' already, line 1");
    assert_fails(list_file_read(store, test_path(folder, "none"), true, &l, err), MEDLEY_E_NOT_FOUND, "none");
}

static void test_ranks_that_contradict_scores_are_counted(void **state)
{
    (void)state;
    read_lists l;
    assert_ok(read_text("u1 Q0 i1 1 0.5 r\nu1 Q0 i2 2 0.75 r\nu1 Q0 i3 3 0.25 r\n", false, &l, err));
    assert_int_equal(l.counts.ranks_against_scores, 1);
    assert_int_equal(l.counts.rows, 3);
    assert_int_equal(l.counts.users, 1);
    read_lists_release(&l);
}

static void test_a_compressed_file_is_read(void **state)
{
    (void)state;
    const char *path = test_path(folder, "lists.gz");
    read_lists l;
    gzFile compressed = gzopen(path, "wb");
    assert_true(gzputs(compressed, "u1\ti2\nu1\ti1\n") > 0);
    assert_int_equal(gzclose(compressed), Z_OK);
    assert_ok(list_file_read(store, path, false, &l, err));
    assert_lists(&l, "u1: i2 i1");
    read_lists_release(&l);
}

static medley_status write_some(list_form form, int64_t items, medley_error *err)
{
    list_file *f;
    TRY(list_file_open(store, test_path(folder, "ours"), form, "made", &f, err));
    medley_status status = MEDLEY_OK;
    for (int64_t i = 0; i < items && status == MEDLEY_OK; i++)
        status = list_file_add(f, 1, i + 1, items - 1 - i, 1 / (float)(i + 3), err);
    if (status == MEDLEY_OK)
        return list_file_commit(f, err);
    list_file_abandon(f);
    return status;
}

static void test_what_is_written_is_read_back(void **state)
{
    (void)state;
    for (int form = LIST_TSV; form <= LIST_TREC; form++) {
        read_lists l;
        assert_ok(write_some((list_form)form, 3, err));
        assert_ok(list_file_read(store, test_path(folder, "ours"), false, &l, err));
        assert_lists(&l, "u2: i3 i2 i1");
        for (int64_t i = 0; i < 3; i++)
            assert_true(l.score[i] == 1 / (float)(i + 3));
        read_lists_release(&l);
    }
    size_t length;
    char *bytes = test_read(test_path(folder, "ours"), &length);
    assert_string_equal(bytes, "u2 Q0 i3 1 0.333333343 made\nu2 Q0 i2 2 0.25 made\nu2 Q0 i1 3 0.200000003 made\n");
    test_read_end(bytes);
}

/* The file that was there stays. */
static void test_an_id_with_a_blank_fits_no_trec_run(void **state)
{
    (void)state;
    assert_ok(write_some(LIST_TREC, 2, err));
    char *before = test_read(test_path(folder, "ours"), NULL);
    assert_fails(write_some(LIST_TREC, 4, err), MEDLEY_E_CONFIG, "id 'i 4' is empty or has white space");
    char *after = test_read(test_path(folder, "ours"), NULL);
    assert_string_equal(before, after);
    test_read_end(before);
    test_read_end(after);
    assert_ok(write_some(LIST_TSV, 4, err));
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    read_lists l;
    BRUTAL(rt, &memory, read_text("u1\ti2\t3\nu2\ti1\t2\n", false, &l, err), read_lists_release(&l));
    BRUTAL(rt, &memory, write_some(LIST_TSV, 3, err), (void)0);
    FULL_DISK(rt, &memory, write_some(LIST_TREC, 3, err), (void)0, (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_is_understood),
        cmocka_unit_test(test_what_cannot_be_read_is_refused_with_its_line_or_counted),
        cmocka_unit_test(test_ranks_that_contradict_scores_are_counted),
        cmocka_unit_test(test_a_compressed_file_is_read),
        cmocka_unit_test(test_what_is_written_is_read_back),
        cmocka_unit_test(test_an_id_with_a_blank_fits_no_trec_run),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, make_store, end_store);
}
