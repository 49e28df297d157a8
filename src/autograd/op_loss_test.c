#include "testing.h"

#include <math.h>

#include "autograd/ops.h"
#include "base/base.h"

static real value[4096];
static const uint32_t targets[] = {0, 1, 5, 2};

static node *input(graph *g, shape s)
{
    return graph_input(g, s, value);
}
static node *mse(graph *g, const shape *s)
{
    return graph_mse(g, input(g, s[0]), value);
}
static node *bce(graph *g, const shape *s)
{
    return graph_bce(g, input(g, s[0]), value);
}
static node *bpr(graph *g, const shape *s)
{
    return graph_bpr(g, input(g, s[0]), input(g, s[1]));
}
static node *cross_entropy(graph *g, const shape *s)
{
    return graph_cross_entropy(g, input(g, s[0]), targets);
}
static node *info_nce(graph *g, const shape *s)
{
    return graph_info_nce(g, input(g, s[0]), input(g, s[1]), 0.1, NULL, NULL, false);
}
static node *info_nce_cold(graph *g, const shape *s)
{
    return graph_info_nce(g, input(g, s[0]), input(g, s[1]), 0, NULL, NULL, false);
}

static void refused(node *(*build)(graph *g, const shape *s), shape a, shape b, medley_status status,
                    const char *message)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const shape s[2] = {a, b};
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.training = true});
    assert_ptr_equal(build(g, s), graph_poison(g));
    medley_error error;
    assert_int_equal(graph_status(g, &error), status);
    assert_string_equal(error.message, message);
    assert_ptr_equal(build(g, s), graph_poison(g)); /* and so is what comes behind */
    graph_free(g);
    test_runtime_end(rt, &memory);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const shape none = shape_scalar();
    refused(mse, shape_2(0, 3), none, MEDLEY_E_SHAPE, "mse: [0,3]: of no numbers");
    refused(bce, shape_2(3, 0), none, MEDLEY_E_SHAPE, "bce: [3,0]: of no numbers");
    refused(bpr, shape_1(0), shape_1(0), MEDLEY_E_SHAPE, "bpr: [0]: of no numbers");
    refused(bpr, shape_1(3), shape_2(3, 1), MEDLEY_E_SHAPE, "bpr: positive [3] and negative [3,1] differ");
    refused(cross_entropy, shape_1(3), none, MEDLEY_E_SHAPE, "cross_entropy: [3]: logits are rows and classes");
    refused(cross_entropy, shape_2(0, 3), none, MEDLEY_E_SHAPE, "cross_entropy: [0,3]: of no numbers");
    refused(cross_entropy, shape_2(4, 5), none, MEDLEY_E_ARGUMENT,
            "cross_entropy: row 2: target 5 is not below 5");
    refused(cross_entropy, shape_2(4, 0), none, MEDLEY_E_ARGUMENT,
            "cross_entropy: row 0: target 0 is not below 0");
    refused(info_nce, shape_2(4, 5), shape_2(4, 6), MEDLEY_E_SHAPE,
            "info_nce: [4,5] and [4,6]: both must be [B,D], the same");
    refused(info_nce, shape_3(2, 2, 5), shape_3(2, 2, 5), MEDLEY_E_SHAPE,
            "info_nce: [2,2,5] and [2,2,5]: both must be [B,D], the same");
    refused(info_nce, shape_2(0, 5), shape_2(0, 5), MEDLEY_E_SHAPE, "info_nce: [0,5]: of no numbers");
    refused(info_nce_cold, shape_2(4, 5), shape_2(4, 5), MEDLEY_E_ARGUMENT,
            "info_nce: temperature 0 is not above 0");
}

/* ---- values by hand ---- */

static void near(const node *n, double want)
{
    if (!(fabs((double)n->value[0] - want) < 1e-6))
        fail_msg("%s is %.9g, not %.9g", n->op->name, (double)n->value[0], want);
}

static void test_losses_by_hand(void **state)
{
    (void)state;
    const real x[] = {0, 2, 0, 0, 1, 1}, t[] = {1, 0, 0, 0, 1, 3}, q[] = {0, -1};
    const real pair[] = {1, 0, 0, 1};
    const uint32_t row[] = {1, CROSS_ENTROPY_IGNORE}, none[] = {CROSS_ENTROPY_IGNORE}, id[] = {7, 7};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.training = true});
    node *n = graph_input(g, shape_1(6), x), *m = graph_input(g, shape_2(2, 3), x);
    near(graph_mse(g, n, t), (1 + 4 + 4) / 6.0);
    near(graph_bce(g, n, t), (3 * log(2) + log1p(exp(2)) + 2 * log1p(exp(1)) - 1 - 3) / 6);
    near(graph_bpr(g, n, graph_input(g, shape_1(6), t)),
         (log1p(exp(1)) + log1p(exp(-2)) + 3 * log(2) + log1p(exp(2))) / 6);
    near(graph_cross_entropy(g, m, row), log(2 + exp(2)) - 2);
    near(graph_cross_entropy(g, graph_input(g, shape_2(1, 3), x), none), 0);
    node *unit = graph_input(g, shape_2(2, 2), pair);
    near(graph_info_nce(g, unit, unit, 0.5, NULL, NULL, false), log1p(exp(-2)));
    near(graph_info_nce(g, unit, unit, 0.5, NULL, NULL, true), log1p(exp(-2)));
    near(graph_info_nce(g, unit, unit, 0.5, NULL, q, false), (log1p(exp(-1)) + log1p(exp(-3))) / 2);
    near(graph_info_nce(g, unit, unit, 0.5, id, NULL, true), 0);
    assert_ok(graph_status(g, err));
    graph_free(g);
    test_runtime_end(rt, &memory);
}

/* ---- InfoNCE in many blocks ---- */

enum { PAIRS = 1300, WIDTH = 8 }; /* 1300² numbers are two blocks */

typedef struct nce_data {
    real x[PAIRS * WIDTH], y[PAIRS * WIDTH], log_q[PAIRS];
    uint32_t id[PAIRS];
} nce_data;

static void fill(nce_data *d)
{
    for (int i = 0; i < PAIRS * WIDTH; i++) {
        d->x[i] = (real)(random_uniform(1, 1, (uint64_t)i) - 0.5);
        d->y[i] = (real)(random_uniform(1, 2, (uint64_t)i) - 0.5);
    }
    for (int i = 0; i < PAIRS; i++) {
        d->id[i] = (uint32_t)(random_bits(1, 3, (uint64_t)i) % 900);
        d->log_q[i] = (real)(-3 * random_uniform(1, 4, (uint64_t)i));
    }
}

/* Loss and slopes with the whole of [B, B], in double. */
static double twin_info_nce(const nce_data *d, const real *x, const real *y, double temperature, double *dx,
                            double *dy)
{
    double loss = 0, *z = test_malloc(PAIRS * sizeof(*z));
    for (int b = 0; b < PAIRS; b++) {
        double sum = 0;
        for (int j = 0; j < PAIRS; j++) {
            z[j] = 0;
            for (int k = 0; k < WIDTH; k++)
                z[j] += (double)x[b * WIDTH + k] * (double)y[j * WIDTH + k] / temperature;
            z[j] = j != b && d->id[j] == d->id[b] ? 0 : exp(z[j] - (double)d->log_q[j]);
            sum += z[j];
        }
        loss -= log(z[b] / sum) / PAIRS;
        for (int j = 0; j < PAIRS; j++) {
            const double slope = (z[j] / sum - (j == b)) / PAIRS / temperature;
            for (int k = 0; k < WIDTH; k++) {
                dx[b * WIDTH + k] += slope * (double)y[j * WIDTH + k];
                dy[j * WIDTH + k] += slope * (double)x[b * WIDTH + k];
            }
        }
    }
    test_free(z);
    return loss;
}

static void check_info_nce(bool symmetric)
{
    enum { COUNT = PAIRS * WIDTH };
    static nce_data d;
    static double dx[COUNT], dy[COUNT];
    const double share = symmetric ? 0.5 : 1;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    graph *g;
    fill(&d);
    memset(dx, 0, sizeof dx);
    memset(dy, 0, sizeof dy);
    double loss = twin_info_nce(&d, d.x, d.y, 0.3, dx, dy);
    if (symmetric)
        loss += twin_info_nce(&d, d.y, d.x, 0.3, dy, dx);
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.training = true});
    node *x = graph_variable(g, shape_2(PAIRS, WIDTH), d.x), *y = graph_variable(g, shape_2(PAIRS, WIDTH), d.y);
    node *n = graph_info_nce(g, x, y, 0.3, d.id, d.log_q, symmetric);
    assert_ok(graph_backward(g, n, err));
    assert_true(fabs((double)n->value[0] - share * loss) < 1e-5);
    for (int i = 0; i < COUNT; i++) {
        assert_true(fabs((double)x->grad[i] - share * dx[i]) < 1e-8);
        assert_true(fabs((double)y->grad[i] - share * dy[i]) < 1e-8);
    }
    graph_free(g);
    test_runtime_end(rt, &memory);
}

static void test_info_nce_in_blocks_agrees_with_its_slow_twin(void **state)
{
    (void)state;
    check_info_nce(false);
    check_info_nce(true);
}

/* ---- a step through all of them ---- */

enum { OUT = 8 + 2 * PAIRS * WIDTH };

static medley_status one_step(graph *g, const nce_data *d, real *out, medley_error *err)
{
    enum { CLASSES = 4 * WIDTH };
    graph_begin(g, (graph_place){.seed = 1, .training = true});
    node *x = graph_variable(g, shape_2(PAIRS, WIDTH), d->x), *y = graph_variable(g, shape_2(PAIRS, WIDTH), d->y);
    uint32_t target[PAIRS / 4];
    for (int i = 0; i < PAIRS / 4; i++)
        target[i] = i % 7 == 0 ? CROSS_ENTROPY_IGNORE : d->id[i] % CLASSES;
    node *loss[] = {
        graph_mse(g, x, d->y),
        graph_bce(g, x, d->y),
        graph_bpr(g, x, y),
        graph_cross_entropy(g, graph_reshape(g, x, shape_2(PAIRS / 4, CLASSES)), target),
        graph_info_nce(g, x, y, 0.3, d->id, d->log_q, false),
        graph_info_nce(g, x, y, 0.3, d->id, NULL, true),
    };
    node *sum = loss[0];
    for (int i = 1; i < 6; i++)
        sum = graph_add(g, sum, loss[i]);
    TRY(graph_backward(g, sum, err));
    for (int i = 0; i < 6; i++)
        out[i] = loss[i]->value[0];
    memcpy(out + 8, x->grad, PAIRS * WIDTH * sizeof *out);
    memcpy(out + 8 + PAIRS * WIDTH, y->grad, PAIRS * WIDTH * sizeof *out);
    return MEDLEY_OK;
}

static void steps(int threads, real *out)
{
    static nce_data d;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, threads);
    graph *g;
    fill(&d);
    assert_ok(graph_create(rt, &g, err));
    for (int warm = 0; warm < 3; warm++) {
        const int64_t before = memory.allocations;
        assert_ok(one_step(g, &d, out, err));
        if (warm == 2)
            assert_int_equal(memory.allocations, before);
    }
    graph_free(g);
    test_runtime_end(rt, &memory);
}

static void test_the_bits_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    static real out[3][OUT];
    for (int t = 0; t < 3; t++)
        steps(1 << t, out[t]);
    assert_memory_equal(out[1], out[0], sizeof *out);
    assert_memory_equal(out[2], out[0], sizeof *out);
}

/* Losses of more than one task. */
static void pair_steps(int threads, real *out)
{
    enum { COUNT = 100000 };
    static real x[COUNT], y[COUNT];
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, threads);
    graph *g;
    for (int i = 0; i < COUNT; i++) {
        x[i] = (real)(4 * random_uniform(1, 1, (uint64_t)i) - 2);
        y[i] = (real)random_uniform(1, 2, (uint64_t)i);
    }
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.training = true});
    node *nx = graph_variable(g, shape_1(COUNT), x), *ny = graph_variable(g, shape_1(COUNT), y);
    node *sum = graph_add(g, graph_mse(g, nx, y), graph_add(g, graph_bce(g, nx, y), graph_bpr(g, nx, ny)));
    assert_ok(graph_backward(g, sum, err));
    out[0] = sum->value[0];
    memcpy(out + 1, nx->grad, sizeof x);
    memcpy(out + 1 + COUNT, ny->grad, sizeof y);
    double want = 0;
    for (int i = 0; i < COUNT; i++) {
        const double a = (double)x[i], b = (double)y[i];
        want += (a - b) * (a - b) + log1p(exp(a)) - a * b + log1p(exp(b - a));
    }
    assert_true(fabs((double)out[0] - want / COUNT) < 1e-6);
    graph_free(g);
    test_runtime_end(rt, &memory);
}

static void test_long_arrays_are_cut_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    static real out[3][200001];
    for (int t = 0; t < 3; t++)
        pair_steps(1 << t, out[t]);
    assert_memory_equal(out[1], out[0], sizeof *out);
    assert_memory_equal(out[2], out[0], sizeof *out);
}

static medley_status cold_step(const medley_runtime *rt, const nce_data *d, real *out, medley_error *err)
{
    graph *g;
    TRY(graph_create(rt, &g, err));
    const medley_status status = one_step(g, d, out, err);
    graph_free(g);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    static nce_data d;
    static real out[OUT];
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    fill(&d);
    BRUTAL(rt, &memory, cold_step(rt, &d, out, err), (void)0);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_does_not_fit_is_refused),
        cmocka_unit_test(test_losses_by_hand),
        cmocka_unit_test(test_info_nce_in_blocks_agrees_with_its_slow_twin),
        cmocka_unit_test(test_the_bits_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(test_long_arrays_are_cut_the_same_for_any_number_of_threads),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
