#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/kmeans.h"

enum { ROWS = 700, LENGTH = 3, GROUPS = 7 };

static float rows[ROWS * LENGTH];

static int set_up(void **state)
{
    (void)state;
    for (int64_t r = 0; r < ROWS; r++)
        for (int64_t j = 0; j < LENGTH; j++) {
            const int64_t group = r % GROUPS;
            rows[r * LENGTH + j] = (float)(10 * ((group >> j) & 1) + 30 * (group == 6 ? 1 : 0) +
                                           random_uniform(1, (uint64_t)r, (uint64_t)j));
        }
    return 0;
}

static kmeans_job job_of(int64_t clusters)
{
    return (kmeans_job){.rows = rows,
                        .count = ROWS,
                        .length = LENGTH,
                        .clusters = clusters,
                        .seed = 3,
                        .restarts = 5,
                        .iterations = 100};
}

static double distance(const float *a, const float *b)
{
    double sum = 0;
    for (int64_t j = 0; j < LENGTH; j++)
        sum += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
    return sum;
}

static medley_status run_or_release(const medley_runtime *rt, const kmeans_job *job, kmeans *out,
                                    medley_error *err)
{
    const medley_status status = kmeans_run(rt, job, out, err);
    if (status != MEDLEY_OK)
        kmeans_release(out);
    return status;
}

static void test_groups_that_lie_apart_are_found(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const kmeans_job job = job_of(GROUPS);
    kmeans k;
    (void)state;
    BRUTAL(rt, &memory, run_or_release(rt, &job, &k, err), kmeans_release(&k));
    assert_ok(kmeans_run(rt, &job, &k, err));
    assert_int_equal(k.clusters, GROUPS);
    for (int64_t r = 0; r < ROWS; r++)
        assert_int_equal(k.cluster[r], k.cluster[r % GROUPS]);
    for (int64_t a = 0; a < GROUPS; a++)
        for (int64_t b = 0; b < a; b++)
            assert_int_not_equal(k.cluster[a], k.cluster[b]);
    kmeans_release(&k);
    test_runtime_end(rt, &memory);
}

/* Nobody is nearer to another centre, centres are means of their rows, and inertia is what it says. */
static void test_the_end_is_a_fixed_point(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const kmeans_job job = job_of(4);
    kmeans k;
    double inertia = 0;
    (void)state;
    assert_ok(kmeans_run(rt, &job, &k, err));
    for (int64_t r = 0; r < ROWS; r++) {
        const double own = distance(rows + r * LENGTH, k.centre + k.cluster[r] * LENGTH);
        for (int64_t c = 0; c < k.clusters; c++)
            assert_true(own <= distance(rows + r * LENGTH, k.centre + c * LENGTH));
        inertia += own;
    }
    assert_true(fabs(inertia - k.inertia) <= 1e-9 * inertia);
    for (int64_t c = 0; c < k.clusters; c++)
        for (int64_t j = 0; j < LENGTH; j++) {
            double sum = 0, members = 0;
            for (int64_t r = 0; r < ROWS; r++)
                if (k.cluster[r] == c) {
                    sum += (double)rows[r * LENGTH + j];
                    members++;
                }
            assert_true(members > 0 && fabs(sum / members - (double)k.centre[c * LENGTH + j]) < 1e-5);
        }
    kmeans_release(&k);
    test_runtime_end(rt, &memory);
}

static void test_more_starts_are_never_worse(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    kmeans_job job = job_of(5);
    double before = INFINITY;
    (void)state;
    for (job.restarts = 1; job.restarts <= 9; job.restarts += 4) {
        kmeans k;
        assert_ok(kmeans_run(rt, &job, &k, err));
        assert_true(k.inertia <= before);
        before = k.inertia;
        kmeans_release(&k);
    }
    test_runtime_end(rt, &memory);
}

static void test_there_are_no_more_clusters_than_distinct_rows(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const float two[] = {1, 2, 3, 1, 2, 3, 4, 5, 6};
    const kmeans_job job = {two, 3, 3, 3, 1, 2, 10};
    kmeans k;
    (void)state;
    assert_ok(kmeans_run(rt, &job, &k, err));
    assert_int_equal(k.clusters, 2);
    assert_int_equal(k.cluster[0], k.cluster[1]);
    assert_int_not_equal(k.cluster[0], k.cluster[2]);
    assert_true(k.inertia == 0);
    kmeans_release(&k);
    const kmeans_job nothing = {two, 0, 3, 3, 1, 2, 10};
    assert_fails(kmeans_run(rt, &nothing, &k, err), MEDLEY_E_ARGUMENT, "k-means: there is nothing to cluster");
    test_runtime_end(rt, &memory);
}

static void test_threads_do_not_change_a_bit(void **state)
{
    const kmeans_job job = job_of(6);
    kmeans first = {0};
    test_memory first_memory;
    medley_runtime *first_rt = test_runtime(&first_memory, 1);
    (void)state;
    assert_ok(kmeans_run(first_rt, &job, &first, err));
    for (int threads = 2; threads <= 4; threads *= 2) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, threads);
        kmeans k;
        assert_ok(kmeans_run(rt, &job, &k, err));
        assert_memory_equal(k.centre, first.centre, sizeof(float) * 6 * LENGTH);
        assert_memory_equal(k.cluster, first.cluster, sizeof(uint32_t) * ROWS);
        kmeans_release(&k);
        test_runtime_end(rt, &memory);
    }
    kmeans_release(&first);
    test_runtime_end(first_rt, &first_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_that_lie_apart_are_found),
        cmocka_unit_test(test_the_end_is_a_fixed_point),
        cmocka_unit_test(test_more_starts_are_never_worse),
        cmocka_unit_test(test_there_are_no_more_clusters_than_distinct_rows),
        cmocka_unit_test(test_threads_do_not_change_a_bit),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
