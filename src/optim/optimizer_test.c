#include "testing.h"

#include <float.h>
#include <math.h>

#include "optim/optimizer.h"
#include "recorded.h"

/* ---- a vector and a table, with gradients that the test makes ---- */

enum { ROWS_MOST = 3000 };

typedef struct world {
    test_memory memory;
    medley_runtime *rt;
    parameters p;
    parameter *vector, *table; /* NULL: there is none */
    optimizer *o;
    uint32_t row[ROWS_MOST];
    real *value; /* [rows, width] the gradient of the table's rows */
} world;

static void world_begin(world *w, int threads, int64_t vector, shape table, const optimizer_options *options)
{
    *w = (world){.vector = NULL};
    w->rt = test_runtime(&w->memory, threads);
    parameters_init(w->rt, &w->p);
    const initial start = {INITIAL_UNIFORM, -1, 1};
    if (vector > 0)
        w->vector = parameters_add(&w->p, "vector", shape_1(vector), PARAMETER_DENSE, start);
    if (table.rank > 0)
        w->table = parameters_add(&w->p, "table", table, PARAMETER_ROWS, start);
    assert_ok(parameters_allocate(w->rt, &w->p, 5, err));
    assert_ok(mem_alloc_zero(w->rt, shape_count(table), sizeof(real), &w->value, err));
    if (w->table != NULL)
        w->table->rows = (row_gradient){0, w->row, w->value};
    assert_ok(optimizer_create(w->rt, &w->p, options, &w->o, err));
}

static void world_end(world *w)
{
    optimizer_free(w->o);
    mem_free(w->value);
    parameters_release(&w->p);
    test_runtime_end(w->rt, &w->memory);
}

/* A gradient from counters, between -1 and 1. */
static real made(uint64_t step, uint64_t place)
{
    return (real)(2 * random_uniform(3, step, place) - 1);
}

/* Gives the vector its gradient, and the table's rows that `wanted` names theirs (made by the row's place). */
static void give(world *w, uint64_t step, bool (*wanted)(uint64_t step, int64_t row))
{
    for (int64_t i = 0; w->vector != NULL && i < shape_count(w->vector->shape); i++)
        w->vector->grad[i] = made(step, (uint64_t)i);
    if (w->table == NULL)
        return;
    row_gradient *const g = &w->table->rows;
    const int64_t width = shape_width(w->table->shape);
    g->count = 0;
    for (int64_t row = 0; row < shape_rows(w->table->shape); row++) {
        if (!wanted(step, row))
            continue;
        for (int64_t i = 0; i < width; i++)
            g->value[g->count * width + i] = made(step, (uint64_t)(row * width + i));
        w->row[g->count++] = (uint32_t)row;
    }
}

static bool some_rows(uint64_t step, int64_t row)
{
    return random_bits(8, step, (uint64_t)row) % 3 == 0;
}

/* ---- PyTorch ---- */

enum { VECTOR = 7, ROWS = 5, WIDTH = 3, NUMBERS = VECTOR + ROWS * WIDTH, STEPS = 12 };
static const double rate = 0.01;

typedef struct recorded_case {
    const char *name;
    optimizer_kind kind;
    double momentum, beta1, beta2, epsilon, decay, clip; /* 0: PyTorch's default */
    bool lazy;
} recorded_case;

static void recorded_step(const char *name, int step, double out[NUMBERS])
{
    char cells[64];
    snprintf(cells, sizeof cells, "%s\t%d\t", name, step);
    recorded_values("optimizers.tsv", cells, out, NUMBERS);
}

static void take_recorded(world *w, int step, bool lazy)
{
    double g[NUMBERS];
    recorded_step("gradient", step, g);
    for (int i = 0; i < VECTOR; i++)
        w->vector->grad[i] = (real)g[i];
    w->table->rows.count = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        if (lazy && (step + (int)row) % 3 != 0)
            continue;
        for (uint32_t i = 0; i < WIDTH; i++)
            w->value[w->table->rows.count * WIDTH + i] = (real)g[VECTOR + row * WIDTH + i];
        w->row[w->table->rows.count++] = row;
    }
}

static void assert_recorded(const recorded_case *c, optimizer_rows rows)
{
    world w;
    optimizer_options options = optimizer_defaults(c->kind);
    options.rows = rows;
    options.momentum = c->momentum;
    options.beta1 = c->beta1 > 0 ? c->beta1 : options.beta1;
    options.beta2 = c->beta2 > 0 ? c->beta2 : options.beta2;
    options.epsilon = c->epsilon > 0 ? c->epsilon : options.epsilon;
    options.weight_decay = c->decay > 0 ? c->decay : options.weight_decay;
    options.clip_norm = c->clip;
    world_begin(&w, 1, VECTOR, shape_2(ROWS, WIDTH), &options);
    double start[NUMBERS];
    recorded_step("start", 0, start);
    for (int i = 0; i < NUMBERS; i++)
        *(i < VECTOR ? &w.vector->value[i] : &w.table->value[i - VECTOR]) = (real)start[i];
    for (int step = 1; step <= STEPS; step++) {
        double want[NUMBERS];
        take_recorded(&w, step, c->lazy);
        assert_ok(optimizer_step(w.o, rate / (1 + step % 4), NULL, err));
        if (step > 2 && step < STEPS)
            continue;
        recorded_step(c->name, step, want);
        for (int i = c->lazy ? VECTOR : 0; i < NUMBERS; i++) {
            const double got = (double)(i < VECTOR ? w.vector->value[i] : w.table->value[i - VECTOR]);
            if (fabs(got - want[i]) > 1e-6 * fabs(want[i]))
                fail_msg("%s: step %d, weight %d: %.9g, PyTorch has %.9g", c->name, step, i, got, want[i]);
        }
    }
    world_end(&w);
}

static void test_trajectories_are_pytorchs(void **state)
{
    (void)state;
    const recorded_case cases[] = {
        {"sgd", OPTIMIZER_SGD, .lazy = false},
        {"sgd-decay", OPTIMIZER_SGD, .decay = 0.1},
        {"momentum", OPTIMIZER_SGD, .momentum = 0.9},
        {"momentum-decay", OPTIMIZER_SGD, .momentum = 0.9, .decay = 0.1},
        {"adam", OPTIMIZER_ADAM, .lazy = false},
        {"adam-betas", OPTIMIZER_ADAM, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3},
        {"adam-decay", OPTIMIZER_ADAM, .decay = 0.1},
        {"adam-clip", OPTIMIZER_ADAM, .clip = 0.5},
        {"adamw", OPTIMIZER_ADAMW, .lazy = false},
        {"adamw-decay", OPTIMIZER_ADAMW, .decay = 0.3},
        {"adagrad", OPTIMIZER_ADAGRAD, .lazy = false},
        {"adagrad-decay", OPTIMIZER_ADAGRAD, .decay = 0.1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_recorded(&cases[i], ROWS_LAZY);
        assert_recorded(&cases[i], ROWS_EXACT);
    }
    assert_recorded(&(recorded_case){"sparse-adam", OPTIMIZER_ADAM, .lazy = true}, ROWS_LAZY);
}

/* ---- exact rows ---- */

/* Now and then, then for long not at all; row 0 never, row 1 always, row 2 once. */
static bool now_and_then(uint64_t step, int64_t row)
{
    if (row < 3)
        return row == 1 || (row == 2 && step == 4);
    return random_bits(8, step, (uint64_t)row) % (row % 2 == 0 ? 40 : 700) == 0;
}

/* A weight in double, and how far it could have gone at most. */
typedef struct twin {
    double w, m, v, slopes, way, most;
} twin;

static void twin_step(const optimizer_options *o, double step, double now, double g, twin *x)
{
    const bool adam = o->kind == OPTIMIZER_ADAM || o->kind == OPTIMIZER_ADAMW, apart = o->kind == OPTIMIZER_ADAMW;
    const double keep1 = (double)(real)(adam ? o->beta1 : o->momentum), keep2 = (double)(real)o->beta2;
    const double take1 = adam ? 1 - o->beta1 : 1, slope = g + (apart ? 0 : o->weight_decay * x->w);
    double length = now, under = 1;
    x->m = keep1 * x->m + take1 * slope;
    x->slopes = keep1 * x->slopes + take1 * fabs(slope);
    if (adam) {
        x->v = keep2 * x->v + (1 - o->beta2) * slope * slope;
        length = now / (1 - pow(o->beta1, step));
        under = sqrt(x->v / (1 - pow(o->beta2, step))) + o->epsilon;
    } else if (o->kind == OPTIMIZER_ADAGRAD) {
        x->m = slope;
        x->v += slope * slope;
        under = sqrt(x->v) + o->epsilon;
    }
    x->w = x->w * (apart ? 1 - now * o->weight_decay : 1) - length * x->m / under;
    x->way += length * x->slopes / under;
    x->most = fmax(x->most, fabs(x->w));
}

/* After `rounded` steps that were rounded. */
static void assert_near(const twin *x, real w, double rounded, int64_t place)
{
    const double bound = rounded * (double)REAL_EPSILON * x->most + 1e-5 * x->way;
    if (!(fabs((double)w - x->w) <= bound))
        fail_msg("weight %d: %.9g, not %.9g: %g of the bound", (int)place, (double)w, x->w,
                 fabs((double)w - x->w) / bound);
}

static void twin_steps(const optimizer_options *o, const row_gradient *g, int64_t rows, int64_t width, double step,
                       double now, twin *dense)
{
    int64_t next = 0;
    for (int64_t row = 0; row < rows; row++) {
        const bool given = next < g->count && g->row[next] == row;
        for (int64_t i = 0; i < width; i++)
            twin_step(o, step, now, given ? (double)g->value[next * width + i] : 0, &dense[row * width + i]);
        next += given;
    }
}

/* A table under the exact way against steps in double that get the same gradient with zeros written out. */
static void assert_exact_is_dense(const optimizer_options *options, int64_t rows, int64_t width, uint64_t steps)
{
    static world exact;
    static twin dense[1000];
    world_begin(&exact, 2, 0, shape_2(rows, width), options);
    assert_true(rows * width <= 1000);
    for (int64_t i = 0; i < rows * width; i++)
        dense[i] = (twin){.w = (double)exact.table->value[i], .most = fabs((double)exact.table->value[i])};
    for (uint64_t step = 1; step <= steps; step++) {
        give(&exact, step, now_and_then);
        const row_gradient *const g = &exact.table->rows;
        uint32_t read[4]; /* of which one is read twice */
        for (uint64_t i = 0; i < 4; i++)
            read[i] = (uint32_t)(random_bits(9, step, i / 2) % (uint64_t)rows);
        optimizer_touch(exact.o, exact.table, read, step % 5 == 0 ? 4 : 0);
        optimizer_touch(exact.o, exact.table, g->row, step % 2 == 0 ? g->count : 0); /* or the step does it */
        for (int64_t i = 0; i < 4 * width && step % 5 == 0; i++) {
            const int64_t place = read[i / width] * width + i % width;
            assert_near(&dense[place], exact.table->value[place], 4 + (double)step, place);
        }
        const double now = (step < 100 ? (double)step / 100 : 1 / (1 + (double)(step / 500))) * 0.02;
        assert_ok(optimizer_step(exact.o, now, NULL, err));
        twin_steps(options, g, rows, width, (double)step, now, dense);
    }
    optimizer_settle(exact.o);
    for (int64_t place = 0; place < rows * width; place++)
        assert_near(&dense[place], exact.table->value[place], 4 + (double)steps, place);
    world_end(&exact);
}

static void test_exact_rows_are_those_of_a_dense_gradient(void **state)
{
    (void)state;
    const struct {
        optimizer_kind kind;
        double momentum, beta1, decay;
    } cases[] = {
        {OPTIMIZER_SGD, 0, 0, 0},       {OPTIMIZER_SGD, 0, 0, 0.01},     {OPTIMIZER_SGD, 0.9, 0, 0},
        {OPTIMIZER_SGD, 0.9, 0, 0.01},  {OPTIMIZER_SGD, 0.999, 0, 0},    {OPTIMIZER_ADAM, 0, 0.9, 0},
        {OPTIMIZER_ADAM, 0, 0.9, 0.01}, {OPTIMIZER_ADAM, 0, 0.9995, 0},  {OPTIMIZER_ADAM, 0, 0.5, 0},
        {OPTIMIZER_ADAM, 0, 0, 0},      {OPTIMIZER_ADAMW, 0, 0.9, 0.01}, {OPTIMIZER_ADAMW, 0, 0.9, 0.5},
        {OPTIMIZER_ADAGRAD, 0, 0, 0},   {OPTIMIZER_ADAGRAD, 0, 0, 0.01},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        optimizer_options options = optimizer_defaults(cases[i].kind);
        options.rows = ROWS_EXACT;
        options.momentum = cases[i].momentum;
        options.beta1 = cases[i].beta1;
        options.weight_decay = cases[i].decay;
        assert_exact_is_dense(&options, 20, 19, 2500);
        assert_exact_is_dense(&options, 50, 1, 1500);
        options.epsilon = 1e-3;
        options.beta2 = 0.95;
        assert_exact_is_dense(&options, 9, 64, 1100);
    }
}

static void test_exact_rows_are_the_same_through_many_windows(void **state)
{
    (void)state;
    optimizer_options options = optimizer_defaults(OPTIMIZER_ADAM);
    options.rows = ROWS_EXACT;
    assert_exact_is_dense(&options, 8, 16, 12000);
}

static uint64_t quiet_since;

static bool until_then(uint64_t step, int64_t row)
{
    (void)row;
    return step <= quiet_since;
}

/* Rows that moved for a while and then had no gradient for 5000 steps, read once in a while or only at the end. */
static void test_a_row_moves_no_further_for_being_read(void **state)
{
    (void)state;
    static world often, once;
    for (quiet_since = 1; quiet_since < 1000; quiet_since *= 6) {
        optimizer_options options = optimizer_defaults(OPTIMIZER_ADAM);
        options.rows = ROWS_EXACT;
        world_begin(&often, 1, 0, shape_2(3, 20), &options);
        world_begin(&once, 1, 0, shape_2(3, 20), &options);
        for (uint64_t step = 1; step <= 5000 + quiet_since; step++) {
            give(&often, step, until_then);
            give(&once, step, until_then);
            optimizer_touch(often.o, often.table, (const uint32_t[]){0, 2, 1}, step % 11 == 0 ? 3 : 0);
            assert_ok(optimizer_step(often.o, 0.01, NULL, err));
            assert_ok(optimizer_step(once.o, 0.01, NULL, err));
        }
        optimizer_settle(often.o);
        optimizer_settle(once.o);
        for (int i = 0; i < 3 * 20; i++)
            assert_true(fabs((double)(often.table->value[i] - once.table->value[i])) < 4e-6);
        world_end(&often);
        world_end(&once);
    }
}

static void test_a_momentum_that_fades_becomes_zero(void **state)
{
    (void)state;
    world w;
    optimizer_options options = optimizer_defaults(OPTIMIZER_ADAM);
    world_begin(&w, 1, 40, shape_scalar(), &options);
    give(&w, 1, NULL);
    assert_ok(optimizer_step(w.o, 0.01, NULL, err));
    memset(w.vector->grad, 0, 40 * sizeof(real));
    for (int i = 0; i < 1000; i++)
        assert_ok(optimizer_step(w.o, 0.01, NULL, err));
    optimizer_state s[OPTIMIZER_STATES_MOST];
    assert_int_equal(optimizer_states(w.o, s), 2);
    for (int i = 0; i < 40; i++) {
        assert_true(s[0].data[w.vector->offset + i] == 0);
        assert_true(s[1].data[w.vector->offset + i] > 0);
    }
    world_end(&w);
}

/* ---- lazy rows ---- */

static void test_lazy_rows_rest_until_they_are_touched(void **state)
{
    (void)state;
    const optimizer_kind kinds[] = {OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_ADAGRAD};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        world w;
        optimizer_options options = optimizer_defaults(kinds[k]);
        options.weight_decay = 0.1;
        options.momentum = 0.9;
        world_begin(&w, 1, 0, shape_2(40, 5), &options);
        for (uint64_t step = 1; step < 30; step++) {
            real before[40 * 5];
            memcpy(before, w.table->value, sizeof before);
            give(&w, step, some_rows);
            optimizer_touch(w.o, w.table, (const uint32_t[]){0, 1, 2}, 3);
            assert_memory_equal(before, w.table->value, sizeof before);
            assert_ok(optimizer_step(w.o, 0.01, NULL, err));
            for (int64_t row = 0; row < 40; row++)
                assert_int_equal(memcmp(before + row * 5, w.table->value + row * 5, 5 * sizeof(real)) != 0,
                                 some_rows(step, row));
        }
        world_end(&w);
    }
}

static void test_a_lazy_adam_step_of_a_rested_row_by_hand(void **state)
{
    (void)state;
    world w;
    optimizer_options options = optimizer_defaults(OPTIMIZER_ADAM);
    world_begin(&w, 1, 0, shape_2(2, 1), &options);
    w.table->value[0] = (real)0.5;
    w.table->rows.count = 1;
    for (int step = 1; step <= 3; step++) { /* row 0 is touched by steps 1 and 3 */
        w.row[0] = step == 2;
        w.value[0] = 2;
        assert_ok(optimizer_step(w.o, 0.1, NULL, err));
    }
    /* step 1: m 0.2, v 0.004, both hats of g: w - 0.1; step 3: m 0.38, v 0.007996,
     * m̂ = 0.38 / 0.271, v̂ = 0.007996 / 0.002997001 */
    const double want = 0.4 - 0.1 * (0.38 / 0.271) / sqrt(0.007996 / 0.002997001);
    assert_true(fabs((double)w.table->value[0] - want) < 1e-6);
    world_end(&w);
}

/* ---- clipping, refusals, decay ---- */

static void test_the_gradient_of_all_parameters_is_clipped_together(void **state)
{
    (void)state;
    world w;
    optimizer_options options = optimizer_defaults(OPTIMIZER_SGD);
    options.clip_norm = 6.5;
    world_begin(&w, 1, 2, shape_2(3, 1), &options);
    const real before[] = {w.vector->value[0], w.vector->value[1], w.table->value[2]};
    for (int small = 0; small < 2; small++) { /* |(3, 4, 12)| = 13 is clipped to 6.5, a quarter of it is not */
        const real size = small ? (real)0.25 : 1;
        const double want = small ? 0.25 : 0.5;
        double norm = 0;
        w.vector->value[0] = before[0], w.vector->value[1] = before[1], w.table->value[2] = before[2];
        w.vector->grad[0] = 3 * size, w.vector->grad[1] = -4 * size;
        w.table->rows.count = 1;
        w.row[0] = 2;
        w.value[0] = 12 * size;
        assert_ok(optimizer_step(w.o, 0.1, &norm, err));
        assert_true(fabs(norm - (double)(13 * size)) < 1e-12);
        assert_true(fabs((double)(w.vector->value[0] - before[0]) + 0.3 * want) < 1e-6);
        assert_true(fabs((double)(w.vector->value[1] - before[1]) - 0.4 * want) < 1e-6);
        assert_true(fabs((double)(w.table->value[2] - before[2]) + 1.2 * want) < 1e-6);
    }
    world_end(&w);
}

static void test_a_gradient_that_is_not_finite_changes_nothing(void **state)
{
    (void)state;
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 6; i++) {
        world w;
        optimizer_options options = optimizer_defaults(OPTIMIZER_ADAM);
        world_begin(&w, 1, 50, shape_2(30, 5), &options);
        give(&w, 1, some_rows);
        assert_ok(optimizer_step(w.o, 0.01, NULL, err));
        real before[50 + 150 + 64];
        assert_true(w.p.values_count <= (int64_t)(sizeof before / sizeof *before));
        memcpy(before, w.p.values, (size_t)w.p.values_count * sizeof(real));
        *(i < 3 ? &w.vector->grad[49] : &w.value[7]) = (real)bad[i % 3];
        double norm = 17;
        assert_fails(optimizer_step(w.o, 0.01, &norm, err), MEDLEY_E_LIMIT,
                     i < 3 ? "the gradient is not finite (parameter 'vector')"
                           : "the gradient is not finite (parameter 'table')");
        assert_memory_equal(before, w.p.values, (size_t)w.p.values_count * sizeof(real));
        assert_int_equal(optimizer_at(w.o).steps, 1);
        give(&w, 2, some_rows);
        assert_ok(optimizer_step(w.o, 0.01, NULL, err));
        assert_int_equal(optimizer_at(w.o).steps, 2);
        world_end(&w);
    }
}

static void test_what_does_not_decay_does_not(void **state)
{
    (void)state;
    const optimizer_kind kinds[] = {OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_ADAGRAD};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int decays = 0; decays < 2; decays++) {
            world w;
            optimizer_options options = optimizer_defaults(kinds[k]);
            options.weight_decay = 0.5;
            options.rows = ROWS_EXACT;
            world_begin(&w, 1, 20, shape_2(4, 5), &options);
            w.vector->decays = w.table->decays = decays;
            const real vector = w.vector->value[3], table = w.table->value[3];
            assert_ok(optimizer_step(w.o, 0.1, NULL, err)); /* all gradients are zero */
            optimizer_settle(w.o);
            assert_int_equal(w.vector->value[3] != vector, decays);
            assert_int_equal(w.table->value[3] != table, decays);
            world_end(&w);
        }
}

/* ---- threads, memory, resuming ---- */

static void run_steps(world *w, uint64_t first, uint64_t last)
{
    for (uint64_t step = first; step <= last; step++) {
        give(w, step, some_rows);
        optimizer_touch(w->o, w->table, w->row, w->table->rows.count);
        assert_ok(optimizer_step(w->o, 0.01, NULL, err));
    }
}

static void test_the_bits_do_not_depend_on_threads(void **state)
{
    (void)state;
    static world w[3];
    for (int rows = 0; rows < 2; rows++) {
        optimizer_options options = optimizer_defaults(OPTIMIZER_ADAM);
        options.rows = rows ? ROWS_EXACT : ROWS_LAZY;
        options.clip_norm = 1;
        for (int i = 0; i < 3; i++) {
            world_begin(&w[i], 1 << i, 100001, shape_2(ROWS_MOST, 37), &options);
            run_steps(&w[i], 1, 4);
            optimizer_settle(w[i].o);
            assert_memory_equal(w[0].p.values, w[i].p.values, (size_t)w[0].p.values_count * sizeof(real));
        }
        for (int i = 0; i < 3; i++)
            world_end(&w[i]);
    }
}

static void test_steps_allocate_nothing(void **state)
{
    (void)state;
    static world w;
    optimizer_options options = optimizer_defaults(OPTIMIZER_ADAMW);
    options.rows = ROWS_EXACT;
    options.clip_norm = 1;
    world_begin(&w, 2, 1000, shape_2(2000, 37), &options);
    const int64_t before = w.memory.allocations;
    run_steps(&w, 1, 3);
    optimizer_settle(w.o);
    assert_int_equal(w.memory.allocations, before);
    world_end(&w);
}

/* Another optimizer of the same parameters and the same state. */
static void replace(world *w, const optimizer_options *options)
{
    optimizer *next;
    assert_ok(optimizer_create(w->rt, &w->p, options, &next, err));
    optimizer_state from[OPTIMIZER_STATES_MOST], to[OPTIMIZER_STATES_MOST];
    const int states = optimizer_states(w->o, from);
    assert_int_equal(optimizer_states(next, to), states);
    for (int i = 0; i < states; i++) {
        assert_string_equal(to[i].name, from[i].name);
        memcpy(to[i].data, from[i].data, (size_t)w->p.values_count * sizeof(real));
    }
    const optimizer_place place = optimizer_at(w->o);
    assert_ok(optimizer_restore(next, &place, err));
    assert_int_equal(optimizer_at(next).steps, place.steps);
    optimizer_free(w->o);
    w->o = next;
}

/* Wherever it stops: the rows' lag is part of the state. */
static void test_a_restored_optimizer_goes_on_as_if_it_had_not_stopped(void **state)
{
    (void)state;
    static world whole, part;
    const optimizer_kind kinds[] = {OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_ADAGRAD};
    for (size_t k = 0; k < 8; k++) {
        optimizer_options options = optimizer_defaults(kinds[k / 2]);
        options.rows = k % 2 == 0 ? ROWS_EXACT : ROWS_LAZY;
        options.momentum = 0.9;
        world_begin(&whole, 1, 30, shape_2(20, 3), &options);
        world_begin(&part, 1, 30, shape_2(20, 3), &options);
        uint64_t stop[] = {0, 1, 17, 18, 1024, 1025, 1300};
        run_steps(&whole, 1, 1400);
        for (size_t i = 1; i < sizeof stop / sizeof *stop; i++) {
            run_steps(&part, stop[i - 1] + 1, stop[i]);
            replace(&part, &options);
        }
        run_steps(&part, 1301, 1400);
        assert_memory_equal(whole.p.values, part.p.values, (size_t)part.p.values_count * sizeof(real));
        optimizer_settle(whole.o);
        optimizer_settle(part.o);
        assert_memory_equal(whole.p.values, part.p.values, (size_t)part.p.values_count * sizeof(real));
        world_end(&whole);
        world_end(&part);
    }
}

static void test_a_place_that_cannot_be_is_refused(void **state)
{
    (void)state;
    world w;
    optimizer_options options = optimizer_defaults(OPTIMIZER_ADAM);
    options.rows = ROWS_EXACT;
    world_begin(&w, 1, 30, shape_2(4, 3), &options);
    run_steps(&w, 1, 5);
    static double rates[2000];
    const int64_t early[] = {5, 5, 2, 5}, late[] = {5, 6, 5, 5}, fine[] = {3, 4, 5, 5};
    const optimizer_place good = {.steps = 5, .rate = rates, .as_of = fine, .rates = 2, .rows = 4};
    const struct {
        const char *message;
        int64_t steps, rates, rows;
        const int64_t *as_of;
    } bad[] = {
        {"row 2 is as of step 2, which is not in 3..5", 5, 2, 4, early},
        {"row 1 is as of step 6, which is not in 3..5", 5, 2, 4, late},
        {"3 rows after 5 steps, 2 of them open, is no optimizer of 4", 5, 2, 3, fine},
        {"4 rows after 5 steps, 6 of them open, is no optimizer of 4", 5, 6, 4, fine},
        {"4 rows after 5 steps, -1 of them open, is no optimizer of 4", 5, -1, 4, fine},
        {"4 rows after 3000 steps, 1025 of them open, is no optimizer of 4", 3000, 1025, 4, fine},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const optimizer_place place = {bad[i].steps, rates, bad[i].as_of, bad[i].rates, bad[i].rows};
        assert_fails(optimizer_restore(w.o, &place, err), MEDLEY_E_FORMAT, bad[i].message);
    }
    rates[1] = NAN;
    assert_fails(optimizer_restore(w.o, &good, err), MEDLEY_E_FORMAT, "the learning rate of step 5 is not finite");
    rates[1] = 0.01;
    assert_int_equal(optimizer_at(w.o).rates, 5);
    assert_ok(optimizer_restore(w.o, &good, err));
    assert_int_equal(optimizer_at(w.o).rates, 2);
    assert_int_equal(optimizer_at(w.o).as_of[1], 4);
    world_end(&w);
}

static void test_states_have_names(void **state)
{
    (void)state;
    const struct {
        optimizer_kind kind;
        double momentum;
        int states;
        const char *names[2];
    } cases[] = {
        {OPTIMIZER_SGD, 0, 0, {NULL}},      {OPTIMIZER_SGD, 0.9, 1, {"momentum"}},
        {OPTIMIZER_ADAM, 0, 2, {"m", "v"}}, {OPTIMIZER_ADAMW, 0, 2, {"m", "v"}},
        {OPTIMIZER_ADAGRAD, 0, 1, {"sum"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        optimizer_state s[OPTIMIZER_STATES_MOST];
        optimizer_options options = optimizer_defaults(cases[i].kind);
        options.momentum = cases[i].momentum;
        world_begin(&w, 1, 3, shape_scalar(), &options);
        assert_int_equal(optimizer_states(w.o, s), cases[i].states);
        for (int k = 0; k < cases[i].states; k++)
            assert_string_equal(s[k].name, cases[i].names[k]);
        world_end(&w);
    }
    assert_int_equal(optimizer_bytes(OPTIMIZER_ADAM, 1000, 0), 2000 * (int64_t)sizeof(real));
}

static void test_every_failing_allocation_of_create_is_survived(void **state)
{
    (void)state;
    world w;
    optimizer_options options = optimizer_defaults(OPTIMIZER_ADAM);
    options.rows = ROWS_EXACT;
    world_begin(&w, 1, 30, shape_2(20, 3), &options);
    optimizer *o;
    BRUTAL(w.rt, &w.memory, optimizer_create(w.rt, &w.p, &options, &o, err), optimizer_free(o));
    optimizer_free(NULL);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trajectories_are_pytorchs),
        cmocka_unit_test(test_exact_rows_are_those_of_a_dense_gradient),
        cmocka_unit_test(test_exact_rows_are_the_same_through_many_windows),
        cmocka_unit_test(test_a_row_moves_no_further_for_being_read),
        cmocka_unit_test(test_a_momentum_that_fades_becomes_zero),
        cmocka_unit_test(test_lazy_rows_rest_until_they_are_touched),
        cmocka_unit_test(test_a_lazy_adam_step_of_a_rested_row_by_hand),
        cmocka_unit_test(test_the_gradient_of_all_parameters_is_clipped_together),
        cmocka_unit_test(test_a_gradient_that_is_not_finite_changes_nothing),
        cmocka_unit_test(test_what_does_not_decay_does_not),
        cmocka_unit_test(test_the_bits_do_not_depend_on_threads),
        cmocka_unit_test(test_steps_allocate_nothing),
        cmocka_unit_test(test_a_restored_optimizer_goes_on_as_if_it_had_not_stopped),
        cmocka_unit_test(test_a_place_that_cannot_be_is_refused),
        cmocka_unit_test(test_states_have_names),
        cmocka_unit_test(test_every_failing_allocation_of_create_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
