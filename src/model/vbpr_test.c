#include "learner_trial.h"

#include "made_features.h"
#include "model/triples.h"

extern const model_class model_vbpr;

enum { USERS = 40, ITEMS = 30, FACTORS = 5, BATCH = 40, LENGTH = 6, MATRICES = 3, LONGEST = MATRICES * LENGTH };

static made_events made;
static tastes world;
static test_memory memory;
static medley_runtime *rt;
static char *folder, store[4200], taste_store[4200];
static const char *const names[MATRICES] = {"one", "two", "three"};
static const int lengths[MATRICES] = {LENGTH, LENGTH, 4};
static float matrix[MATRICES][ITEMS][LENGTH]; /* rows of `lengths` numbers; NaN: the item lacks it */

/* Item 3 lacks "two", items 5 and 29 lack "three". */
static bool lacks(int k, int i)
{
    return (k == 1 && i == 3) || (k == 2 && (i == 5 || i == 29));
}

static void make_matrices(void)
{
    snprintf(store, sizeof store, "%s", test_path(folder, "store"));
    made_items(rt, store, ITEMS);
    for (int k = 0; k < MATRICES; k++) {
        float flat[ITEMS * LENGTH];
        for (int i = 0; i < ITEMS; i++)
            for (int j = 0; j < lengths[k]; j++) {
                const double x = 2 * random_uniform(31 + (uint64_t)k, (uint64_t)i, (uint64_t)j) - 0.7;
                matrix[k][i][j] = flat[i * lengths[k] + j] = lacks(k, i) ? NAN : (float)x;
            }
        made_features(rt, store, names[k], flat, ITEMS, lengths[k]);
    }
}

/* The kind of an item, behind noise. */
static void make_taste_features(void)
{
    float kind[TASTE_ITEMS * LENGTH], noise[TASTE_ITEMS * LENGTH];
    snprintf(taste_store, sizeof taste_store, "%s", test_path(folder, "tastes"));
    made_items(rt, taste_store, TASTE_ITEMS);
    for (int i = 0; i < TASTE_ITEMS; i++)
        for (int j = 0; j < LENGTH; j++) {
            noise[i * LENGTH + j] = (float)(random_uniform(41, (uint64_t)i, (uint64_t)j) - 0.5);
            kind[i * LENGTH + j] = noise[i * LENGTH + j] + (j == i % TASTE_KINDS ? 1.5f : 0);
        }
    made_features(rt, taste_store, "kind", kind, TASTE_ITEMS, LENGTH);
    made_features(rt, taste_store, "noise", noise, TASTE_ITEMS, LENGTH);
}

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    folder = test_folder();
    make_events(&made, USERS, ITEMS, 8);
    make_tastes(&world, 0.1);
    make_matrices();
    make_taste_features();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    return 0;
}

/* ---- the slow twin ---- */

typedef struct fused_case {
    const char *features, *fusion, *missing;
    int of[MATRICES], count; /* which matrices */
    const char *scale;       /* NULL: none */
} fused_case;

static const fused_case fused[] = {
    {"one", "concat", "mean", {0}, 1, NULL},
    {"two", "sum", "zero", {1}, 1, NULL},
    {"one,two,three", "concat", "mean", {0, 1, 2}, 3, NULL},
    {" three , one,", "concat", "zero", {2, 0}, 2, NULL},
    {"one,two", "sum", "mean", {0, 1}, 2, NULL},
    {"two,one", "sum", "zero", {1, 0}, 2, NULL},
    {"one,two", "mean", "mean", {0, 1}, 2, NULL},
    {"one,two,one", "mean", "zero", {0, 1, 0}, 3, NULL},
    {"one,two", "product", "mean", {0, 1}, 2, NULL},
    {"one,two", "product", "zero", {0, 1}, 2, NULL},
    {"one,two,three", "attention", "mean", {0, 1, 2}, 3, NULL},
    {"three,two", "attention", "zero", {2, 1}, 2, NULL},
    {"two", "attention", "mean", {1}, 1, NULL},
    {"one,two,three", "concat", "mean", {0, 1, 2}, 3, "unit"},
    {"one,three", "concat", "zero", {0, 2}, 2, "unit"},
    {"one,two", "sum", "mean", {0, 1}, 2, "standard"},
    {"one,two,three", "concat", "zero", {0, 1, 2}, 3, "standard"},
    {"three,two", "attention", "mean", {2, 1}, 2, "standard"},
};

/* Mean and variance of a column over the items that have it. */
static void moments(int k, int j, double *mean, double *variance)
{
    double count = 0;
    *mean = *variance = 0;
    for (int i = 0; i < ITEMS; i++)
        count += !lacks(k, i);
    for (int i = 0; i < ITEMS; i++)
        *mean += lacks(k, i) ? 0 : (double)matrix[k][i][j] / count;
    for (int i = 0; i < ITEMS; i++)
        *variance += lacks(k, i) ? 0 : pow((double)matrix[k][i][j] - *mean, 2) / count;
}

/* A number of an item that has the modality. */
static double scaled(const fused_case *f, int k, int i, int j)
{
    const double x = (double)matrix[k][i][j];
    double square = 0, mean, variance;
    if (f->scale == NULL)
        return x;
    for (int other = 0; other < lengths[k]; other++)
        square += pow((double)matrix[k][i][other], 2);
    if (strcmp(f->scale, "unit") == 0)
        return x / sqrt(square);
    moments(k, j, &mean, &variance);
    return (x - mean) / sqrt(variance * lengths[k]);
}

/* f_im: a row of a matrix, or what stands in its place. */
static double feature(const fused_case *f, int m, int i, int j)
{
    const int k = f->of[m];
    double sum = 0, count = 0;
    if (!lacks(k, i))
        return scaled(f, k, i, j);
    for (int other = 0; strcmp(f->missing, "mean") == 0 && other < ITEMS; other++)
        if (!lacks(k, other)) {
            sum += scaled(f, k, other, j);
            count++;
        }
    return count > 0 ? sum / count : 0;
}

/* f_i of all fusions but attention; returns its length. */
static int fuse(const fused_case *f, int i, double out[LONGEST])
{
    int length = 0;
    if (strcmp(f->fusion, "concat") == 0) {
        for (int m = 0; m < f->count; m++)
            for (int j = 0; j < lengths[f->of[m]]; j++)
                out[length++] = feature(f, m, i, j);
        return length;
    }
    for (int j = 0; j < LENGTH; j++) {
        double sum = 0, product = 1;
        for (int m = 0; m < f->count; m++) {
            sum += feature(f, m, i, j);
            product *= feature(f, m, i, j);
        }
        out[j] = strcmp(f->fusion, "product") == 0 ? product
                 : strcmp(f->fusion, "mean") == 0  ? sum / f->count
                                                   : sum;
    }
    return LENGTH;
}

/* W_m f + b_m */
static void project(const learner_trial *t, int m, const double *f, int length, double z[FACTORS])
{
    char name[32];
    snprintf(name, sizeof name, "projection.%d", m);
    const real *W = learner_values(t, name);
    snprintf(name, sizeof name, "projection_bias.%d", m);
    const real *b = learner_values(t, name);
    for (int d = 0; d < FACTORS; d++) {
        z[d] = (double)b[d];
        for (int j = 0; j < length; j++)
            z[d] += (double)W[d * length + j] * f[j];
    }
}

/* sum over m of a_im z_m */
static void attend(const learner_trial *t, const fused_case *f, int i, double e[FACTORS])
{
    const real *v = learner_values(t, "attention");
    double z[MATRICES][FACTORS], a[MATRICES], sum = 0, row[LENGTH];
    for (int m = 0; m < f->count; m++) {
        const int length = lengths[f->of[m]];
        for (int j = 0; j < length; j++)
            row[j] = feature(f, m, i, j);
        project(t, m, row, length, z[m]);
        a[m] = 0;
        for (int d = 0; d < FACTORS; d++)
            a[m] += (double)v[d] * tanh(z[m][d]);
        sum += a[m] = exp(a[m]);
    }
    for (int d = 0; d < FACTORS; d++) {
        e[d] = 0;
        for (int m = 0; m < f->count; m++)
            e[d] += a[m] / sum * z[m][d];
    }
}

/* e_i = normalize(...) */
static void projected(const learner_trial *t, const fused_case *f, int i, double e[FACTORS])
{
    double row[LONGEST], square = 0;
    if (strcmp(f->fusion, "attention") == 0)
        attend(t, f, i, e);
    else
        project(t, 0, row, fuse(f, i, row), e);
    for (int d = 0; d < FACTORS; d++)
        square += e[d] * e[d];
    for (int d = 0; d < FACTORS; d++)
        e[d] /= sqrt(square);
}

static double inner(const real *a, const double *b)
{
    double sum = 0;
    for (int d = 0; d < FACTORS; d++)
        sum += (double)a[d] * b[d];
    return sum;
}

static double square_of(const double *e)
{
    double sum = 0;
    for (int d = 0; d < FACTORS; d++)
        sum += e[d] * e[d];
    return sum;
}

static bool is_seen(const learner_trial *t, int i)
{
    const csr *observed = &t->data.matrix;
    for (int64_t at = 0; at < csr_count(observed); at++)
        if (observed->index[at] == (uint32_t)i)
            return true;
    return false;
}

/* x_ui of all users and items, and L of some triples. */
static void check_equations(const learner_trial *t, const fused_case *f)
{
    static double e[ITEMS][FACTORS];
    const real *user = learner_values(t, "user"), *item = learner_values(t, "item"),
               *taste = learner_values(t, "taste");
    double want = 0;
    for (int i = 0; i < ITEMS; i++)
        projected(t, f, i, e[i]);
    const scoring how = learner_trial_finish(rt, (learner_trial *)(uintptr_t)t);
    assert_int_equal(how.factors, 2 * FACTORS);
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++) {
            const double got = inner_product(how.user + u * 2 * FACTORS, how.item + i * 2 * FACTORS, 2 * FACTORS);
            const double known = inner_product(user + u * FACTORS, item + i * FACTORS, FACTORS);
            const double x = (is_seen(t, i) ? known : 0) + inner(taste + u * FACTORS, e[i]);
            if (!(fabs(got - x) <= 2e-6))
                fail_msg("%s by %s, missing %s: item %d scores %g, expected %g", f->features, f->fusion,
                         f->missing, i, got, x);
        }
    triple_batch *b;
    void *batch = learner_batch(rt, t, 1, 5, BATCH);
    const batch_place at = {.seed = t->data.seed, .epoch = 1, .first = 5, .count = BATCH};
    assert_ok(mem_alloc(rt, triples_batch_bytes(t->context, BATCH), 1, &b, err));
    triples_fill(t->context, &at, b);
    for (int k = 0; k < BATCH; k++) {
        const real *gu = user + b->user[k] * FACTORS, *gi = item + b->positive[k] * FACTORS,
                   *gj = item + b->negative[k] * FACTORS, *theta = taste + b->user[k] * FACTORS;
        const double *ei = e[b->positive[k]], *ej = e[b->negative[k]];
        const double x =
            inner_product(gu, gi, FACTORS) + inner(theta, ei) - inner_product(gu, gj, FACTORS) - inner(theta, ej);
        const double squares = inner_product(gu, gu, FACTORS) + inner_product(gi, gi, FACTORS) +
                               inner_product(gj, gj, FACTORS) + inner_product(theta, theta, FACTORS) +
                               square_of(ei) + square_of(ej);
        want += (log1p(exp(-x)) + 0.4 / 2 * squares) / BATCH;
    }
    assert_true(fabs(learner_loss(rt, t, batch) - want) <= 1e-5 * want);
    mem_free(b);
    mem_free(batch);
}

static void test_every_fusion_is_as_the_equations_say(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof fused / sizeof *fused; k++) {
        fit_case c;
        learner_trial t;
        FIT_CASE(&c, &model_vbpr, made.view, USERS, ITEMS, "factors", "5", "features", fused[k].features, "fusion",
                 fused[k].fusion, "missing", fused[k].missing, "regularization", "0.4", "scale",
                 fused[k].scale == NULL ? "none" : fused[k].scale);
        c.folder = store;
        assert_ok(learner_trial_begin(rt, &c, &t, err));
        check_equations(&t, &fused[k]);
        learner_trial_release(&t);
    }
}

/* ---- what it takes ---- */

static void test_features_that_cannot_be_taken_are_refused(void **state)
{
    (void)state;
    static char longest[300];
    static const struct {
        const char *features, *fusion;
        bool stored;
        medley_status status;
        const char *want;
    } cases[] = {
        {"", "concat", true, MEDLEY_E_CONFIG, "features: '' names none; see medley features list"},
        {" ,, ", "concat", true, MEDLEY_E_CONFIG, "features: ' ,, ' names none; see medley features list"},
        {"one", "concat", false, MEDLEY_E_CONFIG,
         "features: 'one' is sought, but there is no store to seek it in"},
        {"one,tow", "concat", true, MEDLEY_E_CONFIG,
         "features: no 'tow' in the store (did you mean 'two'?); it has one, three, two"},
        {"one,../two", "concat", true, MEDLEY_E_CONFIG, "features: no '../two' in the store"},
        {longest, "concat", true, MEDLEY_E_CONFIG, "features: a name of 299 bytes is longer than 255"},
        {"one,two,one,two,one,two,one,two,one", "sum", true, MEDLEY_E_CONFIG,
         "features: 'one,two,one,two,one,two,one,two,one' names more than 8"},
        {"one,three", "sum", true, MEDLEY_E_CONFIG,
         "fusion: lengths 6 and 4 differ; concat and attention take matrices of any length"},
        {"three,two", "product", true, MEDLEY_E_CONFIG,
         "fusion: lengths 4 and 6 differ; concat and attention take matrices of any length"},
    };
    memset(longest, 'x', sizeof longest - 1);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        fit_case c;
        model_state s;
        FIT_CASE(&c, &model_vbpr, made.view, USERS, ITEMS, "features", cases[k].features, "fusion",
                 cases[k].fusion);
        c.folder = cases[k].stored ? store : NULL;
        assert_fails(fit_model(rt, &c, &s, err), cases[k].status, cases[k].want);
    }
}

static void test_features_of_another_store_are_refused(void **state)
{
    (void)state;
    fit_case c;
    model_state s;
    FIT_CASE(&c, &model_vbpr, made.view, USERS, ITEMS, "features", "kind");
    c.folder = taste_store;
    assert_fails(fit_model(rt, &c, &s, err), MEDLEY_E_STALE,
                 "48 rows, but the store has 30 items; import it again");
}

/* ---- what it finds ---- */

static double order_of(const char *matrices, const char *fusion, int64_t first, int64_t end)
{
    fit_case c;
    double *scores;
    FIT_CASE(&c, &model_vbpr, world.view, TASTE_USERS, TASTE_ITEMS, "factors", "6", "features", matrices, "fusion",
             fusion, "epochs", "25", "batch_size", "64", "learning_rate", "0.01", "negatives", "popularity",
             "regularization", "0.05");
    c.folder = taste_store;
    assert_ok(fit_and_score(rt, &c, &scores, err));
    const double order = taste_order(&world, scores, first, end);
    mem_free(scores);
    return order;
}

/* Items that nobody has are known by features that tell their kind, and by none that do not. */
static void test_it_finds_what_users_like_among_items_that_nobody_has(void **state)
{
    (void)state;
    enum { WARM = TASTE_ITEMS - TASTE_COLD };
    assert_true(order_of("kind", "concat", 0, WARM) > taste_order(&world, NULL, 0, WARM) + 0.3);
    assert_true(order_of("kind", "concat", WARM, TASTE_ITEMS) > 0.9);
    assert_true(order_of("kind,noise", "attention", WARM, TASTE_ITEMS) > 0.9);
    assert_true(order_of("noise", "concat", WARM, TASTE_ITEMS) < 0.7);
}

static void test_tensors_of_another_shape_are_refused(void **state)
{
    (void)state;
    fit_case c;
    FIT_CASE(&c, &model_vbpr, made.view, USERS, ITEMS, "factors", "3", "epochs", "1", "features", "one");
    c.folder = store;
    refuse_tensor(rt, &c, "user", "tensor 'user' is F32 [41, 6], expected F32 [40, 6]");
    refuse_tensor(rt, &c, "item", "tensor 'item' is F32 [31, 6], expected F32 [30, 6]");
}

static void test_it_is_a_model(void **state)
{
    (void)state;
    static const char *const ways[][3] = {
        {"one,two,three", "concat", "false"}, {"one,two", "sum", "true"}, {"three,one", "attention", "true"}};
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        fit_case c;
        FIT_CASE(&c, &model_vbpr, made.view, USERS, ITEMS, "factors", "5", "epochs", "2", "batch_size", "100",
                 "features", ways[k][0], "fusion", ways[k][1], "mixed_precision", ways[k][2]);
        c.folder = store;
        fit_check_threads(&c);
        fit_check_saving(&c);
        fit_check_allocations(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fusion_is_as_the_equations_say),
        cmocka_unit_test(test_features_that_cannot_be_taken_are_refused),
        cmocka_unit_test(test_features_of_another_store_are_refused),
        cmocka_unit_test(test_it_finds_what_users_like_among_items_that_nobody_has),
        cmocka_unit_test(test_tensors_of_another_shape_are_refused),
        cmocka_unit_test(test_it_is_a_model),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
