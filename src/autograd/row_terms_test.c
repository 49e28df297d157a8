#include "testing.h"

#include <math.h>
#include <string.h>

#include "autograd/row_terms.h"

#include "fixture.h"

/* A step that adds terms in every way there is: two sources of the same rows and the rows' own, one of other rows, and
 * terms that are written down. The twin is the definition, in double. */
typedef struct world {
    int64_t rows, D, count;
    parameter_kind kind;
    bool popular; /* nearly all terms are of one row */
} world;

typedef struct step {
    parameters p;
    parameter *table;
    graph *g;
    world w;
    uint32_t *row, *other, *pick; /* [count] */
    real *scale;                  /* [count] */
    real *vector;                 /* [100, D] */
} step;

static uint32_t draw(const world *w, uint64_t stream, int64_t b)
{
    const uint64_t bits = random_bits(5, stream, (uint64_t)b);
    return w->popular && bits % 16 != 0 ? (uint32_t)(w->rows / 2) : (uint32_t)(bits / 16 % (uint64_t)w->rows);
}

static medley_status step_create(const medley_runtime *runtime, const world *w, step *s, medley_error *err)
{
    *s = (step){.w = *w};
    parameters_init(runtime, &s->p);
    s->table = parameters_add(&s->p, "t", shape_2(w->rows, w->D), w->kind, (initial){INITIAL_UNIFORM, -1, 1});
    TRY(parameters_allocate(runtime, &s->p, 1, err));
    TRY(graph_create(runtime, &s->g, err));
    TRY(mem_alloc(runtime, w->count, sizeof *s->row, &s->row, err));
    TRY(mem_alloc(runtime, w->count, sizeof *s->other, &s->other, err));
    TRY(mem_alloc(runtime, w->count, sizeof *s->pick, &s->pick, err));
    TRY(mem_alloc(runtime, w->count, sizeof *s->scale, &s->scale, err));
    TRY(mem_alloc(runtime, 100 * w->D, sizeof *s->vector, &s->vector, err));
    for (int64_t b = 0; b < w->count; b++) {
        s->row[b] = draw(w, 1, b);
        s->other[b] = draw(w, 2, b);
        s->pick[b] = (uint32_t)(random_bits(5, 3, (uint64_t)b) % 100);
        s->scale[b] = (real)(random_uniform(5, 4, (uint64_t)b) - 0.5);
    }
    for (int64_t i = 0; i < 100 * w->D; i++)
        s->vector[i] = (real)(random_uniform(5, 5, (uint64_t)i) - 0.5);
    return MEDLEY_OK;
}

static void step_end(step *s)
{
    mem_free(s->row);
    mem_free(s->other);
    mem_free(s->pick);
    mem_free(s->scale);
    mem_free(s->vector);
    graph_free(s->g);
    parameters_release(&s->p);
}

static medley_status step_run(step *s, medley_error *err)
{
    const int64_t count = s->w.count;
    graph_begin(s->g, (graph_place){0});
    row_terms_add_source(s->g, s->table, &(row_source){s->row, count, s->vector, s->pick, s->scale, 0});
    row_terms_add_source(s->g, s->table, &(row_source){s->other, count, s->vector, s->pick, NULL, (real)0.25});
    row_term *term = row_terms_add(s->g, s->table, count);
    for (int64_t b = 0; term != NULL && b < count; b++)
        term[b] = (row_term){s->vector + s->pick[b] * s->w.D, s->row[b], (real)-0.125};
    row_terms_add_source(s->g, s->table, &(row_source){s->row, count, s->table->value, s->row, NULL, (real)0.5});
    row_terms_add_source(s->g, s->table, &(row_source){s->row, count, s->vector, s->pick, NULL, 1});
    row_terms_sum(s->g, s->table, &(row_sorts){NULL});
    return graph_status(s->g, err);
}

/* d [rows, D] += what step_run says, and mark [rows] the touched ones. */
static void twin(const step *s, double *sum, double *most, bool *touched)
{
    const int64_t D = s->w.D;
    for (int64_t b = 0; b < s->w.count; b++) {
        touched[s->row[b]] = touched[s->other[b]] = true;
        for (int64_t d = 0; d < D; d++) {
            const double v = (double)s->vector[s->pick[b] * D + d];
            double *of_row = sum + s->row[b] * D + d, *of_other = sum + s->other[b] * D + d;
            *of_row += v * ((double)s->scale[b] - 0.125 + 1) + 0.5 * (double)s->table->value[s->row[b] * D + d];
            *of_other += 0.25 * v;
            *most = fmax(*most, fmax(fabs(*of_row), fabs(*of_other)));
        }
    }
}

static void check_step(const step *s)
{
    const int64_t rows = s->w.rows, D = s->w.D;
    double *sum, most = 1;
    bool *touched;
    assert_ok(mem_alloc_zero(rt, rows * D, sizeof *sum, &sum, err));
    assert_ok(mem_alloc_zero(rt, rows, sizeof *touched, &touched, err));
    twin(s, sum, &most, touched);
    int64_t n = 0;
    for (int64_t r = 0; r < rows; r++) {
        if (!touched[r] && s->w.kind == PARAMETER_ROWS)
            continue;
        const real *got = s->table->grad + r * D;
        if (s->w.kind == PARAMETER_ROWS) {
            assert_true(n < s->table->rows.count);
            assert_int_equal(s->table->rows.row[n], r);
            got = s->table->rows.value + n++ * D;
        }
        for (int64_t d = 0; d < D; d++)
            if (!(fabs((double)got[d] - sum[r * D + d]) <= 3e-6 * most))
                fail_msg("[%lld,%lld], %lld terms: row %lld, place %lld: %g, not %g", (long long)rows,
                         (long long)D, (long long)s->w.count, (long long)r, (long long)d, (double)got[d],
                         sum[r * D + d]);
    }
    assert_int_equal(s->table->rows.count, n);
    mem_free(touched);
    mem_free(sum);
}

static const world worlds[] = {
    {1, 1, 1, PARAMETER_ROWS, false},         {1, 5, 3000, PARAMETER_ROWS, false},
    {7, 3, 0, PARAMETER_ROWS, false},         {7, 64, 1, PARAMETER_ROWS, false},
    {300, 16, 255, PARAMETER_ROWS, false},    {256, 20, 1000, PARAMETER_DENSE, false},
    {257, 130, 1500, PARAMETER_ROWS, true},   {4000, 9, 7000, PARAMETER_ROWS, false},
    {9000, 4, 20000, PARAMETER_ROWS, true},   {9000, 4, 20000, PARAMETER_DENSE, true},
    {100000, 2, 3000, PARAMETER_ROWS, false}, {300000, 1, 90000, PARAMETER_ROWS, false},
};
enum { WORLDS = sizeof worlds / sizeof worlds[0] };

static void test_sums_equal_the_definition(void **state)
{
    (void)state;
    for (int i = 0; i < WORLDS; i++) {
        step s;
        assert_ok(step_create(rt, &worlds[i], &s, err));
        assert_ok(step_run(&s, err));
        check_step(&s);
        step_end(&s);
    }
}

static void test_sums_are_the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    for (int i = 0; i < WORLDS; i++) {
        step one;
        assert_ok(step_create(rt, &worlds[i], &one, err));
        assert_ok(step_run(&one, err));
        for (int threads = 2; threads <= 4; threads += 2) {
            test_memory more_memory;
            medley_runtime *more = test_runtime(&more_memory, threads);
            step s;
            assert_ok(step_create(more, &worlds[i], &s, err));
            assert_ok(step_run(&s, err));
            const row_gradient *a = &one.table->rows, *b = &s.table->rows;
            const size_t D = (size_t)worlds[i].D;
            assert_int_equal(a->count, b->count);
            if (a->count > 0) {
                assert_memory_equal(a->row, b->row, (size_t)a->count * sizeof *a->row);
                assert_memory_equal(a->value, b->value, (size_t)a->count * D * sizeof *a->value);
            }
            if (worlds[i].kind == PARAMETER_DENSE)
                assert_memory_equal(one.table->grad, s.table->grad, (size_t)worlds[i].rows * D * sizeof(real));
            step_end(&s);
            test_runtime_end(more, &more_memory);
        }
        step_end(&one);
    }
}

static void test_scattered_sums_are_added(void **state)
{
    (void)state;
    const uint32_t row[] = {2, 0, 2};
    const real vector[] = {1, 2, 3, 4, 5, 6}, want[] = {13, 14, 10, 10, 16, 18};
    real out[] = {10, 10, 10, 10, 10, 10};
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    row_terms_scatter(g, &(row_source){.row = row, .count = 3, .vector = vector, .factor = 1}, 1, 3, 2, out);
    assert_memory_equal(out, want, sizeof want);
    row_terms_scatter(g, &(row_source){.row = row, .count = 0, .vector = vector, .factor = 1}, 1, 3, 2, out);
    assert_ok(graph_status(g, err));
    graph_free(g);
}

static void test_tables_of_the_same_rows_share_a_sort_and_others_do_not(void **state)
{
    (void)state;
    const uint32_t row[] = {5, 1, 5, 0}, other[] = {2, 2, 0, 1};
    const real vector[] = {1, 2, 4, 8}, sums[3][3] = {{8, 2, 5}, {8, 2, 5}, {4, 8, 3}};
    const uint32_t *const of_table[] = {row, row, other};
    const char *const name[] = {"wide", "narrow", "other"};
    parameters p;
    parameter *table[3];
    graph *g;
    parameters_init(rt, &p);
    for (int i = 0; i < 3; i++)
        table[i] = parameters_add(&p, name[i], shape_2(6, i == 0 ? 2 : 1), PARAMETER_ROWS, initial_zero);
    assert_ok(parameters_allocate(rt, &p, 1, err));
    assert_ok(graph_create(rt, &g, err));
    row_sorts sorts = {NULL};
    const uint32_t none[] = {0, 0, 0, 0};
    for (int i = 0; i < 3; i++)
        row_terms_add_source(
            g, table[i], &(row_source){of_table[i], 4, vector, i == 0 ? none : NULL, i == 0 ? vector : NULL, 1});
    for (int i = 0; i < 3; i++)
        row_terms_sum(g, table[i], &sorts);
    assert_ok(graph_status(g, err));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(table[i]->rows.count, 3);
        for (int n = 0; n < 3; n++)
            assert_true(table[i]->rows.value[i == 0 ? 2 * n : n] == sums[i][n]);
    }
    assert_int_equal(table[0]->rows.row[2], 5);
    assert_int_equal(table[1]->rows.row[1], 1);
    assert_int_equal(table[2]->rows.row[2], 2);
    graph_free(g);
    parameters_release(&p);
}

static void test_a_warm_step_allocates_nothing(void **state)
{
    (void)state;
    const world w = {5000, 32, 30000, PARAMETER_ROWS, false};
    step s;
    assert_ok(step_create(rt, &w, &s, err));
    assert_ok(step_run(&s, err));
    assert_ok(step_run(&s, err));
    const int64_t allocations = memory.allocations;
    for (int i = 0; i < 4; i++) {
        for (int64_t b = 0; b < w.count; b++) /* other rows, as many terms */
            s.row[b] = draw(&w, (uint64_t)i + 10, b);
        assert_ok(step_run(&s, err));
    }
    assert_int_equal(memory.allocations, allocations);
    step_end(&s);
}

static medley_status create_run_end(medley_error *err)
{
    const world w = {3000, 8, 4000, PARAMETER_ROWS, false};
    step s;
    medley_status status;
    TRY_DONE(step_create(rt, &w, &s, err));
    status = step_run(&s, err);
done:
    step_end(&s);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, create_run_end(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_equal_the_definition),
        cmocka_unit_test(test_sums_are_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(test_scattered_sums_are_added),
        cmocka_unit_test(test_tables_of_the_same_rows_share_a_sort_and_others_do_not),
        cmocka_unit_test(test_a_warm_step_allocates_nothing),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
