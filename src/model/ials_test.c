#include "fit_model.h"

#include <math.h>

#include "recorded.h"

extern const model_class model_ials;

enum { USERS = 61, ITEMS = 41, WIDEST = 40, EPOCHS_MOST = 64 };

static made_events made;
static test_memory memory;
static medley_runtime *rt;

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    make_events(&made, USERS, ITEMS, 8);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_runtime_end(rt, &memory);
    return 0;
}

/* The loss and its minimisation over dense matrices in double, by elimination. */
typedef struct naive {
    int D;
    double a0, reg, nu;
    bool confidence;
    double weight[USERS][ITEMS]; /* 0: not observed */
    double w[USERS][WIDEST], h[ITEMS][WIDEST];
} naive;

static double inner(const double *a, const double *b, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

static double weight_at(const naive *n, bool user, int row, int other)
{
    return user ? n->weight[row][other] : n->weight[other][row];
}

static double penalty(const naive *n, bool user, int row)
{
    double count = 0;
    for (int other = 0; other < (user ? ITEMS : USERS); other++)
        count += weight_at(n, user, row, other) > 0;
    return n->reg * pow(count + n->a0 * (user ? ITEMS : USERS), n->nu);
}

static double naive_loss(const naive *n)
{
    double loss = 0;
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++) {
            const double s = inner(n->w[u], n->h[i], n->D), a = n->weight[u][i];
            if (n->confidence)
                loss += a > 0 ? (a + n->a0) * (1 - s) * (1 - s) : n->a0 * s * s;
            else
                loss += a * (1 - s) * (1 - s) + n->a0 * s * s;
        }
    for (int u = 0; u < USERS; u++)
        loss += penalty(n, true, u) * inner(n->w[u], n->w[u], n->D);
    for (int i = 0; i < ITEMS; i++)
        loss += penalty(n, false, i) * inner(n->h[i], n->h[i], n->D);
    return loss;
}

static void naive_row(naive *n, bool user, int row)
{
    static double a[WIDEST][WIDEST + 1];
    const int others = user ? ITEMS : USERS, D = n->D;
    memset(a, 0, sizeof a);
    for (int k = 0; k < D; k++)
        a[k][k] = penalty(n, user, row);
    for (int other = 0; other < others; other++) {
        const double *y = user ? n->h[other] : n->w[other], weight = weight_at(n, user, row, other);
        const double wish = weight > 0 && n->confidence ? weight + n->a0 : weight;
        for (int k = 0; k < D; k++) {
            for (int j = 0; j < D; j++)
                a[k][j] += (weight + n->a0) * y[k] * y[j];
            a[k][D] += wish * y[k];
        }
    }
    for (int k = 0; k < D; k++)
        for (int r = 0; r < D; r++) {
            const double s = r != k ? a[r][k] / a[k][k] : 0;
            for (int j = k; j <= D && r != k; j++)
                a[r][j] -= s * a[k][j];
        }
    for (int k = 0; k < D; k++)
        (user ? n->w[row] : n->h[row])[k] = a[k][D] / a[k][k];
}

static void naive_side(naive *n, bool user)
{
    for (int row = 0; row < (user ? USERS : ITEMS); row++)
        naive_row(n, user, row);
}

/* The start that ials.c documents. */
static double start_of(int D, uint64_t stream, int row, int k)
{
    const uint64_t at = 2 * ((uint64_t)row * (uint64_t)D + (uint64_t)k);
    const double a = 1 - random_uniform(7, stream, at), b = random_uniform(7, stream, at + 1);
    return (double)(float)(0.1 / sqrt(D) * sqrt(-2 * log(a)) * cos(2 * acos(-1.0) * b));
}

static void naive_start(naive *n, int D, bool rated)
{
    n->D = D;
    memset(n->weight, 0, sizeof n->weight);
    for (int64_t e = 0; e < made.view.count; e++)
        n->weight[made.user[e]][made.item[e]] = rated ? (double)made.rating[e] : 1;
    for (int k = 0; k < D; k++) {
        for (int u = 0; u < USERS; u++)
            n->w[u][k] = start_of(D, 0, u, k);
        for (int i = 0; i < ITEMS; i++)
            n->h[i][k] = start_of(D, 1, i, k);
    }
}

static const double *losses(const model_state *s)
{
    const named_tensor *loss;
    const int64_t any = -1;
    assert_ok(model_tensor(s, "loss", TENSOR_F64, 1, &any, &loss, err));
    return loss->data;
}

static void test_every_loss_is_minimised_as_the_equations_say(void **state)
{
    (void)state;
    static naive n;
    static const struct {
        int D;
        const char *factors, *nu, *loss, *feedback;
    } cases[] = {
        {5, "5", "1", "ials", "binary"},
        {16, "16", "0", "confidence", "rating"},
        {20, "20", "0.5", "ials", "rating"},
        {33, "33", "1", "confidence", "binary"},
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        fit_case c;
        model_state s;
        double *scores;
        n = (naive){.a0 = 0.15, .reg = 0.05, .nu = at == 0 || at == 3 ? 1 : at == 1 ? 0 : 0.5};
        n.confidence = at % 2 == 1;
        naive_start(&n, cases[at].D, at == 1 || at == 2);
        FIT_CASE(&c, &model_ials, made.view, USERS, ITEMS, "factors", cases[at].factors, "epochs", "4",
                 "unobserved_weight", "0.15", "regularization", "0.05", "frequency_exponent", cases[at].nu, "loss",
                 cases[at].loss, "feedback", cases[at].feedback);
        assert_ok(fit_model(rt, &c, &s, err));
        for (int epoch = 0; epoch < 4; epoch++) {
            naive_side(&n, true);
            naive_side(&n, false);
            const double want = naive_loss(&n);
            assert_true(fabs(losses(&s)[epoch] - want) <= 1e-5 * want);
        }
        naive_side(&n, true);
        assert_ok(fit_and_score(rt, &c, &scores, err));
        for (int u = 0; u < USERS; u++)
            for (int i = 0; i < ITEMS; i++)
                assert_true(fabs(scores[u * ITEMS + i] - inner(n.w[u], n.h[i], n.D)) <= 1e-4);
        mem_free(scores);
        model_state_release(&s);
    }
}

/* Losses, item vectors, and everybody's scores after five epochs from the same start. implicit's alpha 5 and
 * regularization 2 are a0 = 1/4 and reg = 2/4 here, and its loss is 4 times ours. It computes in single
 * precision. */
static void test_it_is_the_same_as_implicit(void **state)
{
    (void)state;
    enum { PAIRS = RECORDED_USERS * RECORDED_ITEMS, FACTORS = 8, EPOCHS = 5 };
    static uint32_t user[PAIRS], item[PAIRS];
    const interactions events = {recorded_pairs(user, item), user, item, NULL, NULL, NULL};
    for (int cg = 0; cg < 2; cg++) {
        double loss[EPOCHS], vectors[RECORDED_ITEMS * FACTORS], want[PAIRS], *scores;
        fit_case c;
        model_state s;
        scoring how;
        recorded_values("ials.tsv", cg ? "cg\tloss\t" : "cholesky\tloss\t", loss, EPOCHS);
        recorded_values("ials.tsv", cg ? "cg\titem\t" : "cholesky\titem\t", vectors, RECORDED_ITEMS * FACTORS);
        recorded_values("ials.tsv", cg ? "cg\tscore\t" : "cholesky\tscore\t", want, PAIRS);
        FIT_CASE(&c, &model_ials, events, RECORDED_USERS, RECORDED_ITEMS, "factors", "8", "epochs", "5", "loss",
                 "confidence", "unobserved_weight", "0.25", "regularization", "0.5", "frequency_exponent", "0",
                 "solver", cg ? "cg" : "cholesky");
        assert_ok(fit_model(rt, &c, &s, err));
        assert_ok(model_ials.scoring(c.values, &s, RECORDED_USERS, RECORDED_ITEMS, &how, err));
        for (int epoch = 0; epoch < EPOCHS; epoch++)
            assert_true(fabs(4 * losses(&s)[epoch] - loss[epoch]) <= 1e-5 * loss[epoch]);
        for (int at = 0; at < RECORDED_ITEMS * FACTORS; at++)
            assert_true(fabs((double)how.item[at] - vectors[at]) <= 1e-4);
        assert_ok(fit_and_score(rt, &c, &scores, err));
        for (int at = 0; at < PAIRS; at++)
            assert_true(fabs(scores[at] - want[at]) <= 1e-4);
        mem_free(scores);
        model_state_release(&s);
    }
}

static double last_loss(const char *solver, const char *cg_steps, const char *block, const char *epochs)
{
    fit_case c;
    model_state s;
    int64_t count = 0;
    FIT_CASE(&c, &model_ials, made.view, USERS, ITEMS, "factors", "40", "epochs", epochs, "solver", solver,
             "cg_steps", cg_steps, "block", block, "regularization", "0.05");
    assert_true(number_int(epochs, strlen(epochs), &count) && count <= EPOCHS_MOST);
    assert_ok(fit_model(rt, &c, &s, err));
    for (int64_t epoch = 1; epoch < count; epoch++)
        assert_true(losses(&s)[epoch] <= losses(&s)[epoch - 1] * (1 + 1e-6));
    const double last = losses(&s)[count - 1];
    model_state_release(&s);
    return last;
}

/* Exactly when each solves exactly; otherwise where they all end. The loss never grows. */
static void test_solvers_agree_in_the_limit(void **state)
{
    (void)state;
    const double exact = last_loss("cholesky", "1", "16", "5");
    assert_true(fabs(last_loss("cg", "100", "16", "5") - exact) <= 1e-4 * exact);
    assert_true(fabs(last_loss("blocks", "1", "48", "5") - exact) <= 1e-4 * exact);
    const double end = last_loss("cholesky", "1", "16", "64");
    assert_true(fabs(last_loss("cg", "3", "16", "64") - end) <= 5e-3 * end);
    assert_true(fabs(last_loss("blocks", "1", "16", "64") - end) <= 5e-3 * end);
}

static void test_a_known_user_is_what_the_history_gives(void **state)
{
    (void)state;
    const interactions *const parts[] = {&made.view};
    fit_case c;
    model_state s;
    scoring how;
    left_sides left;
    histories_owner known;
    FIT_CASE(&c, &model_ials, made.view, USERS, ITEMS, "factors", "20", "epochs", "3", "solver", "cg");
    assert_ok(fit_model(rt, &c, &s, err));
    assert_ok(model_ials.scoring(c.values, &s, USERS, ITEMS, &how, err));
    assert_ok(histories_of_parts(rt, parts, 1, USERS, &known, err));
    known.view.users = false; /* strangers with the same histories */
    assert_ok(model_encode(rt, &model_ials, c.values, &s, &how, &known.view, &left, err));
    for (int i = 0; i < USERS * 20; i++)
        assert_true(fabsf(left.vectors[i] - how.user[i]) <= 1e-6f * (1 + fabsf(how.user[i])));
    left_sides_release(&left);
    histories_release(&known);
    model_state_release(&s);
}

static void test_the_model_finds_tastes(void **state)
{
    (void)state;
    /* Users of even numbers have even items, others odd ones; user 0 lacks item 8. */
    static uint32_t user[200], item[200];
    int64_t count = 0;
    for (uint32_t u = 0; u < 20; u++)
        for (uint32_t i = u % 2; i < 10; i += 2)
            if (u != 0 || i != 8) {
                user[count] = u;
                item[count++] = i;
            }
    const interactions events = {count, user, item, NULL, NULL, NULL};
    fit_case c;
    double *scores;
    FIT_CASE(&c, &model_ials, events, 20, 10, "factors", "2", "epochs", "20");
    assert_ok(fit_and_score(rt, &c, &scores, err));
    for (int i = 1; i < 10; i += 2)
        assert_true(scores[8] > scores[i] + 0.3);
    mem_free(scores);
}

static void test_ratings_that_are_no_weights_are_refused(void **state)
{
    (void)state;
    fit_case c;
    model_state s;
    const float before = made.rating[3];
    made.rating[3] = -2;
    FIT_CASE(&c, &model_ials, made.view, USERS, ITEMS, "feedback", "rating");
    assert_fails(fit_model(rt, &c, &s, err), MEDLEY_E_CONFIG, "feedback: rating, but there is a rating of -2");
    c.events.rating = NULL;
    assert_fails(fit_model(rt, &c, &s, err), MEDLEY_E_CONFIG, "feedback: rating, but the data has no ratings");
    made.rating[3] = before;
}

static void test_a_tensor_that_is_wrong_is_refused(void **state)
{
    (void)state;
    fit_case c;
    model_state s;
    scoring how;
    FIT_CASE(&c, &model_ials, made.view, USERS, ITEMS, "factors", "4", "epochs", "1");
    assert_ok(fit_model(rt, &c, &s, err));
    assert_fails(model_ials.scoring(c.values, &s, USERS, ITEMS + 1, &how, err), MEDLEY_E_FORMAT,
                 "tensor 'item' is F32 [41, 4], expected F32 [42, 4]");
    model_state_release(&s);
}

static void test_it_is_a_model_like_others(void **state)
{
    (void)state;
    static const char *const solvers[] = {"cholesky", "cg", "blocks"};
    for (int n = 0; n < 3; n++) {
        fit_case c;
        FIT_CASE(&c, &model_ials, made.view, USERS, ITEMS, "factors", n == 1 ? "16" : "21", "epochs", "2",
                 "solver", solvers[n], "block", "16", "feedback", n == 2 ? "rating" : "binary");
        fit_check_all(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_loss_is_minimised_as_the_equations_say),
        cmocka_unit_test(test_it_is_the_same_as_implicit),
        cmocka_unit_test(test_solvers_agree_in_the_limit),
        cmocka_unit_test(test_a_known_user_is_what_the_history_gives),
        cmocka_unit_test(test_the_model_finds_tastes),
        cmocka_unit_test(test_ratings_that_are_no_weights_are_refused),
        cmocka_unit_test(test_a_tensor_that_is_wrong_is_refused),
        cmocka_unit_test(test_it_is_a_model_like_others),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
