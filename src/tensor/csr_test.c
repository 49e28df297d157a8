#include "testing.h"

#include "tensor/csr.h"

enum { ROWS = 57, COLUMNS = 700, LONG_ROW = 13 };

/* Entries in row order, columns at random; LONG_ROW has enough to be sorted by radix, each few rows none. */
typedef struct entries {
    int64_t count;
    uint32_t row[8000], column[8000];
    float value[8000];
} entries;

static void make_entries(entries *e, uint64_t seed)
{
    e->count = 0;
    for (uint32_t r = 0; r < ROWS; r++) {
        const int64_t length = r == LONG_ROW ? 3000 : r % 5 == 0 ? 0 : (int64_t)(random_bits(seed, 1, r) % 70);
        for (int64_t i = 0; i < length; i++, e->count++) {
            e->row[e->count] = r;
            e->column[e->count] = (uint32_t)(random_bits(seed, r, (uint64_t)i) % COLUMNS);
            e->value[e->count] = (float)e->count;
        }
    }
}

/* The slow twin: a dense matrix of the last value of each cell, -1 where there is none. */
static void assert_same_as_dense(const entries *e, const csr *m, bool values)
{
    static float dense[ROWS][COLUMNS];
    for (int64_t i = 0; i < ROWS * COLUMNS; i++)
        dense[i / COLUMNS][i % COLUMNS] = -1;
    for (int64_t i = 0; i < e->count; i++)
        dense[e->row[i]][e->column[i]] = e->value[i];
    int64_t at = 0;
    for (int64_t r = 0; r < ROWS; r++) {
        assert_int_equal(m->start[r], at);
        for (uint32_t c = 0; c < COLUMNS; c++) {
            if (dense[r][c] < 0)
                continue;
            assert_int_equal(m->index[at], c);
            if (values)
                assert_true(m->value[at] == dense[r][c]);
            at++;
        }
    }
    assert_int_equal(csr_count(m), at);
}

static void test_rows_are_sorted_and_the_last_of_repeated_entries_is_kept(void **state)
{
    (void)state;
    static entries e;
    for (int threads = 1; threads <= 4; threads *= 2)
        for (uint64_t seed = 0; seed < 3; seed++) {
            test_memory memory;
            medley_runtime *rt = test_runtime(&memory, threads);
            csr_owner m, ones;
            make_entries(&e, seed);
            assert_ok(csr_build(rt, ROWS, COLUMNS, e.row, e.column, e.value, e.count, &m, err));
            assert_same_as_dense(&e, &m.view, true);
            assert_ok(csr_build(rt, ROWS, COLUMNS, e.row, e.column, NULL, e.count, &ones, err));
            assert_same_as_dense(&e, &ones.view, false);
            assert_null(ones.view.value);
            csr_release(&m);
            csr_release(&ones);
            test_runtime_end(rt, &memory);
        }
}

static void test_the_worked_example_comes_out(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const uint32_t row[] = {0, 0, 0, 2, 2}, column[] = {3, 1, 3, 0, 70000};
    const float value[] = {1, 2, 3, 4, 5};
    csr_owner m;
    assert_ok(csr_build(rt, 3, 70001, row, column, value, 5, &m, err));
    const int64_t start[] = {0, 2, 2, 4};
    const uint32_t index[] = {1, 3, 0, 70000};
    const float kept[] = {2, 3, 4, 5};
    assert_memory_equal(m.view.start, start, sizeof start);
    assert_memory_equal(m.view.index, index, sizeof index);
    assert_memory_equal(m.view.value, kept, sizeof kept);
    assert_int_equal(csr_row_count(&m.view, 1), 0);
    csr_release(&m);
    test_runtime_end(rt, &memory);
}

static void test_an_empty_matrix_is_fine(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    csr_owner m, t;
    assert_ok(csr_build(rt, 0, 0, NULL, NULL, NULL, 0, &m, err));
    assert_int_equal(csr_count(&m.view), 0);
    csr_release(&m);
    assert_ok(csr_build(rt, 4, 3, NULL, NULL, NULL, 0, &m, err));
    assert_int_equal(m.view.start[4], 0);
    assert_ok(csr_transpose(rt, &m.view, &t, err));
    assert_int_equal(t.view.rows, 3);
    assert_int_equal(t.view.start[3], 0);
    csr_release(&m);
    csr_release(&t);
    test_runtime_end(rt, &memory);
}

static void test_the_transpose_has_every_entry_at_its_mirrored_place(void **state)
{
    (void)state;
    static entries e;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    csr_owner m, t, back;
    make_entries(&e, 9);
    assert_ok(csr_build(rt, ROWS, COLUMNS, e.row, e.column, e.value, e.count, &m, err));
    assert_ok(csr_transpose(rt, &m.view, &t, err));
    assert_int_equal(t.view.rows, COLUMNS);
    assert_int_equal(t.view.columns, ROWS);
    assert_int_equal(csr_count(&t.view), csr_count(&m.view));
    for (int64_t c = 0; c < COLUMNS; c++)
        for (int64_t at = t.view.start[c]; at < t.view.start[c + 1]; at++) {
            const int64_t r = t.view.index[at];
            assert_true(at == t.view.start[c] || t.view.index[at - 1] < r);
            int64_t there = m.view.start[r];
            while (there < m.view.start[r + 1] && m.view.index[there] != c)
                there++;
            assert_true(there < m.view.start[r + 1]);
            assert_true(m.view.value[there] == t.view.value[at]);
        }
    assert_ok(csr_transpose(rt, &t.view, &back, err));
    assert_memory_equal(back.view.start, m.view.start, (ROWS + 1) * sizeof *back.start);
    assert_memory_equal(back.view.index, m.view.index, (size_t)csr_count(&m.view) * sizeof *back.index);
    csr_release(&m);
    csr_release(&t);
    csr_release(&back);
    test_runtime_end(rt, &memory);
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    static entries e;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    csr_owner m, t;
    make_entries(&e, 1);
    BRUTAL(rt, &memory, csr_build(rt, ROWS, COLUMNS, e.row, e.column, e.value, e.count, &m, err), csr_release(&m));
    assert_ok(csr_build(rt, ROWS, COLUMNS, e.row, e.column, e.value, e.count, &m, err));
    BRUTAL(rt, &memory, csr_transpose(rt, &m.view, &t, err), csr_release(&t));
    csr_release(&m);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_sorted_and_the_last_of_repeated_entries_is_kept),
        cmocka_unit_test(test_the_worked_example_comes_out),
        cmocka_unit_test(test_an_empty_matrix_is_fine),
        cmocka_unit_test(test_the_transpose_has_every_entry_at_its_mirrored_place),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
