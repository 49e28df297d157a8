#include "learner_trial.h"

#include "tensor/kmeans.h"

extern const model_class model_mf, model_kmeans_mf;

enum { USERS = 61, ITEMS = 41, FACTORS = 4, CLUSTERS = 5, SUPPORT = 3 };

static made_events made;
static tastes world;
static test_memory memory;
static medley_runtime *rt;

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    make_events(&made, USERS, ITEMS, 8);
    make_tastes(&world, 0.3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_runtime_end(rt, &memory);
    return 0;
}

static const float *tensor_of(const model_state *s, const char *name, int64_t rows, int64_t columns)
{
    const int64_t sizes[] = {rows, columns};
    const named_tensor *t;
    assert_ok(model_tensor(s, name, TENSOR_F32, 2, sizes, &t, err));
    return t->data;
}

/* The cluster whose column of user u is 1; all others are 0. */
static int64_t cluster_of(const float *user, int64_t u, int64_t clusters)
{
    int64_t at = -1;
    for (int64_t k = 0; k < clusters; k++) {
        assert_true(user[u * clusters + k] == 0 || (user[u * clusters + k] == 1 && at < 0));
        at = user[u * clusters + k] == 1 ? k : at;
    }
    assert_true(at >= 0);
    return at;
}

static double distance(const float *a, const float *b)
{
    double sum = 0;
    for (int d = 0; d < FACTORS; d++)
        sum += ((double)a[d] - (double)b[d]) * ((double)a[d] - (double)b[d]);
    return sum;
}

/* The last rating of every pair; 0: none. */
static void dense_ratings(double r[USERS][ITEMS])
{
    const interactions *const parts[] = {&made.view};
    csr_owner m;
    memset(r, 0, USERS * sizeof *r);
    assert_ok(matrix_of_parts(rt, parts, 1, USERS, ITEMS, true, &m, err));
    for (int64_t u = 0; u < USERS; u++)
        for (int64_t at = m.start[u]; at < m.start[u + 1]; at++)
            r[u][m.index[at]] = (double)m.value[at];
    csr_release(&m);
}

/* Everybody is with the nearest centre, and a centre is the mean of those who are with it, to the vectors that the same
 * settings give the model mf. */
static void test_users_are_with_the_nearest_centre_of_their_vectors(void **state)
{
    (void)state;
    fit_case c, plain;
    model_state s, of_mf;
    FIT_CASE(&c, &model_kmeans_mf, made.view, USERS, ITEMS, "factors", "4", "clusters", "5", "epochs", "8",
             "learning_rate", "0.02", "restarts", "4");
    FIT_CASE(&plain, &model_mf, made.view, USERS, ITEMS, "factors", "4", "epochs", "8", "learning_rate", "0.02");
    assert_ok(fit_model(rt, &c, &s, err));
    assert_ok(fit_model(rt, &plain, &of_mf, err));
    const float *user = tensor_of(&s, "user", USERS, CLUSTERS),
                *centre = tensor_of(&s, "centre", CLUSTERS, FACTORS),
                *p = tensor_of(&of_mf, "user", USERS, FACTORS);
    double sum[CLUSTERS][FACTORS] = {{0}}, members[CLUSTERS] = {0};
    for (int64_t u = 0; u < USERS; u++) {
        const int64_t own = cluster_of(user, u, CLUSTERS);
        for (int64_t k = 0; k < CLUSTERS; k++)
            assert_true(distance(p + u * FACTORS, centre + own * FACTORS) <=
                        distance(p + u * FACTORS, centre + k * FACTORS));
        members[own]++;
        for (int d = 0; d < FACTORS; d++)
            sum[own][d] += (double)p[u * FACTORS + d];
    }
    for (int k = 0; k < CLUSTERS; k++) {
        assert_true(members[k] > 0);
        for (int d = 0; d < FACTORS; d++)
            assert_true(fabs(sum[k][d] / members[k] - (double)centre[k * FACTORS + d]) <= 1e-6);
    }
    model_state_release(&s);
    model_state_release(&of_mf);
}

static void test_a_score_is_the_mean_rating_of_the_cluster_and_the_unsupported_come_last(void **state)
{
    (void)state;
    static double r[USERS][ITEMS];
    fit_case c;
    model_state s;
    double *scores;
    int64_t supported = 0, edge = 0;
    dense_ratings(r);
    FIT_CASE(&c, &model_kmeans_mf, made.view, USERS, ITEMS, "factors", "4", "clusters", "5", "epochs", "8",
             "learning_rate", "0.02", "min_support", "3");
    assert_ok(fit_model(rt, &c, &s, err));
    assert_ok(fit_and_score(rt, &c, &scores, err));
    const float *user = tensor_of(&s, "user", USERS, CLUSTERS);
    for (int64_t u = 0; u < USERS; u++) {
        double lowest = (double)INFINITY, highest_unsupported = -(double)INFINITY;
        for (int64_t i = 0; i < ITEMS; i++) {
            double sum = 0, count = 0;
            for (int64_t v = 0; v < USERS; v++)
                if (r[v][i] > 0 && cluster_of(user, v, CLUSTERS) == cluster_of(user, u, CLUSTERS)) {
                    sum += r[v][i];
                    count++;
                }
            edge += count == SUPPORT || count == SUPPORT - 1;
            if (count >= SUPPORT) {
                assert_true(fabs(scores[u * ITEMS + i] - sum / count) <= 1e-6 * sum);
                lowest = fmin(lowest, scores[u * ITEMS + i]);
                supported++;
            } else {
                highest_unsupported = fmax(highest_unsupported, scores[u * ITEMS + i]);
            }
        }
        assert_true(highest_unsupported < lowest);
    }
    assert_in_range(supported, USERS, USERS * ITEMS - USERS);
    assert_true(edge > 0);
    mem_free(scores);
    model_state_release(&s);
}

/* With clusters of which none supports anything. */
static void test_the_unsupported_are_ordered_by_how_many_have_rated_them(void **state)
{
    (void)state;
    static double r[USERS][ITEMS];
    fit_case c;
    double *scores, count[ITEMS] = {0};
    dense_ratings(r);
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            count[i] += r[u][i] > 0;
    FIT_CASE(&c, &model_kmeans_mf, made.view, USERS, ITEMS, "epochs", "1", "min_support", "1000");
    assert_ok(fit_and_score(rt, &c, &scores, err));
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            for (int j = 0; j < ITEMS; j++)
                assert_int_equal(scores[u * ITEMS + i] > scores[u * ITEMS + j], count[i] > count[j]);
    mem_free(scores);
}

/* Below ratings of a scale that goes under zero, too. */
static void test_the_unsupported_come_last_below_negative_ratings(void **state)
{
    (void)state;
    static const uint32_t user[] = {0, 1, 2}, item[] = {0, 0, 1};
    static const float rating[] = {-10, -8, 5};
    const interactions events = {3, user, item, rating, NULL, NULL};
    fit_case c;
    double *scores;
    FIT_CASE(&c, &model_kmeans_mf, events, 3, 2, "factors", "2", "clusters", "1", "epochs", "1", "min_support",
             "2");
    assert_ok(fit_and_score(rt, &c, &scores, err));
    for (int64_t u = 0; u < 3; u++) {
        assert_true(scores[u * 2] == -9);
        assert_true(scores[u * 2 + 1] < -10);
    }
    mem_free(scores);
}

static void test_users_of_one_taste_are_one_cluster(void **state)
{
    (void)state;
    fit_case c;
    model_state s;
    FIT_CASE(&c, &model_kmeans_mf, world.view, TASTE_USERS, TASTE_ITEMS, "factors", "4", "clusters", "3", "epochs",
             "150", "batch_size", "32", "learning_rate", "0.01", "init", "0.5", "min_support", "3");
    assert_ok(fit_model(rt, &c, &s, err));
    const float *user = tensor_of(&s, "user", TASTE_USERS, TASTE_KINDS);
    int64_t of_kind[TASTE_KINDS][TASTE_KINDS] = {{0}}, in_place = 0;
    for (int64_t u = 0; u < TASTE_USERS; u++)
        of_kind[cluster_of(user, u, TASTE_KINDS)][u % TASTE_KINDS]++;
    for (int k = 0; k < TASTE_KINDS; k++) {
        int64_t most = 0;
        for (int j = 0; j < TASTE_KINDS; j++)
            most = of_kind[k][j] > most ? of_kind[k][j] : most;
        in_place += most;
    }
    assert_true(in_place >= TASTE_USERS - 3);
    model_state_release(&s);
    check_finds_tastes(rt, &c, &world);
}

static void test_more_clusters_than_users_are_no_failure(void **state)
{
    (void)state;
    fit_case c;
    model_state s;
    FIT_CASE(&c, &model_kmeans_mf, made.view, USERS, ITEMS, "factors", "4", "clusters", "100", "epochs", "1");
    assert_ok(fit_model(rt, &c, &s, err));
    const float *user = tensor_of(&s, "user", USERS, 100);
    for (int64_t u = 0; u < USERS; u++)
        assert_in_range(cluster_of(user, u, 100), 0, USERS - 1);
    model_state_release(&s);
}

static void test_clusters_that_cannot_fit_are_refused(void **state)
{
    (void)state;
    static const int64_t start[] = {0};
    const training absurd = {.users = INT64_C(1) << 40, .items = 10, .matrix = {.start = start}};
    fit_case c;
    void *context = NULL;
    FIT_CASE(&c, &model_kmeans_mf, made.view, USERS, ITEMS, "clusters", "50000");
    assert_fails(model_kmeans_mf.learner->begin(rt, c.values, &absurd, &context, err), MEDLEY_E_LIMIT,
                 "kmeans_mf: 50000 clusters need 219902");
    assert_null(context);
}

static void test_tensors_of_another_shape_are_refused(void **state)
{
    (void)state;
    fit_case c;
    FIT_CASE(&c, &model_kmeans_mf, made.view, USERS, ITEMS, "clusters", "3", "epochs", "1");
    refuse_tensor(rt, &c, "user", "tensor 'user' is F32 [62, 3], expected F32 [61, 3]");
    refuse_tensor(rt, &c, "item", "tensor 'item' is F32 [42, 3], expected F32 [41, 3]");
}

static void test_it_is_a_model(void **state)
{
    (void)state;
    fit_case c;
    FIT_CASE(&c, &model_kmeans_mf, made.view, USERS, ITEMS, "factors", "4", "epochs", "2", "clusters", "4",
             "restarts", "2", "min_support", "2");
    fit_check_all(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_are_with_the_nearest_centre_of_their_vectors),
        cmocka_unit_test(test_a_score_is_the_mean_rating_of_the_cluster_and_the_unsupported_come_last),
        cmocka_unit_test(test_the_unsupported_are_ordered_by_how_many_have_rated_them),
        cmocka_unit_test(test_the_unsupported_come_last_below_negative_ratings),
        cmocka_unit_test(test_users_of_one_taste_are_one_cluster),
        cmocka_unit_test(test_more_clusters_than_users_are_no_failure),
        cmocka_unit_test(test_clusters_that_cannot_fit_are_refused),
        cmocka_unit_test(test_tensors_of_another_shape_are_refused),
        cmocka_unit_test(test_it_is_a_model),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
