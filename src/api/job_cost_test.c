#include "testing.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* An allocator that counts bytes; what follows may not name free. */

typedef struct counted_bytes {
    _Atomic int64_t live, peak; /* workers allocate too */
} counted_bytes;

static void count_change(counted_bytes *c, int64_t bytes)
{
    const int64_t live = atomic_fetch_add(&c->live, bytes) + bytes;
    int64_t peak = atomic_load(&c->peak);
    while (live > peak && !atomic_compare_exchange_weak(&c->peak, &peak, live)) {
    }
}

static void *count_resize(void *context, void *block, size_t old_size, size_t new_size)
{
    counted_bytes *c = context;
    if (new_size == 0) {
        count_change(c, -(int64_t)old_size);
        free(block);
        return NULL;
    }
    void *moved = realloc(block, new_size);
    if (moved != NULL)
        count_change(c, (int64_t)new_size - (int64_t)old_size);
    return moved;
}

#include <medley/model.h>

#include "api/job_cost.h"
#include "data/matrix.h"
#include "model/model.h"
#include "train/training_loop.h"

#include "made_features.h"
#include "operate.h"

#include "inside_folder.h"

/* ---- Memory ---- */

enum { PEOPLE = 1500, THINGS = 500, EACH = 20, EVENTS = PEOPLE * EACH };

/* Users with distinct items; some items are liked more. */
static interactions make_events(uint32_t *user, uint32_t *item, int64_t *timestamp, float *rating)
{
    for (int64_t u = 0; u < PEOPLE; u++)
        for (int64_t n = 0; n < EACH; n++) {
            const int64_t at = u * EACH + n;
            const double x = random_uniform(5, (uint64_t)u, (uint64_t)n);
            user[at] = (uint32_t)u;
            item[at] = (uint32_t)((n * THINGS + (int64_t)(x * x * THINGS)) / EACH);
            timestamp[at] = at;
            rating[at] = (float)(1 + at % 5);
        }
    return (interactions){.count = EVENTS, .user = user, .item = item, .timestamp = timestamp, .rating = rating};
}

/* Bytes at the peak of a fit beside its data, with `threads`. */
static int64_t peak_of(const model_class *class, const void *values, const training *data, int threads)
{
    counted_bytes bytes = {0};
    medley_runtime *own;
    model_state fitted = {0};
    const medley_runtime_options options = {.allocator = {count_resize, &bytes}, .threads = threads};
    assert_ok(medley_runtime_create(&options, &own, err));
    const int64_t before = bytes.live;
    bytes.peak = before;
    assert_ok(train_model(own, class, values, data, NULL, &fitted, NULL, err));
    model_state_release(&fitted);
    medley_runtime_free(own);
    return bytes.peak - before;
}

/* Of what is trained step by step, within a fifth of what it takes in the end. */
static void check_rehearsal(const model_class *class, void *values, const training *data)
{
    learning *s = values;
    s->epochs = 1;
    s->batch_size = 4096;
    s->validate_every = 0;
    for (int threads = 1; threads <= 2; threads++) {
        const double peak = (double)peak_of(class, values, data, threads);
        training_cost cost;
        assert_ok(train_rehearse(rt, class, values, data, &cost, err));
        if (fabs((double)cost.bytes - peak) > 0.2 * peak)
            fail_msg("%s, %d threads: estimated %lld bytes, took %.0f", class->name, threads,
                     (long long)cost.bytes, peak);
    }
}

/* What is promised: no more than 35 % below what is needed, and no more than some times above. */
static void test_estimates_of_memory_are_near_or_high(void **state)
{
    (void)state;
    static uint32_t user[EVENTS], item[EVENTS];
    static int64_t timestamp[EVENTS];
    static float rating[EVENTS];
    const interactions events = make_events(user, item, timestamp, rating), *const parts[] = {&events};
    csr_owner matrix;
    int64_t seen = 0;
    assert_ok(matrix_of_parts(rt, parts, 1, PEOPLE, THINGS, true, &matrix, err));
    const training data = {.users = PEOPLE, .items = THINGS, .events = events, .matrix = matrix.view};
    for (const model_class *const *class = model_classes; *class != NULL; class ++) {
        _Alignas(16) char values[512];
        if (strcmp((*class)->name, "contentknn") == 0 || strcmp((*class)->name, "vbpr") == 0)
            continue; /* they read a store */
        medley_params_reset((*class)->params, values);
        if ((*class)->learner != NULL) {
            check_rehearsal(*class, values, &data);
            seen++;
            continue;
        }
        const double estimate = (double)(*class)->estimate(values, &data);
        for (int threads = 1; threads <= 2; threads++) {
            const double peak = (double)peak_of(*class, values, &data, threads);
            if (estimate < peak / 1.35 - 4096 || estimate > 4 * peak + 65536)
                fail_msg("%s, %d threads: estimated %.0f bytes, took %.0f", (*class)->name, threads, estimate,
                         peak);
        }
        seen++;
    }
    assert_true(seen >= 10);
    csr_release(&matrix);
}

extern const model_class model_vbpr;

/* VBPR reads features of a store; in mixed precision it keeps them rounded too. */
static void test_the_estimate_of_a_model_of_features_is_near(void **state)
{
    (void)state;
    enum { FEATURES = 300 };
    static uint32_t user[EVENTS], item[EVENTS];
    static int64_t timestamp[EVENTS];
    static float rating[EVENTS], values[THINGS * FEATURES];
    const interactions events = make_events(user, item, timestamp, rating), *const parts[] = {&events};
    csr_owner matrix;
    for (int64_t i = 0; i < THINGS * FEATURES; i++)
        values[i] = (float)(random_uniform(6, 1, (uint64_t)i) - 0.5);
    made_items(rt, "store", THINGS);
    made_features(rt, "store", "features", values, THINGS, FEATURES);
    assert_ok(matrix_of_parts(rt, parts, 1, PEOPLE, THINGS, true, &matrix, err));
    const training data = {
        .users = PEOPLE, .items = THINGS, .events = events, .matrix = matrix.view, .folder = "store"};
    for (int mixed = 0; mixed < 2; mixed++) {
        _Alignas(16) char settings[512];
        medley_params_reset(model_vbpr.params, settings);
        ((learning *)(void *)settings)->mixed_precision = mixed;
        check_rehearsal(&model_vbpr, settings, &data);
    }
    csr_release(&matrix);
}

static void test_work_is_counted_and_grows_with_the_data(void **state)
{
    (void)state;
    static uint32_t user[EVENTS], item[EVENTS];
    static int64_t timestamp[EVENTS];
    static float rating[EVENTS];
    const interactions events = make_events(user, item, timestamp, rating), *const parts[] = {&events};
    csr_owner matrix;
    training_size size;
    const work_rates rates = {.a_second = {1, 1, 1, 1}, .threads = 1};
    assert_ok(matrix_of_parts(rt, parts, 1, PEOPLE, THINGS, true, &matrix, err));
    const training data = {.users = PEOPLE, .items = THINGS, .events = events, .matrix = matrix.view};
    assert_ok(training_measure(rt, &data, &size, err));
    assert_true(size.user_pairs == (double)PEOPLE * EACH * EACH);
    assert_true(size.item_pairs >= (double)EVENTS * EVENTS / THINGS); /* equal when all items are liked alike */
    BRUTAL(rt, &memory, training_measure(rt, &data, &size, err), (void)0);
    for (const model_class *const *class = model_classes; *class != NULL; class ++) {
        _Alignas(16) char values[512];
        workload fit = {0}, more = {0}, encode = {0};
        medley_params_reset((*class)->params, values);
        if ((*class)->work == NULL)
            continue;
        training_size larger = size;
        larger.users *= 2;
        larger.items *= 2;
        larger.entries *= 4;
        larger.events *= 4;
        larger.user_pairs *= 8;
        larger.item_pairs *= 8;
        (*class)->work(values, &size, &fit, &encode);
        (*class)->work(values, &larger, &more, &encode);
        if (strcmp((*class)->name, "random") != 0)
            assert_true(work_seconds(&more, &rates) > 1.5 * work_seconds(&fit, &rates));
    }
    csr_release(&matrix);
}

/* ---- Jobs ---- */

static void make_way(void)
{
    medley_report *report;
    for (int i = 0; i < WHOLE_WAY; i++) {
        assert_ok(operate(rt, whole_way[i].run, whole_way[i].settings, &report, err));
        medley_report_free(report);
    }
}

static medley_status estimate(const char *const *settings, medley_report **report, medley_error *err)
{
    return operate(rt, medley_estimate, settings, report, err);
}

static void test_every_job_is_estimated_and_nothing_is_done(void **state)
{
    (void)state;
    static const char *const jobs[][12] = {
        {"job=prepare", "format=movielens", "input=raw", "store=other", NULL},
        {"job=train", "store=store", "split=main", "model=ease", "l2=7", "run=other", NULL},
        {"job=sweep", "store=store", "split=main", "models=ease,popularity", "trials=3", "out=other", NULL},
        {"job=evaluate", "run=ease", "cutoffs=1,3", NULL},
        {"job=evaluate", "run=knn", "metrics=ndcg,gauc", "intervals=0", NULL},
        {"job=recommend", "run=popular", "users=1,2", NULL},
        {"job=recommend", "run=knn", "all=true", "out=other", NULL},
    };
    make_way();
    text before = {.rt = rt}, after = {.rt = rt};
    list_tree(".", &before);
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        medley_report *report;
        double bytes, part, sum = 0, seconds;
        assert_ok(estimate(jobs[i], &report, err));
        assert_true(medley_report_number(report, "estimate", 0, "peak_bytes", &bytes));
        assert_true(medley_report_number(report, "estimate", 0, "seconds", &seconds));
        assert_true(seconds > 0 && seconds < 60);
        assert_string_equal(medley_report_text(report, "estimate", 0, "fits"), "yes");
        for (int64_t row = 0; medley_report_number(report, "memory", row, "bytes", &part); row++) {
            assert_true(part >= 0);
            sum += part;
        }
        assert_true(fabs(sum - bytes) < 64); /* parts are rounded */
        medley_report_free(report);
    }
    list_tree(".", &after);
    assert_string_equal(before.bytes, after.bytes);
    text_release(&before);
    text_release(&after);
}

static void test_settings_are_checked_as_the_job_would(void **state)
{
    (void)state;
    medley_report *report;
    make_way();
    assert_fails(estimate((const char *const[]){NULL}, &report, err), MEDLEY_E_CONFIG, "job is missing");
    assert_fails(estimate((const char *const[]){"job=trian", NULL}, &report, err), MEDLEY_E_CONFIG,
                 "job: unknown 'trian' (did you mean 'train'?)");
    assert_fails(estimate((const char *const[]){"job=stats", "store=store", NULL}, &report, err), MEDLEY_E_CONFIG,
                 "job: 'stats' is not estimated; accepted: prepare, train");
    assert_fails(estimate((const char *const[]){"job=train", "store=store", NULL}, &report, err), MEDLEY_E_CONFIG,
                 "train: split is missing");
    assert_fails(estimate((const char *const[]){"job=train", "store=store", "split=main", "model=ease", "run=x",
                                                "l3=1", NULL},
                          &report, err),
                 MEDLEY_E_CONFIG, "did you mean 'l2'?");
    assert_fails(estimate((const char *const[]){"job=evaluate", "run=nowhere", NULL}, &report, err),
                 MEDLEY_E_NOT_FOUND, "nowhere");
    test_write_text("raw.csv.gz", "not read");
    assert_fails(
        estimate((const char *const[]){"job=prepare", "format=delimited", "input=raw.csv.gz", "store=x", NULL},
                 &report, err),
        MEDLEY_E_CONFIG, "is compressed");
}

static medley_status estimate_and_free(const char *const *settings, medley_error *err)
{
    medley_report *report;
    TRY(estimate(settings, &report, err));
    medley_report_free(report);
    return MEDLEY_OK;
}

static void test_a_failed_allocation_leaves_nothing(void **state)
{
    (void)state;
    static const char *const jobs[][12] = {
        {"job=train", "store=store", "split=main", "model=itemknn", "run=other", NULL},
        {"job=sweep", "store=store", "split=main", "models=ease,popularity", "out=other", NULL},
        {"job=evaluate", "run=ease", NULL},
        {"job=prepare", "format=movielens", "input=raw", "store=other", NULL},
    };
    make_way();
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        BRUTAL(rt, &memory, estimate_and_free(jobs[i], err), (void)0);
}

/* A file of 4 TiB that takes no room: zeros behind a few rows. */
static void test_a_prepare_that_cannot_fit_is_refused_before_it_reads(void **state)
{
    (void)state;
    static const char rows[] = "userId,movieId,rating,timestamp\n1,2,3,4\n1,3,3,5\n";
    const char *const settings[] = {"format=movielens", "input=huge", "store=other", NULL};
    assert_int_equal(mkdir("huge", 0777), 0);
    FILE *f = fopen("huge/ratings.csv", "w");
    assert_non_null(f);
    for (int i = 0; i < 10000; i++)
        fputs(rows, f);
    const bool sparse = fflush(f) == 0 && ftruncate(fileno(f), (off_t)1 << 42) == 0;
    fclose(f);
    if (!sparse)
        skip(); /* the file system has no files of that size */
    medley_report *report;
    assert_fails(operate(rt, medley_prepare, settings, &report, err), MEDLEY_E_LIMIT,
                 "split the input, and add its parts");
    assert_int_not_equal(access("other", F_OK), 0);
}

static int enter(void **state)
{
    (void)state;
    return enter_folder(1);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_estimates_of_memory_are_near_or_high),
        IN_FOLDER(test_the_estimate_of_a_model_of_features_is_near),
        IN_FOLDER(test_work_is_counted_and_grows_with_the_data),
        IN_FOLDER(test_every_job_is_estimated_and_nothing_is_done),
        IN_FOLDER(test_settings_are_checked_as_the_job_would),
        IN_FOLDER(test_a_failed_allocation_leaves_nothing),
        IN_FOLDER(test_a_prepare_that_cannot_fit_is_refused_before_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
