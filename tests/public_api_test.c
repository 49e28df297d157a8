/* The walk that a user of the library makes, and the conventions that <medley/medley.h> promises. It is
 * written against that header alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <medley/medley.h>

static medley_runtime *rt;
static char folder[4096];

/* A call that must succeed: the message that an earlier failure left is gone then. */
#define OK(call)                                                    \
    do {                                                            \
        medley_error e_ = {MEDLEY_E_IO, "left by an earlier call"}; \
        medley_error *err = &e_;                                    \
        if ((call) != MEDLEY_OK)                                    \
            fail_msg("%s: %s", #call, e_.message);                  \
        if (e_.status != MEDLEY_OK || e_.message[0] != '\0')        \
            fail_msg("%s left '%s'", #call, e_.message);            \
    } while (0)

/* A call that must fail, with a message of one line that begins in lower case and has no final stop. */
#define FAILS(call, want, part)                                                        \
    do {                                                                               \
        medley_error e_ = {MEDLEY_OK, ""};                                             \
        medley_error *err = &e_;                                                       \
        const medley_status got_ = (call);                                             \
        const size_t length_ = strlen(e_.message);                                     \
        if (got_ != (want) || e_.status != (want) || strstr(e_.message, part) == NULL) \
            fail_msg("%s: %s '%s'", #call, medley_status_name(got_), e_.message);      \
        assert_true(length_ > 0 && strpbrk(e_.message, "\n\r\t") == NULL);             \
        assert_true(e_.message[length_ - 1] != '.');                                   \
        err = NULL; /* and nobody need listen */                                       \
        assert_int_equal((call), want);                                                \
    } while (0)

static const char *in(const char *name)
{
    static char paths[8][5000];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

typedef medley_status (*operation)(medley_runtime *, medley_config *, medley_report **, medley_error *);

/* key, value, key, value, ..., NULL; a value that begins with '/' is a path in the folder. */
static medley_status run(operation op, medley_report **report, medley_error *err, const char *const *settings)
{
    medley_config *config = NULL;
    medley_status status = medley_config_create(rt, &config, err);
    for (; status == MEDLEY_OK && *settings != NULL; settings += 2)
        status = medley_config_set(config, settings[0], settings[1][0] == '/' ? in(settings[1] + 1) : settings[1],
                                   MEDLEY_FROM_FLAG, NULL, err);
    if (status == MEDLEY_OK)
        status = op(rt, config, report, err);
    medley_config_free(config);
    return status;
}
#define RUN(op, report, ...) run(op, report, err, (const char *const[]){__VA_ARGS__, NULL})

static int set_up(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/medley-public-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    OK(medley_runtime_create(NULL, &rt, err));
    OK(RUN(medley_synth, NULL, "out", "/raw", "users", "60", "items", "40", "interactions_per_user", "10",
           "genres", "4"));
    OK(RUN(medley_prepare, NULL, "format", "movielens", "input", "/raw", "store", "/store"));
    OK(RUN(medley_split, NULL, "store", "/store", "name", "main", "strategy", "random"));
    OK(RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "itemknn", "neighbours", "10", "run",
           "/run"));
    return 0;
}

static int tear_down(void **state)
{
    char command[5000];
    (void)state;
    medley_runtime_free(rt);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static double number(const medley_report *r, const char *section, int64_t row, const char *name)
{
    double value = -1;
    if (!medley_report_number(r, section, row, name, &value))
        fail_msg("no number %s in row %d of %s", name, (int)row, section);
    return value;
}

static void test_every_operation_reports_in_three_forms(void **state)
{
    (void)state;
    medley_report *reports[7];
    OK(RUN(medley_synth, &reports[0], "out", "/raw2", "users", "60", "items", "40"));
    OK(RUN(medley_prepare, &reports[1], "format", "movielens", "input", "/raw2", "store", "/store2"));
    OK(RUN(medley_stats, &reports[2], "store", "/store2"));
    OK(RUN(medley_split, &reports[3], "store", "/store2", "name", "late", "strategy", "temporal"));
    OK(RUN(medley_train, &reports[4], "store", "/store2", "split", "late", "model", "popularity", "run", "/run2"));
    OK(RUN(medley_evaluate, &reports[5], "run", "/run2", "cutoffs", "5"));
    OK(RUN(medley_recommend, &reports[6], "run", "/run2", "all", "true", "top_k", "3"));
    assert_int_equal((int)number(reports[4], "run", 0, "users"), 60);
    assert_true(number(reports[5], "protocol", 0, "users") > 0);
    assert_int_equal(medley_report_rows(reports[6], "recommendations"), 180);
    for (int i = 0; i < 7; i++) {
        const char *text;
        for (int form = 0; form < 3; form++) {
            OK(medley_report_render(reports[i], (medley_report_form)form, &text, err));
            assert_true(strlen(text) > 10 && text[strlen(text) - 1] == '\n');
        }
        assert_int_equal(text[0], '{'); /* JSON is the last form */
        medley_report_free(reports[i]);
    }
}

static void test_a_store_maps_ids_and_indexes(void **state)
{
    (void)state;
    medley_store *store;
    OK(medley_store_open(rt, in("store"), &store, err));
    const int64_t users = medley_store_users(store), items = medley_store_items(store);
    assert_int_equal(users, 60);
    assert_int_equal(items, 40);
    assert_true(medley_store_interactions(store) > 300);
    for (int64_t i = 0; i < users; i++)
        assert_int_equal(medley_store_user_index(store, medley_store_user_id(store, i)), i);
    for (int64_t i = 0; i < items; i++) {
        assert_int_equal(medley_store_item_index(store, medley_store_item_id(store, i)), i);
        assert_true(strlen(medley_store_item_title(store, i)) > 6);
    }
    assert_int_equal(medley_store_user_index(store, "nobody"), -1);
    assert_int_equal(medley_store_item_index(store, ""), -1);
    assert_null(medley_store_user_id(store, -1));
    assert_null(medley_store_user_id(store, users));
    assert_null(medley_store_item_id(store, items));
    assert_null(medley_store_item_title(store, INT64_MAX));
    medley_store_free(store);
}

static void test_a_model_ranks_for_users_and_for_a_history(void **state)
{
    (void)state;
    medley_model *model;
    medley_ranker *ranker;
    const int64_t users[] = {5, 0, 5}, history[] = {1, 2, 3};
    int64_t items[12], other[4];
    float scores[12];
    OK(medley_model_open(rt, in("run"), NULL, &model, err));
    assert_string_equal(medley_model_name(model), "itemknn");
    assert_int_equal(medley_store_users(medley_model_store(model)), 60);
    OK(medley_ranker_create(model, &ranker, err));
    OK(medley_ranker_rank(ranker, users, 3, 4, items, scores, err));
    assert_memory_equal(items, items + 8, 4 * sizeof *items); /* the same user, the same list */
    for (int i = 0; i < 12; i++)
        assert_true(items[i] >= 0 && items[i] < 40 && (i % 4 == 0 || scores[i] <= scores[i - 1]));
    OK(medley_ranker_rank(ranker, users + 1, 1, 4, other, NULL, err));
    assert_memory_equal(items + 4, other, sizeof other);
    OK(medley_ranker_rank_history(ranker, &(medley_history){.items = history, .count = 3}, 4, other, scores, err));
    for (int i = 0; i < 4; i++)
        assert_true(other[i] >= 0 && other[i] != 1 && other[i] != 2 && other[i] != 3);
    medley_ranker_free(ranker);
    medley_model_free(model);
}

static void test_results_are_null_after_a_failure(void **state)
{
    (void)state;
    medley_report *report = (medley_report *)folder;
    medley_store *store = (medley_store *)folder;
    medley_model *model = (medley_model *)folder;
    medley_config *config;
    medley_entry entry = {.name = "old"};
    char *text = folder;
    FAILS(medley_store_open(rt, in("absent"), &store, err), MEDLEY_E_NOT_FOUND, "absent");
    assert_null(store);
    FAILS(medley_store_open(rt, NULL, &store, err), MEDLEY_E_ARGUMENT, "path: NULL");
    FAILS(medley_model_open(rt, in("store"), NULL, &model, err), MEDLEY_E_NOT_FOUND, "is no run");
    assert_null(model);
    FAILS(medley_model_open(rt, NULL, NULL, &model, err), MEDLEY_E_ARGUMENT, "run: NULL");
    FAILS(medley_model_open(rt, in("run"), in("absent"), &model, err), MEDLEY_E_NOT_FOUND, "absent");
    FAILS(RUN(medley_train, &report, "store", "/store"), MEDLEY_E_CONFIG, "train: split is missing");
    assert_null(report);
    FAILS(medley_registry_find("models", "none", &entry, err), MEDLEY_E_NOT_FOUND, "unknown 'none'");
    assert_null(entry.name);
    FAILS(medley_reference(rt, "models", "none", MEDLEY_REFERENCE_HELP, &text, err), MEDLEY_E_NOT_FOUND,
          "unknown 'none'");
    assert_null(text);
    OK(medley_config_create(rt, &config, err));
    report = (medley_report *)folder;
    FAILS(medley_config_resolve(config, "train", &report, err), MEDLEY_E_CONFIG, "store is missing");
    assert_null(report);
    medley_config_free(config);
}

static void test_an_operation_says_what_is_wrong_and_writes_nothing(void **state)
{
    (void)state;
    FAILS(RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "eaze", "run", "/new"),
          MEDLEY_E_CONFIG, "unknown 'eaze' (did you mean 'ease'?)");
    FAILS(RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "ease", "run", "/new", "l3", "5"),
          MEDLEY_E_CONFIG, "unknown key 'l3' (did you mean 'l2'?)");
    FAILS(RUN(medley_train, NULL, "store", "/store", "split", "mian", "model", "ease", "run", "/new"),
          MEDLEY_E_NOT_FOUND, "mian");
    FAILS(RUN(medley_train, NULL, "store", "/raw", "split", "main", "model", "ease", "run", "/new"),
          MEDLEY_E_NOT_FOUND, "is no store");
    assert_int_not_equal(access(in("new"), F_OK), 0);
    FAILS(RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "ease", "run", "/run"),
          MEDLEY_E_EXISTS, "run");
    FAILS(RUN(medley_prepare, NULL, "format", "movielens", "input", "/absent", "store", "/new"),
          MEDLEY_E_NOT_FOUND, "absent");
    FAILS(RUN(medley_evaluate, NULL, "run", "/run", "cutoffs", "5,3"), MEDLEY_E_CONFIG,
          "cutoffs: 3 does not ascend");
    FAILS(RUN(medley_evaluate, NULL, "run", "/run", "metrics", "ndgc"), MEDLEY_E_CONFIG, "did you mean 'ndcg'?");
    FAILS(RUN(medley_recommend, NULL, "run", "/run"), MEDLEY_E_CONFIG, "accepted is one of users");
    FAILS(RUN(medley_recommend, NULL, "run", "/run", "users", "1,nobody"), MEDLEY_E_NOT_FOUND,
          "'nobody' is no user");
    assert_int_not_equal(access(in("new"), F_OK), 0);
}

static void test_a_run_follows_its_store_and_notices_another_split(void **state)
{
    (void)state;
    medley_model *model;
    OK(RUN(medley_synth, NULL, "out", "/raw3", "users", "50", "items", "30"));
    OK(RUN(medley_prepare, NULL, "format", "movielens", "input", "/raw3", "store", "/here"));
    OK(RUN(medley_split, NULL, "store", "/here", "name", "a", "strategy", "random"));
    OK(RUN(medley_train, NULL, "store", "/here", "split", "a", "model", "ease", "run", "/run3"));
    assert_int_equal(rename(in("here"), in("there")), 0);
    FAILS(medley_model_open(rt, in("run3"), NULL, &model, err), MEDLEY_E_NOT_FOUND, "here");
    OK(medley_model_open(rt, in("run3"), in("there"), &model, err));
    medley_model_free(model);
    OK(RUN(medley_split, NULL, "store", "/there", "name", "a", "strategy", "random", "seed", "1", "force",
           "true"));
    FAILS(medley_model_open(rt, in("run3"), in("there"), &model, err), MEDLEY_E_STALE, "train again");
    assert_null(model);
    FAILS(medley_model_open(rt, in("run3"), in("store"), &model, err), MEDLEY_E_NOT_FOUND, "'a'");
}

static void test_ending_nothing_is_fine(void **state)
{
    (void)state;
    medley_runtime_free(NULL);
    medley_config_free(NULL);
    medley_report_free(NULL);
    medley_store_free(NULL);
    medley_model_free(NULL);
    medley_ranker_free(NULL);
    medley_text_free(NULL);
}

static bool stop(void *context, const char *phase, int64_t done, int64_t total)
{
    ++*(int *)context;
    assert_true(strlen(phase) > 0 && done >= 0 && total >= 0);
    return false;
}

static void test_the_caller_can_stop_the_work(void **state)
{
    (void)state;
    int calls = 0;
    medley_runtime *own, *kept = rt;
    const medley_runtime_options options = {.threads = 1, .progress = stop, .progress_context = &calls};
    OK(medley_runtime_create(&options, &own, err));
    rt = own;
    FAILS(RUN(medley_prepare, NULL, "format", "movielens", "input", "/raw", "store", "/stopped"), MEDLEY_E_STOPPED,
          "stopped while");
    rt = kept;
    assert_true(calls > 0);
    assert_int_not_equal(access(in("stopped"), F_OK), 0);
    medley_runtime_free(own);
}

static void test_settings_may_come_from_a_file(void **state)
{
    (void)state;
    medley_config *config;
    medley_report *report;
    FILE *file = fopen(in("exp.yaml"), "w");
    fprintf(file, "run: %s\ncutoffs: [5, 10]\nmetrics: [ndcg, hr]\n", in("run"));
    fclose(file);
    OK(medley_config_create(rt, &config, err));
    OK(medley_config_load(config, in("exp.yaml"), err));
    assert_string_equal(medley_config_value(config, "cutoffs"), "5,10");
    OK(medley_evaluate(rt, config, &report, err));
    assert_int_equal(medley_report_rows(report, "metrics"), 2);
    assert_string_equal(medley_report_text(report, "metrics", 0, "metric"), "ndcg");
    assert_true(number(report, "metrics", 0, "@10") > 0 &&
                number(report, "metrics", 1, "@5") <= number(report, "metrics", 1, "@10"));
    medley_report_free(report);
    medley_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation_reports_in_three_forms),
        cmocka_unit_test(test_a_store_maps_ids_and_indexes),
        cmocka_unit_test(test_a_model_ranks_for_users_and_for_a_history),
        cmocka_unit_test(test_results_are_null_after_a_failure),
        cmocka_unit_test(test_an_operation_says_what_is_wrong_and_writes_nothing),
        cmocka_unit_test(test_a_run_follows_its_store_and_notices_another_split),
        cmocka_unit_test(test_ending_nothing_is_fine),
        cmocka_unit_test(test_the_caller_can_stop_the_work),
        cmocka_unit_test(test_settings_may_come_from_a_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
