#include "testing.h"

#include "base/base.h"
#include "tensor/kernel_attention.h"
#include "tensor/kernel_attention_tile.h"

static test_memory memory;
static medley_runtime *rt;

static double uniform(uint64_t stream, int64_t i)
{
    return random_uniform(3, stream, (uint64_t)i) * 2 - 1;
}

static real *random_numbers(int64_t count, uint64_t stream)
{
    real *x;
    assert_ok(mem_alloc(rt, count, sizeof *x, &x, err));
    for (int64_t i = 0; i < count; i++)
        x[i] = (real)uniform(stream, i);
    return x;
}

/* ---- small products ---- */

static void check_product(int64_t m, int64_t n, int64_t k, bool transposed, bool add, int64_t offset)
{
    real *a = random_numbers(m * k + offset, 1), *b = random_numbers(k * (n + 3) + offset, 2);
    real *c = random_numbers(m * (n + 1) + offset, 3), *was = random_numbers(m * (n + 1) + offset, 3);
    const int64_t row = transposed ? 1 : k, step = transposed ? m : 1;
    tile_multiply(&(tile_product){m, n, k, a + offset, row, step, b + offset, n + 3, c + offset, n + 1, add});
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j <= n; j++) {
            const int64_t place = offset + i * (n + 1) + j;
            double sum = add || j == n ? was[place] : 0; /* nothing is written behind a row */
            for (int64_t p = 0; j < n && p < k; p++)
                sum += (double)a[offset + i * row + p * step] * b[offset + p * (n + 3) + j];
            if (fabs(c[place] - sum) > 1e-5 * fmax(1, fabs(sum)))
                fail_msg("[%d,%d,%d]: place %d,%d: %g, expected %g", (int)m, (int)n, (int)k, (int)i, (int)j,
                         (double)c[place], sum);
        }
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(was);
}

static void test_small_products_are_those_of_the_definition(void **state)
{
    (void)state;
    const int64_t sizes[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 50, 64, 65};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (int i = 0; i < SIZES; i++)
        for (int j = 0; j < SIZES; j++)
            for (int l = 0; l < SIZES; l += 3)
                check_product(sizes[i], sizes[j], sizes[l], (i + j) % 2 == 0, (j + l) % 2 == 0, (i + l) % 3);
    check_product(3, 5, 256, true, true, 1);
    check_product(3, 32, 1000, false, true, 0);
}

/* ---- attention against its definition, in double ---- */

typedef struct world {
    attention a;
    real *q, *k, *v, *d_out, *bias;
    real *out, *log_sum, *dq, *dk, *dv, *parts, *scratch;
} world;

static void world_make(world *w, attention a)
{
    const int64_t pairs = a.batch * a.heads;
    w->q = random_numbers(pairs * a.queries * a.depth, 1);
    w->k = random_numbers(pairs * a.keys * a.depth, 2);
    w->v = random_numbers(pairs * a.keys * a.width, 3);
    w->d_out = random_numbers(pairs * a.queries * a.width, 4);
    w->bias = random_numbers(a.queries * a.keys, 5);
    /* whatever is there must not matter */
    w->out = random_numbers(pairs * a.queries * a.width, 6);
    w->log_sum = random_numbers(pairs * a.queries, 6);
    w->dq = random_numbers(pairs * a.queries * a.depth, 6);
    w->dk = random_numbers(pairs * a.keys * a.depth, 6);
    w->dv = random_numbers(pairs * a.keys * a.width, 6);
    a.q = w->q, a.k = w->k, a.v = w->v;
    a.scale = a.scale != 0 ? a.scale : (real)0.7;
    w->a = a;
    w->parts = random_numbers(attention_part_reals(&a), 6);
    w->scratch = random_numbers(4 * attention_scratch(&a), 6);
}

static void world_end(world *w)
{
    real *all[] = {w->q,       w->k,  w->v,  w->d_out, w->bias,  w->out,
                   w->log_sum, w->dq, w->dk, w->dv,    w->parts, w->scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mem_free(all[i]);
}

static medley_status forward_task(void *context, int64_t task, int worker, medley_error *err)
{
    const world *w = context;
    (void)err;
    attention_forward(&w->a, task, w->out, w->log_sum, w->scratch + worker * attention_scratch(&w->a));
    return MEDLEY_OK;
}

static attention_gradient gradient_of(const world *w, bool add)
{
    return (attention_gradient){.out = w->out,
                                .log_sum = w->log_sum,
                                .d_out = w->d_out,
                                .dq = w->dq,
                                .dk = w->dk,
                                .dv = w->dv,
                                .add_q = add,
                                .add_k = add,
                                .add_v = add,
                                .parts = w->parts};
}

static medley_status backward_task(void *context, int64_t task, int worker, medley_error *err)
{
    const world *w = context;
    const attention_gradient g = gradient_of(w, false);
    (void)err;
    attention_backward(&w->a, &g, task, w->scratch + worker * attention_scratch(&w->a));
    return MEDLEY_OK;
}

static void run(world *w, const medley_runtime *by)
{
    const attention_gradient g = gradient_of(w, false);
    assert_ok(parallel_run(by, attention_forward_tasks(&w->a), forward_task, w, err));
    assert_ok(parallel_run(by, attention_backward_tasks(&w->a), backward_task, w, err));
    attention_join_parts(&w->a, &g);
}

static bool sees(const attention *a, int64_t b, int64_t query, int64_t key)
{
    return (!a->causal || key <= query + a->keys - a->queries) && (a->first == NULL || key >= a->first[b]) &&
           (a->length == NULL || key < a->length[b]);
}

/* p [Tk] = softmax of one query's scores; all 0 where it sees nothing. */
static void plain_weights(const attention *a, int64_t pair, int64_t query, double *p)
{
    double sum = 0, top = -INFINITY;
    for (int64_t key = 0; key < a->keys; key++) {
        p[key] = a->bias != NULL ? a->bias[query * a->keys + key] : 0;
        for (int64_t d = 0; d < a->depth; d++)
            p[key] += (double)a->scale * a->q[(pair * a->queries + query) * a->depth + d] *
                      a->k[(pair * a->keys + key) * a->depth + d];
        if (!sees(a, pair / a->heads, query, key))
            p[key] = -INFINITY;
        top = p[key] > top ? p[key] : top;
    }
    for (int64_t key = 0; key < a->keys; key++)
        sum += p[key] = top > -INFINITY ? exp(p[key] - top) : 0;
    for (int64_t key = 0; key < a->keys; key++)
        p[key] /= sum > 0 ? sum : 1;
}

static void plain_query(const world *w, int64_t pair, int64_t query, double *p, double *out, double *dq,
                        double *dk, double *dv)
{
    const attention *a = &w->a;
    const real *d_out = w->d_out + (pair * a->queries + query) * a->width;
    double mean = 0;
    plain_weights(a, pair, query, p);
    for (int64_t key = 0; key < a->keys; key++)
        for (int64_t d = 0; d < a->width; d++) {
            const double v = a->v[(pair * a->keys + key) * a->width + d];
            out[(pair * a->queries + query) * a->width + d] += p[key] * v;
            dv[(pair * a->keys + key) * a->width + d] += p[key] * d_out[d];
            mean += p[key] * v * d_out[d];
        }
    for (int64_t key = 0; key < a->keys; key++) {
        double dp = 0;
        for (int64_t d = 0; d < a->width; d++)
            dp += (double)d_out[d] * a->v[(pair * a->keys + key) * a->width + d];
        const double ds = p[key] * (dp - mean) * a->scale;
        for (int64_t d = 0; d < a->depth; d++) {
            const int64_t q = (pair * a->queries + query) * a->depth + d,
                          k = (pair * a->keys + key) * a->depth + d;
            dq[q] += ds * a->k[k];
            dk[k] += ds * a->q[q];
        }
    }
}

static void compare(const char *what, const attention *a, const real *got, const double *want, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(got[i] - want[i]) <= 2e-5 * fmax(1, fabs(want[i]))))
            fail_msg("Tq %d, Tk %d, D %d, Dv %d: %s[%d]: %.9g, expected %.9g", (int)a->queries, (int)a->keys,
                     (int)a->depth, (int)a->width, what, (int)i, (double)got[i], want[i]);
}

static void check(attention a, bool biased)
{
    world w;
    world_make(&w, a);
    w.a.bias = biased ? w.bias : NULL;
    run(&w, rt);
    const int64_t pairs = a.batch * a.heads, q = pairs * a.queries, k = pairs * a.keys;
    double *p, *out, *dq, *dk, *dv;
    assert_ok(mem_alloc_zero(rt, a.keys, sizeof *p, &p, err));
    assert_ok(mem_alloc_zero(rt, q * a.width, sizeof *out, &out, err));
    assert_ok(mem_alloc_zero(rt, q * a.depth, sizeof *dq, &dq, err));
    assert_ok(mem_alloc_zero(rt, k * a.depth, sizeof *dk, &dk, err));
    assert_ok(mem_alloc_zero(rt, k * a.width, sizeof *dv, &dv, err));
    for (int64_t row = 0; row < q; row++)
        plain_query(&w, row / a.queries, row % a.queries, p, out, dq, dk, dv);
    compare("out", &a, w.out, out, q * a.width);
    compare("dq", &a, w.dq, dq, q * a.depth);
    compare("dk", &a, w.dk, dk, k * a.depth);
    compare("dv", &a, w.dv, dv, k * a.width);
    double *const all[] = {p, out, dq, dk, dv};
    for (int i = 0; i < 5; i++)
        mem_free(all[i]);
    world_end(&w);
}

static const int32_t first[5] = {0, 3, 20, -4, 1}, length[5] = {50, 7, 300, 0, -1};

static void test_attention_is_that_of_its_definition(void **state)
{
    (void)state;
    const int64_t times[] = {1, 4, 15, 16, 17, 31, 32, 33, 50}, depths[] = {1, 8, 16, 20, 32};
    for (size_t t = 0; t < sizeof times / sizeof *times; t++)
        for (size_t d = 0; d < sizeof depths / sizeof *depths; d++) {
            attention a = {2, 2, times[t], times[t], depths[d], depths[(d + t) % 5], .causal = false};
            check(a, false);
            a.causal = true;
            check(a, t % 2 == 0);
            a.batch = 5, a.heads = 1, a.first = first, a.length = length;
            check(a, t % 2 == 1);
        }
}

static void test_queries_and_keys_may_be_of_different_numbers(void **state)
{
    (void)state;
    for (int causal = 0; causal < 2; causal++) {
        check((attention){1, 2, 3, 40, 4, 16, .causal = causal}, false);
        check((attention){1, 2, 40, 3, 4, 16, .causal = causal}, false);
        check((attention){17, 1, 1, 9, 4, 2, .causal = causal}, true);
    }
}

static void test_long_sequences_go_by_tiles_and_parts(void **state)
{
    (void)state;
    for (int causal = 0; causal < 2; causal++) {
        check((attention){1, 1, 70, 600, 4, 4, .causal = causal}, false);
        check((attention){17, 1, 33, 300, 2, 2, .causal = causal}, true);
        check((attention){1, 1, 530, 530, 2, 3, .causal = causal, .length = length + 2, .first = first + 2},
              false);
    }
}

static void test_scores_that_grow_with_the_keys_lose_nothing(void **state)
{
    (void)state;
    check((attention){1, 1, 4, 700, 3, 3, .scale = 40}, false);
}

static void test_gradients_are_added_where_asked(void **state)
{
    (void)state;
    world w;
    world_make(&w, (attention){1, 2, 600, 600, 3, 3, .causal = true});
    run(&w, rt);
    real *once = random_numbers(2 * 600 * 3, 1);
    memcpy(once, w.dk, 2 * 600 * 3 * sizeof(real));
    const attention_gradient g = gradient_of(&w, true);
    for (int64_t task = 0; task < attention_backward_tasks(&w.a); task++)
        attention_backward(&w.a, &g, task, w.scratch);
    attention_join_parts(&w.a, &g);
    for (int i = 0; i < 2 * 600 * 3; i++)
        assert_true(fabsf(w.dk[i] - 2 * once[i]) <= 1e-5F);
    mem_free(once);
    world_end(&w);
}

static void test_dropped_weights_are_as_many_as_said(void **state)
{
    (void)state;
    world w;
    world_make(&w, (attention){4, 2, 64, 64, 4, 1, .dropout = 0.25, .seed = 7, .stream = 3});
    w.a.scale = 0; /* all weights are 1 / 64 */
    for (int64_t i = 0; i < 4 * 2 * 64; i++)
        w.v[i] = 64;
    run(&w, rt);
    double kept = 0;
    for (int64_t i = 0; i < 4 * 2 * 64; i++)
        kept += (double)w.out[i] * 0.75 / 64 / (4 * 2 * 64);
    assert_true(fabs(kept - 0.75) < 0.01); /* 32768 draws: 4 standard deviations */
    assert_true(w.out[0] != w.out[1] || w.out[1] != w.out[2]);
    world_end(&w);
}

static void test_threads_do_not_change_a_bit(void **state)
{
    (void)state;
    const attention cases[] = {{9, 3, 50, 50, 16, 20, .causal = true, .dropout = 0.1},
                               {1, 1, 600, 600, 8, 8, .causal = false},
                               {300, 2, 4, 4, 8, 8, .causal = false}};
    for (int i = 0; i < 3; i++) {
        world one;
        world_make(&one, cases[i]);
        test_memory other_memory;
        medley_runtime *single = test_runtime(&other_memory, 1);
        run(&one, single);
        test_runtime_end(single, &other_memory);
        for (int threads = 2; threads <= 4; threads += 2) {
            world many;
            world_make(&many, cases[i]);
            medley_runtime *several = test_runtime(&other_memory, threads);
            run(&many, several);
            test_runtime_end(several, &other_memory);
            const attention *a = &one.a;
            const size_t rows = (size_t)(a->batch * a->heads * a->queries) * sizeof(real);
            assert_memory_equal(one.out, many.out, rows * (size_t)a->width);
            assert_memory_equal(one.dq, many.dq, rows * (size_t)a->depth);
            assert_memory_equal(one.dk, many.dk, rows * (size_t)a->depth);
            assert_memory_equal(one.dv, many.dv, rows * (size_t)a->width);
            world_end(&many);
        }
        world_end(&one);
    }
}

static int begin(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_runtime_end(rt, &memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_products_are_those_of_the_definition),
        cmocka_unit_test(test_attention_is_that_of_its_definition),
        cmocka_unit_test(test_queries_and_keys_may_be_of_different_numbers),
        cmocka_unit_test(test_long_sequences_go_by_tiles_and_parts),
        cmocka_unit_test(test_scores_that_grow_with_the_keys_lose_nothing),
        cmocka_unit_test(test_gradients_are_added_where_asked),
        cmocka_unit_test(test_dropped_weights_are_as_many_as_said),
        cmocka_unit_test(test_threads_do_not_change_a_bit),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
